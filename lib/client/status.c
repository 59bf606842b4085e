/*
 * status: where every node is: an object a node, or a table.
 */
#include "lib/base/err.h"
#include "lib/client/census.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t WATCH_NS = UINT64_C(1000000000);

/* --- JSON lines --- */

static void print_object(json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_ENCODE_ANY);

	if (!text)
		die(EXIT_SYSTEM, "no memory");
	puts(text);
	free(text);
}

static void print_lines(const struct census *all)
{
	for (size_t i = 0; i < all->nodes; i++) {
		json_t *silent;

		if (all->node[i].status) {
			print_object(all->node[i].status);
			continue;
		}
		silent = json_pack("{s:s, s:s}", "id", all->node[i].name, "error", "no answer within " CENSUS_PATIENCE);
		print_object(silent);
		json_decref(silent);
	}
	if (!all->nodes) {
		json_t *nobody = json_pack("{s:s}", "error", all->why ? all->why : "no answer within " CENSUS_PATIENCE);

		print_object(nobody);
		json_decref(nobody);
	}
}

/* --- A table --- */

/* A member as text: a string as it is, anything else as JSON, none or null as "-". */
static void cell(char out[static 32], const struct census_node *n, const char *name)
{
	const json_t *value = json_object_get(n->status, name);
	char *text = NULL;

	if (value && !json_is_null(value) && !json_is_string(value))
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	snprintf(out, 32, "%s", json_is_string(value) ? json_string_value(value) : text ? text : "-");
	free(text);
}

static void print_row(const struct census_node *n, const char *round, json_int_t committed)
{
	char role[32], number[32], leader[32];

	if (!n->status) {
		printf("%-12s no answer within %s\n", n->name, CENSUS_PATIENCE);
		return;
	}
	cell(role, n, "role");
	cell(number, n, round);
	cell(leader, n, "leader");
	printf("%-12s %-10s %10s %-12s %10jd %10jd %8jd %10jd\n", n->name, role, number, leader,
	       (intmax_t)census_number(n, "commit_index"), (intmax_t)census_number(n, "last_applied"),
	       (intmax_t)(committed - census_number(n, "last_applied")), (intmax_t)census_number(n, "snapshot_index"));
}

/* What counts the leaders' times in this protocol: term or ballot. */
static const char *round_of(const struct census *all)
{
	for (size_t i = 0; i < all->nodes; i++)
		if (json_object_get(all->node[i].status, "ballot"))
			return "ballot";
	return "term";
}

static void print_table(const struct census *all)
{
	const char *round = round_of(all);
	json_int_t committed = 0;

	for (size_t i = 0; i < all->nodes; i++)
		if (census_number(&all->node[i], "commit_index") > committed)
			committed = census_number(&all->node[i], "commit_index");
	printf("%-12s %-10s %10s %-12s %10s %10s %8s %10s\n", "NODE", "ROLE", strcmp(round, "term") ? "BALLOT" : "TERM",
	       "LEADER", "COMMITTED", "APPLIED", "LAG", "SNAPSHOT");
	for (size_t i = 0; i < all->nodes; i++)
		print_row(&all->node[i], round, committed);
	if (!all->nodes)
		printf("no answer%s%s\n", all->why ? ": " : "", all->why ? all->why : "");
}

/* --- Both --- */

__attribute__((noreturn))
static void watch(struct census *all, bool table)
{
	/* Home, what is there drawn over, and the rest of the screen cleared. */
	static const char home[] = "\033[H", clear[] = "\033[2J", clear_rest[] = "\033[J";

	if (table)
		fputs(clear, stdout);
	for (;;) {
		uint64_t next_ns = link_now() + WATCH_NS;

		census_ask(all);
		if (table) {
			fputs(home, stdout);
			print_table(all);
			fputs(clear_rest, stdout);
		} else {
			print_lines(all);
		}
		flush_output();
		link_sleep_until(next_ns);
	}
}

enum exit_status command_status(struct command *c)
{
	bool table = !c->json && isatty(STDOUT_FILENO);
	enum exit_status status = EXIT_DONE;
	struct census all;

	census_init(&all, c);
	if (c->watch)
		watch(&all, table);
	census_ask_until(&all, link_now() + c->timeout_ns);
	if (table)
		print_table(&all);
	else
		print_lines(&all);
	for (size_t i = 0; i < all.nodes; i++)
		if (!all.node[i].status)
			status = EXIT_SYSTEM;
	census_release(&all);
	return status;
}
