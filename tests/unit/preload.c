/*
 * preload: where the libraries are, seen from the running program.
 */
#include "lib/preload/preload.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static void the_path_is_beside_the_programs_folder(void **state)
{
	struct buf path = { 0 };
	char self[PATH_MAX] = "", folder[PATH_MAX];

	(void)state;
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	for (int up = 0; up < 2; up++)
		*strrchr(self, '/') = '\0';
	/* This program is not beside it: lib is two folders up from here. */
	assert_int_equal(preload_path(&path, "nosuch"), ENOENT);
	assert_true(snprintf(folder, sizeof(folder), "%s/lib/faultline/nosuch.so", self) < (int)sizeof(folder));
	assert_string_equal(path.at, folder);
	assert_int_equal(path.len, strlen(folder));
	/* The same buffer again. */
	assert_int_equal(preload_path(&path, "other"), ENOENT);
	assert_non_null(strstr(path.at, "/lib/faultline/other.so"));
	assert_null(strstr(path.at, "nosuch"));
	buf_release(&path);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_path_is_beside_the_programs_folder) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
