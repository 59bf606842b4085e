/*
 * lib/kv's snapshots, and that equal commands lead to equal states: with other seeds, by way of a snapshot, or
 * while one is being taken.
 */
#include "lib/kv/kv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define WRITE_OK "\"type\":\"write_ok\""

/* --- A stream of commands, the same from the same seed --- */

struct stream {
	uint64_t state, index;
	unsigned keys, sessions;
	uint64_t seq[64];
	char body[512];
};

static void stream_init(struct stream *s, uint64_t seed, unsigned keys, unsigned sessions)
{
	assert_in_range(sessions, 1, COUNT(s->seq));
	*s = (struct stream){ .state = seed, .keys = keys, .sessions = sessions };
}

static uint32_t draw(struct stream *s, uint32_t below)
{
	s->state ^= s->state << 13;
	s->state ^= s->state >> 7;
	s->state ^= s->state << 17;
	return (uint32_t)(s->state >> 32) % below;
}

static int put_operation(struct stream *s, char *out, size_t room)
{
	unsigned key = draw(s, s->keys), other = draw(s, s->keys), len = draw(s, 10) ? draw(s, 40) : draw(s, 300);

	switch (draw(s, 8)) {
	case 0:
		return snprintf(out, room, "\"type\":\"delete\",\"key\":\"k%u\"", key);
	case 1:
		return snprintf(out, room, "\"type\":\"cas\",\"key\":\"k%u\",\"from\":%u,\"to\":%u,\"create_if_not_exists\":%s",
				key, draw(s, 2), draw(s, 2), draw(s, 2) ? "true" : "false");
	case 2:
		return snprintf(out, room, "\"type\":\"txn\",\"txn\":[[\"append\",%u,%u],[\"r\",%u,null],[\"w\",%u,[]],[\"append\",\"k%u\",1]]",
				key, other, key, other, draw(s, s->keys));
	case 3:
		return snprintf(out, room, "\"type\":\"write\",\"key\":{\"b\":%u, \"a\":[1.0]},\"value\":{\"z\": 1e0}", key % 7);
	default:
		return snprintf(out, room, "\"type\":\"write\",\"key\":\"k%u\",\"value\":\"%0*u\"", key, (int)len, key);
	}
}

static void stream_next(struct stream *s)
{
	char *out = s->body, *end = s->body + sizeof(s->body);
	unsigned session = draw(s, s->sessions);

	s->index += 1 + (draw(s, 10) == 0);
	*out++ = '{';
	out += put_operation(s, out, (size_t)(end - out));
	if (draw(s, 2)) {
		uint64_t seq = draw(s, 5) || !s->seq[session] ? ++s->seq[session] : 1 + draw(s, (uint32_t)s->seq[session] + 2);

		out += snprintf(out, (size_t)(end - out), ",\"session\":\"s\\n%u\",\"seq\":%u", session, (unsigned)seq);
	}
	snprintf(out, (size_t)(end - out), "}");
}

static void apply(struct kv *kv, uint64_t index, const char *body, struct buf *answer)
{
	answer->len = 0;
	kv_apply(kv, index, body, strlen(body), answer);
}

static void apply_same(struct kv *a, struct kv *b, const struct stream *s, struct buf *answers)
{
	apply(a, s->index, s->body, &answers[0]);
	apply(b, s->index, s->body, &answers[1]);
	assert_int_equal(answers[0].len, answers[1].len);
	assert_memory_equal(answers[0].at, answers[1].at, answers[0].len);
}

static void release(struct kv *a, struct kv *b, struct buf *answers)
{
	kv_free(a);
	kv_free(b);
	buf_release(&answers[0]);
	buf_release(&answers[1]);
}

/* --- Snapshots as texts --- */

static void take_slice(struct kv *kv, size_t bytes, struct buf *lines, bool *more)
{
	size_t start = lines->len;

	*more = kv_snapshot_next(kv, bytes, lines);
	assert_true(*more || lines->len == start);
	assert_true(lines->len == start || lines->at[lines->len - 1] == '\n');
}

