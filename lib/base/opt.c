/*
 * opt: the option table of a tool, read by getopt_long and shown by --help.
 *
 * getopt_long returns LONG_BASE + i for the i-th long name and the letter itself for a
 * short one, so that it is always known how an option was written, in errors too.  The
 * table it works from is the tool's with --help and --version after it.
 */
#include "lib/base/opt.h"

#include <assert.h>
#include <ctype.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"

#ifndef FAULTLINE_VERSION
#define FAULTLINE_VERSION "0.0.0"       /* the Makefile says which */
#endif

enum {
	LONG_BASE = 0x10000,
	WIDTH = 79,             /* of --help */
	LABEL_WIDTH_MAX = 28,   /* a longer `-n, --name ARGUMENT` has its help on the next line */
	LABEL_BYTES_MAX = 2 * OPT_NAME_BYTES_MAX + 16,
	DISTANCE_BYTES_MAX = 64,
};

struct table {
	struct opt_tool tool;
	struct opt options[OPT_COUNT_MAX + 2];
	struct option longs[OPT_COUNT_MAX + 3];
	char letters[1 + 2 * (OPT_COUNT_MAX + 2) + 1];
	char given[OPT_NAME_BYTES_MAX + 3];
};

int opt_letter(const struct opt *o)
{
	return o->id > 0 && o->id < 128 && isalnum(o->id) ? o->id : 0;
}

static const struct opt *by_letter(const struct opt_tool *tool, int letter)
{
	for (size_t i = 0; i < tool->count; i++)
		if (opt_letter(&tool->options[i]) == letter)
			return &tool->options[i];
	return NULL;
}

/* ---- near misses ---- */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Damerau-Levenshtein, no substring edited twice: insert, delete, change or swap costs 1. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][DISTANCE_BYTES_MAX + 1] = { 0 };
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	size_t length = strlen(b);

	for (size_t j = 0; j <= length; j++)
		above[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = smaller(row[j], smaller(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = smaller(row[j], before[j - 2] + 1);
		}
		size_t *oldest = before;
		before = above;
		above = row;
		row = oldest;
	}
	return above[length];
}

/* One slip in three letters is a typing error; more is another word. */
const char *opt_near(const char *typed, const char *const *words)
{
	const char *nearest = NULL;
	size_t length = strlen(typed);
	size_t least = (length + 1) / 3 + 1;

	if (length < 2 || length > DISTANCE_BYTES_MAX)
		return NULL;
	for (; *words; words++) {
		if (strlen(*words) > DISTANCE_BYTES_MAX)
			continue;
		size_t d = distance(typed, *words);
		if (d < least) {
			least = d;
			nearest = *words;
		}
	}
	return nearest;
}

/* ---- wrong options ---- */

/* `typed` is a whole element of argv, with its dashes and perhaps with =ARGUMENT. */
__attribute__((noreturn))
static void die_unknown_long(const struct opt_tool *tool, const char *typed)
{
	const char *names[OPT_COUNT_MAX + 3] = { NULL };
	char candidates[OPT_COUNT_MAX * (OPT_NAME_BYTES_MAX + 8)] = "";
	size_t length = strcspn(typed, "="), used = 0, matches = 0;

	for (size_t i = 0; i < tool->count; i++) {
		names[i] = tool->options[i].name;
		if (strncmp(names[i], typed + 2, length - 2) != 0)
			continue;
		used += (size_t)snprintf(candidates + used, sizeof(candidates) - used, "%s'--%s'",
		                         matches ? ", " : "", names[i]);
		assert(used < sizeof(candidates));
		matches++;
	}
	if (matches > 1)
		die_usage("ambiguous option '%.*s': could be %s", (int)length, typed, candidates);

	char name[DISTANCE_BYTES_MAX + 2];       /* cut, it is still too long to be near */
	snprintf(name, sizeof(name), "%.*s", (int)(length - 2), typed + 2);
	const char *near = opt_near(name, names);
	if (near)
		die_usage("unknown option '%.*s': did you mean '--%s'?", (int)length, typed, near);
	die_usage("unknown option '%.*s'", (int)length, typed);
}

