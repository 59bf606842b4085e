/*
 * plan_text: a plan as text, a scenario file.  `#` begins a comment, `sim` the plan; its numbers come first, one a line, then its
 * intents, one a line, each behind its time in nanoseconds:
 *
 *	sim raft
 *	seed 42
 *	founders 3
 *	..
 *	1200000 op c1 write k0 value 7 session          f as in sim.h; `plain` without a session
 *	1300000 fault 200000000 {"type":"partition","groups":[["n1"],["n2","n3"]]}     for so long, as faultline-plan(5) has it
 *	1400000 crash leader 30000000                   or wipe; a node's name or `leader`; down for so long
 *	1500000 drift n2 950000                         millionths
 *	1600000 join n4                                 or leave, transfer, hint, snapshot
 *	0 fate n1>n2 17 lost                            the link's 17th message; or `after 120000 [150000]`: its copies' delays
 */
#include "lib/plan/plan.h"
#include "tests/sim/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 4096, WORDS_MAX = 12 };

static const char *const protocol_text[SIM_PROTOCOLS] = { "raft", "paxos" };
static const char *const f_text[SIM_FS] = {
	"read", "write", "cas", "create", "delete", "append", "read_list", "propose", "change", "look",
};
static const char *const kind_text[SIM_KINDS] = {
	"fault", "crash", "wipe", "drift", "hint", "fate", "op", "join", "leave", "transfer", "snapshot",
};

static const struct number {
	const char *name;
	size_t at;
	enum { INT, U32, U64, BOOL, REAL } type;
	double max;
} numbers[] = {
	{ "seed", offsetof(struct sim_plan, seed), U64, 0 },
	{ "founders", offsetof(struct sim_plan, founders), INT, SIM_NODES_MAX },
	{ "nodes", offsetof(struct sim_plan, nodes), INT, SIM_NODES_MAX },
	{ "clients", offsetof(struct sim_plan, clients), INT, SIM_CLIENTS_MAX },
	{ "keys", offsetof(struct sim_plan, keys), INT, SIM_KEYS_MAX },
	{ "faults_ns", offsetof(struct sim_plan, faults_ns), U64, 0 },
	{ "lost", offsetof(struct sim_plan, lost), REAL, 1 },
	{ "repeated", offsetof(struct sim_plan, repeated), REAL, 1 },
	{ "slow", offsetof(struct sim_plan, slow), REAL, 1 },
	{ "stalls", offsetof(struct sim_plan, stalls), REAL, 1 },
	{ "flush_ns", offsetof(struct sim_plan, flush_ns), U64, 1e9 },
	{ "pre_vote", offsetof(struct sim_plan, pre_vote), BOOL, 1 },
	{ "check_quorum", offsetof(struct sim_plan, check_quorum), BOOL, 1 },
	{ "lease_reads", offsetof(struct sim_plan, lease_reads), BOOL, 1 },
	{ "window_messages", offsetof(struct sim_plan, window_messages), U32, 1 << 20 },
	{ "window_bytes", offsetof(struct sim_plan, window_bytes), U64, 0 },
	{ "message_bytes", offsetof(struct sim_plan, message_bytes), U32, 1 << 30 },
	{ "plain", offsetof(struct sim_plan, plain), U32, 1 << 10 },
	{ "count1", offsetof(struct sim_plan, count1), U32, SIM_NODES_MAX },
	{ "count2", offsetof(struct sim_plan, count2), U32, SIM_NODES_MAX },
	{ "columns", offsetof(struct sim_plan, columns), U32, SIM_NODES_MAX },
};

/* --- Writing --- */

static void print_number(const struct sim_plan *p, const struct number *n, FILE *f)
{
	const char *at = (const char *)p + n->at;

	switch (n->type) {
	case INT:
		fprintf(f, "%s %d\n", n->name, *(const int *)(const void *)at);
		break;
	case U32:
		fprintf(f, "%s %" PRIu32 "\n", n->name, *(const uint32_t *)(const void *)at);
		break;
	case U64:
		fprintf(f, "%s %" PRIu64 "\n", n->name, *(const uint64_t *)(const void *)at);
		break;
	case BOOL:
		fprintf(f, "%s %d\n", n->name, *(const bool *)at);
		break;
	default:
		fprintf(f, "%s %.17g\n", n->name, *(const double *)(const void *)at);
	}
}

static void print_fault(const struct sim_intent *i, FILE *f)
{
	struct fault_order order = i->order;
	struct buf text = { 0 };

	order.for_ns = 0;       /* to the nanosecond, in the line itself */
	plan_print(&text, &order, false);
	fprintf(f, " %" PRIu64 " %.*s", i->for_ns, (int)text.len, text.at);
	buf_release(&text);
}