static void take(struct kv *kv, size_t bytes, struct buf *lines)
{
	bool more = true;

	kv_snapshot_begin(kv);
	while (more)
		take_slice(kv, bytes, lines, &more);
}

static struct kv *load(uint64_t seed, const struct buf *lines)
{
	struct kv *kv = kv_new(seed);

	for (size_t at = 0; at < lines->len; ) {
		const char *line = lines->at + at, *newline = memchr(line, '\n', lines->len - at);

		assert_non_null(newline);
		assert_true(kv_snapshot_load(kv, line, (size_t)(newline - line)));
		at += (size_t)(newline + 1 - line);
	}
	return kv;
}

static void assert_same_state(const struct kv *a, const struct kv *b)
{
	assert_int_equal(kv_keys(a), kv_keys(b));
	assert_int_equal(kv_bytes(a), kv_bytes(b));
	assert_int_equal(kv_sessions(a), kv_sessions(b));
	assert_int_equal(kv_fingerprint(a), kv_fingerprint(b));
}

/* --- The same state --- */

static void the_seed_changes_neither_answers_nor_state(void **state)
{
	struct kv *a = kv_new(1), *b = kv_new(UINT64_MAX);
	struct buf answers[2] = { { 0 } };
	struct stream s;

	(void)state;
	stream_init(&s, 3, 200, 20);
	for (int i = 0; i < 20000; i++) {
		stream_next(&s);
		apply_same(a, b, &s, answers);
	}
	assert_same_state(a, b);
	release(a, b, answers);
}

static void every_part_of_the_state_is_in_the_fingerprint(void **state)
{
	static const char *const states[] = {
		"{\"type\":\"noop\"}",
		"{\"type\":\"write\",\"key\":\"a\",\"value\":1}",
		"{\"type\":\"write\",\"key\":\"a\",\"value\":2}",
		"{\"type\":\"write\",\"key\":\"b\",\"value\":1}",
		"{\"type\":\"write\",\"key\":\"a\",\"value\":1,\"session\":\"s\",\"seq\":1}",
		"{\"type\":\"write\",\"key\":\"a\",\"value\":1,\"session\":\"t\",\"seq\":1}",
		"{\"type\":\"delete\",\"key\":\"a\",\"session\":\"s\",\"seq\":1}",
		"{\"type\":\"cas\",\"key\":\"a\",\"from\":1,\"to\":1,\"create_if_not_exists\":true,\"session\":\"s\",\"seq\":1}",
	};
	uint64_t seen[2 * COUNT(states)];
	struct buf answer = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(seen); i++) {
		struct kv *kv = kv_new(1);

		apply(kv, 1 + i % 2, states[i / 2], &answer);
		seen[i] = kv_fingerprint(kv);
		/* The index of a command that changes nothing and has no session is no state: the two of noop are equal. */
		for (size_t j = 0; j < i; j++)
			assert_int_equal(seen[i] == seen[j], i < 2);
		kv_free(kv);
	}
	buf_release(&answer);
}

/* The writer of slices is behind: commands go on between them. */
static void play_snapshot(uint64_t seed, unsigned before, unsigned between, size_t bytes)
{
	struct kv *kv = kv_new(1), *twin = kv_new(2), *loaded;
	struct buf answers[2] = { { 0 } }, lines = { 0 };
	struct stream s, from_begin;
	uint64_t fingerprint;
	bool more = true;

	stream_init(&s, seed, 150, 20);
	for (unsigned i = 0; i < before; i++) {
		stream_next(&s);
		apply_same(kv, twin, &s, answers);
	}
	from_begin = s;
	fingerprint = kv_fingerprint(kv);
	kv_snapshot_begin(kv);
	while (more) {
		for (unsigned i = draw(&s, between + 1); i > 0; i--) {
			stream_next(&s);
			apply(kv, s.index, s.body, &answers[0]);
		}
		take_slice(kv, bytes, &lines, &more);
	}
	loaded = load(3, &lines);
	assert_int_equal(kv_fingerprint(loaded), fingerprint);
	assert_same_state(loaded, twin);

	/* Both go on from there, with the same answers. */
	for (unsigned i = 0; i < 3000; i++) {
		stream_next(&from_begin);
		apply_same(loaded, twin, &from_begin, answers);
	}
	assert_same_state(loaded, twin);
	kv_free(loaded);
	buf_release(&lines);
	release(kv, twin, answers);
}

