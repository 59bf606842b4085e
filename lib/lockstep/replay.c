/*
 * replay: which faults of the replayed trace were asked for by messages to `net`.
 *
 * All faults of a trace are the replay's plan, and so are those: the message comes again and does nothing by itself.  But
 * it has to come first, as it did then: so at such a time what is planned waits for it.
 */
#include "lib/lockstep/inside.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_net(struct wire_text t)
{
	return t.len == 3 && !memcmp(t.p, "net", 3);
}

static bool from_client(const struct lockstep *l, struct wire_text src)
{
	const struct party *p = book_find(&l->book, src.p, src.len);

	return !p || p->kind != PARTY_NODE;
}

void replay_open(struct lockstep *l)
{
	const char *path = l->options->replay;
	struct trace_reader *r;
	struct trace_event e;
	struct stat st;
	bool asked = false;
	size_t room = 0;

	/* What can be read but once has been read. */
	if (!path || stat(path, &st) || !S_ISREG(st.st_mode) || !(r = trace_reader_open(path)))
		return;
	while (trace_next(r, &e) > 0) {
		if (e.kind != TRACE_FAULT)
			asked = e.kind == TRACE_DELIVER && is_net(e.dest) && from_client(l, e.src);
		if (e.kind != TRACE_FAULT || !asked || e.ends)
			continue;
		if (l->asked_count == room) {
			room = room ? 2 * room : 16;
			l->asked_at = must_realloc(l->asked_at, room * sizeof(*l->asked_at));
		}
		l->asked_at[l->asked_count++] = e.at;
	}
	trace_reader_free(r);
}

bool replay_waits(struct lockstep *l, uint64_t at_ns)
{
	while (l->asked_next < l->asked_count && l->asked_at[l->asked_next] < at_ns)
		l->asked_next++;
	return l->asked_next < l->asked_count && l->asked_at[l->asked_next] == at_ns;
}

bool replay_order(struct lockstep *l, enum fault_kind kind, uint64_t *id)
{
	const struct fault_order *orders;
	size_t count;

	orders = trace_replay_orders(l->rig.replay, &count);
	while (l->ordered < count && orders[l->ordered].at_ns < l->now_ns)
		l->ordered++;
	for (size_t i = l->ordered; i < count && orders[i].at_ns == l->now_ns; i++)
		if (orders[i].kind == kind) {
			*id = orders[i].id;
			l->ordered = i + 1;
			return true;
		}
	return false;
}
