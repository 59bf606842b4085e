/*
 * Events of a trace, line by line.
 *
 * A line is checked whole by lib/json's scan; then its members are picked out of it by wire_body: those that nearly
 * every event has, and, where an event has others, those of the second set.  No tree is built, and memory is that
 * of one line.
 *
 * Invariant: an event that is given has all that its kind needs: nobody has to look again.
 */
#include "lib/base/err.h"
#include "lib/base/line.h"
#include "lib/json/scan.h"
#include "lib/trace/trace.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ERROR_BYTES = 192,
	KEEP_BYTES = 1 << 20,           /* of memory for decoded texts, after a long one */
};

/* In the order in which they are written, which is found fastest. */
enum { AT, EVENT, SRC, DEST, SEQ, MESSAGE, COPY, WHY, FIRST_SET };
enum { TEXT, TEXT_BASE64, SRC_BASE64, DEST_BASE64, SECOND_SET };
enum { NODE, SIGNAL, STATUS, ASKED, FAULT, ENDS, THIRD_SET };
enum { TRACE, SEED, LOCKSTEP, COMMAND, NODES, OPTIONS, HEADER_SET };

static const char *const first_set[] = { "at", "event", "src", "dest", "seq", "message", "copy", "why", NULL };
static const char *const second_set[] = { "text", "text_base64", "src_base64", "dest_base64", NULL };
static const char *const third_set[] = { "node", "signal", "status", "asked", "fault", "ends", NULL };
static const char *const header_set[] = { "trace", "seed", "lockstep", "command", "nodes", "options", NULL };

struct trace_reader {
	int fd;
	struct line_reader lines;
	uint64_t line;
	size_t line_len;
	bool has_header;
	struct wire_names *first, *second, *third, *header;
	struct buf decoded;             /* texts of this line that were escaped or in base64 */
	bool failed;
	uint64_t error_line;
	char error[ERROR_BYTES];
};

/* --- What is wrong --- */

__attribute__((format(printf, 2, 3), cold))
static int wrong(struct trace_reader *r, const char *fmt, ...)
{
	va_list ap;

	r->failed = true;
	r->error_line = r->line;
	va_start(ap, fmt);
	vsnprintf(r->error, sizeof(r->error), fmt, ap);
	va_end(ap);
	return -1;
}

__attribute__((cold))
static int system_failed(struct trace_reader *r)
{
	int error = errno;

	r->failed = true;
	r->error_line = 0;
	snprintf(r->error, sizeof(r->error), "%s", strerror(error));
	errno = error;
	return -1;
}

/* --- Values: each returns 0, or -1 where it is wrong --- */

static bool whole_number(const struct wire_value *value, uint64_t *x)
{
	*x = 0;
	if (value->kind != WIRE_NUMBER)
		return false;
	for (size_t i = 0; i < value->json.len; i++) {
		unsigned digit = (unsigned char)value->json.p[i] - (unsigned)'0';

		if (digit > 9 || __builtin_mul_overflow(*x, 10, x) || __builtin_add_overflow(*x, digit, x))
			return false;
	}
	return true;
}

static int read_number(struct trace_reader *r, const char *name, const struct wire_value *value,
		       uint64_t min, uint64_t max, uint64_t *x)
{
	if (value->kind == WIRE_ABSENT)
		return wrong(r, "no %s", name);
	if (!whole_number(value, x) || *x < min || *x > max)
		return wrong(r, "%s is no whole number from %llu to %llu", name, (unsigned long long)min,
			     (unsigned long long)max);
	return 0;
}

/* false where it is absent. */
static int read_bool(struct trace_reader *r, const char *name, const struct wire_value *value, bool *is)
{
	*is = wire_true(value);
	if (value->kind != WIRE_ABSENT && !*is && (value->kind != WIRE_OTHER || *value->json.p != 'f'))
		return wrong(r, "%s is neither true nor false", name);
	return 0;
}

/* Memory for all that this line's texts are when they are decoded: so none of them moves another. */
static char *decode_room(struct trace_reader *r)
{
	return r->decoded.len ? r->decoded.at + r->decoded.len : buf_room(&r->decoded, 2 * r->line_len);
}

/* The characters of a string. */
static struct wire_text decode(struct trace_reader *r, const struct wire_value *value)
{
	struct wire_text text = { .p = value->json.p + 1, .len = value->json.len - 2 };
	struct json_text walk = { .p = text.p, .end = text.p + text.len, .escaped = true };
	char *out;
	int c;