static void a_snapshot_is_the_state_as_it_was_at_its_beginning(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		play_snapshot(seed, 1000, 0, 1000);
		play_snapshot(seed, 1000, 3, 1);
		play_snapshot(seed, 1000, 30, 300);
		play_snapshot(seed, 1000, 300, 2000);
	}
	play_snapshot(1, 0, 10, 100);
	play_snapshot(1, 1, 10, 1);
}

static void a_snapshot_of_a_loaded_state_is_that_snapshot(void **state)
{
	struct kv *kv = kv_new(1), *loaded;
	struct buf first = { 0 }, second = { 0 }, answer = { 0 };
	struct stream s;

	(void)state;
	stream_init(&s, 5, 1000, 64);
	for (int i = 0; i < 5000; i++) {
		stream_next(&s);
		apply(kv, s.index, s.body, &answer);
	}
	take(kv, 1 << 16, &first);
	loaded = load(2, &first);
	take(loaded, 100, &second);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.at, second.at, first.len);
	kv_free(kv);
	kv_free(loaded);
	buf_release(&first);
	buf_release(&second);
	buf_release(&answer);
}

static void a_slice_is_about_as_long_as_was_asked(void **state)
{
	struct kv *kv = kv_new(1);
	struct buf answer = { 0 }, lines = { 0 };
	struct stream s;
	bool more = true;

	(void)state;
	stream_init(&s, 6, 20000, 64);
	for (int i = 0; i < 40000; i++) {
		stream_next(&s);
		apply(kv, s.index, s.body, &answer);
	}
	kv_snapshot_begin(kv);
	/* What changes meanwhile waits in line. */
	for (int i = 0; i < 20000; i++) {
		stream_next(&s);
		apply(kv, s.index, s.body, &answer);
	}
	while (more) {
		lines.len = 0;
		take_slice(kv, 4096, &lines, &more);
		assert_true(lines.len < 4096 + 6000);
	}
	kv_free(kv);
	buf_release(&answer);
	buf_release(&lines);
}

/* --- Sessions --- */

static const char *use_session(struct kv *kv, uint64_t index, unsigned session, unsigned seq, struct buf *answer)
{
	char body[128];

	snprintf(body, sizeof(body), "{\"type\":\"write\",\"key\":1,\"value\":1,\"session\":\"%u\",\"seq\":%u}", session, seq);
	apply(kv, index, body, answer);
	buf_putc(answer, '\0');
	return answer->at;
}

static void sessions_expire_in_the_same_order_after_a_snapshot(void **state)
{
	struct kv *kv = kv_new(1), *loaded;
	struct buf lines = { 0 }, answer = { 0 };
	uint64_t index = 0;
	bool more = true;

	(void)state;
	for (unsigned i = 0; i < KV_SESSIONS_MAX; i++)
		assert_string_equal(use_session(kv, ++index, i, 1, &answer), WRITE_OK);
	/* Used in the middle of it: written early, out of order. */
	kv_snapshot_begin(kv);
	for (unsigned i = 0; more; i++) {
		use_session(kv, ++index, (i * 7919 + 1000) % KV_SESSIONS_MAX, 2, &answer);
		take_slice(kv, 4000, &lines, &more);
	}
	loaded = load(2, &lines);
	index = KV_SESSIONS_MAX;
	for (unsigned i = 0; i < 100; i++)
		assert_string_equal(use_session(loaded, ++index, KV_SESSIONS_MAX + i, 1, &answer), WRITE_OK);
	assert_int_equal(kv_sessions(loaded), KV_SESSIONS_MAX);
	assert_null(strstr(use_session(loaded, ++index, 100, 2, &answer), "error"));
	for (unsigned i = 0; i < 100; i++)
		assert_non_null(strstr(use_session(loaded, ++index, i, 2, &answer), "\"code\":13"));
	kv_free(kv);
	kv_free(loaded);
	buf_release(&lines);
	buf_release(&answer);
}

