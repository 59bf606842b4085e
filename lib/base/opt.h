/*
 * opt: one table of a tool's options makes its getopt_long, its --help and its
 * completions; a test compares it with the man page.
 *
 * --help and --version are in every table by themselves, as is the hidden
 * --completion SHELL (bash, zsh, fish), which `make install` runs.
 */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stddef.h>
#include <stdint.h>

/* What an argument is, for the completions. */
enum opt_hint { OPT_TEXT, OPT_FILE, OPT_DIRECTORY, OPT_CHOICE };

struct opt {
	int id;                 /* what opt_next returns; a short option's is its letter */
	const char *name;       /* long name */
	const char *argument;   /* NULL: takes none; else its name in --help, as "FILE" */
	const char *help;       /* one clause */
	enum opt_hint hint;
	const char *choices;    /* OPT_CHOICE: words parted by spaces */
	const char *heading;    /* starts a group in --help, or NULL */
};

struct opt_tool {
	const char *name;
	const char *usage;      /* what follows `usage: ` in --help; lines by '\n' */
	const char *purpose;    /* a sentence or more, after the usage */
	const struct opt *options;
	size_t count;
	const char *ending;     /* after the options, or NULL */
};

struct opt_state {
	const struct opt_tool *tool;
	const char *argument;   /* of the option just returned */
	const char *given;      /* how it was written: "-r" or "--replicas" */
	int argc, operand;      /* operands are argv[operand .. argc - 1] once opt_next said -1 */
	char **argv;
	void *table;            /* opt.c's */
};

/*
 * The id of the next option, or -1 at the end.  Wrong options end the process
 * with status 2 (the near miss named), --help and --version with 0.
 */
void opt_init(struct opt_state *, const struct opt_tool *, int argc, char **argv);
int opt_next(struct opt_state *);

/*
 * The argument of the current option as a number: a whole one in min .. max, a size
 * (512, 64K, 1M, 2G: powers of 1024), or a decimal in units of 1e-6.  Anything
 * else ends the process with status 2 and names the option.
 */
uint64_t opt_number(const struct opt_state *, uint64_t min, uint64_t max);
uint64_t opt_size(const struct opt_state *, uint64_t min, uint64_t max);
uint64_t opt_millionths(const struct opt_state *, uint64_t min, uint64_t max);

/* The closest of `words` (NULL at the end) to what was typed, or NULL if none is near. */
const char *opt_near(const char *typed, const char *const *words);

#endif
