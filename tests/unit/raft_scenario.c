/*
 * Scenarios over the Raft core alone, each file of tests/scenario/raft a test.  scenario.h has the words of both protocols; besides:
 *
 *	option                  pre_vote, check_quorum
 *	load n1 T,T,..          its log at the start, by terms; its term is the last, or `term T`
 *	inject                  term, last, prev, commit, match, conflict, of, offset, entries, round, pre_vote, granted
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/raft_text.h"
#include "tests/unit/scenario.h"

static bool raft_option(struct raft_options *o, const char *name, const char *value)
{
	if (strcmp(name, "pre_vote") == 0)
		o->pre_vote = is_on(value);
	else if (strcmp(name, "check_quorum") == 0)
		o->check_quorum = is_on(value);
	else
		return false;
	return true;
}

static void do_load(char **word)
{
	struct store *d = &world.shell[shell_number(word[0])].disk;
	char *rest = word[1];

	for (char *term; (term = strtok_r(rest, ",", &rest));) {
		struct item item = { .term = (raft_term)atoi(term), .id = shell_next_id++, .bytes = 8 };

		d->term = item.term;
		store_push(d, &item);
	}
	if (word[2])
		d->term = (raft_term)atoi(word[3]);
}

static bool raft_field(struct packet *p, const char *name, const char *value)
{
	struct raft_message *m = &p->m;
	uint64_t n, also = 0;

	sscanf(value, "%" SCNu64 "/%" SCNu64, &n, &also);
	if (strcmp(name, "term") == 0) {
		m->term = n;
	} else if (strcmp(name, "last") == 0) {
		m->last_log_index = n;
		m->last_log_term = also;
	} else if (strcmp(name, "prev") == 0) {
		m->prev_log_index = n;
		m->prev_log_term = also;
	} else if (strcmp(name, "commit") == 0) {
		m->leader_commit = n;
	} else if (strcmp(name, "match") == 0) {
		m->success = true;
		m->match_index = n;
	} else if (strcmp(name, "conflict") == 0) {
		m->conflict_index = n;
		m->conflict_term = also;
	} else if (strcmp(name, "of") == 0) {
		m->last_included_index = n;
		m->last_included_term = also;
	} else if (strcmp(name, "offset") == 0) {
		m->offset = n;
	} else if (strcmp(name, "entries") == 0) {
		p->items = calloc(1, sizeof(*p->items));
		p->items->term = n;
		m->count = 1;
	} else if (strcmp(name, "round") == 0) {
		m->round = n;
	} else if (strcmp(name, "pre_vote") == 0) {
		m->pre_vote = n;
	} else if (strcmp(name, "granted") == 0) {
		m->vote_granted = n;
	} else {
		return false;
	}
	return true;
}

int main(void)
{
	static const struct scenarios raft = {
		.folder = "tests/scenario/raft",
		.options = {
			.election_min_ns = 150 * (uint64_t)MS, .election_max_ns = 300 * (uint64_t)MS, .heartbeat_ns = 50 * MS,
			.window_bytes = 1 << 20, .window_messages = 16, .message_bytes = 1 << 16,
			.pre_vote = true, .check_quorum = true,
		},
		.option = raft_option,
		.field = raft_field,
		.command = { { "load", do_load, true } },
	};

	return scenarios_run(&raft);
}
