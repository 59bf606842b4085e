/*
 * lib/store when its process dies, the power or the disk fails, at any system call: nothing that was acknowledged is
 * lost, and a restart goes on.  The faults are those of tests/kill/fault.c, compiled in.
 */
#include "tests/kill/fault.c"
#include "tests/unit/store_log.h"

#include <sys/mman.h>
#include <time.h>

/* --- A child works until it is killed, the parent looks what is there --- */

/* What the child was told is stored. */
struct told { _Atomic uint64_t records, snapshot; };
static struct told *told;

static void write_snapshot(uint64_t index)
{
	struct store_writer *w;
	uint64_t bytes;
	char text[2048], line[2100];

	if (store_snapshot_create(store, index, &w, &report))
		_exit(4);
	for (uint64_t n = 0; n < 5; n++) {
		const char *end = store_snapshot_line(line, text, record_text(text, n));

		if (store_writer_write(w, line, (size_t)(end - line), &report)) {
			store_writer_abandon(w);
			_exit(4);
		}
	}
	if (store_writer_finish(w, &bytes, &report) || store_snapshot_drop_before(store, index, &report))
		_exit(4);
	told->snapshot = index;
}

/* Appends up to `count` records to what is there. */
static void work(uint64_t count)
{
	int rc = try_open();

	if (rc)
		_exit(rc == STORE_ESYSTEM ? 4 : 3);
	for (uint64_t n = seen.count, end = n + count; n < end; n++) {
		append(n);
		if (n % 5 != 4 && n % 11 != 0)
			continue;
		if (store_wants_spare(store) && store_prepare(store, &report))
			_exit(4);
		if (flush())
			_exit(4);
		told->records = n + 1;
		if (n % 20 == 19)
			write_snapshot(n);
	}
	_exit(0);
}

