/*
 * external: the state machine is any program (machine.h, faultline-machine(5)).
 *
 *     {"index":7,"command":{"from":"ann","to":"bob","amount":5}}          to its stdin, in the order of the log
 *     {"ok":true}                                                         its answer, one line of any JSON
 *
 * Commands are handed on before the answers to earlier ones have come; all that waits for an answer stands in one
 * queue, and what needs no program (an entry that is no command, a repeat in a session) waits there for its turn: so
 * the runtime hears the answers in the order of the log.
 *
 * The state is what the program has in memory after the last command, and the sessions here.  While a snapshot is
 * asked for no command is given, so that when the program's state comes, the sessions are those of the same index.
 */
#include "lib/base/err.h"
#include "lib/json/scan.h"
#include "lib/node/external_once.h"
#include "lib/node/external_program.h"
#include "lib/node/external_text.h"
#include "lib/node/machine.h"

#include <assert.h>
#include <stdlib.h>

enum {
	WAITING_MAX = 256,              /* commands without an answer */
	WAITING_BYTES_MAX = 1 << 20,    /* of them; the last may go beyond */
	ANSWER_BYTES_MAX = 4 << 20,
	KEEP_BYTES = 1 << 16,
	SHOWN_BYTES = 200,              /* of a bad answer */
};

struct waiting {
	enum { WAIT_COMMAND, WAIT_REPEAT, WAIT_REFUSAL, WAIT_SNAPSHOT, WAIT_RESTORE } kind;
	uint64_t index;
	size_t bytes;                   /* COMMAND: of its line */
	struct once_session *session;   /* COMMAND: or NULL; REPEAT */
	uint64_t seq;
	enum wire_code code;            /* REFUSAL */
	const char *text;
};

struct external {
	struct node *node;
	struct program_options options;
	char *command;
	struct program *program;
	bool asked;                     /* the program was given something: it is not as new */
	struct waiting waiting[WAITING_MAX + 1];        /* a ring; room for a snapshot or a restore */
	size_t first, count;
	size_t command_bytes;           /* of the commands in it */
	size_t in_sessions;             /* how many of them are of sessions */
	size_t snapshots;               /* in it; all but the last were abandoned */
	struct once once;
	enum { SNAPSHOT_OFF, SNAPSHOT_ASKED, SNAPSHOT_NONE, SNAPSHOT_HERE } snapshot;
	struct buf snapshot_lines;      /* HERE: not handed out yet */
	struct buf restore;             /* the program's state, between reset and loaded */
	struct buf inside;              /* the answer last made */
	uint64_t given;                 /* commands, ever */
	struct texts texts;
};

static enum machine_class classify(void *m, struct wire_text type, struct wire_text body, const char **error)
{
	const struct external *e = m;
	struct command command;

	if (type.len != 5 || memcmp(type.p, "apply", 5))
		return MACHINE_UNKNOWN;
	*error = texts_command(&e->texts, body, &command);
	return MACHINE_WRITE;
}

/* --- The queue --- */

static void push(struct external *e, struct waiting w)
{
	assert(e->count <= WAITING_MAX);
	e->waiting[(e->first + e->count++) % (WAITING_MAX + 1)] = w;
}

static struct waiting pop(struct external *e)
{
	struct waiting w = e->waiting[e->first];

	assert(e->count);
	e->first = (e->first + 1) % (WAITING_MAX + 1);
	e->count--;
	return w;
}

static bool asks_program(const struct waiting *w)
{
	return w->kind != WAIT_REPEAT && w->kind != WAIT_REFUSAL;
}

static void put_error(struct buf *b, enum wire_code code, const char *text)
{
	buf_puts(b, "\"type\":\"error\",\"code\":");
	buf_u64(b, (uint64_t)code);
	buf_puts(b, ",\"text\":");
	wire_put_string(b, text, strlen(text));
}

static void put_result(struct buf *b, struct wire_text result)
{
	buf_puts(b, TEXTS_APPLY_OK);
	buf_add(b, result.p, result.len);
}

/* What no program has to be asked for. */
static void put_answer(const struct waiting *w, struct buf *b)
{
	struct wire_text result;

	if (w->kind == WAIT_REFUSAL) {
		put_error(b, w->code, w->text);
		return;
	}
	result = once_answer(w->session, w->seq);
	if (!result.p) {
		put_error(b, WIRE_CRASH, "it was answered, too long for the answer to be kept");
		return;
	}
	put_result(b, result);
}

/* --- Answers of the program --- */

__attribute__((noreturn))
static void die_of_answer(struct external *e, const char *why, const char *line, size_t len)
{
	program_die(e->program, "%s: %.*s%s", why, (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES), line,
		    len < SHOWN_BYTES ? "" : "...");
}

static struct wire_text value_of(struct external *e, const char *line, size_t len)
{
	struct wire_text value;
	const char *fault = texts_answer(&e->texts, line, len, &value);

	if (fault)
		die_of_answer(e, fault, line, len);
	return value;
}

static void take_restored(struct external *e, const char *line, size_t len)
{
	if (!texts_restored(&e->texts, value_of(e, line, len)))
		die_of_answer(e, "it did not restore the snapshot, its answer is", line, len);
}

