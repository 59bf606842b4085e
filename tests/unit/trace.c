/*
 * Unit tests of lib/trace: what is written is JSON, as jansson and jq see it, and is read back as it was; a file that
 * fails is told.
 */
#include "tests/unit/trace_file.h"

#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>

static uint64_t state = 1;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

/* --- Writing --- */

static void each_event_is_a_line_as_the_page_has_it(void **unused)
{
	char raft[] = "raft-node", x[] = "-x", *command[] = { raft, x, NULL };
	const char *nodes[] = { "n1", "n2" }, *options[] = { "--loss", "0.1", NULL };
	const struct trace_header header = {
		.seed = UINT64_MAX, .lockstep = true, .nodes = nodes, .node_count = 2, .command = command, .options = options,
	};
	char star[] = "*";
	struct fault_order order = { .kind = FAULT_ORDER_PAUSE, .id = 3, .nodes = star, .for_ns = 1000000000 };
	struct file f;
	struct trace *t = trace_on(&f, &header);
	char *text;

	(void)unused;
	trace_start(t, 0, "n1");
	trace_send(t, 10, between("n1", "n2"), 1, "{\"a\": 1}", 8);
	trace_duplicate(t, 10, between("n1", "n2"), 1);
	trace_corrupt(t, 10, between("n1", "n2"), 1, 2, "{\"a\x80", 4);
	trace_deliver(t, 10, between("n1", "n2"), 1, 1);
	trace_drop(t, 4294967296, between("n1", "n2"), 1, 2, "loss");
	trace_send(t, 4294967296, between("\xff", "\"\n"), UINT64_MAX, "no \"JSON\"\t", 10);
	trace_fault(t, 4294967297, &order);
	order.ends = true;
	order.kind = FAULT_ORDER_RESUME;
	order.for_ns = 0;
	trace_fault(t, 4294967298, &order);
	trace_death(t, 4294967298, "n1", 9, true);
	trace_death(t, 4294967298, "n2", 3 << 8, false);
	trace_end(t, 5000000000);
	assert_int_equal(trace_close(t), 0);
	text = file_text(&f);
	assert_string_equal(text,
		"{\"trace\":1,\"version\":\"" FAULTLINE_VERSION "\",\"seed\":18446744073709551615,\"lockstep\":true,"
		"\"command\":[\"raft-node\",\"-x\"],\"nodes\":[\"n1\",\"n2\"],\"options\":[\"--loss\",\"0.1\"]}\n"
		"{\"at\":0,\"event\":\"start\",\"node\":\"n1\"}\n"
		"{\"at\":10,\"event\":\"send\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":1,\"message\":{\"a\": 1}}\n"
		"{\"at\":10,\"event\":\"duplicate\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":1}\n"
		"{\"at\":10,\"event\":\"corrupt\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":1,\"copy\":2,\"text_base64\":\"eyJhgA==\"}\n"
		"{\"at\":10,\"event\":\"deliver\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":1}\n"
		"{\"at\":4294967296,\"event\":\"drop\",\"src\":\"n1\",\"dest\":\"n2\",\"seq\":1,\"copy\":2,\"why\":\"loss\"}\n"
		"{\"at\":4294967296,\"event\":\"send\",\"src_base64\":\"/w==\",\"dest\":\"\\\"\\n\",\"seq\":18446744073709551615,"
		"\"text\":\"no \\\"JSON\\\"\\t\"}\n"
		"{\"at\":4294967297,\"event\":\"fault\",\"fault\":{\"type\":\"pause\",\"id\":3,\"node\":\"*\",\"for\":\"1s\"}}\n"
		"{\"at\":4294967298,\"event\":\"fault\",\"fault\":{\"type\":\"resume\",\"id\":3,\"node\":\"*\"},\"ends\":true}\n"
		"{\"at\":4294967298,\"event\":\"death\",\"node\":\"n1\",\"signal\":9,\"asked\":true}\n"
		"{\"at\":4294967298,\"event\":\"death\",\"node\":\"n2\",\"status\":3}\n"
		"{\"at\":5000000000,\"event\":\"end\"}\n");
	free(text);
	close(f.fd);
}

