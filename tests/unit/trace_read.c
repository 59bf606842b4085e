/* Unit tests of lib/trace's reader: what an editor may do to a trace, and what is wrong with one, told with its line. */
#include "tests/unit/trace_file.h"

#define HEADER "{\"trace\":1,\"seed\":7}\n"

/* The events of a text, or what is wrong with it, as one text. */
static const char *events_of(const char *text, size_t len)
{
	static char out[2000];
	size_t at = 0;
	struct file f;
	struct trace_reader *r;
	struct trace_event ev;
	uint64_t line = 0;
	int rc;

	file_new(&f, text, len);
	r = trace_reader_open(f.path);
	assert_non_null(r);
	out[0] = '\0';
	while ((rc = trace_next(r, &ev)) > 0 && at < sizeof(out)) {
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%d@%ju", (int)ev.kind, (uintmax_t)ev.at);
#define PART(name, part) if (ev.part.p) \
		at += (size_t)snprintf(out + at, sizeof(out) - at, " %s=%.*s", name, (int)ev.part.len, ev.part.p)
		PART("src", src);
		PART("dest", dest);
		PART("node", node);
		PART("message", message);
		PART("text", text);
		PART("why", why);
		PART("fault", fault);
#undef PART
		at += (size_t)snprintf(out + at, sizeof(out) - at, ev.copy ? " %ju/%u\n" : "\n", (uintmax_t)ev.seq, ev.copy);
	}
	if (rc < 0) {
		const char *error = trace_reader_error(r, &line);

		snprintf(out, sizeof(out), "%ju: %s", (uintmax_t)line, error);
		assert_int_equal(trace_next(r, &ev), -1);
	}
	trace_reader_free(r);
	close(f.fd);
	return out;
}

static void edited_lines_are_read_whatever_their_order_and_space(void **unused)
{
	static const char text[] =
		" { \"options\" : [ \"\\u0061\" ] , \"seed\" : 18446744073709551615 , \"later\" : {} , \"trace\" : 1 } \r\n"
		"\n \t\r\n"
		"{\"message\":{\"a\" : [1, 2] },\"seq\":1,\"dest\":\"\\u006e2\",\"src\":\"n\\\\1\",\"event\":\"\\u0073end\","
			"\"at\":5,\"x\":[[]]}\n"
		"{\"event\":\"send\",\"at\":1,\"seq\":2,\"src\":\"a\",\"dest\":\"\",\"text\":\"x\\\"\\n\\u00e9\\ud83d\\ude00\"}\n"
		"{\"event\":\"corrupt\",\"at\":1,\"seq\":2,\"src_base64\":\"YQ==\",\"dest_base64\":\"Yg\\u003d=\","
			"\"text_base64\":\"\\/\\/8=\",\"copy\":2}\n"
		"{\"event\":\"clock\",\"at\":9,\"seq\":\"whatever\"}\n"
		"{\"event\":\"drop\",\"at\":9,\"seq\":3,\"src\":\"a\",\"dest\":\"b\",\"why\":\"because\"}\n"
		"{\"event\":\"fault\",\"at\":9,\"fault\":{\"type\":\"new\"},\"ends\":false}\n"
		"{\"event\":\"death\",\"at\":9,\"node\":\"n1\",\"signal\":9,\"status\":0}\n"
		"{\"event\":\"start\",\"at\":4,\"node\":\"n1\"}\n"
		"{\"event\":\"end\",\"at\":4611686018427387904}";

	(void)unused;
	assert_string_equal(events_of(text, sizeof(text) - 1),
		"0@0\n"
		"1@5 src=n\\1 dest=n2 message={\"a\" : [1, 2] } 1/1\n"
		"1@1 src=a dest= text=x\"\n\xc3\xa9\xf0\x9f\x98\x80 2/1\n"
		"3@1 src=a dest=b text=\xff\xff 2/2\n"
		"10@9\n"
		"5@9 src=a dest=b why=because 3/1\n"
		"6@9 fault={\"type\":\"new\"}\n"
		"8@9 node=n1\n"
		"7@4 node=n1\n"
		"9@4611686018427387904\n");
}

