/*
 * echo: a node that answers every request at once, for the tests and benches of netfault and kvload.
 *
 *     echo                    init -> init_ok; read, write, cas, ... -> TYPE_ok with nothing looked up; `echo`
 *                             gives its line back
 *     echo keep               writes are kept: read gives what was written last, or error 20; cas error 20 or 22
 *     echo ring COUNT TO...   each line that came is followed by one to the next TO in turn; on init COUNT lines
 *                             set out.  On SIGTERM the lines that came are told on stderr
 *     echo mute               takes all and answers init alone
 *     echo code N             every request is answered with error N
 *
 * Bodies are found by looking for `"type":"` and the like in the line: it is for lines that netfault's tests make.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	BLOCK_BYTES = 1 << 18, LINE_BYTES_MAX = 1 << 24, KEYS = 1 << 16, TEXT_BYTES = 256, LINE_ROOM = 512, RING_MAX = 64,
};

struct text {
	const char *p;
	size_t len;
};

static char id[128] = "?";
static char *out;
static size_t out_len, out_room;
static uint64_t came;
static volatile sig_atomic_t ended;

static void must(bool right, const char *what)
{
	if (right)
		return;
	perror(what);
	_exit(4);
}

static void flush(void)
{
	for (size_t at = 0; at < out_len;) {
		ssize_t put = write(STDOUT_FILENO, out + at, out_len - at);

		if (put < 0 && ended)
			break;
		must(put >= 0, "stdout");
		at += (size_t)put;
	}
	out_len = 0;
}

static void put(const char *p, size_t len)
{
	if (out_len + len > out_room) {
		out_room = 2 * (out_len + len);
		must((out = realloc(out, out_room)) != NULL, "memory");
	}
	memcpy(out + out_len, p, len);
	out_len += len;
}

static void puts_out(const char *s)
{
	put(s, strlen(s));
}

/* What follows `before`, up to any of `stops`; an empty text where there is none. */
static struct text after(struct text in, const char *before, const char *stops)
{
	const char *p = memmem(in.p, in.len, before, strlen(before)), *end = in.p + in.len, *q;

	if (!p)
		return (struct text){ NULL, 0 };
	for (q = p += strlen(before); q < end && !strchr(stops, *q); q++)
		;
	return (struct text){ p, (size_t)(q - p) };
}

static bool is(struct text t, const char *s)
{
	return t.len == strlen(s) && !memcmp(t.p, s, t.len);
}

static void answer_begin(struct text src)
{
	puts_out("{\"src\":\"");
	puts_out(id);
	puts_out("\",\"dest\":\"");
	put(src.p, src.len);
	puts_out("\",\"body\":{\"type\":\"");
}

static void answer(struct text src, const char *type, struct text msg_id, const char *more, struct text value)
{
	answer_begin(src);
	puts_out(type);
	puts_out("\",\"in_reply_to\":");
	put(msg_id.p, msg_id.len);
	puts_out(more);
	put(value.p, value.len);
	puts_out("}}\n");
}

/* --- A store of short keys and values --- */

static struct {
	char key[TEXT_BYTES], value[TEXT_BYTES];
} *table;

static size_t slot(struct text key)
{
	uint32_t h = 2166136261u;

	if (!table)
		must((table = calloc(KEYS, sizeof(*table))) != NULL, "memory");
	for (size_t i = 0; i < key.len; i++)
		h = (h ^ (unsigned char)key.p[i]) * 16777619u;
	h %= KEYS;
	while (*table[h].key && (strlen(table[h].key) != key.len || memcmp(table[h].key, key.p, key.len)))
		h = (h + 1) % KEYS;
	return h;
}

static void keep(char *to, struct text t)
{
	must(t.len < TEXT_BYTES, "too long");
	memcpy(to, t.p, t.len);
	to[t.len] = '\0';
}