	if (!value->escaped)
		return text;
	out = decode_room(r);
	text = (struct wire_text){ .p = out };
	while ((c = json_text_next(&walk)) >= 0)
		out[text.len++] = (char)c;
	r->decoded.len += text.len;
	return text;
}

/* A string of at most so many bytes. */
static int read_string(struct trace_reader *r, const char *name, const struct wire_value *value, size_t most,
		       struct wire_text *text)
{
	if (value->kind == WIRE_ABSENT)
		return wrong(r, "no %s", name);
	if (value->kind != WIRE_STRING)
		return wrong(r, "%s is no string", name);
	*text = decode(r, value);
	if (text->len > most)
		return wrong(r, "%s is longer than %zu bytes", name, most);
	return 0;
}

/* Bytes: as a string, or as another one in base64. */
static int read_bytes(struct trace_reader *r, const char *name, const struct wire_value *value,
		      const struct wire_value *base64, size_t most, struct wire_text *bytes)
{
	struct wire_text text;
	char *out;

	if (value->kind != WIRE_ABSENT || base64->kind == WIRE_ABSENT)
		return read_string(r, name, value, most, bytes);
	if (base64->kind != WIRE_STRING)
		return wrong(r, "%s_base64 is no string", name);
	text = decode(r, base64);
	out = decode_room(r);
	*bytes = (struct wire_text){ .p = out };
	if (sodium_base642bin((unsigned char *)out, text.len, text.p, text.len, NULL, &bytes->len, NULL,
			      sodium_base64_VARIANT_ORIGINAL))
		return wrong(r, "%s_base64 is no base64", name);
	r->decoded.len += bytes->len;
	if (bytes->len > most)
		return wrong(r, "%s is longer than %zu bytes", name, most);
	return 0;
}

static int read_object(struct trace_reader *r, const char *name, const struct wire_value *value, struct wire_text *json)
{
	if (value->kind == WIRE_ABSENT)
		return wrong(r, "no %s", name);
	if (*value->json.p != '{')
		return wrong(r, "%s is no object", name);
	*json = value->json;
	return 0;
}

/* --- Events --- */

/* What every event about a message has. */
static int read_message(struct trace_reader *r, const struct wire_value *first, const struct wire_value *second,
			struct trace_event *ev)
{
	uint64_t copy = 1;

	if (read_bytes(r, "src", &first[SRC], &second[SRC_BASE64], WIRE_NAME_BYTES_MAX, &ev->src) ||
	    read_bytes(r, "dest", &first[DEST], &second[DEST_BASE64], WIRE_NAME_BYTES_MAX, &ev->dest) ||
	    read_number(r, "seq", &first[SEQ], 1, UINT64_MAX, &ev->seq))
		return -1;
	if (first[COPY].kind != WIRE_ABSENT && (!whole_number(&first[COPY], &copy) || !copy || copy > FAULT_COPIES_MAX))
		return wrong(r, "copy is neither 1 nor 2");
	ev->copy = (unsigned)copy;
	return 0;
}

static int read_why(struct trace_reader *r, const struct wire_value *value, struct trace_event *ev)
{
	if (read_string(r, "why", value, TRACE_WHY_BYTES_MAX, &ev->why))
		return -1;
	if (!ev->why.len || memchr(ev->why.p, 0, ev->why.len))
		return wrong(r, "why is empty, or has a NUL in it");
	return 0;
}

static int read_about_message(struct trace_reader *r, const struct wire_value *first, struct trace_event *ev)
{
	static const struct wire_value none[SECOND_SET] = { { .kind = WIRE_ABSENT } };
	struct wire_value other[WIRE_FIELDS_MAX];
	const struct wire_value *second = none;

	if (first[SRC].kind == WIRE_ABSENT || first[DEST].kind == WIRE_ABSENT || ev->kind == TRACE_CORRUPT ||
	    (ev->kind == TRACE_SEND && first[MESSAGE].kind == WIRE_ABSENT)) {
		wire_body(r->second, ev->json, other);
		second = other;
	}
	if (read_message(r, first, second, ev))
		return -1;
	if (ev->kind == TRACE_DROP)
		return read_why(r, &first[WHY], ev);
	if (ev->kind == TRACE_SEND && first[MESSAGE].kind != WIRE_ABSENT)
		return read_object(r, "message", &first[MESSAGE], &ev->message);
	if (ev->kind == TRACE_SEND && second[TEXT].kind == WIRE_ABSENT && second[TEXT_BASE64].kind == WIRE_ABSENT)
		return wrong(r, "neither message nor text");
	if (ev->kind == TRACE_SEND || ev->kind == TRACE_CORRUPT)
		return read_bytes(r, "text", &second[TEXT], &second[TEXT_BASE64], SIZE_MAX, &ev->text);
	return 0;
}