static void take_snapshot(struct external *e, const char *line, size_t len)
{
	struct wire_text state = texts_snapshot(&e->texts, value_of(e, line, len));

	e->snapshots--;
	if (e->snapshot != SNAPSHOT_ASKED || e->snapshots)
		return;         /* it was abandoned */
	if (!state.p) {
		e->snapshot = SNAPSHOT_NONE;
		return;
	}
	e->snapshot = SNAPSHOT_HERE;
	buf_puts(&e->snapshot_lines, "{\"state\":");
	buf_add(&e->snapshot_lines, state.p, state.len);
	buf_puts(&e->snapshot_lines, "}\n");
	once_put(&e->once, &e->snapshot_lines);
	texts_forget(&e->texts);
}

/* The inside of the answer is in e->inside. */
static void take_result(struct external *e, const struct waiting *w, const char *line, size_t len)
{
	struct wire_text value;

	if (len > ANSWER_BYTES_MAX)
		die_of_answer(e, "an answer of more than 4 MiB", line, len);
	value = value_of(e, line, len);
	e->command_bytes -= w->bytes;
	if (w->session) {
		e->in_sessions--;
		once_keep(&e->once, w->session, w->seq, value);
	}
	buf_clear(&e->inside, KEEP_BYTES);
	put_result(&e->inside, value);
}

static void tell(struct external *e, uint64_t index)
{
	if (!e->options.blocking)
		node_applied(e->node, index, (struct wire_text){ e->inside.at, e->inside.len });
}

static void answered(void *ctx, const char *line, size_t len)
{
	struct external *e = ctx;
	struct waiting w = pop(e);

	switch (w.kind) {
	case WAIT_COMMAND:
		take_result(e, &w, line, len);
		tell(e, w.index);
		break;
	case WAIT_SNAPSHOT:
		take_snapshot(e, line, len);
		break;
	case WAIT_RESTORE:
		take_restored(e, line, len);
		break;
	default:
		assert(!"it was not asked");
	}
	while (e->count && !asks_program(&e->waiting[e->first])) {
		w = pop(e);
		buf_clear(&e->inside, KEEP_BYTES);
		put_answer(&w, &e->inside);
		tell(e, w.index);
	}
}

static void all_answered(void *ctx)
{
	struct external *e = ctx;

	node_machine_ready(e->node);
}

/* The line in program_out is whole. */
static void ask(struct external *e, struct waiting w)
{
	e->asked = true;
	push(e, w);
	program_asked(e->program);
	if (e->options.blocking)
		program_wait(e->program);
}

/* --- Applying --- */

static bool ready(void *m)
{
	const struct external *e = m;

	return e->snapshot != SNAPSHOT_ASKED && e->count < WAITING_MAX && e->command_bytes < WAITING_BYTES_MAX &&
		once_room(&e->once, e->in_sessions);
}

static void refuse(struct waiting *w, enum wire_code code, const char *text)
{
	w->kind = WAIT_REFUSAL;
	w->code = code;
	w->text = text;
}

static void enter(struct external *e, struct waiting *w, const struct command *command)
{
	struct wire_text id = { command->session, strlen(command->session) };

	w->seq = command->seq;
	switch (once_enter(&e->once, w->index, id, w->seq, &w->session)) {
	case ONCE_APPLY:
		break;
	case ONCE_REPEAT:
		w->kind = WAIT_REPEAT;
		break;
	case ONCE_FORGOTTEN:
		refuse(w, WIRE_CRASH, "the session has expired, or the answer is not kept any more");
		break;
	case ONCE_EARLY:
		refuse(w, WIRE_ABORT, "a request of the session before this one has not come yet");
		break;
	}
}

/* What becomes of an entry. */
static struct waiting judge(struct external *e, uint64_t index, struct wire_text body, struct command *command)
{
	struct waiting w = { .kind = WAIT_COMMAND, .index = index };
	const char *fault = texts_command(&e->texts, body, command);

	if (!command->is_apply)
		refuse(&w, WIRE_NOT_SUPPORTED, wire_code_text(WIRE_NOT_SUPPORTED));
	else if (fault)
		refuse(&w, WIRE_MALFORMED, fault);
	else if (command->seq)
		enter(e, &w, command);
	return w;
}

static void put_command(struct external *e, struct waiting *w, struct wire_text value)
{
	struct buf *out = program_out(e->program);
	size_t before = out->len;

	buf_puts(out, "{\"index\":");
	buf_u64(out, w->index);
	buf_puts(out, ",\"command\":");
	buf_add(out, value.p, value.len);
	buf_puts(out, "}\n");
	w->bytes = out->len - before;
	e->given++;
	e->command_bytes += w->bytes;
	e->in_sessions += w->session != NULL;
}

static bool apply(void *m, uint64_t index, struct wire_text body, struct buf *answer)
{
	struct external *e = m;
	struct command command;
	struct waiting w = judge(e, index, body, &command);

	if (w.kind != WAIT_COMMAND) {
		if (e->count)
			push(e, w);
		else
			put_answer(&w, answer);
		return !e->count;
	}
	put_command(e, &w, command.value);
	ask(e, w);
	if (e->options.blocking)
		buf_add(answer, e->inside.at, e->inside.len);
	return e->options.blocking;
}