static void serve(struct text line, struct text src, struct text type, struct text msg_id)
{
	struct text key = after(line, "\"key\":", ",}"), value = after(line, "\"value\":", ",}"), none = { "", 0 };
	size_t at = slot(key);

	if (is(type, "write")) {
		keep(table[at].key, key);
		keep(table[at].value, value);
		answer(src, "write_ok", msg_id, "", none);
	} else if (!*table[at].key && memmem(line.p, line.len, "\"create_if_not_exists\":true", 27)) {
		keep(table[at].key, key);
		keep(table[at].value, after(line, "\"to\":", ",}"));
		answer(src, "cas_ok", msg_id, "", none);
	} else if (!*table[at].key) {
		answer(src, "error", msg_id, ",\"code\":20,\"text\":\"key does not exist\"", none);
	} else if (is(type, "read")) {
		value = (struct text){ table[at].value, strlen(table[at].value) };
		answer(src, "read_ok", msg_id, ",\"value\":", value);
	} else {
		struct text from = after(line, "\"from\":", ",}"), to = after(line, "\"to\":", ",}");

		if (is(from, table[at].value)) {
			keep(table[at].value, to);
			answer(src, "cas_ok", msg_id, "", none);
		} else {
			answer(src, "error", msg_id, ",\"code\":22,\"text\":\"precondition failed\"", none);
		}
	}
}

/* --- Lines --- */

/* Always the same 120 bytes or so: what is measured is the network. */
static void ring_line(char **to)
{
	static struct { char text[LINE_ROOM]; int len; } line[RING_MAX];
	static size_t at;

	if (!line[at].len)
		line[at].len = snprintf(line[at].text, LINE_ROOM, "{\"src\":\"%s\",\"dest\":\"%s\","
					"\"body\":{\"type\":\"ring\",\"filler\":\"%060d\"}}\n", id, to[at], 0);
	put(line[at].text, (size_t)line[at].len);
	at = to[at + 1] && at + 1 < RING_MAX ? at + 1 : 0;
}

static void take(struct text line, char **argv)
{
	const char *mode = argv[1] ? argv[1] : "";
	struct text src, type, msg_id, none = { "", 0 };
	char ok[TEXT_BYTES];

	if (came++ && *mode == 'r') {
		ring_line(argv + 3);
		return;
	}
	src = after(line, "\"src\":\"", "\"");
	type = after(line, "\"type\":\"", "\"");
	msg_id = after(line, "\"msg_id\":", ",}");
	if (is(type, "init")) {
		struct text name = after(line, "\"node_id\":\"", "\"");

		keep(id, (struct text){ name.p, name.len < sizeof(id) ? name.len : 0 });
		answer(src, "init_ok", msg_id, "", none);
		for (int i = 0; !strcmp(mode, "ring") && i < atoi(argv[2]); i++)
			ring_line(argv + 3);
	} else if (!strcmp(mode, "mute") || !msg_id.len) {
		return;
	} else if (!strcmp(mode, "code")) {
		snprintf(ok, sizeof(ok), ",\"code\":%d,\"text\":\"as asked\"", atoi(argv[2]));
		answer(src, "error", msg_id, ok, none);
	} else if (!strcmp(mode, "keep") && !is(type, "status")) {
		serve(line, src, type, msg_id);
	} else if (is(type, "echo")) {
		answer(src, "echo_ok", msg_id, ",\"line\":", (struct text){ line.p, line.len });
	} else if (is(type, "status")) {
		snprintf(ok, sizeof(ok), ",\"leader\":\"%s\"", id);
		answer(src, "status_ok", msg_id, ok, none);
	} else {
		snprintf(ok, sizeof(ok), "%.*s_ok", (int)(type.len < 100 ? type.len : 100), type.p);
		answer(src, ok, msg_id, "", none);
	}
}

static void on_end(int sig)
{
	(void)sig;
	ended = 1;
}

static void lines(char **argv)
{
	size_t room = BLOCK_BYTES, have = 0, seen = 0;
	char *block = malloc(room), *newline;

	must(block != NULL, "memory");
	while (!ended) {
		size_t done = 0;
		ssize_t got;

		if (have == room)
			must(room < 2 * LINE_BYTES_MAX && (block = realloc(block, room *= 2)), "memory");
		got = read(STDIN_FILENO, block + have, room - have);
		if (got <= 0)
			break;
		have += (size_t)got;
		while ((newline = memchr(block + seen, '\n', have - seen))) {
			take((struct text){ block + done, (size_t)(newline - block) - done }, argv);
			done = seen = (size_t)(newline + 1 - block);
		}
		memmove(block, block + done, have -= done);
		seen = have;
		flush();
	}
	free(block);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_end };

	if (argc > 1 && !strcmp(argv[1], "ring")) {
		must(argc >= 4, "echo ring COUNT TO...");
		sigaction(SIGTERM, &action, NULL);
	}
	lines(argv);
	if (argc > 1 && !strcmp(argv[1], "ring"))
		fprintf(stderr, "%ju lines\n", (uintmax_t)came);
	free(table);
	free(out);
	return 0;
}
