/*
 * admin: status, and the requests that change who takes part.
 *
 * join, leave and transfer go to the leader; one that the protocol cannot take just now (the change before
 * is not committed yet) waits its turn, and so does one that it took and that another leader's change kept from happening.
 * They are answered when the committed configuration, or the leader, is as asked: so a repeat of one that was done already is
 * answered at once.
 */
#include "lib/node/inside.h"
#include "lib/node/metrics.h"

/* A joiner catches up first. */
enum { PATIENCE = 12 };         /* request timeouts */
static const uint64_t RETRY_NS = 20 * UINT64_C(1000000);

struct admin_name { const char *type; enum admin_kind kind; };

static const struct admin_name kinds[] = {
	{ "status", ADMIN_STATUS }, { "join", ADMIN_JOIN }, { "leave", ADMIN_LEAVE },
	{ "transfer", ADMIN_TRANSFER }, { "snapshot", ADMIN_SNAPSHOT },
};

enum admin_kind admin_kind(struct wire_text type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (text_is(type, kinds[i].type))
			return kinds[i].kind;
	return ADMIN_NONE;
}

/* --- Status --- */

static void add(json_t *to, const char *name, uint64_t value)
{
	json_object_set_new(to, name, json_integer((json_int_t)value));
}

static json_t *counters(struct node *n)
{
	const struct counters *c = &n->count;
	json_t *o = json_object();

	add(o, "lines", c->lines);
	add(o, "bad_lines", c->bad_lines);
	add(o, "not_mine", c->not_mine);
	add(o, "requests", c->requests);
	add(o, "errors", c->errors);
	add(o, "forwarded", c->forwarded);
	add(o, "reads", c->reads);
	add(o, "stale_reads", c->stale_reads);
	add(o, "entries_applied", c->entries_applied);
	add(o, "flushes", c->flushes);
	add(o, "flushed_bytes", c->flushed_bytes);
	add(o, "flush_us", c->flush_ns / 1000);
	add(o, "snapshots", c->snapshots);
	add(o, "snapshots_installed", c->snapshots_installed);
	add(o, "leader_changes", c->leader_changes);
	add(o, "dropped_lines", c->dropped_lines);
	add(o, "dropped_bytes", c->dropped_bytes);
	add(o, "bytes_in", c->bytes_in);
	add(o, "bytes_out", c->bytes_out);
	return o;
}

json_t *admin_status(struct node *n)
{
	json_t *s = json_object(), *c = counters(n);

	json_object_set_new(s, "id", json_string(n->id));
	n->protocol->status(n->p, s, n->applied);
	add(s, "waiting", request_count(n));
	add(s, "log_bytes", store_log_bytes(n->store));
	add(s, "flush_max_us", n->count.flush_max_ns / 1000);
	n->machine->status(n->m, s);
	json_object_set_new(s, "counters", c);
	return s;
}

static void answer_status(struct node *n, const struct origin *o)
{
	json_t *status = admin_status(n);
	char *text = json_dumps(status, JSON_COMPACT);
	struct buf b = { 0 };

	buf_puts(&b, "\"type\":\"status_ok\",");
	buf_add(&b, text + 1, strlen(text) - 2);
	answer(n, o, (struct wire_text){ b.at, b.len });
	buf_release(&b);
	free(text);
	json_decref(status);
}

void admin_metrics(struct node *n)
{
	struct store_report report;
	json_t *status;

	if (!n->options->metrics || !n->open)
		return;
	status = admin_status(n);
	if (metrics_write(n->options->metrics, status, &report))
		node_die(STORE_ESYSTEM, "%s", report.text);
	json_decref(status);
}

/* --- Changes --- */

static void finish(struct node *n, struct waiting *w, const char *inside)
{
	struct origin o = waiting_origin(w);

	answer(n, &o, (struct wire_text){ inside, strlen(inside) });
	w->done = true;
}

static void refuse(struct node *n, struct waiting *w, enum wire_code code, const char *text)
{
	struct origin o = waiting_origin(w);

	answer_error(n, &o, code, text);
	w->done = true;
}

static bool is_so(struct node *n, enum admin_kind kind, const char *name)
{
	const char *leader = n->protocol->leader(n->p);

	switch (kind) {
	case ADMIN_JOIN:
		return n->protocol->member(n->p, name) == 2;
	case ADMIN_LEAVE:
		return n->protocol->member(n->p, name) == 0;
	case ADMIN_TRANSFER:
		return *leader && (*name ? !strcmp(leader, name) : strcmp(leader, n->id) != 0);
	default:
		return false;
	}
}

static struct refusal propose(struct node *n, enum admin_kind kind, const char *name)
{
	switch (kind) {
	case ADMIN_JOIN:
		return n->protocol->join(n->p, name);
	case ADMIN_LEAVE:
		return n->protocol->leave(n->p, name);
	default:
		return n->protocol->transfer(n->p, name);
	}
}

/* The leader that we were is no more: another one takes it. */
static void forward_change(struct node *n, const struct origin *o, enum admin_kind kind, const char *name)
{
	struct buf b = { 0 };

	buf_printf(&b, "{\"type\":\"%s\",\"%s\":", kinds[kind - 1].type, kind == ADMIN_TRANSFER ? "to" : "node");
	wire_put_string(&b, name, strlen(name));
	buf_putc(&b, '}');
	forward_request(n, o, (struct wire_text){ b.at, b.len });
	buf_release(&b);
}