static int run(const char *plan, uint64_t count)
{
	pid_t child;
	int status;

	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		fault_plan(plan);
		work(count);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int see_snapshot(void *ctx, const char *json, size_t len, const char **why)
{
	return see(ctx, json, len, (struct store_pos){ 1, (uint32_t)((struct seen *)ctx)->count + 1 }, why);
}

/* All that the child was told is stored is there, and the log can go on. */
static void nothing_is_lost(const char *plan)
{
	uint64_t index = 0, bytes;

	if (try_open())
		fail_msg("%s: %s", plan, report.text);
	if (seen.count < told->records)
		fail_msg("%s: %ju records of %ju", plan, (uintmax_t)seen.count, (uintmax_t)told->records);
	int rc = store_snapshot_newest(store, &index, &bytes);
	assert_true(rc == 0 || rc == STORE_ENONE);
	assert_true(index >= told->snapshot);
	if (index) {
		struct seen s = { 0 };

		assert_int_equal(store_snapshot_load(store, index, see_snapshot, &s, &report), 0);
		assert_int_equal(s.count, 5);
	}
	must_close();
}

static int map_told(void **state)
{
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return told == MAP_FAILED ? -1 : make_dir(state);
}

static int unmap_told(void **state)
{
	munmap(told, sizeof(*told));
	return remove_dir(state);
}

static void start_anew(void)
{
	told->records = told->snapshot = 0;
	empty_dir(dir);
}

enum { RECORDS = 60 };

/* The plan at the first call, the second, ... until it is never reached.  How many there were. */
static unsigned long at_every_call(const char *plan, int expected)
{
	char text[64];

	for (unsigned long n = 1;; n++) {
		int status;

		snprintf(text, sizeof(text), "%s:%lu:%lu", plan, n, n);
		start_anew();
		status = run(text, RECORDS);
		if (status == 0)
			return n - 1;
		if (status != expected)
			fail_msg("%s ended with %d: %s", text, status, report.text);
		nothing_is_lost(text);
		assert_int_equal(run(NULL, 20), 0);
		nothing_is_lost(text);
	}
}

static void a_kill_before_or_after_any_system_call_loses_nothing(void **state)
{
	(void)state;
	unsigned long calls = at_every_call("kill", 128 + SIGKILL);

	assert_in_range(calls, 60, 400);
	assert_int_equal(at_every_call("kill-after", 128 + SIGKILL), calls);
}

static void half_of_any_write_loses_nothing(void **state)
{
	(void)state;
	assert_in_range(at_every_call("short", 128 + SIGKILL), 20, 200);
}

static void a_power_failure_before_any_system_call_loses_nothing(void **state)
{
	(void)state;
	assert_in_range(at_every_call("power", 128 + SIGKILL), 60, 400);
}

static void a_full_disk_is_an_error_and_a_restart_with_room_works(void **state)
{
	(void)state;
	assert_in_range(at_every_call("enospc", 4), 20, 200);
}

static void a_failed_flush_is_an_error_and_never_tried_again(void **state)
{
	(void)state;
	assert_in_range(at_every_call("eio", 4), 20, 200);
}

static void a_failing_disk_is_named_with_its_cause(void **state)
{
	char expected[256];

	(void)state;
	must_open();
	append(0);
	fault_plan("eio:2");    /* the first flushes the newlines */
	assert_int_equal(flush(), STORE_ESYSTEM);
	snprintf(expected, sizeof(expected), "cannot flush '%s': Input/output error", segment_path(1));
	assert_string_equal(report.text, expected);
	must_close();
	fault_plan(NULL);
	must_open();
	append_flushed(seen.count, seen.count + 1, 1);
	append(seen.count + 1);
	fault_plan("enospc:1");
	assert_int_equal(flush(), STORE_ESYSTEM);
	fault_plan(NULL);
	snprintf(expected, sizeof(expected), "cannot write '%s': No space left on device", segment_path(1));
	assert_string_equal(report.text, expected);
}

/* The kernel may have it in memory alone, and, after a failed flush, may take it for written. */
static void what_a_start_reads_of_the_last_flush_it_writes_and_flushes_again(void **state)
{
	unsigned long calls, writes, flushes;
	struct bytes b;
	unsigned last;

	(void)state;
	must_open();
	append_flushed(0, 100, 5);
	must_close();
	fault_plan(NULL);
	must_open();
	fault_counts(&calls, &writes, &flushes);
	assert_int_equal(writes, 1);
	assert_true(flushes >= 2);      /* the names, too */
	last = seen.last.segment;
	must_close();

	/* The same where the segment after it was not begun. */
	b = file_bytes(segment_path(last));
	memset(b.p, '\n', b.len);
	put_bytes(segment_path(last), b.p, b.len);
	free(b.p);
	fault_plan(NULL);
	must_open();
	fault_counts(&calls, &writes, &flushes);
	assert_int_equal(seen.last.segment, last - 1);
	assert_int_equal(writes, 1);
	assert_true(flushes >= 3);
}

/* Runs that each end in a fault, the recovery of the one before included, on one directory. */
static void faults_on_faults_lose_nothing(void **state)
{
	static const char *const plans[] = {
		"kill", "kill-after", "short", "power", "power", "power", "enospc", "eio",
	};
	char text[64];

	(void)state;
	srand(7);
	for (int round = 0; round < 12; round++) {
		start_anew();
		for (int i = 0; i < 25; i++) {
			int n = 1 + rand() % (i % 2 ? 12 : 90);

			snprintf(text, sizeof(text), "%s:%d:%d", plans[rand() % 8], n, rand());
			int status = run(text, RECORDS);
			if (status != 0 && status != 4 && status != 128 + SIGKILL)
				fail_msg("%s ended with %d", text, status);
		}
		nothing_is_lost("many");
	}
}

static void a_kill_at_any_moment_loses_nothing(void **state)
{
	(void)state;
	start_anew();
	for (int i = 0; i < 60; i++) {
		pid_t child = fork();
		int status;

		assert_true(child >= 0);
		if (child == 0)
			work(1000000);
		nanosleep(&(struct timespec){ .tv_nsec = 300000 + rand() % 4000000 }, NULL);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		nothing_is_lost("SIGKILL");
	}
	assert_true(told->records > 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, map_told, unmap_told)
	const struct CMUnitTest tests[] = {
		TEST(a_kill_before_or_after_any_system_call_loses_nothing),
		TEST(half_of_any_write_loses_nothing),
		TEST(a_power_failure_before_any_system_call_loses_nothing),
		TEST(a_full_disk_is_an_error_and_a_restart_with_room_works),
		TEST(a_failed_flush_is_an_error_and_never_tried_again),
		TEST(a_failing_disk_is_named_with_its_cause),
		TEST(what_a_start_reads_of_the_last_flush_it_writes_and_flushes_again),
		TEST(faults_on_faults_lose_nothing),
		TEST(a_kill_at_any_moment_loses_nothing),
	};

	return cmocka_run_group_tests_name("store_crash", tests, NULL, NULL);
}