/* `answer` is getopt's '?' or ':'; optopt the long option, the letter, or 0. */
__attribute__((noreturn))
static void die_wrong(const struct opt_state *s, int answer)
{
	const struct table *t = s->table;
	const char *typed = s->argv[optind - 1];

	if (optopt == 0)
		die_unknown_long(&t->tool, typed);
	if (optopt >= LONG_BASE) {
		const struct opt *o = &t->options[optopt - LONG_BASE];
		if (answer == ':')
			die_usage("option '--%s' needs an argument: %s", o->name, o->argument);
		die_usage("option '--%s' takes no argument: '%s'", o->name, strchr(typed, '=') + 1);
	}
	if (answer == ':')
		die_usage("option '-%c' needs an argument: %s", optopt, by_letter(&t->tool, optopt)->argument);
	if (optopt < 0 || optopt > 126)         /* a byte of a longer character */
		die_usage("unknown option '-\\x%02x'", (unsigned)optopt & 0xff);
	die_usage("unknown option '-%c'", optopt);
}

/* ---- --help ---- */

/* Columns of UTF-8 text: bytes that continue a character take none. */
static size_t columns(const char *text, size_t bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		n += (text[i] & 0xc0) != 0x80;
	return n;
}

static size_t put_line_start(size_t indent)
{
	printf("\n%*s", (int)indent, "");
	return indent;
}

/* Text at column `at`, on further lines from `indent`; the column where it ended. */
static size_t put_wrapped(const char *text, size_t at, size_t indent)
{
	while (*text) {
		if (*text == '\n') {
			at = put_line_start(indent);
			text++;
			continue;
		}
		size_t gap = strspn(text, " "), word = strcspn(text + gap, " \n");
		size_t wide = columns(text + gap, word);
		if (at > indent && at + gap + wide > WIDTH) {
			at = put_line_start(indent);
			text += gap;
			gap = 0;
		}
		printf("%.*s", (int)(gap + word), text);
		text += gap + word;
		at += gap + wide;
	}
	return at;
}

/* ` (one, two)` */
static void put_choices(const char *choices, size_t at, size_t indent)
{
	const char *before = " (";

	while (*choices) {
		size_t word = strcspn(choices, " ");
		char piece[OPT_NAME_BYTES_MAX + 4];
		snprintf(piece, sizeof(piece), "%s%.*s%s", before, (int)word, choices, choices[word] ? "," : ")");
		at = put_wrapped(piece, at, indent);
		choices += word + (choices[word] == ' ');
		before = " ";
	}
}

static size_t label(char *text, const struct opt *o)
{
	char letter[] = "    ";

	if (opt_letter(o))
		snprintf(letter, sizeof(letter), "-%c, ", opt_letter(o));
	int length = snprintf(text, LABEL_BYTES_MAX, "  %s--%s%s%s", letter, o->name,
	                      o->argument ? " " : "", o->argument ? o->argument : "");
	assert(length > 0 && length < LABEL_BYTES_MAX);
	return columns(text, (size_t)length);
}

static size_t widest_label(const struct opt_tool *tool)
{
	char text[LABEL_BYTES_MAX];
	size_t widest = 0;

	for (size_t i = 0; i < tool->count; i++) {
		size_t wide = label(text, &tool->options[i]);
		if (wide <= LABEL_WIDTH_MAX && wide > widest)
			widest = wide;
	}
	return widest;
}

static void put_option(const struct opt *o, size_t indent)
{
	char text[LABEL_BYTES_MAX];
	size_t at = label(text, o);

	if (o->heading)
		printf("\n%s:\n", o->heading);
	fputs(text, stdout);
	if (at + 2 > indent)
		at = put_line_start(indent);
	printf("%*s", (int)(indent - at), "");
	at = put_wrapped(o->help, indent, indent);
	if (o->hint == OPT_CHOICE)
		put_choices(o->choices, at, indent);
	putchar('\n');
}

