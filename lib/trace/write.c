/*
 * Lines of a trace, made in a buffer without a print function and written in large pieces.
 *
 * Invariant: the buffer holds whole lines, and a write begins and ends at a line's end; so a process that dies leaves
 * a file of whole lines.  What a full disk took half of a line of is cut off again where the file allows it.
 */
#include "lib/base/err.h"
#include "lib/json/block.h"
#include "lib/json/scan.h"
#include "lib/plan/plan.h"
#include "lib/trace/trace.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WRITE_BYTES = 1 << 18,          /* written at once, or more by a line */
	KEEP_BYTES = 1 << 20,           /* of memory, after a long line */
	LINE_BYTES = 256,               /* of a line, at most, without its texts */
	TEXT_BYTES_MAX = 4 << 20,       /* longer is told in base64: escapes could make it six times as long */
	NUMBER_BYTES_MAX = 20,
	STAMP_BYTES_MAX = sizeof("{\"at\":,\"event\":\"") - 1 + NUMBER_BYTES_MAX,
};

struct trace {
	int fd;
	int error;                      /* errno of the first write that failed; nothing is written after it */
	struct buf lines;
	struct buf fault;               /* being printed */
	uint64_t at;
	size_t stamp_len;               /* how lines at that time begin */
	char stamp[STAMP_BYTES_MAX];
};

/* --- Pieces of a line: each returns what follows it --- */

/* The copy of a constant, of a length known when this is compiled. */
#define PUT(p, constant) put_bytes(p, constant, sizeof(constant) - 1)

static inline char *put_bytes(char *p, const char *bytes, size_t len)
{
	memcpy(p, bytes, len);
	return p + len;
}

/* Copies more bytes than the number has, into room that is there: a copy of a known length is no call. */
static inline char *put_u64(char *p, uint64_t x)
{
	char digits[2 * NUMBER_BYTES_MAX], *digit = digits + NUMBER_BYTES_MAX;

	memset(digit, 0, NUMBER_BYTES_MAX);
	do {
		*--digit = (char)('0' + x % 10);
		x /= 10;
	} while (x);
	memcpy(p, digit, NUMBER_BYTES_MAX);
	return p + (digits + NUMBER_BYTES_MAX - digit);
}

/* Room for `,"NAME_base64":""` and the text, however it is told. */
static inline size_t text_room(size_t len)
{
	return LINE_BYTES / 4 + (len > TEXT_BYTES_MAX ? sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL) : 6 * len);
}

/* `,"NAME":"TEXT"`, or `,"NAME_base64":"..."` where JSON has no way to tell the bytes. */
__attribute__((noinline))
static char *put_other_text(char *p, const char *name, struct wire_text text)
{
	bool base64 = text.len > TEXT_BYTES_MAX ||
		      (text.len && (memchr(text.p, 0, text.len) || !json_utf8(text.p, text.len)));

	p = PUT(p, ",\"");
	p = put_bytes(p, name, strlen(name));
	if (!base64) {
		p = PUT(p, "\":");
		return p + json_escape(text.len ? text.p : "", text.len, p);
	}
	p = PUT(p, "_base64\":\"");
	sodium_bin2base64(p, sodium_base64_ENCODED_LEN(text.len, sodium_base64_VARIANT_ORIGINAL),
			  (const unsigned char *)text.p, text.len, sodium_base64_VARIANT_ORIGINAL);
	p += strlen(p);
	*p++ = '"';
	return p;
}

/* The usual text is short and plain. */
#define PUT_TEXT(p, name, text) put_text(p, name, sizeof(name) - 1, text)

static inline __attribute__((always_inline))
char *put_text(char *start, const char *name, size_t name_len, struct wire_text text)
{
	char *p = PUT(start, ",\"");

	p = put_bytes(p, name, name_len);
	p = PUT(p, "\":\"");
	if (UNLIKELY(text.len > WIRE_NAME_BYTES_MAX))
		return put_other_text(start, name, text);
	for (size_t i = 0; i < text.len; i++) {
		if (UNLIKELY(!is_plain(text.p[i])))
			return put_other_text(start, name, text);
		p[i] = text.p[i];
	}
	p[text.len] = '"';
	return p + text.len + 1;
}

static struct wire_text text_of(const char *s)
{
	return (struct wire_text){ .p = s, .len = strlen(s) };
}

/* --- Lines --- */