/* What one send tells its message as: 'm' message, 't' text, 'b' base64. */
static char told_as(const char *line, size_t len)
{
	struct file f;
	struct trace *t = trace_on(&f, &small);
	struct trace_reader *r;
	struct trace_event ev;
	char *text, as;

	trace_send(t, 0, between("n1", "n2"), 1, line, len);
	assert_int_equal(trace_close(t), 0);
	text = file_text(&f);
	as = strstr(text, ",\"message\":") ? 'm' : strstr(text, ",\"text_base64\":") ? 'b' : strstr(text, ",\"text\":") ? 't' : '?';
	assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n'), text + strlen(text) - 1);
	r = trace_reader_open(f.path);
	assert_non_null(r);
	assert_int_equal(trace_next(r, &ev), 1);
	assert_int_equal(trace_next(r, &ev), 1);
	if (as == 'm')
		assert_true(ev.message.p && memmem(line, len, ev.message.p, ev.message.len) && !ev.text.p);
	else
		assert_true(!ev.message.p && same(ev.text, (struct wire_text){ .p = line, .len = len }));
	assert_int_equal(trace_next(r, &ev), 0);
	trace_reader_free(r);
	free(text);
	close(f.fd);
	return as;
}

static void a_message_is_embedded_if_it_is_an_object_and_else_a_text(void **unused)
{
	char deep[1000];
	size_t len;

	(void)unused;
#define TOLD(line) told_as(line, sizeof(line) - 1)
	assert_int_equal(TOLD("{}"), 'm');
	assert_int_equal(TOLD(" {\"a\":[1e400,\"\\u0000\xc3\xa9\"]}\t\r"), 'm');
	assert_int_equal(TOLD(""), 't');
	assert_int_equal(TOLD("[]"), 't');
	assert_int_equal(TOLD("{\"a\":1,\"a\":2}"), 't');
	assert_int_equal(TOLD("{}\n{}"), 't');
	assert_int_equal(TOLD("{\n}"), 't');
	assert_int_equal(TOLD("{}}"), 't');
	assert_int_equal(TOLD("{}\0"), 'b');
	assert_int_equal(TOLD("\0"), 'b');
	assert_int_equal(TOLD("{\"a\":\"\x80\"}"), 'b');
	assert_int_equal(TOLD("{\"a\":\"\x01\"}"), 't');
#undef TOLD
	/* {"a":[[...]]}: 100 containers are embedded, 101 are not. */
	for (int depth = WIRE_DEPTH_MAX - 1; depth <= WIRE_DEPTH_MAX; depth++) {
		len = (size_t)sprintf(deep, "{\"[[\\\"[\":");
		for (int i = 0; i < depth; i++)
			deep[len++] = '[';
		for (int i = 0; i < depth; i++)
			deep[len++] = ']';
		deep[len++] = '}';
		assert_int_equal(told_as(deep, len), depth < WIRE_DEPTH_MAX ? 'm' : 't');
	}
}

static void long_messages_come_back_whole(void **unused)
{
	size_t len = 16 << 20;
	char *line = malloc(len);

	(void)unused;
	assert_non_null(line);
	memset(line, '\x01', len);
	assert_int_equal(told_as(line, len), 'b');
	assert_int_equal(told_as(line, 4 << 20), 't');
	memset(line, 'a', len);
	memcpy(line, "{\"a\":\"", 6);
	memcpy(line + len - 2, "\"}", 2);
	assert_int_equal(told_as(line, len), 'm');
	free(line);
}