/* --- Lines --- */

static void the_lines_are_what_the_manual_says(void **state)
{
	static const char *const commands[] = {
		"{\"type\":\"write\",\"key\":\"\\u0062\",\"value\": [1, 2.0]}",
		"{\"type\":\"write\",\"key\":{\"b\":1e0,\"a\":null},\"value\":\"\\u0061\"}",
		"{\"type\":\"delete\",\"key\":\"nothing\",\"session\":\"c\\\"1\",\"seq\":1}",
		"{\"type\":\"write\",\"key\":\"b\",\"value\":9007199254740993,\"session\":\"c\\\"1\",\"seq\":2}",
		"{\"type\":\"txn\",\"txn\":[[\"r\",\"b\",null]],\"session\":\"c2\",\"seq\":1}",
	};
	static const char expected[] =
		"{\"session\":\"c\\\"1\",\"last\":4,\"seq\":2,\"answers\":[{\"type\":\"error\",\"code\":20,\"text\":\"key does not exist\"},"
		"{\"type\":\"write_ok\"}]}\n"
		"{\"session\":\"c2\",\"last\":5,\"seq\":1,\"answers\":[{\"type\":\"txn_ok\",\"txn\":[[\"r\",\"b\",9007199254740993]]}]}\n"
		"{\"key\":\"b\",\"value\":9007199254740993,\"index\":4}\n"
		"{\"key\":{\"a\":null,\"b\":1.0},\"value\":\"\\u0061\",\"index\":2}\n";
	struct kv *kv = kv_new(1);
	struct buf lines = { 0 }, answer = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(commands); i++)
		apply(kv, i + 1, commands[i], &answer);
	take(kv, 1, &lines);
	assert_int_equal(lines.len, sizeof(expected) - 1);
	assert_memory_equal(lines.at, expected, lines.len);
	kv_free(kv);
	buf_release(&lines);
	buf_release(&answer);
}

static void a_line_that_is_none_is_refused(void **state)
{
	static const char *const lines[] = {
		"", "x", "{}", "[]", "{\"key\":1}", "{\"key\":1,\"value\":1}", "{\"key\":1,\"value\":1,\"index\":0}",
		"{\"key\":1,\"value\":1,\"index\":-1}", "{\"key\":1,\"value\":1,\"index\":1.0}", "{\"key\":1,\"value\":1,\"index\":1",
		"{\"key\":1,\"index\":1}", "{\"value\":1,\"index\":1}", "{\"key\":1e0,\"value\":1,\"index\":1}",
		"{\"key\":\"\\u0061\",\"value\":1,\"index\":1}", "{\"key\":{\"b\":1,\"a\":1},\"value\":1,\"index\":1}",
		"{\"key\":\"there\",\"value\":1,\"index\":1}", "{\"key\":1,\"value\":\"\xff\",\"index\":1}",
		"{\"session\":\"a\",\"last\":1,\"seq\":1}", "{\"session\":\"a\",\"last\":1,\"answers\":[]}",
		"{\"session\":\"a\",\"seq\":1,\"answers\":[{}]}", "{\"session\":1,\"last\":1,\"seq\":1,\"answers\":[{}]}",
		"{\"session\":\"\",\"last\":1,\"seq\":1,\"answers\":[{}]}", "{\"session\":\"a\",\"last\":0,\"seq\":1,\"answers\":[{}]}",
		"{\"session\":\"there\",\"last\":1,\"seq\":1,\"answers\":[{}]}",
		"{\"session\":\"b\",\"last\":1,\"seq\":1,\"answers\":[]}", "{\"session\":\"c\",\"last\":1,\"seq\":1,\"answers\":[{},{}]}",
		"{\"session\":\"d\",\"last\":1,\"seq\":1,\"answers\":[1]}", "{\"session\":\"e\",\"last\":1,\"seq\":1,\"answers\":{}}",
		"{\"session\":\"f\",\"last\":1,\"seq\":99,\"answers\":[{}]}",
	};
	static const char *const good[] = {
		"{\"key\":\"there\",\"value\":1,\"index\":1}",
		"{\"session\":\"there\",\"last\":1,\"seq\":1,\"answers\":[{\"type\":\"x\"}]}",
	};
	struct kv *kv = kv_new(1);
	uint64_t fingerprint;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(kv_snapshot_load(kv, good[i], strlen(good[i])));
	fingerprint = kv_fingerprint(kv);
	for (size_t i = 0; i < COUNT(lines); i++)
		if (kv_snapshot_load(kv, lines[i], strlen(lines[i])))
			fail_msg("taken: %s", lines[i]);
	assert_int_equal(kv_fingerprint(kv), fingerprint);
	assert_int_equal(kv_sessions(kv), 1);
	kv_free(kv);
}