void sim_intent_print(const struct sim_intent *i, FILE *f)
{
	fprintf(f, "%" PRIu64 " %s", i->at_ns, kind_text[i->kind]);
	switch (i->kind) {
	case SIM_FAULT:
		print_fault(i, f);
		break;
	case SIM_FATE:
		fprintf(f, " %s>%s %" PRIu64 " %s", i->from, i->to, i->number, i->copies ? "after" : "lost");
		for (int c = 0; c < i->copies; c++)
			fprintf(f, " %" PRIu64, i->delay_ns[c]);
		break;
	case SIM_OP:
		fprintf(f, " c%d %s k%d value %" PRIu32 " %s", i->client, f_text[i->f], i->key, i->value,
			i->session ? "session" : "plain");
		break;
	default:
		if (i->node)
			fprintf(f, " n%d", i->node);
		else
			fprintf(f, " leader");
		if (i->kind == SIM_CRASH || i->kind == SIM_WIPE)
			fprintf(f, " %" PRIu64, i->for_ns);
		if (i->kind == SIM_DRIFT)
			fprintf(f, " %" PRIu32, i->ppm);
	}
	fprintf(f, "\n");
}

void sim_plan_print(const struct sim_plan *p, FILE *f)
{
	fprintf(f, "sim %s\n", protocol_text[p->protocol]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		print_number(p, &numbers[i], f);
	for (size_t i = 0; i < p->count; i++)
		if (!p->intent[i].off)
			sim_intent_print(&p->intent[i], f);
}

/* --- Reading: each gives NULL, or why not --- */

static int find(const char *const *text, int count, const char *word)
{
	for (int i = 0; i < count; i++)
		if (strcmp(text[i], word) == 0)
			return i;
	return -1;
}

static bool read_u64(const char *word, uint64_t *n)
{
	char *end;

	*n = strtoull(word, &end, 10);
	return *word >= '0' && *word <= '9' && !*end;
}

/* n3, c1, k0, up to the maximum. */
static bool read_name(const char *word, char letter, int min, int max, int *number)
{
	uint64_t n;

	if (word[0] != letter || !read_u64(word + 1, &n) || n < (uint64_t)min || n > (uint64_t)max)
		return false;
	*number = (int)n;
	return true;
}

static const char *read_number(struct sim_plan *p, char **word, int words)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		const struct number *n = &numbers[i];
		char *at = (char *)p + n->at, *end;
		double real;
		uint64_t whole = 0;

		if (strcmp(n->name, word[0]))
			continue;
		if (words != 2)
			return "a name and its number are expected";
		real = strtod(word[1], &end);
		if (*end || !(real >= 0) || (n->max > 0 && real > n->max) || (n->type != REAL && !read_u64(word[1], &whole)))
			return "the number is out of range";
		if (n->type == INT)
			*(int *)(void *)at = (int)whole;
		else if (n->type == U32)
			*(uint32_t *)(void *)at = (uint32_t)whole;
		else if (n->type == U64)
			*(uint64_t *)(void *)at = whole;
		else if (n->type == BOOL)
			*(bool *)at = whole;
		else
			*(double *)(void *)at = real;
		return NULL;
	}
	return "there is no such number";
}

static const char *read_fault(struct sim_intent *i, const char *rest)
{
	static struct plan_error error;
	char *end;

	i->for_ns = strtoull(rest, &end, 10);
	while (*end == ' ')
		end++;
	return plan_parse(&i->order, end, strlen(end), true, &error) ? error.why : NULL;
}

static const char *read_fate(struct sim_intent *i, char **word, int words)
{
	int unused;

	if (words < 3 || sscanf(word[0], "%3[cn0-9]>%3[cn0-9]", i->from, i->to) != 2 || !read_u64(word[1], &i->number) ||
	    (!read_name(i->from, 'n', 1, SIM_NODES_MAX, &unused) && !read_name(i->from, 'c', 1, SIM_CLIENTS_MAX, &unused)) ||
	    (!read_name(i->to, 'n', 1, SIM_NODES_MAX, &unused) && !read_name(i->to, 'c', 1, SIM_CLIENTS_MAX, &unused)))
		return "a link and a message's number are expected";
	for (i->copies = 0; i->copies < FAULT_COPIES_MAX && 3 + i->copies < words; i->copies++)
		if (!read_u64(word[3 + i->copies], &i->delay_ns[i->copies]))
			return "a delay is expected";
	return (strcmp(word[2], "lost") == 0) == (i->copies == 0) ? NULL : "`lost` or `after` is expected";
}

