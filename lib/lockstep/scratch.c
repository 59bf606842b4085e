/*
 * scratch: a directory of the run's own, on memory where there is room for that; and what of ours it needs to be seen
 * from there.
 */
#include "lib/lockstep/inside.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_MAX_FTW = 16 };

static struct buf path;                 /* with a NUL; empty: there is none */

static bool try(const char *parent)
{
	if (!parent || !*parent || access(parent, W_OK | X_OK))
		return false;
	buf_clear(&path, 0);
	/* Processes run elsewhere than here. */
	if (*parent != '/') {
		char *here = getcwd(NULL, 0);

		buf_printf(&path, "%s/", here ? here : "");
		free(here);
	}
	buf_printf(&path, "%s/netfault.XXXXXX", parent);
	buf_putc(&path, '\0');
	if (mkdtemp(path.at))
		return true;
	buf_release(&path);
	return false;
}

/* What is looked for in PATH is to be found from there, too. */
static void make_absolute(const char *path_given, const char *here)
{
	struct buf b = { 0 };

	for (;; path_given++) {
		const char *end = strchrnul(path_given, ':');

		if (*path_given != '/')
			buf_printf(&b, "%s/", here);
		buf_add(&b, path_given, (size_t)(end - path_given));
		path_given = end;
		if (!*path_given)
			break;
		buf_putc(&b, ':');
	}
	buf_putc(&b, '\0');
	setenv("PATH", b.at, 1);
	buf_release(&b);
}

const char *scratch_open(void)
{
	const char *asked = getenv("TMPDIR"), *programs = getenv("PATH");
	char *here;

	if (path.len)
		return path.at;
	if (!try(asked) && !try("/dev/shm") && !try("/tmp"))
		die(EXIT_SYSTEM, "cannot make a directory in '/dev/shm' or '/tmp': %s", strerror(errno));
	here = getcwd(NULL, 0);
	if (here)
		setenv("FAULTLINE_HOME", here, 1);
	if (here && programs)
		make_absolute(programs, here);
	free(here);
	return path.at;
}

static int remove_one(const char *name, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)where;
	/* What cannot be removed stays: there is nobody to tell, and the rest can go. */
	(void)!(kind == FTW_DP ? rmdir(name) : unlink(name));
	return 0;
}

static void remove_tree(const char *name)
{
	nftw(name, remove_one, OPEN_MAX_FTW, FTW_DEPTH | FTW_PHYS);
}

char *scratch_fresh(const char *name)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s/%s", scratch_open(), name);
	buf_putc(&b, '\0');
	remove_tree(b.at);
	if (mkdir(b.at, S_IRWXU))
		die(EXIT_SYSTEM, "cannot make '%s': %s", b.at, strerror(errno));
	return b.at;
}

void scratch_remove(void)
{
	if (path.len)
		remove_tree(path.at);
	buf_release(&path);
}

/* Behind `--option=`, or the whole word. */
static char *file_of(char *word)
{
	char *equals = *word == '-' ? strchr(word, '=') : NULL;

	return equals ? equals + 1 : word;
}

void scratch_words(char **argv)
{
	for (size_t i = 0; argv[i]; i++) {
		char *file = file_of(argv[i]), *here;
		struct buf b = { 0 };
		struct stat st;

		/* The first is looked for in PATH, where it has no slash. */
		if (*file == '/' || (!i && !strchr(file, '/')) || stat(file, &st) || !S_ISREG(st.st_mode))
			continue;
		here = getcwd(NULL, 0);
		if (!here)
			return;
		buf_add(&b, argv[i], (size_t)(file - argv[i]));
		buf_printf(&b, "%s/%s", here, file);
		buf_putc(&b, '\0');
		free(argv[i]);
		argv[i] = b.at;
		free(here);
	}
}