static int read_death(struct trace_reader *r, const struct wire_value *third, struct trace_event *ev)
{
	bool killed = third[SIGNAL].kind != WIRE_ABSENT;
	uint64_t x;

	if (!killed && third[STATUS].kind == WIRE_ABSENT)
		return wrong(r, "neither status nor signal");
	if (read_number(r, killed ? "signal" : "status", &third[killed ? SIGNAL : STATUS], killed, killed ? 127 : 255, &x))
		return -1;
	*(killed ? &ev->signal : &ev->status) = (int)x;
	return read_bool(r, "asked", &third[ASKED], &ev->asked);
}

static int read_about_node(struct trace_reader *r, struct trace_event *ev)
{
	struct wire_value third[WIRE_FIELDS_MAX];

	wire_body(r->third, ev->json, third);
	if (ev->kind == TRACE_FAULT)
		return read_object(r, "fault", &third[FAULT], &ev->fault) || read_bool(r, "ends", &third[ENDS], &ev->ends) ? -1 : 0;
	if (read_string(r, "node", &third[NODE], WIRE_NAME_BYTES_MAX, &ev->node))
		return -1;
	return ev->kind == TRACE_DEATH ? read_death(r, third, ev) : 0;
}

static enum trace_event_kind kind_of(const struct wire_value *event)
{
	static const struct { const char *name; enum trace_event_kind kind; } known[] = {
		{ "send", TRACE_SEND }, { "deliver", TRACE_DELIVER }, { "drop", TRACE_DROP }, { "duplicate", TRACE_DUPLICATE },
		{ "corrupt", TRACE_CORRUPT }, { "fault", TRACE_FAULT }, { "start", TRACE_START }, { "death", TRACE_DEATH },
		{ "end", TRACE_END },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (wire_is(event, known[i].name))
			return known[i].kind;
	return TRACE_OTHER;
}

static int read_event(struct trace_reader *r, struct trace_event *ev)
{
	struct wire_value first[WIRE_FIELDS_MAX];

	wire_body(r->first, ev->json, first);
	if (first[EVENT].kind != WIRE_STRING)
		return wrong(r, first[EVENT].kind == WIRE_ABSENT ? "no event" : "event is no string");
	if (read_number(r, "at", &first[AT], 0, TRACE_AT_MAX, &ev->at))
		return -1;
	ev->kind = kind_of(&first[EVENT]);
	switch (ev->kind) {
	case TRACE_SEND: case TRACE_DUPLICATE: case TRACE_CORRUPT: case TRACE_DELIVER: case TRACE_DROP:
		return read_about_message(r, first, ev);
	case TRACE_FAULT: case TRACE_START: case TRACE_DEATH:
		return read_about_node(r, ev);
	case TRACE_HEADER: case TRACE_END: case TRACE_OTHER:
		break;
	}
	return 0;
}

/* --- The header --- */

static int check_strings(struct trace_reader *r, const char *name, const struct wire_value *array)
{
	struct wire_walk walk;
	struct wire_value element;

	if (array->kind == WIRE_ABSENT)
		return 0;
	if (*array->json.p != '[')
		return wrong(r, "%s is no array", name);
	if (!wire_walk_init(&walk, array->json))
		return 0;
	while (wire_walk_next(&walk, &element))
		if (element.kind != WIRE_STRING)
			return wrong(r, "%s has something that is no string", name);
	return 0;
}

static int read_header(struct trace_reader *r, struct trace_event *ev)
{
	struct wire_value member[WIRE_FIELDS_MAX];
	uint64_t version;

	wire_body(r->header, ev->json, member);
	if (!whole_number(&member[TRACE], &version))
		return wrong(r, "not the first line of a trace, which has a member trace");
	if (version != TRACE_VERSION)
		return wrong(r, "a trace of version %llu; known is %d", (unsigned long long)version, TRACE_VERSION);
	ev->kind = TRACE_HEADER;
	if (read_number(r, "seed", &member[SEED], 0, UINT64_MAX, &ev->seed) ||
	    read_bool(r, "lockstep", &member[LOCKSTEP], &ev->lockstep) ||
	    check_strings(r, "command", &member[COMMAND]) || check_strings(r, "nodes", &member[NODES]) ||
	    check_strings(r, "options", &member[OPTIONS]))
		return -1;
	r->has_header = true;
	return 0;
}

bool trace_header_string(const struct trace_event *ev, const char *name, size_t i, char *out, size_t room)
{
	struct wire_names *names = wire_names_new((const char *const[]){ name, NULL });
	struct wire_value array, element = { .kind = WIRE_ABSENT };
	struct json_text text;
	struct wire_walk walk;
	bool has = true;
	size_t len = 0;
	int c;

	assert(room);
	wire_body(names, ev->json, &array);
	wire_names_free(names);
	if (array.kind != WIRE_OTHER || !wire_walk_init(&walk, array.json))
		return false;
	for (size_t at = 0; has && at <= i; at++)
		has = wire_walk_next(&walk, &element);
	if (!has || element.kind != WIRE_STRING)
		return false;
	text = (struct json_text){ .p = element.json.p + 1, .end = element.json.p + element.json.len - 1, .escaped = true };
	while ((c = json_text_next(&text)) >= 0 && len + 1 < room)
		out[len++] = c ? (char)c : '?';
	out[len] = '\0';
	return true;
}

/* --- Lines --- */

static bool is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!memchr(" \t\r", line[i], 3))
			return false;
	return true;
}