/* Cuts off the part of a line that a failed write left, the last of the `written` bytes; a pipe or a device keeps it. */
static void cut_torn_line(int fd, const char *p, size_t written)
{
	const char *newline = memrchr(p, '\n', written);
	size_t torn = newline ? (size_t)(p + written - newline) - 1 : written;
	off_t at = lseek(fd, 0, SEEK_CUR);

	if (torn && at >= (off_t)torn && ftruncate(fd, at - (off_t)torn))
		return;
}

static void write_out(struct trace *t)
{
	const char *p = t->lines.at;
	size_t written = 0;

	while (!t->error && written < t->lines.len) {
		ssize_t n = write(t->fd, p + written, t->lines.len - written);

		if (n >= 0)
			written += (size_t)n;
		else if (errno != EINTR)
			t->error = errno;
	}
	if (t->error && written)
		cut_torn_line(t->fd, p, written);
	buf_clear(&t->lines, KEEP_BYTES);
}

static void set_stamp(struct trace *t, uint64_t at)
{
	char *p = PUT(t->stamp, "{\"at\":");

	assert(at >= t->at);
	t->at = at;
	p = put_u64(p, at);
	p = PUT(p, ",\"event\":\"");
	t->stamp_len = (size_t)(p - t->stamp);
}

/* A line with room for texts that need `room` bytes; to be followed by the event's name and a quote. */
static inline char *begin(struct trace *t, uint64_t at, size_t room)
{
	char *p;

	if (at != t->at)
		set_stamp(t, at);
	p = buf_room(&t->lines, LINE_BYTES + room);
	memcpy(p, t->stamp, sizeof(t->stamp));
	return p + t->stamp_len;
}

static inline void end(struct trace *t, char *p)
{
	p = PUT(p, "}\n");
	t->lines.len = (size_t)(p - t->lines.at);
	if (UNLIKELY(t->lines.len >= WRITE_BYTES))
		write_out(t);
}

static inline size_t link_room(struct trace_link link)
{
	return text_room(link.src.len) + text_room(link.dest.len);
}

static inline char *put_message(char *p, struct trace_link link, uint64_t seq, unsigned copy)
{
	assert(seq && copy && copy <= FAULT_COPIES_MAX);
	p = PUT_TEXT(p, "src", link.src);
	p = PUT_TEXT(p, "dest", link.dest);
	p = PUT(p, ",\"seq\":");
	p = put_u64(p, seq);
	if (UNLIKELY(copy > 1))
		p = put_u64(PUT(p, ",\"copy\":"), copy);
	return p;
}

/* --- Events --- */

/* Is the object, which is JSON, nested so deep that readers of JSON (jq 1.6: 256) might refuse it? */
static bool too_deep(const char *p, size_t len)
{
	const char *end_of = p + len;
	size_t depth = 0;
	bool in_string = false;

	if (LIKELY(len <= 2 * WIRE_DEPTH_MAX))
		return false;
	for (; p != end_of; p++) {
		if (*p == '"')
			in_string = !in_string;
		else if (in_string)
			p += *p == '\\';
		else if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
		if (depth > WIRE_DEPTH_MAX)
			return true;
	}
	return false;
}

/* May it stand in the line as it is? */
static bool is_object(const char *line, size_t len)
{
	struct json_scan scan;

	return !json_scan(&scan, line, len, NULL, 0, NULL) && !memchr(line, '\n', len) && !too_deep(line, len);
}

void trace_send(struct trace *t, uint64_t at, struct trace_link link, uint64_t seq, const char *line, size_t len)
{
	bool object = is_object(line, len);
	char *p = begin(t, at, link_room(link) + (object ? len : text_room(len)));

	p = put_message(PUT(p, "send\""), link, seq, 1);
	if (LIKELY(object))
		p = put_bytes(PUT(p, ",\"message\":"), line, len);
	else
		p = put_other_text(p, "text", (struct wire_text){ .p = line, .len = len });
	end(t, p);
}

void trace_duplicate(struct trace *t, uint64_t at, struct trace_link link, uint64_t seq)
{
	char *p = begin(t, at, link_room(link));

	end(t, put_message(PUT(p, "duplicate\""), link, seq, 1));
}

void trace_corrupt(struct trace *t, uint64_t at, struct trace_link link, uint64_t seq, unsigned copy, const char *text,
		   size_t len)
{
	char *p = begin(t, at, link_room(link) + text_room(len));

	p = put_message(PUT(p, "corrupt\""), link, seq, copy);
	end(t, put_other_text(p, "text", (struct wire_text){ .p = text, .len = len }));
}

