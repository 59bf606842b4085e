/*
 * scenario_text: what a core of either protocol says, as short lines, for the scenarios.
 *
 * Included by raft_text.h and paxos_text.h behind their shells.
 */
#ifndef TESTS_UNIT_SCENARIO_TEXT_H
#define TESTS_UNIT_SCENARIO_TEXT_H

#include <inttypes.h>
#include <stdarg.h>

/* --- A text that grows --- */

struct text {
	char *p;
	size_t length, room;
};

static void put_bytes(struct text *t, const char *p, size_t n)
{
	if (t->length + n + 1 > t->room) {
		t->room = 2 * (t->length + n + 1);
		t->p = realloc(t->p, t->room);
		assert(t->p);
	}
	if (n)          /* p of an empty text may be NULL */
		memcpy(t->p + t->length, p, n);
	t->length += n;
	t->p[t->length] = '\0';
}

__attribute__((format(printf, 2, 3)))
static void put(struct text *t, const char *format, ...)
{
	char line[4096];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	assert(n >= 0 && n < (int)sizeof(line));
	put_bytes(t, line, (size_t)n);
}

/* --- What each protocol says for itself --- */

static const char *role_of(const struct shell *);               /* and in which term, or ballot; until the next call */
static bool writes(const struct CORE(out) *);
static uint64_t committed(const struct CORE(out) *);
static const struct CORE(config) *settled(const struct shell *);
static uint64_t read_at(const struct CORE(out) *);
static void put_packet(struct text *, const struct packet *);

/* --- What both say --- */

static const char *const refusal_text[] = {
	"taken", "not leader", "transferring", "too early", "change pending", "no such member", "last voter",
	"too many", "no target", "log full", "already",
	"quorums", "no proposer",       /* Paxos's */
};

static const char *const role_text[] = { "follower", "candidate", "leader", "learner" };

static void put_config(struct text *t, const struct CORE(config) *config)
{
	for (int voters = 1; voters >= 0; voters--) {
		bool any = false;

		for (uint32_t i = 0; i < config->count; i++) {
			if (config->member[i].voter != voters)
				continue;
			put(t, "%s%s", any ? " " : voters ? " voters " : " learners ", config->member[i].name);
			any = true;
		}
	}
	if (config->count == 0)
		put(t, " nobody");
}

static void put_chunk(struct text *t, const struct shell *s, const struct CORE(in) *in, const struct CORE(out) *out)
{
	if (out->chunk)
		put(t, "  %s takes bytes %" PRIu64 "-%" PRIu64 "\n", s->name, in->message->offset,
		    in->message->offset + in->message->data_bytes);
}

static void put_sends(struct text *t, struct shell *s, const struct CORE(out) *out)
{
	for (size_t i = 0; i < out->message_count; i++) {
		struct packet *p = shell_pack(s, &out->messages[i]);

		put(t, "  ");
		put_packet(t, p);
		put(t, "%s\n", p->m.after_persist ? " (once durable)" : "");
		packet_free(p);
	}
}

static void put_results(struct text *t, const struct shell *s, const struct CORE(out) *out, uint64_t before)
{
	if (out->refused)
		put(t, "  %s refuses: %s\n", s->name, refusal_text[out->refused]);
	if (committed(out) > before)
		put(t, "  %s %s %" PRIu64 "\n", s->name, commits, committed(out));
	if (out->config_changed) {
		put(t, "  %s settles on", s->name);
		put_config(t, settled(s));
		put(t, "\n");
	}
	if (out->read)
		put(t, "  %s takes read %" PRIu64 "\n", s->name, out->read);
	if (out->reads_confirmed)
		put(t, "  %s answers reads up to %" PRIu64 " at %" PRIu64 "\n", s->name, out->reads_confirmed, read_at(out));
	if (out->reads_lost)
		put(t, "  %s loses reads up to %" PRIu64 "\n", s->name, out->reads_lost);
	if (out->transfer_failed)
		put(t, "  %s gives the transfer up\n", s->name);
}

#endif