static const char *read_op(struct sim_intent *i, char **word, int words)
{
	uint64_t value;
	int f = words > 1 ? find(f_text, SIM_FS, word[1]) : -1;

	if (words != 6 || !read_name(word[0], 'c', 1, SIM_CLIENTS_MAX, &i->client) || f < 0 ||
	    !read_name(word[2], 'k', 0, SIM_KEYS_MAX - 1, &i->key) || !read_u64(word[4], &value) || !value || value >= 1 << 20)
		return "a client, what it asks, a key and a value are expected";
	i->f = (enum sim_f)f;
	i->value = (uint32_t)value;
	i->session = strcmp(word[5], "session") == 0;
	return NULL;
}

static const char *read_change(struct sim_intent *i, char **word, int words)
{
	uint64_t n = 0;

	if (words < 1 || (strcmp(word[0], "leader") && !read_name(word[0], 'n', 1, SIM_NODES_MAX, &i->node)))
		return "a node or `leader` is expected";
	if (words > 1 && !read_u64(word[1], &n))
		return "a number is expected";
	if (i->kind != SIM_DRIFT)
		i->for_ns = n;
	else if (!i->node || n < 100000 || n > 10000000)
		return "a node and its clock's rate in millionths are expected";
	else
		i->ppm = (uint32_t)n;
	if ((i->kind == SIM_JOIN || i->kind == SIM_LEAVE) && !i->node)
		return "a node is expected";
	return NULL;
}

static const char *read_intent(struct sim_plan *p, char **word, int words, const char *rest)
{
	struct sim_intent i = { .kind = SIM_OP };
	int kind = words > 1 ? find(kind_text, SIM_KINDS, word[1]) : -1;
	const char *why;

	if (kind < 0 || !read_u64(word[0], &i.at_ns))
		return "a time and an intent are expected";
	i.kind = (enum sim_kind)kind;
	if (i.kind == SIM_FAULT)
		why = read_fault(&i, rest);
	else if (i.kind == SIM_FATE)
		why = read_fate(&i, word + 2, words - 2);
	else if (i.kind == SIM_OP)
		why = read_op(&i, word + 2, words - 2);
	else
		why = read_change(&i, word + 2, words - 2);
	if (why)
		return why;
	if (p->count && i.kind != SIM_FATE && p->intent[p->count - 1].kind != SIM_FATE && i.at_ns < p->intent[p->count - 1].at_ns)
		why = "times do not fall";
	sim_plan_add(p, &i);
	return why;
}

/* What the parts alone do not show. */
static const char *check(const struct sim_plan *p)
{
	if (p->founders < 1 || p->nodes < p->founders || p->clients < 1 || p->keys < 1)
		return "too few founders, nodes, clients or keys";
	for (size_t i = 0; i < p->count; i++) {
		const struct sim_intent *x = &p->intent[i];

		if (x->node > p->nodes || x->client > p->clients || x->key >= p->keys)
			return "there is no such node, client or key";
	}
	return NULL;
}

static const char *read_line(struct sim_plan *p, char *line, bool *begun)
{
	char *word[WORDS_MAX + 1], *save, whole[LINE_BYTES];
	const char *rest = whole;
	int words = 0, protocol;

	line[strcspn(line, "\n")] = '\0';
	strcpy(whole, line);
	for (char *w = strtok_r(line, " \t", &save); w && words < WORDS_MAX; w = strtok_r(NULL, " \t", &save))
		word[words++] = w;
	if (!words || word[0][0] == '#')
		return NULL;
	for (int i = 0; i < 2; i++) {
		rest += strcspn(rest, " \t");
		rest += strspn(rest, " \t");
	}
	if (*begun)
		return word[0][0] >= '0' && word[0][0] <= '9' ? read_intent(p, word, words, rest) : read_number(p, word, words);
	protocol = words == 2 && strcmp(word[0], "sim") == 0 ? find(protocol_text, SIM_PROTOCOLS, word[1]) : -1;
	if (protocol < 0)
		return "`sim raft` or `sim paxos` is expected";
	p->protocol = (enum sim_protocol)protocol;
	*begun = true;
	return NULL;
}

int sim_plan_read(struct sim_plan *p, FILE *f, size_t *line, const char **why)
{
	char text[LINE_BYTES];
	bool begun = false;

	memset(p, 0, sizeof(*p));
	*why = NULL;
	for (*line = 0; !*why && fgets(text, sizeof(text), f);) {
		++*line;
		*why = strlen(text) + 1 < sizeof(text) ? read_line(p, text, &begun) : "the line is too long";
	}
	if (!*why && !begun)
		*why = "there is no plan";
	if (!*why)
		*why = check(p);
	if (!*why)
		return 0;
	sim_plan_release(p);
	return -1;
}