static void put_help(const struct opt_tool *tool)
{
	size_t indent = widest_label(tool) + 2;

	fputs("usage: ", stdout);
	for (const char *c = tool->usage; *c; c++) {
		putchar(*c);
		if (*c == '\n')
			fputs("       ", stdout);
	}
	putchar('\n');
	put_wrapped(tool->purpose, 0, 0);
	putchar('\n');
	if (!tool->options[0].heading)
		putchar('\n');
	for (size_t i = 0; i < tool->count; i++)
		put_option(&tool->options[i], indent);
	if (tool->ending) {
		putchar('\n');
		put_wrapped(tool->ending, 0, 0);
		putchar('\n');
	}
}

/* ---- the table ---- */

/* The tool's options, --help and --version behind them under a heading if there are others. */
static void table_options(struct table *t, const struct opt_tool *tool)
{
	bool headings = false;
	size_t n = tool->count;

	assert(n <= OPT_COUNT_MAX);
	for (size_t i = 0; i < n; i++) {
		t->options[i] = tool->options[i];
		headings = headings || tool->options[i].heading;
	}
	t->options[n] = (struct opt){
		.id = by_letter(tool, 'h') ? LONG_BASE : 'h', .name = "help",
		.help = "show this help", .heading = headings ? "Other" : NULL,
	};
	t->options[n + 1] = (struct opt){
		.id = by_letter(tool, 'V') ? LONG_BASE : 'V', .name = "version", .help = "show the version",
	};
	t->tool = *tool;
	t->tool.options = t->options;
	t->tool.count = n + 2;
}

/* What getopt_long wants.  The colon before the letters tells a missing argument from a wrong option. */
static void table_getopt(struct table *t)
{
	char *letter = t->letters;

	*letter++ = ':';
	for (size_t i = 0; i < t->tool.count; i++) {
		const struct opt *o = &t->options[i];
		assert(o->name && strlen(o->name) <= OPT_NAME_BYTES_MAX);
		assert(o->id != 0 && o->id != -1);
		t->longs[i] = (struct option){
			.name = o->name, .val = LONG_BASE + (int)i,
			.has_arg = o->argument ? required_argument : no_argument,
		};
		if (!opt_letter(o))
			continue;
		*letter++ = (char)opt_letter(o);
		if (o->argument)
			*letter++ = ':';
	}
	*letter = '\0';
}

void opt_init(struct opt_state *s, const struct opt_tool *tool, int argc, char **argv)
{
	struct table *t = must_calloc(1, sizeof(*t));

	err_tool(tool->name);
	table_options(t, tool);
	table_getopt(t);
	*s = (struct opt_state){ .tool = tool, .argc = argc, .argv = argv, .table = t };
	optind = 0;             /* glibc: from the start, and forget the last argv */
	opterr = 0;

	if (argc < 2 || strcmp(argv[1], "--completion") != 0)
		return;
	if (argc < 3)
		die_usage("option '--completion' needs an argument: SHELL");
	if (opt_completion(&t->tool, argv[2]) < 0)
		die_usage("--completion '%s': must be bash, zsh or fish", argv[2]);
	finish(EXIT_DONE);
}