void trace_deliver(struct trace *t, uint64_t at, struct trace_link link, uint64_t seq, unsigned copy)
{
	char *p = begin(t, at, link_room(link));

	end(t, put_message(PUT(p, "deliver\""), link, seq, copy));
}

void trace_drop(struct trace *t, uint64_t at, struct trace_link link, uint64_t seq, unsigned copy, const char *why)
{
	struct wire_text text = text_of(why);
	char *p = begin(t, at, link_room(link) + text_room(text.len));

	end(t, PUT_TEXT(put_message(PUT(p, "drop\""), link, seq, copy), "why", text));
}

void trace_fault(struct trace *t, uint64_t at, const struct fault_order *order)
{
	char *p;

	buf_clear(&t->fault, KEEP_BYTES);
	plan_print(&t->fault, order, false);
	p = begin(t, at, t->fault.len);
	p = PUT(p, "fault\",\"fault\":");
	p = put_bytes(p, t->fault.at, t->fault.len);
	if (order->ends)
		p = PUT(p, ",\"ends\":true");
	end(t, p);
}

void trace_start(struct trace *t, uint64_t at, const char *node)
{
	struct wire_text text = text_of(node);
	char *p = begin(t, at, text_room(text.len));

	end(t, PUT_TEXT(PUT(p, "start\""), "node", text));
}

void trace_death(struct trace *t, uint64_t at, const char *node, int status, bool asked)
{
	struct wire_text text = text_of(node);
	char *p = begin(t, at, text_room(text.len));

	p = PUT_TEXT(PUT(p, "death\""), "node", text);
	if (WIFSIGNALED(status))
		p = put_u64(PUT(p, ",\"signal\":"), (uint64_t)WTERMSIG(status));
	else
		p = put_u64(PUT(p, ",\"status\":"), (uint64_t)WEXITSTATUS(status));
	if (asked)
		p = PUT(p, ",\"asked\":true");
	end(t, p);
}

void trace_end(struct trace *t, uint64_t at)
{
	end(t, PUT(begin(t, at, 0), "end\""));
}

/* --- The file --- */

/* A word of a command may hold any bytes: each that is not of UTF-8 is told as U+FFFD. */
static void put_word(struct buf *b, const char *word)
{
	struct buf clean = { 0 };

	while (*word) {
		size_t len = 1;

		while (len < 4 && word[len] && !json_utf8(word, len))
			len++;
		if (json_utf8(word, len)) {
			buf_add(&clean, word, len);
			word += len;
		} else {
			buf_puts(&clean, "\xef\xbf\xbd");
			word++;
		}
	}
	wire_put_string(b, clean.at, clean.len);
	buf_release(&clean);
}

static void put_words(struct buf *b, const char *name, const char *const *words, size_t count)
{
	buf_printf(b, ",\"%s\":[", name);
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_putc(b, ',');
		put_word(b, words[i]);
	}
	buf_putc(b, ']');
}

static size_t count_words(const char *const *words)
{
	size_t count = 0;

	while (words && words[count])
		count++;
	return count;
}

static void put_header(struct buf *b, const struct trace_header *h)
{
	const char *const *command = (const char *const *)h->command;

	buf_printf(b, "{\"trace\":%d,\"version\":\"%s\",\"seed\":", TRACE_VERSION, FAULTLINE_VERSION);
	buf_u64(b, h->seed);
	buf_printf(b, ",\"lockstep\":%s", h->lockstep ? "true" : "false");
	put_words(b, "command", command, count_words(command));
	put_words(b, "nodes", h->nodes, h->node_count);
	put_words(b, "options", h->options, count_words(h->options));
	buf_puts(b, "}\n");
}

struct trace *trace_open(const char *path, const struct trace_header *header)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	struct trace *t;

	if (fd < 0)
		return NULL;
	t = must_calloc(1, sizeof(*t));
	t->fd = fd;
	set_stamp(t, 0);
	put_header(&t->lines, header);
	return t;
}

int trace_flush(struct trace *t)
{
	if (t->lines.len)
		write_out(t);
	if (!t->error)
		return 0;
	errno = t->error;
	return -1;
}

int trace_close(struct trace *t)
{
	int error;

	(void)!trace_flush(t);
	error = t->error;
	if (close(t->fd) && !error)
		error = errno;
	buf_release(&t->lines);
	buf_release(&t->fault);
	free(t);
	errno = error;
	return error ? -1 : 0;
}
