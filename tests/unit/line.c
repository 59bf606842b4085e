/*
 * Unit tests of lib/base: line, against a model that has all bytes at once, and buf, against
 * a plain array.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/line.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- Lines --- */

/* Hands text over in steps of `step` bytes, takes all lines after each, and writes them as `[line]` or `<long>`. */
static void split(const char *text, size_t step, size_t line_max, char *out)
{
	struct line_reader r;
	size_t size = strlen(text), len;
	char *line;

	line_init(&r, line_max);
	for (size_t at = 0; at <= size; at += step) {
		enum line_status status;

		line_feed(&r, text + at, size - at < step ? size - at : step);
		r.ended = size - at <= step;
		while ((status = line_next(&r, &line, &len)) != LINE_NONE)
			out += status == LINE_WHOLE ? sprintf(out, "[%.*s]", (int)len, line) : sprintf(out, "<>");
	}
	*out = '\0';
	assert_int_equal(line_next(&r, &line, &len), LINE_NONE);
	line_release(&r);
}

static void test_split(void **state)
{
	static const struct {
		const char *text, *lines;
	} cases[] = {
		{ "", "" },
		{ "\n", "[]" },
		{ "\n\n", "[][]" },
		{ "a\n", "[a]" },
		{ "a\nbc\n\nd\n", "[a][bc][][d]" },
		{ "a\nb", "[a][b]" },
		{ "a", "[a]" },
		{ "12345678\n", "[12345678]" },
		{ "12345678", "[12345678]" },
		{ "123456789\n", "<>" },
		{ "123456789", "<>" },
		{ "123456789\na\n", "<>[a]" },
		{ "123456789123456789123456789\n\na", "<>[][a]" },
		{ "a\n123456789123456789\n123456789123456789\nb", "[a]<><>[b]" },
		{ "123456789123456789", "<>" },
		{ "a\n123456789\n", "[a]<>" },
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (size_t step = 1; step < 32; step++) {
			split(cases[i].text, step, 8, out);
			assert_string_equal(out, cases[i].lines);
		}
	}
}

static void test_limit_exact(void **state)
{
	enum { MAX = 3 * LINE_READ_BYTES };
	char *text = malloc(MAX + 3), *line;
	struct line_reader r;
	size_t len;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', MAX + 3);
	for (size_t extra = 0; extra < 2; extra++) {
		line_init(&r, MAX);
		line_feed(&r, text, MAX + extra);
		line_feed(&r, "\n", 1);
		line_feed(&r, "next\n", 5);
		assert_int_equal(line_next(&r, &line, &len), extra ? LINE_TOO_LONG : LINE_WHOLE);
		assert_int_equal(len, extra ? LINE_READ_BYTES : MAX);
		assert_memory_equal(line, text, len);
		assert_int_equal(line_next(&r, &line, &len), LINE_WHOLE);
		assert_int_equal(len, 4);
		line_release(&r);
	}
	free(text);
}

static void test_long_is_bounded(void **state)
{
	enum { MAX = 1000, READS = 200 };
	char *text = malloc(LINE_READ_BYTES), *line;
	struct line_reader r;
	size_t len, reported = 0;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', LINE_READ_BYTES);
	line_init(&r, MAX);
	for (size_t i = 0; i < READS; i++) {
		line_feed(&r, text, LINE_READ_BYTES);
		while (line_next(&r, &line, &len) == LINE_TOO_LONG)
			reported++;
		assert_true(r.room <= MAX + 2 * LINE_READ_BYTES);
	}
	assert_int_equal(reported, 1);
	line_feed(&r, "\ngood\n", 6);
	assert_int_equal(line_next(&r, &line, &len), LINE_WHOLE);
	assert_memory_equal(line, "good", 4);
	line_release(&r);
	free(text);
}

/* The longest line that may be, in reads of one size. */
static void test_memory(void **state)
{
	enum { MAX = 20 * LINE_READ_BYTES + 7 };
	struct line_reader r;
	char *text = malloc(LINE_READ_BYTES), *line;
	size_t len;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', LINE_READ_BYTES);
	line_init(&r, MAX);
	for (size_t at = 0; at < MAX; at += LINE_READ_BYTES) {
		line_feed(&r, text, MAX - at < LINE_READ_BYTES ? MAX - at : LINE_READ_BYTES);
		assert_int_equal(line_next(&r, &line, &len), LINE_NONE);
		assert_true(r.room <= MAX + 2 * LINE_READ_BYTES);
	}
	line_feed(&r, "\n", 1);
	assert_int_equal(line_next(&r, &line, &len), LINE_WHOLE);
	assert_int_equal(len, MAX);
	assert_int_equal(line_next(&r, &line, &len), LINE_NONE);
	line_feed(&r, "short\n", 6);
	assert_true(r.room <= 2 * LINE_READ_BYTES);
	assert_int_equal(line_next(&r, &line, &len), LINE_WHOLE);
	assert_ptr_equal(line, r.memory);
	line_release(&r);
	free(text);
}

