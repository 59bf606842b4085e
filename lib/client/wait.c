/*
 * wait: until there is a leader, or until a node has applied what was committed when the wait began.
 */
#include "lib/base/err.h"
#include "lib/client/census.h"

#include <string.h>

static const uint64_t PAUSE_NS = 20 * UINT64_C(1000000);

/* False once the deadline is there. */
static bool pause_before(uint64_t deadline_ns)
{
	uint64_t now = link_now();

	if (now >= deadline_ns)
		return false;
	link_sleep_until(now + PAUSE_NS < deadline_ns ? now + PAUSE_NS : deadline_ns);
	return true;
}

/* --- A leader --- */

static bool knows_leader(const struct wire_line *answer)
{
	static const char *const names[] = { "leader", NULL };
	struct wire_value leader;

	client_fields(answer, names, &leader);
	return client_is(answer, "status_ok") && leader.kind == WIRE_STRING;
}

static bool is_not_supported(const struct wire_line *answer)
{
	static const char *const names[] = { "code", NULL };
	struct wire_value field;
	uint64_t code;

	client_fields(answer, names, &field);
	return client_is(answer, "error") && wire_u64(&field, &code) && code == WIRE_NOT_SUPPORTED;
}

/*
 * A node may name one that died a moment ago: so a read has to go through, which needs a leader that a majority
 * hears; whether the key is there does not matter.  A machine that has no reads leaves the word of the node.
 */
static enum exit_status wait_for_leader(struct command *c)
{
	static const char key[] = "\"key\":\"\"";
	const struct request read = { .type = "read", .members = { key, sizeof(key) - 1 } }, status = { .type = "status" };
	uint64_t deadline_ns = link_now() + c->timeout_ns;
	struct wire_line answer;

	if (!client_ask(&c->client, &read, deadline_ns, &answer))
		command_no_answer(c, c->client.why);
	if (!is_not_supported(&answer))
		return EXIT_DONE;
	do {
		if (!client_ask(&c->client, &status, deadline_ns, &answer))
			command_no_answer(c, c->client.why);
		if (knows_leader(&answer))
			return EXIT_DONE;
	} while (pause_before(deadline_ns));
	die(EXIT_SYSTEM, "no leader within %s", c->timeout);
}

/* --- Caught up --- */

/* What is committed, as far as a leader is among those that answered: else false. */
static bool committed(const struct census *all, json_int_t *index)
{
	bool led = false;

	*index = 0;
	for (size_t i = 0; i < all->nodes; i++) {
		led = led || census_leads(&all->node[i]);
		if (census_number(&all->node[i], "commit_index") > *index)
			*index = census_number(&all->node[i], "commit_index");
	}
	return led;
}

/* The first that has not applied up to the index, or NULL. */
static const struct census_node *behind(const struct census *all, json_int_t index, const char *name)
{
	for (size_t i = 0; i < all->nodes; i++) {
		const struct census_node *n = &all->node[i];

		if ((!name || !strcmp(n->name, name)) && (!n->status || census_number(n, "last_applied") < index))
			return n;
	}
	return NULL;
}

static enum exit_status wait_caught_up(struct command *c, const char *name)
{
	uint64_t deadline_ns = link_now() + c->timeout_ns;
	const struct census_node *last;
	json_int_t index;
	struct census all;

	census_init(&all, c);
	all.also = name;
	for (;;) {
		census_ask_until(&all, deadline_ns);
		if (committed(&all, &index))
			break;
		if (!pause_before(deadline_ns))
			die(EXIT_SYSTEM, "no leader within %s", c->timeout);
	}
	while ((last = behind(&all, index, name))) {
		if (!pause_before(deadline_ns) && last->status)
			die(EXIT_SYSTEM, "'%s' has applied %jd of %jd entries within %s", last->name,
			    (intmax_t)census_number(last, "last_applied"), (intmax_t)index, c->timeout);
		if (link_now() >= deadline_ns)
			die(EXIT_SYSTEM, "no answer from '%s' within %s", last->name, c->timeout);
		census_ask_until(&all, deadline_ns);
	}
	census_release(&all);
	return EXIT_DONE;
}

enum exit_status command_wait(struct command *c)
{
	const char *what = c->operand[0];

	if (!strcmp(what, "leader") && c->operands == 1)
		return wait_for_leader(c);
	if (!strcmp(what, "caught-up"))
		return wait_caught_up(c, c->operands > 1 ? c->operand[1] : NULL);
	die_usage("wait '%s': must be leader, or caught-up and perhaps a node", what);
}