/* The next line that is not blank: 1, 0 at the end, or -1. */
static int next_line(struct trace_reader *r, struct wire_text *line)
{
	for (;;) {
		char *p;
		enum line_status status = line_next(&r->lines, &p, &line->len);

		line->p = p;
		if (status != LINE_NONE) {
			r->line++;
			if (status == LINE_TOO_LONG)
				return wrong(r, "longer than %d MiB", TRACE_LINE_BYTES_MAX >> 20);
			if (!is_blank(p, line->len))
				return 1;
			continue;
		}
		if (r->lines.ended)
			return 0;
		if (line_read(&r->lines, r->fd) < 0 && errno != EINTR)
			return system_failed(r);
	}
}

int trace_next(struct trace_reader *r, struct trace_event *ev)
{
	struct json_scan scan;
	struct wire_text line;
	int rc;

	*ev = (struct trace_event){ .kind = TRACE_OTHER };
	if (r->failed)
		return -1;
	rc = next_line(r, &line);
	if (rc < 0)
		return -1;
	if (!rc) {
		r->line++;
		return r->has_header ? 0 : wrong(r, "no line: a trace has at least its first");
	}
	rc = json_scan(&scan, line.p, line.len, NULL, 0, NULL);
	if (rc == -2) {
		errno = ENOMEM;
		return system_failed(r);
	}
	if (rc)
		return wrong(r, "%s, at byte %zu", scan.error, scan.at);
	while (*line.p != '{') {
		line.p++;
		line.len--;
	}
	ev->line = r->line;
	ev->json = line;
	r->line_len = line.len;
	buf_clear(&r->decoded, KEEP_BYTES);
	return (r->has_header ? read_event(r, ev) : read_header(r, ev)) ? -1 : 1;
}

/* --- The file --- */

struct trace_reader *trace_reader_open(const char *path)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	struct trace_reader *r;

	if (fd < 0)
		return NULL;
	r = must_calloc(1, sizeof(*r));
	r->fd = fd;
	line_init(&r->lines, TRACE_LINE_BYTES_MAX);
	r->first = wire_names_new(first_set);
	r->second = wire_names_new(second_set);
	r->third = wire_names_new(third_set);
	r->header = wire_names_new(header_set);
	return r;
}

void trace_reader_free(struct trace_reader *r)
{
	if (!r)
		return;
	if (r->fd != STDIN_FILENO)
		close(r->fd);
	line_release(&r->lines);
	wire_names_free(r->first);
	wire_names_free(r->second);
	wire_names_free(r->third);
	wire_names_free(r->header);
	buf_release(&r->decoded);
	free(r);
}

const char *trace_reader_error(const struct trace_reader *r, uint64_t *line)
{
	*line = r->error_line;
	return r->error;
}

bool trace_reader_torn(const struct trace_reader *r)
{
	const struct line_reader *l = &r->lines;

	return r->failed && r->has_header && r->error_line && l->ended && l->start == l->end && l->end && l->memory[l->end - 1] != '\n';
}