static void test_descriptor(void **state)
{
	struct line_reader r;
	char *line;
	size_t len;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	line_init(&r, 100);
	assert_int_equal(write(fd[1], "a\nhal", 5), 5);
	assert_int_equal(line_read(&r, fd[0]), 5);
	assert_int_equal(line_next(&r, &line, &len), LINE_WHOLE);
	assert_int_equal(line_next(&r, &line, &len), LINE_NONE);
	assert_int_equal(write(fd[1], "f\n\xff\0z", 5), 5);
	close(fd[1]);
	assert_int_equal(line_read(&r, fd[0]), 5);
	assert_int_equal(line_next(&r, &line, &len), LINE_WHOLE);
	assert_int_equal(len, 4);
	assert_memory_equal(line, "half", 4);
	assert_int_equal(line_next(&r, &line, &len), LINE_NONE);
	assert_int_equal(line_read(&r, fd[0]), 0);
	assert_int_equal(line_next(&r, &line, &len), LINE_WHOLE);
	assert_int_equal(len, 3);
	assert_memory_equal(line, "\xff\0z", 3);
	assert_int_equal(line_next(&r, &line, &len), LINE_NONE);
	assert_int_equal(line_read(&r, fd[0]), 0);
	assert_int_equal(line_next(&r, &line, &len), LINE_NONE);
	close(fd[0]);
	assert_int_equal(line_read(&r, fd[0]), -1);
	line_release(&r);
}

/* --- Bytes --- */

static uint64_t random_state = 1;

static size_t random_below(size_t n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(random_state >> 33) % n;
}

static void test_buf(void **state)
{
	enum { ROUNDS = 20000, MAX = 4096 };
	char model[2 * MAX];
	size_t len = 0;
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < ROUNDS; i++) {
		size_t n = random_below(random_below(10) ? 40 : MAX);

		if (len + n < MAX) {
			for (size_t k = 0; k < n; k++)
				model[len + k] = (char)random_below(256);
			buf_add(&b, model + len, n);
			len += n;
		} else {
			n = random_below(len + 1);
			memmove(model, model + n, len -= n);
			buf_drop(&b, n);
		}
		if (!random_below(500)) {
			buf_clear(&b, random_below(2 * MAX));
			len = 0;
		}
		assert_int_equal(b.len, len);
		if (len)
			assert_memory_equal(b.at, model, len);
		assert_true(b.room <= 4 * MAX);
		assert_true(b.start + b.len <= b.room);
	}
	buf_release(&b);
	assert_null(b.at);
}

static void test_buf_text(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_puts(&b, "a");
	buf_putc(&b, ' ');
	buf_u64(&b, 0);
	buf_putc(&b, ' ');
	buf_u64(&b, UINT64_MAX);
	buf_printf(&b, " %s-%d", "x", -5);
	buf_add(&b, NULL, 0);
	buf_putc(&b, '\0');
	assert_string_equal(b.at, "a 0 18446744073709551615 x--5");
	buf_clear(&b, 0);
	assert_null(b.at);
	buf_printf(&b, "%0500d", 7);
	assert_int_equal(b.len, 500);
	buf_drop(&b, 500);
	assert_int_equal(b.start, 0);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "lines come whole however the bytes arrive; one too long is reported once", test_split, NULL, NULL, NULL },
		{ "a line as long as the limit is whole, one byte more is too long", test_limit_exact, NULL, NULL, NULL },
		{ "an endless line takes bounded memory, and what follows it is read", test_long_is_bounded, NULL, NULL,
		  NULL },
		{ "the longest line takes its length and two reads, and is given back", test_memory, NULL, NULL, NULL },
		{ "out of a descriptor: any bytes, and a last line without a newline", test_descriptor, NULL, NULL, NULL },
		{ "a buffer grows at the end and goes at the front", test_buf, NULL, NULL, NULL },
		{ "numbers and formatted text", test_buf_text, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
