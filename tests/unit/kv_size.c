/*
 * lib/kv in bulk: how much memory a key takes, how long the longest operations take, and (printed, not judged)
 * what one costs.  A sanitizer has its own memory and pace: then only that all of it works is judged.
 */
#include "lib/kv/kv.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { MANY = SANITIZED ? 50000 : 1000000, SOME = MANY / 4, FEW = 10000 };

/* Processor time: what others do meanwhile is not judged. */
static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static size_t memory_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* Numbers below `count`, each once, in no order. */
static unsigned shuffled(unsigned i, unsigned count)
{
	return (unsigned)((uint64_t)i * 7919 % count);
}

/* Keys of 16 bytes, values of value_len. */
static size_t write_body(char *out, size_t room, unsigned key, unsigned value_len)
{
	return (size_t)snprintf(out, room, "{\"type\":\"write\",\"msg_id\":%u,\"key\":\"key-%012u\",\"value\":\"%0*u\"}",
				key, key, (int)value_len, key);
}

struct times {
	uint64_t *ns;
	size_t count, room;
};

static void times_init(struct times *t, size_t room)
{
	*t = (struct times){ .ns = malloc(room * sizeof(*t->ns)), .room = room };
	assert_non_null(t->ns);
}

static int ns_order(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void judge(struct times *t, const char *what, uint64_t p999_max_ns)
{
	qsort(t->ns, t->count, sizeof(*t->ns), ns_order);
	printf("# %s: p50 %.2f us, p99.9 %.1f us, longest %.1f us\n", what, (double)t->ns[t->count / 2] / 1e3,
	       (double)t->ns[t->count - 1 - t->count / 1000] / 1e3, (double)t->ns[t->count - 1] / 1e3);
	assert_true(SANITIZED || t->ns[t->count - 1 - t->count / 1000] <= p999_max_ns);
	free(t->ns);
}

static void write_timed(struct kv *kv, uint64_t index, unsigned key, unsigned value_len, struct times *t,
			struct buf *answer)
{
	char body[1024];
	size_t len = write_body(body, sizeof(body), key, value_len);
	uint64_t start = now_ns();

	answer->len = 0;
	kv_apply(kv, index, body, len, answer);
	assert_true(t->count < t->room);
	t->ns[t->count++] = now_ns() - start;
	assert_int_equal(answer->at[answer->len - 2], 'k');
}

static void delete(struct kv *kv, uint64_t index, unsigned key, struct buf *answer)
{
	char body[128];
	int len = snprintf(body, sizeof(body), "{\"type\":\"delete\",\"key\":\"key-%012u\"}", key);

	answer->len = 0;
	kv_apply(kv, index, body, (size_t)len, answer);
}

static void assert_memory(const struct kv *kv, size_t before, const char *what)
{
	size_t used = memory_in_use() - before, live = (size_t)kv_bytes(kv), keys = (size_t)kv_keys(kv);

	if (SANITIZED)
		return;
	printf("# %s: %zu keys, %zu live bytes, %zu in use: %.2f x live, or live + %.0f a key\n", what, keys, live, used,
	       (double)used / (double)live, ((double)used - (double)live) / (double)keys);
	assert_true(used <= live / 2 * 5 + keys * 150);
}

static void memory_and_pauses_are_bounded(unsigned keys)
{
	struct times create, grow;
	struct buf answer = { 0 };
	size_t before;
	struct kv *kv;
	uint64_t index = 0;

	times_init(&create, keys);
	times_init(&grow, 2 * (size_t)keys);
	buf_room(&answer, 1000);
	before = memory_in_use();
	kv = kv_new(1);
	for (unsigned i = 0; i < keys; i++)
		write_timed(kv, ++index, shuffled(i, keys), 64, &create, &answer);
	assert_int_equal(kv_keys(kv), keys);
	assert_memory(kv, before, "values of 64 bytes");
	for (unsigned i = 0; i < keys; i++)
		write_timed(kv, ++index, i, 200, &grow, &answer);
	assert_memory(kv, before, "grown to 200");
	for (unsigned i = 0; i < keys; i++)
		write_timed(kv, ++index, shuffled(i, keys), 10 + i % 3 * 30, &grow, &answer);
	assert_memory(kv, before, "shrunk to 10, 40, 70");
	for (unsigned i = 0; i < keys; i++)
		if (i % 10)
			delete(kv, ++index, i, &answer);
	assert_int_equal(kv_keys(kv), keys / 10);
	assert_memory(kv, before, "nine in ten deleted");
	judge(&create, "a new key", 10000000);
	judge(&grow, "a value of another size", 10000000);
	kv_free(kv);
	buf_release(&answer);
}

static void ten_thousand_keys_fit_their_memory_and_no_write_is_long(void **state)
{
	(void)state;
	memory_and_pauses_are_bounded(FEW);
}

static void a_million_keys_fit_their_memory_and_no_write_is_long(void **state)
{
	(void)state;
	memory_and_pauses_are_bounded(MANY);
}

static void a_slice_of_a_snapshot_is_short_and_so_is_a_write_beside_it(void **state)
{
	struct times create, write, slice;
	struct buf answer = { 0 }, lines = { 0 };
	struct kv *kv = kv_new(1);
	uint64_t index = 0, start, bytes = 0;
	bool more = true;

	(void)state;
	times_init(&create, SOME);
	times_init(&write, 10 * SOME);
	times_init(&slice, SOME);
	for (unsigned i = 0; i < SOME; i++)
		write_timed(kv, ++index, shuffled(i, SOME), 64, &create, &answer);
	kv_snapshot_begin(kv);
	while (more) {
		start = now_ns();
		lines.len = 0;
		more = kv_snapshot_next(kv, 1 << 16, &lines);
		slice.ns[slice.count++] = now_ns() - start;
		bytes += lines.len;
		for (unsigned i = 0; i < 200; i++) {
			index++;
			write_timed(kv, index, (unsigned)(index * 7919 % SOME), 64, &write, &answer);
		}
	}
	printf("# a snapshot of %zu MB, %zu slices\n", (size_t)(bytes >> 20), slice.count);
	judge(&create, "a new key", 10000000);
	judge(&slice, "a slice of 64 KiB", 10000000);
	judge(&write, "a write beside it", 10000000);
	kv_free(kv);
	buf_release(&answer);
	buf_release(&lines);
}

/* --- What an operation costs --- */

enum { BODIES = 10000, BODY_ROOM = 256, ROUNDS = SANITIZED ? 1 : 20 };

struct bodies {
	char text[BODIES][BODY_ROOM];
	size_t len[BODIES];
};

static void measure(struct kv *kv, uint64_t *index, const struct bodies *b, bool read, const char *what)
{
	struct buf answer = { 0 };
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = now_ns(), took;

		for (unsigned i = 0; i < BODIES; i++) {
			answer.len = 0;
			if (read)
				kv_read(kv, b->text[i], b->len[i], &answer);
			else
				kv_apply(kv, ++*index, b->text[i], b->len[i], &answer);
		}
		took = now_ns() - start;
		best = took < best ? took : best;
	}
	printf("# %s: %.0f ns\n", what, (double)best / BODIES);
	buf_release(&answer);
}