/* --- Snapshots --- */

static void snapshot_begin(void *m)
{
	struct external *e = m;
	size_t last = (e->first + e->count + WAITING_MAX) % (WAITING_MAX + 1);

	assert(e->snapshot == SNAPSHOT_OFF);
	e->snapshot = SNAPSHOT_ASKED;
	/* One was asked for and abandoned, and no command came since: its answer is this one's. */
	if (e->count && e->waiting[last].kind == WAIT_SNAPSHOT)
		return;
	e->snapshots++;
	buf_puts(program_out(e->program), "{\"snapshot\":true}\n");
	ask(e, (struct waiting){ .kind = WAIT_SNAPSHOT });
}

/* Whole lines. */
static void hand_out(struct buf *from, size_t bytes, struct buf *to)
{
	size_t at = bytes < from->len ? bytes : from->len - 1;
	const char *newline = memchr(from->at + at, '\n', from->len - at);

	assert(newline);
	at = (size_t)(newline + 1 - from->at);
	buf_add(to, from->at, at);
	buf_drop(from, at);
}

static enum machine_more snapshot_next(void *m, size_t bytes, struct buf *lines)
{
	struct external *e = m;

	assert(e->snapshot != SNAPSHOT_OFF);
	if (e->snapshot == SNAPSHOT_ASKED)
		return MACHINE_WAIT;
	if (e->snapshot == SNAPSHOT_NONE) {
		e->snapshot = SNAPSHOT_OFF;
		return MACHINE_NONE;
	}
	hand_out(&e->snapshot_lines, bytes, lines);
	if (e->snapshot_lines.len)
		return MACHINE_MORE;
	buf_release(&e->snapshot_lines);
	e->snapshot = SNAPSHOT_OFF;
	return MACHINE_END;
}

static void snapshot_abandon(void *m)
{
	struct external *e = m;

	buf_release(&e->snapshot_lines);
	e->snapshot = SNAPSHOT_OFF;
}

/* --- Loading --- */

static void reset(void *m)
{
	struct external *e = m;

	if (e->asked) {
		program_stop(e->program, false);
		e->program = program_start(&e->options);
	}
	e->asked = false;
	e->first = e->count = e->command_bytes = e->in_sessions = e->snapshots = 0;
	once_release(&e->once);
	buf_release(&e->restore);
	snapshot_abandon(e);
}

static bool load(void *m, const char *line, size_t len)
{
	struct external *e = m;
	struct wire_text text = { line, len }, state;
	struct json_scan scan;

	if (json_scan(&scan, line, len, NULL, 0, NULL))
		return false;
	state = texts_state(&e->texts, text);
	if (!state.p)
		return once_load(&e->once, text);
	if (e->restore.len)
		return false;
	buf_add(&e->restore, state.p, state.len);
	return true;
}

static void loaded(void *m, uint64_t index)
{
	struct external *e = m;
	struct buf *out = program_out(e->program);

	if (!e->restore.len)
		program_die(e->program, "the snapshot holds no state for it: it is another machine's");
	buf_puts(out, "{\"restore\":");
	buf_add(out, e->restore.at, e->restore.len);
	buf_puts(out, ",\"index\":");
	buf_u64(out, index);
	buf_puts(out, "}\n");
	buf_release(&e->restore);
	ask(e, (struct waiting){ .kind = WAIT_RESTORE });
}

/* --- Opening and closing --- */

static void status(void *m, json_t *to)
{
	const struct external *e = m;

	json_object_set_new(to, "machine_commands", json_integer((json_int_t)e->given));
	json_object_set_new(to, "sessions", json_integer((json_int_t)e->once.count));
}

static void close_external(void *m)
{
	struct external *e = m;

	program_stop(e->program, true);
	once_release(&e->once);
	buf_release(&e->snapshot_lines);
	buf_release(&e->restore);
	buf_release(&e->inside);
	texts_release(&e->texts);
	free(e->command);
	free(e);
}

void *external_machine_open(struct node *node, const char *command, uint64_t deadline_ns, bool lockstep)
{
	struct external *e = must_calloc(1, sizeof(*e));

	e->node = node;
	e->command = must_strdup(command);
	e->options = (struct program_options){
		.command = e->command, .deadline_ns = deadline_ns, .blocking = lockstep,
		.answered = answered, .all_answered = all_answered, .ctx = e,
	};
	texts_init(&e->texts);
	once_init(&e->once);
	e->program = program_start(&e->options);
	return e;
}

/* No request of it is a read, and it has no keys that could be watched. */
const struct machine external_machine = {
	.classify = classify, .apply = apply, .ready = ready,
	.snapshot_begin = snapshot_begin, .snapshot_next = snapshot_next, .snapshot_abandon = snapshot_abandon,
	.reset = reset, .load = load, .loaded = loaded,
	.status = status, .close = close_external,
};
