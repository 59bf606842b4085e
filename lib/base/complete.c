/*
 * complete: the completion scripts of bash, zsh and fish, from a tool's option table.
 *
 * None needs a library of completion functions.  Operands are completed as files by all
 * of them.  Names and choices are plain words; the help text is quoted for its shell.
 */
#include "lib/base/opt.h"

#include <stdio.h>
#include <string.h>

/* Text within single quotes, with a backslash before the characters of `escaped`. */
static void put_quoted(const char *text, const char *escaped, const char *quote)
{
	for (; *text; text++) {
		if (*text == '\'') {
			fputs(quote, stdout);
			continue;
		}
		if (strchr(escaped, *text))
			putchar('\\');
		putchar(*text == '\n' ? ' ' : *text);
	}
}

/* ---- bash ---- */

/* What to offer after an option that takes an argument; without a reply, bash offers files. */
static void bash_argument(const struct opt *o)
{
	if (opt_letter(o))
		printf("\t-%c | ", opt_letter(o));
	else
		putchar('\t');
	printf("--%s)\n", o->name);
	if (o->hint == OPT_CHOICE)
		printf("\t\tCOMPREPLY=($(compgen -W '%s' -- \"$cur\"))\n", o->choices);
	if (o->hint == OPT_DIRECTORY)
		puts("\t\tcompopt -o dirnames +o default 2>/dev/null");
	else if (o->hint != OPT_FILE)
		puts("\t\tcompopt +o default 2>/dev/null");
	puts("\t\treturn\n\t\t;;");
}

/* The name of a function has no dash in a posix shell. */
static void bash_function(const char *tool)
{
	putchar('_');
	for (; *tool; tool++)
		putchar(*tool == '-' ? '_' : *tool);
}

/* bash cuts --name=value into three words. */
static void bash(const struct opt_tool *tool)
{
	printf("# bash completion of %s, by `%s --completion bash`\n", tool->name, tool->name);
	bash_function(tool->name);
	puts("()\n"
	     "{\n"
	     "\tlocal IFS=$' \\t\\n' i\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	     "\tCOMPREPLY=()\n"
	     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\t[[ ${COMP_WORDS[i]} == -- ]] && return\n"
	     "\tdone\n"
	     "\tif [[ $cur == = ]]; then\n"
	     "\t\tcur=\n"
	     "\telif [[ $prev == = ]]; then\n"
	     "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	     "\tfi\n"
	     "\tcase $prev in");
	for (size_t i = 0; i < tool->count; i++)
		if (tool->options[i].argument)
			bash_argument(&tool->options[i]);
	fputs("\tesac\n"
	      "\t[[ $cur != -* ]] || COMPREPLY=($(compgen -W '", stdout);
	for (size_t i = 0; i < tool->count; i++) {
		const struct opt *o = &tool->options[i];
		if (opt_letter(o))
			printf("-%c ", opt_letter(o));
		printf("--%s%s", o->name, i + 1 < tool->count ? " " : "");
	}
	fputs("' -- \"$cur\"))\n"
	      "}\n"
	      "complete -o default -F ", stdout);
	bash_function(tool->name);
	printf(" %s\n", tool->name);
}

/* ---- zsh ---- */

/* A specification of _arguments: '*'{-n+,--name=}'[help]:ARGUMENT:action' */
static void zsh_option(const struct opt *o)
{
	fputs("\t'*'", stdout);
	if (opt_letter(o))
		printf("{-%c%s,--%s%s}'[", opt_letter(o), o->argument ? "+" : "", o->name, o->argument ? "=" : "");
	else
		printf("--%s%s'[", o->name, o->argument ? "=" : "");
	put_quoted(o->help, "[]\\:", "'\\''");
	putchar(']');
	if (o->argument) {
		putchar(':');
		put_quoted(o->argument, "\\:", "'\\''");
		switch (o->hint) {
		case OPT_TEXT:
			fputs(": ", stdout);
			break;
		case OPT_FILE:
			fputs(":_files", stdout);
			break;
		case OPT_DIRECTORY:
			fputs(":_files -/", stdout);
			break;
		case OPT_CHOICE:
			printf(":(%s)", o->choices);
			break;
		}
	}
	puts("' \\");
}

static void zsh(const struct opt_tool *tool)
{
	printf("#compdef %s\n"
	       "# zsh completion of %s, by `%s --completion zsh`\n"
	       "_arguments -s -S \\\n", tool->name, tool->name, tool->name);
	for (size_t i = 0; i < tool->count; i++)
		zsh_option(&tool->options[i]);
	puts("\t'*:file:_files'");
}

/* ---- fish ---- */

static void fish_option(const struct opt_tool *tool, const struct opt *o)
{
	printf("complete -c %s", tool->name);
	if (opt_letter(o))
		printf(" -s %c", opt_letter(o));
	printf(" -l %s", o->name);
	if (o->argument) {
		switch (o->hint) {
		case OPT_TEXT:
			fputs(" -x", stdout);
			break;
		case OPT_FILE:
			fputs(" -r -F", stdout);
			break;
		case OPT_DIRECTORY:
			fputs(" -x -a '(__fish_complete_directories)'", stdout);
			break;
		case OPT_CHOICE:
			printf(" -x -a '%s'", o->choices);
			break;
		}
	}
	fputs(" -d '", stdout);
	put_quoted(o->help, "\\", "\\'");
	puts("'");
}

static void fish(const struct opt_tool *tool)
{
	printf("# fish completion of %s, by `%s --completion fish`\n", tool->name, tool->name);
	for (size_t i = 0; i < tool->count; i++)
		fish_option(tool, &tool->options[i]);
}

int opt_completion(const struct opt_tool *tool, const char *shell)
{
	static const struct {
		const char *shell;
		void (*put)(const struct opt_tool *);
	} shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++)
		if (strcmp(shells[i].shell, shell) == 0) {
			shells[i].put(tool);
			return 0;
		}
	return -1;
}