int opt_next(struct opt_state *s)
{
	struct table *t = s->table;

	assert(t);
	int answer = getopt_long(s->argc, s->argv, t->letters, t->longs, NULL);
	s->argument = optarg;
	if (answer == -1) {
		s->operand = optind;
		s->given = NULL;
		s->table = NULL;
		free(t);
		return -1;
	}
	if (answer == '?' || answer == ':')
		die_wrong(s, answer);

	const struct opt *o = answer < LONG_BASE ? by_letter(&t->tool, answer) : &t->options[answer - LONG_BASE];
	assert(o);
	if (o == &t->options[s->tool->count]) {
		put_help(&t->tool);
		finish(EXIT_DONE);
	}
	if (o == &t->options[s->tool->count + 1]) {
		printf("%s %s\n", s->tool->name, FAULTLINE_VERSION);
		finish(EXIT_DONE);
	}
	if (answer >= LONG_BASE)
		snprintf(t->given, sizeof(t->given), "--%s", o->name);
	else
		snprintf(t->given, sizeof(t->given), "-%c", answer);
	s->given = t->given;
	return o->id;
}

/* ---- numbers ---- */

/* The digits that `text` starts with; where they end, or NULL without any or past 64 bits. */
static const char *read_digits(const char *text, uint64_t *value)
{
	const char *c = text;

	for (*value = 0; *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*c - '0'), value))
			return NULL;
	return c > text ? c : NULL;
}

uint64_t opt_number(const struct opt_state *s, uint64_t min, uint64_t max)
{
	uint64_t value;
	const char *end = read_digits(s->argument, &value);

	if (!end || *end || value < min || value > max)
		die_usage("%s '%s': must be a whole number from %ju to %ju", s->given, s->argument,
		          (uintmax_t)min, (uintmax_t)max);
	return value;
}

static const char size_units[] = "KMGT";

static bool read_size(const char *text, uint64_t *value)
{
	const char *end = read_digits(text, value);

	if (!end || !*end)
		return end;
	const char *unit = strchr(size_units, toupper((unsigned char)*end));
	return unit && !end[1] && !__builtin_mul_overflow(*value, 1ULL << (10 * (unit - size_units + 1)), value);
}

/* 65536 as 64K, 65537 as it is. */
static void write_size(char text[static 24], uint64_t value)
{
	size_t unit = 0;

	while (size_units[unit] && value > 0 && value % 1024 == 0) {
		value /= 1024;
		unit++;
	}
	snprintf(text, 24, "%ju%.*s", (uintmax_t)value, unit > 0, size_units + unit - (unit > 0));
}

uint64_t opt_size(const struct opt_state *s, uint64_t min, uint64_t max)
{
	uint64_t value;
	char from[24], to[24];

	if (read_size(s->argument, &value) && value >= min && value <= max)
		return value;
	write_size(from, min);
	write_size(to, max);
	die_usage("%s '%s': must be a size from %s to %s", s->given, s->argument, from, to);
}

/* Digits with a point anywhere; after the sixth place only zeros, which say nothing. */
static bool read_millionths(const char *text, uint64_t *value)
{
	int places = 0;
	bool point = false, any = false;

	for (*value = 0; *text; text++) {
		if (*text == '.' && !point) {
			point = true;
			continue;
		}
		if (*text < '0' || *text > '9' || (places == 6 && *text != '0'))
			return false;
		any = true;
		if (places == 6)
			continue;
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*text - '0'), value))
			return false;
		places += point;
	}
	for (; places < 6; places++)
		if (__builtin_mul_overflow(*value, 10, value))
			return false;
	return any;
}

static void write_millionths(char text[static 24], uint64_t value)
{
	int length = snprintf(text, 24, "%ju.%06ju", (uintmax_t)(value / 1000000), (uintmax_t)(value % 1000000));

	while (text[length - 1] == '0')
		text[--length] = '\0';
	if (text[length - 1] == '.')
		text[--length] = '\0';
}

uint64_t opt_millionths(const struct opt_state *s, uint64_t min, uint64_t max)
{
	uint64_t value;
	char from[24], to[24];

	if (read_millionths(s->argument, &value) && value >= min && value <= max)
		return value;
	write_millionths(from, min);
	write_millionths(to, max);
	die_usage("%s '%s': must be a number from %s to %s with at most 6 decimals",
	          s->given, s->argument, from, to);
}