/* key: the kind; `asked`, the lowest bit above it: the protocol took it; `last`: and no join or leave since. */
enum { ASKED = 16, LAST = 32 };

static void set_last(struct node *n, struct waiting *last)
{
	for (struct waiting *w = queue_front(&n->changes); w; w = queue_next(&n->changes, w))
		w->key &= ~(uint64_t)LAST;
	last->key |= LAST;
}

/* It is asked for anew, here or of who leads now. */
void node_change_lost(struct node *n)
{
	for (struct waiting *w = queue_front(&n->changes); w; w = queue_next(&n->changes, w))
		if (w->key & LAST)
			w->key &= ~(uint64_t)(ASKED | LAST);
	n->changed = true;
}

static void push_on(struct node *n, struct waiting *w)
{
	static const char *const done[] = {
		[ADMIN_JOIN] = "\"type\":\"join_ok\"", [ADMIN_LEAVE] = "\"type\":\"leave_ok\"",
		[ADMIN_TRANSFER] = "\"type\":\"transfer_ok\"",
	};
	enum admin_kind kind = (enum admin_kind)(w->key & (ASKED - 1));
	char name[WIRE_NAME_BYTES_MAX + 1];
	struct refusal no;

	memcpy(name, waiting_body(w).p, w->body_len);
	name[w->body_len] = '\0';
	/* A node that does not lead may know an old configuration. */
	if ((w->key & ASKED || n->protocol->leading(n->p)) && is_so(n, kind, name)) {
		finish(n, w, done[kind]);
		return;
	}
	if (w->key & ASKED) {
		if (kind == ADMIN_TRANSFER && n->protocol->leading(n->p))
			refuse(n, w, WIRE_ABORT, "the transfer did not end in time");
		return;
	}
	if (!n->protocol->leading(n->p) && *n->leader && strcmp(n->leader, n->id)) {
		struct origin o = waiting_origin(w);

		if (o.forward)
			forward_answer(n, &o, (struct wire_text){ 0 });
		else
			forward_change(n, &o, kind, name);
		w->done = true;
		return;
	}
	no = propose(n, kind, name);
	if (!no.text) {
		w->key |= ASKED;
		if (kind != ADMIN_TRANSFER)
			set_last(n, w);
	} else if (!no.elsewhere) {
		refuse(n, w, no.code, no.text);
	}
}

void admin_turn(struct node *n)
{
	struct waiting *w;

	for (w = queue_front(&n->changes); w; w = queue_next(&n->changes, w)) {
		if (w->done)
			continue;
		if (w->key == ADMIN_SNAPSHOT) {
			if (n->no_snapshots)
				refuse(n, w, WIRE_NOT_SUPPORTED, "this machine gives no snapshots");
			else if (n->snapshot_index >= n->snapshot_wanted)
				finish(n, w, "\"type\":\"snapshot_ok\"");
			continue;
		}
		push_on(n, w);
	}
	while ((w = queue_front(&n->changes)) && w->done)
		queue_pop(&n->changes);
	n->changes_due_ns = n->changes.count ? n->now_ns + RETRY_NS : UINT64_MAX;
}

void admin_expire(struct node *n)
{
	queue_expire(n, &n->changes, WIRE_TIMEOUT, "it did not end in time: it may yet");
}

static void take_change(struct node *n, enum admin_kind kind, const struct origin *o, struct wire_text body)
{
	struct origin patient = *o;
	const char *leader = n->protocol->leader(n->p);
	struct wire_value field[2];
	char name[WIRE_NAME_BYTES_MAX + 1] = "";
	const struct wire_value *who = &field[kind == ADMIN_TRANSFER];

	wire_body(n->admin_names, body, field);
	if ((who->kind != WIRE_ABSENT || kind != ADMIN_TRANSFER) &&
	    (!wire_string(who, name, WIRE_NAME_BYTES_MAX) || !*name)) {
		answer_error(n, o, WIRE_MALFORMED, kind == ADMIN_TRANSFER ? "\"to\" has to be the name of a node" :
			     "\"node\" has to be the name of a node");
		return;
	}
	if (!n->protocol->leading(n->p) && *leader && strcmp(leader, n->id)) {
		if (o->forward)
			forward_answer(n, o, (struct wire_text){ 0 });
		else
			forward_request(n, o, body);
		return;
	}
	if (request_is_lost_here(n, o))
		return;
	patient.deadline_ns += (PATIENCE - 1) * n->options->request_timeout_ns;
	queue_push(&n->changes, kind, &patient, (struct wire_text){ name, strlen(name) });
	n->changed = true;
}

void admin_take(struct node *n, enum admin_kind kind, const struct origin *o, struct wire_text body)
{
	if (kind == ADMIN_STATUS) {
		answer_status(n, o);
	} else if (n->changes.count >= NODE_CHANGES_MAX) {
		answer_error(n, o, WIRE_UNAVAILABLE, "too many changes wait here");
	} else if (kind == ADMIN_SNAPSHOT) {
		node_snapshot_want(n);
		queue_push(&n->changes, kind, o, (struct wire_text){ 0 });
		n->changed = true;
	} else {
		take_change(n, kind, o, body);
	}
}