static void what_an_operation_costs_is_printed(void **state)
{
	struct bodies *b = malloc(sizeof(*b));
	struct kv *kv = kv_new(1);
	uint64_t index = 0;

	(void)state;
	assert_non_null(b);
	for (unsigned i = 0; i < BODIES; i++)
		b->len[i] = write_body(b->text[i], BODY_ROOM, shuffled(i, FEW), 62);
	measure(kv, &index, b, false, "write");
	for (unsigned i = 0; i < BODIES; i++)
		b->len[i] = (size_t)snprintf(b->text[i], BODY_ROOM, "{\"type\":\"read\",\"msg_id\":%u,\"key\":\"key-%012u\"}", i,
					     shuffled(i, FEW));
	measure(kv, &index, b, true, "read");
	for (unsigned i = 0; i < BODIES; i++)
		b->len[i] = (size_t)snprintf(b->text[i], BODY_ROOM, "{\"type\":\"cas\",\"msg_id\":%u,\"key\":\"key-%012u\","
					     "\"from\":\"%062u\",\"to\":\"%062u\"}", i, shuffled(i, FEW), shuffled(i, FEW),
					     shuffled(i, FEW));
	measure(kv, &index, b, false, "cas");
	assert_int_equal(kv_keys(kv), FEW);
	kv_free(kv);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_thousand_keys_fit_their_memory_and_no_write_is_long),
		cmocka_unit_test(a_million_keys_fit_their_memory_and_no_write_is_long),
		cmocka_unit_test(a_slice_of_a_snapshot_is_short_and_so_is_a_write_beside_it),
		cmocka_unit_test(what_an_operation_costs_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
