/* lib/preload/unsynced: what a crash leaves of names: new files, renames, removals, directories. */
#include "tests/unit/unsynced_rig.h"

static void makes_anew(void *with)
{
	(void)with;
	put("f", O_CREAT | O_EXCL, "a");
	flush_path("f");
}

static void a_new_file_is_lost_whose_directory_was_not_flushed(void **state)
{
	(void)state;
	EXPECT(makes_anew, "f", "a", "-");
}

static void replaces(void *with)
{
	(void)with;
	base("old");
	put("t", O_CREAT, "new");
	flush_path("t");
	need(!rename("t", "f"));
}

static void a_rename_is_undone_and_the_file_replaced_is_back(void **state)
{
	(void)state;
	EXPECT(replaces, "f", "old", "new");
}

static void replaces_for_good(void *with)
{
	replaces(with);
	flush_path(".");
}

static void a_rename_stays_whose_directory_was_flushed(void **state)
{
	(void)state;
	EXPECT(replaces_for_good, "f", "new");
}

static void replaces_carelessly(void *with)
{
	(void)with;
	base("a");
	put("t", O_CREAT, "b");
	need(!rename("t", "f"));
	flush_path(".");
}

/* The classic. */
static void a_rename_may_be_kept_while_the_data_is_lost(void **state)
{
	(void)state;
	EXPECT(replaces_carelessly, "f", "", "0", "b");
}

static void replaces_twice(void *with)
{
	(void)with;
	replaces(with);
	put("u", O_CREAT, "two");
	flush_path("u");
	need(!rename("u", "f"));
}

static void an_earlier_rename_is_lost_while_a_later_one_is_kept(void **state)
{
	unsigned found = 0;

	(void)state;
	EXPECT(replaces_twice, "f", "old", "new", "two");
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		empty();
		crash(replaces_twice, NULL, seed);
		found += !strcmp(letters_of("f"), "two") && !strcmp(letters_of("t"), "new");
	}
	assert_true(found > 0);
}

static void removes(void *with)
{
	(void)with;
	base("abc");
	put("f", O_APPEND, "d");
	need(!unlink("f"));
	put("g", O_CREAT, "ggggg");
}

static void a_removed_file_is_back(void **state)
{
	(void)state;
	EXPECT(removes, "f", "-", "abc", "abcd", "abc0");
}

static void removes_for_good(void *with)
{
	removes(with);
	flush_path(".");
	put("h", O_CREAT, "hhhhh");
	flush_path("h");
	flush_path(".");
}

/* Its number in the file system is another file's then. */
static void what_was_removed_for_good_harms_no_new_file(void **state)
{
	(void)state;
	EXPECT(removes_for_good, "f", "-");
	EXPECT(removes_for_good, "h", "hhhhh");
}

static void makes_a_directory(void *with)
{
	(void)with;
	need(!mkdir("s", 0777));
	put("s/f", O_CREAT, "a");
	flush_path("s/f");
	flush_path("s");
}

static void a_new_directory_goes_with_all_in_it(void **state)
{
	(void)state;
	EXPECT(makes_a_directory, "s/f", "a", "-");
}

static void syncs(void *with)
{
	makes_a_directory(with);
	put("f", O_CREAT, "b");
	need(!rename("f", "g"));
	sync();
}

static void sync_keeps_everything(void **state)
{
	(void)state;
	EXPECT(syncs, "g", "b");
	EXPECT(syncs, "s/f", "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_file_is_lost_whose_directory_was_not_flushed),
		cmocka_unit_test(a_rename_is_undone_and_the_file_replaced_is_back),
		cmocka_unit_test(a_rename_stays_whose_directory_was_flushed),
		cmocka_unit_test(a_rename_may_be_kept_while_the_data_is_lost),
		cmocka_unit_test(an_earlier_rename_is_lost_while_a_later_one_is_kept),
		cmocka_unit_test(a_removed_file_is_back),
		cmocka_unit_test(what_was_removed_for_good_harms_no_new_file),
		cmocka_unit_test(a_new_directory_goes_with_all_in_it),
		cmocka_unit_test(sync_keeps_everything),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