static void what_is_wrong_is_told_with_its_line(void **unused)
{
#define ABOUT(event) HEADER "{\"event\":\"" event "\",\"at\":1,\"src\":\"a\",\"dest\":\"b\""
#define SEND "{\"at\":1,\"event\":\"send\",\"src\":\"a\",\"dest\":\"b\",\"seq\":1"
	static const struct { const char *text, *is; } cases[] = {
		{ "", "1: no line: a trace has at least its first" },
		{ "\n\n", "3: no line: a trace has at least its first" },
		{ "x\n", "1: an object expected, at byte 0" },
		{ "{\"at\":1}\n", "1: not the first line of a trace, which has a member trace" },
		{ "{\"trace\":\"1\"}\n", "1: not the first line of a trace, which has a member trace" },
		{ "{\"trace\":2,\"seed\":7}\n", "1: a trace of version 2; known is 1" },
		{ "{\"trace\":1}\n", "1: no seed" },
		{ "{\"trace\":1,\"seed\":-1}\n", "1: seed is no whole number from 0 to 18446744073709551615" },
		{ "{\"trace\":1,\"seed\":18446744073709551616}\n", "1: seed is no whole number from 0 to 18446744073709551615" },
		{ "{\"trace\":1,\"seed\":1,\"lockstep\":null}\n", "1: lockstep is neither true nor false" },
		{ "{\"trace\":1,\"seed\":1,\"nodes\":\"n1\"}\n", "1: nodes is no array" },
		{ "{\"trace\":1,\"seed\":1,\"command\":[\"a\",1]}\n", "1: command has something that is no string" },
		{ HEADER "\n{\"at\":1,\"event\":\"end\"}\n{", "4: the line does not end in '}', at byte 1" },
		{ HEADER "{\"at\":1,\"at\":1,\"event\":\"end\"}", "2: a member's name is there twice, at byte 8" },
		{ HEADER "{\"trace\":1,\"seed\":7}\n", "2: no event" },
		{ HEADER "{\"event\":1}\n", "2: event is no string" },
		{ HEADER "{\"event\":\"end\"}\n", "2: no at" },
		{ HEADER "{\"event\":\"end\",\"at\":1.5}\n", "2: at is no whole number from 0 to 4611686018427387904" },
		{ HEADER "{\"event\":\"end\",\"at\":4611686018427387905}\n", "2: at is no whole number from 0 to 4611686018427387904" },
		{ HEADER "{\"event\":\"send\",\"at\":1}\n", "2: no src" },
		{ HEADER "{\"event\":\"send\",\"at\":1,\"src\":[]}\n", "2: src is no string" },
		{ HEADER "{\"event\":\"send\",\"at\":1,\"src\":\"a\"}\n", "2: no dest" },
		{ HEADER "{\"event\":\"send\",\"at\":1,\"src_base64\":\"YQ\",\"dest\":\"b\"}\n", "2: src_base64 is no base64" },
		{ HEADER "{\"event\":\"send\",\"at\":1,\"src_base64\":1,\"dest\":\"b\"}\n", "2: src_base64 is no string" },
		{ ABOUT("deliver") "}\n", "2: no seq" },
		{ ABOUT("deliver") ",\"seq\":0}\n",
		  "2: seq is no whole number from 1 to 18446744073709551615" },
		{ ABOUT("deliver") ",\"seq\":1,\"copy\":3}\n", "2: copy is neither 1 nor 2" },
		{ ABOUT("deliver") ",\"seq\":1,\"copy\":0}\n", "2: copy is neither 1 nor 2" },
		{ ABOUT("deliver") ",\"seq\":1,\"copy\":\"1\"}\n",
		  "2: copy is neither 1 nor 2" },
		{ HEADER SEND "}\n", "2: neither message nor text" },
		{ HEADER SEND ",\"message\":[1]}\n", "2: message is no object" },
		{ HEADER SEND ",\"text\":{}}\n", "2: text is no string" },
		{ ABOUT("corrupt") ",\"seq\":1}\n", "2: no text" },
		{ ABOUT("drop") ",\"seq\":1}\n", "2: no why" },
		{ ABOUT("drop") ",\"seq\":1,\"why\":\"\"}\n", "2: why is empty, or has a NUL in it" },
		{ ABOUT("drop") ",\"seq\":1,\"why\":\"a\\u0000\"}\n",
		  "2: why is empty, or has a NUL in it" },
		{ HEADER "{\"event\":\"fault\",\"at\":1}\n", "2: no fault" },
		{ HEADER "{\"event\":\"fault\",\"at\":1,\"fault\":\"heal\"}\n", "2: fault is no object" },
		{ HEADER "{\"event\":\"fault\",\"at\":1,\"fault\":{},\"ends\":1}\n", "2: ends is neither true nor false" },
		{ HEADER "{\"event\":\"start\",\"at\":1}\n", "2: no node" },
		{ HEADER "{\"event\":\"death\",\"at\":1,\"node\":\"a\"}\n", "2: neither status nor signal" },
		{ HEADER "{\"event\":\"death\",\"at\":1,\"node\":\"a\",\"status\":256}\n", "2: status is no whole number from 0 to 255" },
		{ HEADER "{\"event\":\"death\",\"at\":1,\"node\":\"a\",\"signal\":0}\n", "2: signal is no whole number from 1 to 127" },
		{ HEADER "{\"event\":\"death\",\"at\":1,\"node\":\"a\",\"signal\":9,\"asked\":\"\"}\n",
		  "2: asked is neither true nor false" },
	};
	char line[200];

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *is = events_of(cases[i].text, strlen(cases[i].text));

		if (strcmp(is, cases[i].is)) {
			print_error("%s\n  gives: %s\n   want: %s\n", cases[i].text, is, cases[i].is);
			fail();
		}
	}
	snprintf(line, sizeof(line), HEADER "{\"event\":\"start\",\"at\":1,\"node\":\"%065d\"}\n", 0);
	assert_string_equal(events_of(line, strlen(line)), "2: node is longer than 64 bytes");
	assert_string_equal(events_of(HEADER "\0\n", sizeof(HEADER) + 1), "2: an object expected, at byte 0");
}