static void words_of_the_header_may_hold_any_bytes(void **unused)
{
	char bad[] = "a\xff\xc3\xa9\xe2\x82", quote[] = "\"\\\x01", empty[] = "", *command[] = { bad, quote, empty, NULL };
	const struct trace_header header = { .seed = 1, .command = command };
	const char *is[] = { "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd", quote, "" };
	struct file f;
	struct trace *t = trace_on(&f, &header);
	struct trace_reader *r;
	struct trace_event ev;
	char word[64];

	(void)unused;
	assert_int_equal(trace_close(t), 0);
	r = trace_reader_open(f.path);
	assert_int_equal(trace_next(r, &ev), 1);
	assert_int_equal(ev.kind, TRACE_HEADER);
	for (size_t i = 0; i < COUNT(is); i++) {
		assert_true(trace_header_string(&ev, "command", i, word, sizeof(word)));
		assert_string_equal(word, is[i]);
	}
	assert_false(trace_header_string(&ev, "command", COUNT(is), word, sizeof(word)));
	assert_false(trace_header_string(&ev, "nodes", 0, word, sizeof(word)));
	assert_false(trace_header_string(&ev, "seed", 0, word, sizeof(word)));
	assert_true(trace_header_string(&ev, "command", 0, word, 3));
	assert_string_equal(word, "a\xef");
	trace_reader_free(r);
	close(f.fd);
}

/* --- Files that fail --- */

static void what_is_in_the_file_ends_at_a_line_at_any_time(void **unused)
{
	struct file f;
	struct trace *t = trace_on(&f, &small);
	size_t last = 0, writes = 0;

	(void)unused;
	for (uint64_t i = 1; i < 20000; i++) {
		size_t size;
		char c;

		trace_deliver(t, i, between("n1", "n2"), i, 1);
		size = file_size(&f);
		if (size == last)
			continue;
		assert_int_equal(pread(f.fd, &c, 1, (off_t)size - 1), 1);
		assert_int_equal(c, '\n');
		assert_true(size - last >= 1 << 18);
		last = size;
		writes++;
	}
	assert_true(writes > 2);
	assert_int_equal(trace_flush(t), 0);
	assert_true(file_size(&f) > last);
	last = file_size(&f);
	assert_int_equal(trace_flush(t), 0);
	assert_int_equal(file_size(&f), last);
	assert_int_equal(trace_close(t), 0);
	close(f.fd);
}

static void a_full_disk_is_told_and_told_again(void **unused)
{
	struct trace *t = trace_open("/dev/full", &small);

	(void)unused;
	assert_non_null(t);
	assert_int_equal(trace_flush(t), -1);
	assert_int_equal(errno, ENOSPC);
	for (uint64_t i = 1; i < 20000; i++)
		trace_deliver(t, i, between("n1", "n2"), i, 1);
	errno = 0;
	assert_int_equal(trace_flush(t), -1);
	assert_int_equal(errno, ENOSPC);
	errno = 0;
	assert_int_equal(trace_close(t), -1);
	assert_int_equal(errno, ENOSPC);

	t = trace_open("/dev/full", &small);
	assert_int_equal(trace_close(t), -1);
	assert_int_equal(errno, ENOSPC);
	assert_null(trace_open("/nowhere/at/all", &small));
	assert_int_equal(errno, ENOENT);
}

static void a_closed_pipe_is_told(void **unused)
{
	char path[64];
	struct trace *t;
	int fds[2];

	(void)unused;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[1]);
	t = trace_open(path, &small);
	assert_non_null(t);
	close(fds[0]);
	close(fds[1]);
	trace_end(t, 1);
	assert_int_equal(trace_flush(t), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(trace_close(t), -1);
	assert_int_equal(errno, EPIPE);
	signal(SIGPIPE, SIG_DFL);
}

