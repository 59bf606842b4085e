/*
 * lib/store's directory: made, locked, whose it is.
 */
#include "tests/unit/store_log.h"

static void a_missing_directory_is_made_and_is_fresh_until_something_was_flushed(void **state)
{
	(void)state;
	assert_int_equal(rmdir(dir), 0);
	must_open();
	assert_true(store_fresh(store));
	assert_string_equal(store_cluster(store), "[\"n1\",\"n2\"]");
	append(0);      /* lost */
	must_close();
	must_open();
	assert_true(store_fresh(store));
	append_flushed(0, 1, 1);
	must_close();
	must_open();
	assert_false(store_fresh(store));
	assert_int_equal(seen.count, 1);
}

static void a_directory_of_another_node_protocol_or_cluster_is_refused(void **state)
{
	char expected[256];

	(void)state;
	must_open();
	append_flushed(0, 3, 1);
	must_close();
	assert_int_equal(try_open_as("raft", "n2", NULL), STORE_EOTHER);
	snprintf(expected, sizeof(expected), "'%s' belongs to raft node n1", dir);
	assert_string_equal(report.text, expected);
	assert_int_equal(try_open_as("paxos", "n1", NULL), STORE_EOTHER);
	assert_string_equal(report.text, expected);
	assert_int_equal(try_open_as("raft", "n1", "[\"n1\"]"), STORE_EOTHER);
	snprintf(expected, sizeof(expected), "'%s' belongs to another cluster: [\"n1\",\"n2\"]", dir);
	assert_string_equal(report.text, expected);
	assert_int_equal(try_open_as("raft", "n1", NULL), 0);
	assert_string_equal(store_cluster(store), "[\"n1\",\"n2\"]");
}

static void an_id_may_hold_any_character(void **state)
{
	const char *id = "a\"}\\ \n\xc3\xa9{";

	(void)state;
	assert_int_equal(try_open_as("raft", id, NULL), 0);
	append_flushed(0, 100, 10);
	must_close();
	assert_int_equal(try_open_as("raft", "a", NULL), STORE_EOTHER);
	assert_int_equal(try_open_as("raft", id, NULL), 0);
	assert_int_equal(seen.count, 100);
	assert_null(store_cluster(store));
}

static void a_log_of_another_version_is_refused(void **state)
{
	static const char header[] = "{\"log\":\"raft\",\"version\":2,\"name\":\"n1\"}";
	char text[128], expected[256];
	char *end = store_snapshot_line(text, header, strlen(header));

	(void)state;
	put_bytes(segment_path(1), text, (size_t)(end - text));
	assert_int_equal(try_open(), STORE_EOTHER);
	snprintf(expected, sizeof(expected), "'%s' is a log of version 2, this program knows version 1", dir);
	assert_string_equal(report.text, expected);
}

static void one_process_has_the_directory(void **state)
{
	char expected[256];
	struct store *first;
	int status;

	(void)state;
	must_open();
	if (fork() == 0) {
		snprintf(expected, sizeof(expected), "'%s' is in use by another process", dir);
		_exit(try_open() == STORE_ELOCKED && !strcmp(report.text, expected) ? 0 : 1);
	}
	wait(&status);
	assert_int_equal(status, 0);
	first = store;
	assert_int_equal(try_open(), STORE_ELOCKED);
	store = first;
	must_close();
	must_open();
}

static void a_directory_that_cannot_be_had_is_named_with_the_cause(void **state)
{
	struct store_options o = { .dir = "/proc/nothing/n1.raft", .kind = "raft", .id = "n1" };

	(void)state;
	assert_int_equal(store_open(&store, &o, &report), STORE_ESYSTEM);
	assert_string_equal(report.text, "cannot make '/proc/nothing/n1.raft': No such file or directory");
	o.dir = "/dev/null";
	assert_int_equal(store_open(&store, &o, &report), STORE_ESYSTEM);
	assert_string_equal(report.text, "cannot open '/dev/null': Not a directory");
	store = NULL;
}

static void leftover_parts_go_and_other_files_stay(void **state)
{
	static const char *const gone[] = { "0000000000000007.snapshot.part", "0000000000000007.received.part" };
	static const char *const stay[] = { "7.snapshot.part", "notes.part", "1.log", "00000001.log~", "x" };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		put_bytes(in_dir(gone[i]), "x", 1);
	for (size_t i = 0; i < 5; i++)
		put_bytes(in_dir(stay[i]), "x", 1);
	must_open();
	assert_true(store_fresh(store));
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(access(in_dir(gone[i]), F_OK), -1);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(access(in_dir(stay[i]), F_OK), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		TEST(a_missing_directory_is_made_and_is_fresh_until_something_was_flushed),
		TEST(a_directory_of_another_node_protocol_or_cluster_is_refused),
		TEST(an_id_may_hold_any_character),
		TEST(a_log_of_another_version_is_refused),
		TEST(one_process_has_the_directory),
		TEST(a_directory_that_cannot_be_had_is_named_with_the_cause),
		TEST(leftover_parts_go_and_other_files_stay),
	};

	return cmocka_run_group_tests_name("store_open", tests, NULL, NULL);
}
