/*
 * opt: one table of a tool's options makes its getopt_long, its --help and its
 * completions; a test compares it with the man page.
 *
 * --help (-h) and --version (-V) are in every table by themselves, the letters where
 * the table leaves them free.  So is the hidden --completion SHELL (bash, zsh, fish),
 * which `make install` runs; it is known as the first argument only.
 */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stddef.h>
#include <stdint.h>

enum {
	OPT_COUNT_MAX = 64,             /* options of a tool */
	OPT_NAME_BYTES_MAX = 32,        /* of a long name, of an argument's name, of a choice */
};

/* What an argument is, for the completions; opt_next lets any text pass. */
enum opt_hint { OPT_TEXT, OPT_FILE, OPT_DIRECTORY, OPT_CHOICE };

struct opt {
	int id;                 /* what opt_next returns, not 0 or -1; a letter or digit is the short option too */
	const char *name;       /* long name */
	const char *argument;   /* NULL: takes none; else its name in --help, as "FILE" */
	const char *help;       /* one clause; wrapped, the choices put after it */
	enum opt_hint hint;
	const char *choices;    /* OPT_CHOICE: plain words parted by a space */
	const char *heading;    /* starts a group in --help, shown with a colon; or NULL */
};

/* Texts are wrapped at 79 columns; a line of them that fits is shown as it is. */
struct opt_tool {
	const char *name;
	const char *usage;      /* what follows `usage: ` in --help; lines by '\n', not wrapped */
	const char *purpose;    /* a sentence or more, after the usage */
	const struct opt *options;
	size_t count;
	const char *ending;     /* after the options, or NULL */
};

struct opt_state {
	const struct opt_tool *tool;
	const char *argument;   /* of the option just returned, or NULL; part of argv */
	const char *given;      /* which it is: "-r" or "--replicas", in full; until the next opt_next */
	int argc, operand;      /* operands are argv[operand .. argc - 1] once opt_next said -1 */
	char **argv;            /* operands are moved behind the options, as GNU getopt does */
	void *table;            /* opt.c's, until opt_next said -1 */
};

/*
 * The id of the next option, or -1 at the end.  Wrong options end the process
 * with status 2 (the near miss named), --help and --version with 0.
 */
void opt_init(struct opt_state *, const struct opt_tool *, int argc, char **argv);
int opt_next(struct opt_state *);

/*
 * The argument of the current option as a number: a whole one in min .. max, a size
 * (512, 64K, 1M, 2G, 1T: powers of 1024, or the small letter), or a decimal in units
 * of 1e-6.  Anything else ends the process with status 2 and names option and range.
 */
uint64_t opt_number(const struct opt_state *, uint64_t min, uint64_t max);
uint64_t opt_size(const struct opt_state *, uint64_t min, uint64_t max);
uint64_t opt_millionths(const struct opt_state *, uint64_t min, uint64_t max);

/* The closest of `words` (NULL at the end) to what was typed, or NULL if none is near. */
const char *opt_near(const char *typed, const char *const *words);

/* For complete.c: the letter that is its short option, or 0. */
int opt_letter(const struct opt *);

/* The completion script on stdout; -1 if the shell is none of bash, zsh, fish.  opt_init's. */
int opt_completion(const struct opt_tool *, const char *shell);

#endif
