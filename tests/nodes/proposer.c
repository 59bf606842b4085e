/*
 * proposer: a client in lockstep that proposes values for one register at several nodes at once and says how long that took.
 *
 *     proposer NAME NODES PROPOSERS AT_MS          as proposer c1 n1,n2,n3 2 1000
 *
 * At AT_MS the first PROPOSERS nodes are each asked to propose a value of their own, for a first register, and when all have
 * answered and a second has passed for another.  It prints on stderr, of the latter,
 *
 *     NANOSECONDS FLUSHES...   from the proposals to the last answer; the flushes that each node did meanwhile
 *
 * and ends with status 0; with 1 if two answers differ or one is an error.
 */
#include "tests/nodes/client.h"

#define SECOND (1000 * MS)
enum { FIRST, BEFORE, PROPOSED, AFTER };

static unsigned proposers;
static uint64_t next, began, flushes[NODES_MAX];
static int stage = -1;                  /* the last that began */
static unsigned waits_for;
static char *chosen;

static void begin(void)
{
	bool proposes = ++stage == FIRST || stage == PROPOSED;

	next = UINT64_MAX;
	began = stage == PROPOSED ? now : began;
	waits_for = proposes ? proposers : nodes;
	for (unsigned i = 0; i < waits_for; i++) {
		printf("{\"src\":\"%s\",\"dest\":\"%s\",\"body\":{\"msg_id\":%u,\"type\":", name, node[i], (unsigned)stage * NODES_MAX + i + 1);
		if (proposes)
			printf("\"propose\",\"instance\":\"x%d\",\"value\":\"of %s\"}}\n", stage, node[i]);
		else
			printf("\"status\"}}\n");
	}
}

static void take_choice(const json_t *body)
{
	char *value = json_dumps(json_object_get(body, "value"), JSON_ENCODE_ANY);

	if (!value)
		violated("an answer has no value");
	if (chosen && strcmp(chosen, value) != 0)
		violated("two values are chosen, %s and %s", chosen, value);
	free(chosen);
	chosen = value;
}

static void take_flushes(const json_t *body, unsigned i)
{
	uint64_t so_far = (uint64_t)json_integer_value(json_object_get(json_object_get(body, "counters"), "flushes"));

	flushes[i] = so_far - flushes[i];
}

static void finish(void)
{
	fprintf(stderr, "%llu", (unsigned long long)began);
	for (unsigned i = 0; i < nodes; i++)
		fprintf(stderr, " %llu", (unsigned long long)flushes[i]);
	fputc('\n', stderr);
	exit(0);
}

static void take(const json_t *body, const char *type, const char *rest)
{
	uint64_t answered = answers(body) - 1;

	(void)rest;
	if (stage < 0 || answered / NODES_MAX != (unsigned)stage)
		return;
	if (!strcmp(type, "error"))
		violated("%s", json_string_value(json_object_get(body, "text")));
	if (stage == FIRST || stage == PROPOSED)
		take_choice(body);
	else
		take_flushes(body, (unsigned)answered % NODES_MAX);
	if (--waits_for)
		return;
	if (stage == AFTER)
		finish();
	if (stage == PROPOSED)
		began = now - began;
	if (stage != FIRST) {
		begin();
		return;
	}
	free(chosen);
	chosen = NULL;
	next = now + SECOND;
}

static uint64_t act(void)
{
	if (now >= next)
		begin();
	return next < now + SECOND ? next : now + SECOND;
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	client_init(argv[1], argv[2]);
	proposers = (unsigned)atoi(argv[3]);
	next = strtoull(argv[4], NULL, 10) * MS;
	if (!nodes || !proposers || proposers > nodes)
		return 2;
	client_run();
	violated("not all have answered");
}