static void a_last_line_that_is_torn_is_told_from_one_that_is_wrong(void **unused)
{
	static const struct { const char *text; bool torn; } cases[] = {
		{ HEADER "{\"event\":\"end\",\"a", true },
		{ "{\"tra", false },
		{ HEADER "{\"event\":\"end\",\"a\n", false },
		{ HEADER "{\"event\":\"end\",\"a\n{\"event\"", false },
		{ HEADER, false },
		{ HEADER "{\"event\":\"end\",\"at\":1}", false },
		{ "", false },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct trace_reader *r;
		struct trace_event ev;
		struct file f;

		file_new(&f, cases[i].text, strlen(cases[i].text));
		r = trace_reader_open(f.path);
		assert_non_null(r);
		assert_false(trace_reader_torn(r));
		while (trace_next(r, &ev) > 0)
			assert_false(trace_reader_torn(r));
		assert_int_equal(trace_reader_torn(r), cases[i].torn);
		trace_reader_free(r);
		close(f.fd);
	}
}

static void a_line_may_be_40_mib_long_and_no_more(void **unused)
{
	size_t len = sizeof(HEADER) - 1 + TRACE_LINE_BYTES_MAX;
	char *text = malloc(len + 2);

	(void)unused;
	assert_non_null(text);
	memset(text, ' ', len);
	memcpy(text, HEADER "{\"event\":\"end\",\"at\":", sizeof(HEADER) - 1 + 20);
	memcpy(text + len - 2, "5}\n\n", 4);
	assert_string_equal(events_of(text, len + 1), "0@0\n9@5\n");
	memcpy(text + len - 2, "50}\n", 4);
	assert_string_equal(events_of(text, len + 2), "2: longer than 40 MiB");
	free(text);
}

static void a_file_that_cannot_be_read_is_errno(void **unused)
{
	struct trace_reader *r;
	struct trace_event ev;
	uint64_t line = 9;

	(void)unused;
	assert_null(trace_reader_open("/nowhere/at/all"));
	assert_int_equal(errno, ENOENT);
	r = trace_reader_open("/");
	assert_non_null(r);
	assert_int_equal(trace_next(r, &ev), -1);
	assert_int_equal(errno, EISDIR);
	assert_string_equal(trace_reader_error(r, &line), "Is a directory");
	assert_int_equal(line, 0);
	trace_reader_free(r);
	trace_reader_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edited_lines_are_read_whatever_their_order_and_space),
		cmocka_unit_test(what_is_wrong_is_told_with_its_line),
		cmocka_unit_test(a_last_line_that_is_torn_is_told_from_one_that_is_wrong),
		cmocka_unit_test(a_line_may_be_40_mib_long_and_no_more),
		cmocka_unit_test(a_file_that_cannot_be_read_is_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