static void a_line_that_a_full_disk_took_half_of_is_cut_off(void **unused)
{
	char path[] = "/tmp/faultline-trace-XXXXXX";
	const struct rlimit small_limit = { 1000, RLIM_INFINITY };
	struct rlimit old;
	int fd = mkstemp(path);
	struct trace *t;
	struct stat st;
	char text[1000];

	(void)unused;
	assert_true(fd >= 0);
	t = trace_open(path, &small);
	assert_non_null(t);
	for (uint64_t i = 1; i < 100; i++)
		trace_deliver(t, 1000 + i, between("n1", "n2"), 1000 + i, 1);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ small_limit.rlim_cur, old.rlim_max }), 0);
	assert_int_equal(trace_flush(t), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(trace_close(t), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(fstat(fd, &st), 0);
	assert_in_range(st.st_size, 900, 999);
	assert_int_equal(pread(fd, text, sizeof(text), 0), st.st_size);
	assert_int_equal(text[st.st_size - 1], '\n');
	close(fd);
	unlink(path);
}

/* --- There and back --- */

enum { EVENTS = 20000 };

struct made {
	struct trace_event ev;          /* its texts in `memory` */
	char memory[3][200];
};

static struct wire_text random_bytes(char *memory, uint32_t most, uint32_t kind)
{
	static const char *const piece[] = { "\"", "\\", "\xc3\xa9", "\n", "{", "a", "\xf0\x9f\x98\x80", " ", "/" };
	size_t len = 0, wanted = draw(most + 1);

	while (len < wanted) {
		const char *p = piece[draw(COUNT(piece))];

		if (kind == 0)
			memory[len++] = (char)('a' + draw(26));
		else if (kind == 1)
			memory[len++] = (char)draw(256);
		else if (len + strlen(p) <= wanted)
			len += (size_t)sprintf(memory + len, "%s", p);
		else
			break;
	}
	return (struct wire_text){ .p = memory, .len = len };
}

static struct wire_text random_object(char *memory, size_t room)
{
	int len = snprintf(memory, room, "{\"src\":\"n%u\",\"body\":{\"x\":[%u,null]}}", draw(9), draw(1000000));

	return (struct wire_text){ .p = memory, .len = (size_t)len };
}

static void make_event(struct made *m, uint64_t at)
{
	static const char *const whys[] = { "loss", "burst", "rate", "partition", "down", "queue", "nobody", "asleep" };
	struct trace_event *ev = &m->ev;

	*m = (struct made){ .ev = { .kind = (enum trace_event_kind)(TRACE_SEND + draw(TRACE_OTHER - TRACE_SEND)), .at = at } };
	if (ev->kind < TRACE_FAULT) {
		ev->src = random_bytes(m->memory[0], 64, draw(4) ? 0 : 1 + draw(2));
		ev->dest = random_bytes(m->memory[1], 20, draw(4) ? 0 : 1 + draw(2));
		ev->seq = 1 + (draw(2) ? draw(10) : (uint64_t)draw(UINT32_MAX) << draw(32));
		ev->copy = ev->kind == TRACE_SEND || ev->kind == TRACE_DUPLICATE ? 1 : 1 + draw(2);
	}
	if (ev->kind == TRACE_SEND && draw(2))
		ev->message = random_object(m->memory[2], sizeof(m->memory[2]));
	else if (ev->kind == TRACE_SEND || ev->kind == TRACE_CORRUPT)
		ev->text = random_bytes(m->memory[2], 190, draw(3));
	if (ev->kind == TRACE_DROP)
		ev->why = text_of(whys[draw(COUNT(whys))]);
	if (ev->kind == TRACE_START || ev->kind == TRACE_DEATH)
		ev->node = text_of(draw(2) ? "n1" : "a.node:7");
	if (ev->kind == TRACE_DEATH) {
		ev->asked = draw(2);
		*(draw(2) ? &ev->signal : &ev->status) = 1 + (int)draw(60);
	}
	if (ev->kind == TRACE_FAULT) {
		ev->ends = draw(2);
		ev->fault = text_of("{\"type\":\"heal\"}");
	}
}

static void write_event(struct trace *t, const struct trace_event *ev)
{
	struct fault_order heal = { .kind = FAULT_ORDER_HEAL, .ends = ev->ends };
	struct trace_link link = { ev->src, ev->dest };
	struct wire_text message = ev->message.p ? ev->message : ev->text;
	char node[32];

	snprintf(node, sizeof(node), "%.*s", (int)ev->node.len, ev->node.p ? ev->node.p : "");
	switch (ev->kind) {
	case TRACE_SEND:      trace_send(t, ev->at, link, ev->seq, message.p, message.len); break;
	case TRACE_DUPLICATE: trace_duplicate(t, ev->at, link, ev->seq); break;
	case TRACE_CORRUPT:   trace_corrupt(t, ev->at, link, ev->seq, ev->copy, ev->text.p, ev->text.len); break;
	case TRACE_DELIVER:   trace_deliver(t, ev->at, link, ev->seq, ev->copy); break;
	case TRACE_DROP:      trace_drop(t, ev->at, link, ev->seq, ev->copy, ev->why.p); break;
	case TRACE_FAULT:     trace_fault(t, ev->at, &heal); break;
	case TRACE_START:     trace_start(t, ev->at, node); break;
	case TRACE_DEATH:     trace_death(t, ev->at, node, ev->signal ? ev->signal : ev->status << 8, ev->asked); break;
	default:              trace_end(t, ev->at);
	}
}

static void compare_event(const struct trace_event *a, const struct trace_event *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_true(a->at == b->at && a->seq == b->seq && a->copy == b->copy);
	assert_true(same(a->src, b->src) && same(a->dest, b->dest) && same(a->node, b->node));
	assert_true(same(a->message, b->message) && same(a->text, b->text) && same(a->why, b->why) && same(a->fault, b->fault));
	assert_true(a->ends == b->ends && a->asked == b->asked && a->status == b->status && a->signal == b->signal);
}

/* As jansson sees it, strictly. */
static void check_json(struct wire_text line)
{
	json_t *root = json_loadb(line.p, line.len, JSON_REJECT_DUPLICATES, NULL);

	if (!root)
		print_error("no JSON: %.*s\n", (int)line.len, line.p);
	assert_non_null(root);
	json_decref(root);
}

static void what_is_written_is_json_and_is_read_back(void **unused)
{
	struct made *made = calloc(EVENTS, sizeof(*made));
	struct file f;
	struct trace *t = trace_on(&f, &small);
	struct trace_reader *r;
	struct trace_event ev;
	uint64_t at = 0;
	char command[200];

	(void)unused;
	assert_non_null(made);
	for (size_t i = 0; i < EVENTS; i++) {
		make_event(&made[i], at += draw(2) ? 0 : draw(1000000));
		write_event(t, &made[i].ev);
	}
	assert_int_equal(trace_close(t), 0);
	r = trace_reader_open(f.path);
	assert_int_equal(trace_next(r, &ev), 1);
	assert_true(ev.kind == TRACE_HEADER && ev.seed == 7 && !ev.lockstep && ev.line == 1);
	for (size_t i = 0; i < EVENTS; i++) {
		assert_int_equal(trace_next(r, &ev), 1);
		assert_int_equal(ev.line, i + 2);
		check_json(ev.json);
		compare_event(&ev, &made[i].ev);
	}
	assert_int_equal(trace_next(r, &ev), 0);
	trace_reader_free(r);
	snprintf(command, sizeof(command), "[ $(jq -c . '%s' | wc -l) = %d ]", f.path, EVENTS + 1);
	assert_int_equal(system(command), 0);
	free(made);
	close(f.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_event_is_a_line_as_the_page_has_it),
		cmocka_unit_test(a_message_is_embedded_if_it_is_an_object_and_else_a_text),
		cmocka_unit_test(long_messages_come_back_whole),
		cmocka_unit_test(words_of_the_header_may_hold_any_bytes),
		cmocka_unit_test(what_is_in_the_file_ends_at_a_line_at_any_time),
		cmocka_unit_test(a_full_disk_is_told_and_told_again),
		cmocka_unit_test(a_closed_pipe_is_told),
		cmocka_unit_test(a_line_that_a_full_disk_took_half_of_is_cut_off),
		cmocka_unit_test(what_is_written_is_json_and_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
