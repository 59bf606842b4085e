/*
 * steady: a node or a client in lockstep, for the tests and benches of netfault --lockstep.
 *
 *     steady                  a node: answers every request at once with TYPE_ok; `echo` gives its line back; wants no
 *                             wake-up
 *     steady ring COUNT TO    a node: on init COUNT lines set out to TO, and each that comes goes on
 *     steady tick MS          a node: wakes every MS milliseconds, and says so to the client `watcher`
 *     steady load MS COUNT TO...   a client: every MS milliseconds a write to the next TO in turn, COUNT of them; it ends
 *                             when all are answered, or 5 s after the last; on stderr stands how many were
 *     steady bad HOW          a node that does not do as it should: `hang` never says idle, `die` ends with status 3 at its
 *                             init, `die N` at the N-th line, `deaf` closes its output, `late` prints after idle, `flood`
 *                             prints 1 MiB of lines, `words` 1 MiB on stderr, `garbage` lines that are none
 *
 * It speaks for lines that netfault's tests make: what it looks for stands where they have it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 16, TEXT_BYTES = 256, PATIENCE_MS = 5000, FLOOD_LINES = 1 << 14 };
#define MS UINT64_C(1000000)
#define NEVER (UINT64_C(1) << 53)

struct text { const char *p; size_t len; };

static char id[TEXT_BYTES] = "?";
static char *out;
static size_t out_len, out_room;
static uint64_t now, wake = NEVER, came;
static char **argument;

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

static void number(uint64_t n)
{
	char digits[24];

	put(digits, (size_t)snprintf(digits, sizeof(digits), "%ju", (uintmax_t)n));
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

static void begin(const char *dest, size_t len)
{
	puts_out("{\"src\":\"");
	puts_out(id);
	puts_out("\",\"dest\":\"");
	put(dest, len);
	puts_out("\",\"body\":{\"type\":\"");
}

static void idle(void)
{
	begin("net", 3);
	puts_out("idle\",\"wake\":");
	number(wake);
	puts_out("}}\n");
}

/* --- Nodes --- */

static void answer(struct text line, struct text src, struct text type, struct text msg_id)
{
	begin(src.p, src.len);
	put(type.p, type.len);
	puts_out("_ok\",\"in_reply_to\":");
	put(msg_id.p, msg_id.len);
	if (is(type, "echo")) {
		puts_out(",\"line\":");
		put(line.p, line.len);
	}
	puts_out("}}\n");
}

static void ring(void)
{
	begin(argument[3], strlen(argument[3]));
	puts_out("ring\",\"filler\":\"000000000000000000000000000000000000000000000000000000000000\"}}\n");
}

static void tick(void)
{
	begin("watcher", 7);
	puts_out("tick_seen\",\"at\":");
	number(now);
	puts_out("}}\n");
	wake = now + strtoull(argument[2], NULL, 10) * MS;
}

static void misbehave(const char *how)
{
	static const char words[] = "a word of one of a thousand lines\n";

	if (!strcmp(how, "hang")) {
		pause();
	} else if (!strcmp(how, "die") && came == (argument[3] ? strtoull(argument[3], NULL, 10) : 1)) {
		exit(3);
	} else if (!strcmp(how, "deaf")) {
		close(STDOUT_FILENO);
		pause();
	} else if (!strcmp(how, "late")) {
		idle();
		puts_out("{\"src\":\"n1\",\"dest\":\"n1\",\"body\":{\"type\":\"late\"}}\n");
	} else if (!strcmp(how, "flood")) {
		for (int i = 0; i < FLOOD_LINES; i++)
			puts_out("{\"src\":\"n1\",\"dest\":\"nobody at all\",\"body\":{\"type\":\"flood\"}}\n");
	} else if (!strcmp(how, "words")) {
		for (int i = 0; i < FLOOD_LINES; i++)
			must(write(STDERR_FILENO, words, sizeof(words) - 1) > 0, "stderr");
	} else if (!strcmp(how, "garbage")) {
		puts_out("garbage\n\n{\"src\":1}\n");
	}
}

/* --- A client --- */

static uint64_t asked, answered;

static void load(struct text type)
{
	uint64_t every = strtoull(argument[2], NULL, 10), count = strtoull(argument[3], NULL, 10), targets = 0;
	static uint64_t next;

	while (argument[4 + targets])
		targets++;
	answered += !is(type, "tick");
	while (asked < count && next <= now) {
		const char *to = argument[4 + asked % targets];

		asked++;
		begin(to, strlen(to));
		puts_out("write\",\"msg_id\":");
		number(asked);
		puts_out(",\"key\":\"k");
		number(asked % 100);
		puts_out("\",\"value\":");
		number(asked);
		puts_out("}}\n");
		next += every * MS;
	}
	wake = asked < count ? next : next + PATIENCE_MS * MS;
	if (asked < count || (answered < asked && now < wake))
		return;
	flush();
	fprintf(stderr, "%ju of %ju answered\n", (uintmax_t)answered, (uintmax_t)asked);
	exit(answered < asked);
}

/* --- Lines --- */

static void take(struct text line)
{
	const char *mode = argument[1] ? argument[1] : "";
	struct text src = after(line, "\"src\":\"", "\""), dest = after(line, "\"dest\":\"", "\"");
	struct text type = after(line, "\"type\":\"", "\""), msg_id = after(line, "\"msg_id\":", ",}");

	came++;
	now = strtoull(after(line, "{\"at\":", ",").p ? after(line, "{\"at\":", ",").p : "0", NULL, 10);
	if (*id == '?') {
		must(dest.len < sizeof(id), "dest");
		memcpy(id, dest.p, dest.len);
		id[dest.len] = '\0';
	}
	if (!strcmp(mode, "bad"))
		misbehave(argument[2]);
	if (is(type, "init")) {
		answer(line, src, type, msg_id);
		for (int i = 0; !strcmp(mode, "ring") && i < atoi(argument[2]); i++)
			ring();
	} else if (!strcmp(mode, "ring")) {
		ring();
	} else if (msg_id.len && strcmp(mode, "load") != 0) {
		answer(line, src, type, msg_id);
	}
	if (!strcmp(mode, "tick"))
		tick();
	if (!strcmp(mode, "load"))
		load(type);
	if (strcmp(mode, "bad") != 0 || strcmp(argument[2], "late") != 0)
		idle();
}

int main(int argc, char **argv)
{
	size_t room = BLOCK_BYTES, have = 0, seen = 0;
	char *block = malloc(room), *newline;

	(void)argc;
	argument = argv;
	must(block != NULL, "memory");
	for (;;) {
		size_t done = 0;
		ssize_t got;

		if (have == room)
			must((block = realloc(block, room *= 2)) != NULL, "memory");
		got = read(STDIN_FILENO, block + have, room - have);
		if (got <= 0)
			break;
		have += (size_t)got;
		while ((newline = memchr(block + seen, '\n', have - seen))) {
			take((struct text){ block + done, (size_t)(newline - block) - done });
			done = seen = (size_t)(newline + 1 - block);
		}
		memmove(block, block + done, have -= done);
		seen = have;
		flush();
	}
	free(block);
	free(out);
	return 0;
}