static void a_snapshot_can_be_abandoned_and_begun_again(void **state)
{
	struct kv *kv = kv_new(1), *loaded;
	struct buf lines = { 0 }, answer = { 0 };
	struct stream s;
	bool more;

	(void)state;
	take(kv, 100, &lines);
	assert_int_equal(lines.len, 0);
	stream_init(&s, 9, 100, 10);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 500; i++) {
			stream_next(&s);
			apply(kv, s.index, s.body, &answer);
		}
		kv_snapshot_begin(kv);
		take_slice(kv, 1000, &lines, &more);
		assert_true(more);
		stream_next(&s);
		apply(kv, s.index, s.body, &answer);
		kv_snapshot_abandon(kv);
	}
	lines.len = 0;
	take(kv, 1000, &lines);
	loaded = load(2, &lines);
	assert_same_state(kv, loaded);
	kv_snapshot_begin(loaded);      /* freed in the middle of one */
	take_slice(loaded, 100, &lines, &more);
	kv_free(kv);
	kv_free(loaded);
	buf_release(&lines);
	buf_release(&answer);
}

static void values_of_eight_mebibytes_pass_through_a_snapshot(void **state)
{
	struct kv *kv = kv_new(1), *loaded;
	struct buf lines = { 0 }, answer = { 0 }, body = { 0 };

	(void)state;
	for (unsigned i = 1; i <= 3; i++) {
		body.len = 0;
		buf_printf(&body, "{\"type\":\"write\",\"key\":%u,\"value\":[%u,\"%0*u\"]}", i % 2, i, 8 << 20, i);
		buf_putc(&body, '\0');
		if (i == 3)
			kv_snapshot_begin(kv);
		apply(kv, i, body.at, &answer);
	}
	while (kv_snapshot_next(kv, 1 << 16, &lines))
		;
	loaded = load(2, &lines);
	assert_int_equal(kv_keys(loaded), 2);
	assert_int_equal(kv_bytes(loaded), kv_bytes(kv));
	assert_int_not_equal(kv_fingerprint(loaded), kv_fingerprint(kv));
	apply(loaded, 3, body.at, &answer);
	assert_same_state(loaded, kv);
	kv_free(kv);
	kv_free(loaded);
	buf_release(&lines);
	buf_release(&answer);
	buf_release(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_seed_changes_neither_answers_nor_state),
		cmocka_unit_test(every_part_of_the_state_is_in_the_fingerprint),
		cmocka_unit_test(a_snapshot_is_the_state_as_it_was_at_its_beginning),
		cmocka_unit_test(a_snapshot_of_a_loaded_state_is_that_snapshot),
		cmocka_unit_test(a_slice_is_about_as_long_as_was_asked),
		cmocka_unit_test(sessions_expire_in_the_same_order_after_a_snapshot),
		cmocka_unit_test(the_lines_are_what_the_manual_says),
		cmocka_unit_test(a_line_that_is_none_is_refused),
		cmocka_unit_test(a_snapshot_can_be_abandoned_and_begun_again),
		cmocka_unit_test(values_of_eight_mebibytes_pass_through_a_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
