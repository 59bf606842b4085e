/* shrink: see shrink.h. */
#include "tests/sim/shrink.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FATES_MORE_MAX = 16, PASSES_MAX = 8 };

static const uint64_t MS = 1000000;

struct shrinker {
	struct sim_plan *plan;          /* fails; those masked out are not needed for it */
	struct sim_verdict *verdict;    /* of it */
	char what[SIM_WHAT_BYTES];
	const struct sim_shrink_limits *limits;
	struct sim_shrink_tally *tally;
	uint64_t began_s;
	size_t *live, lives, room;      /* the intents that are not masked out */
};

/* --- Trials --- */

static uint64_t clock_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

static bool is_over(const struct shrinker *s)
{
	return (s->limits->runs && s->tally->runs >= s->limits->runs) ||
	       (s->limits->seconds && clock_s() - s->began_s >= s->limits->seconds);
}

static bool fails(struct shrinker *s, const struct sim_plan *plan)
{
	static struct sim_verdict verdict;

	if (is_over(s))
		return false;
	s->tally->runs++;
	if (sim_run_apart(plan, &verdict) || verdict.holds || strcmp(verdict.what, s->what))
		return false;
	*s->verdict = verdict;
	return true;
}

static void list_live(struct shrinker *s)
{
	if (s->room < s->plan->count) {
		s->room = s->plan->count;
		s->live = realloc(s->live, s->room * sizeof(*s->live));
		if (!s->live)
			abort();
	}
	s->lives = 0;
	for (size_t i = 0; i < s->plan->count; i++)
		if (!s->plan->intent[i].off)
			s->live[s->lives++] = i;
}

/* Without these numbers of the list, if it fails so too. */
static bool drop(struct shrinker *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		s->plan->intent[s->live[i]].off = true;
	if (fails(s, s->plan))
		return true;
	for (size_t i = from; i < to; i++)
		s->plan->intent[s->live[i]].off = false;
	return false;
}

/* --- Intents --- */

typedef bool chosen(const struct sim_intent *, uint64_t which);

static bool drop_all(struct shrinker *s, chosen *is, uint64_t which)
{
	bool dropped = false;
	size_t n = 0;

	list_live(s);
	/* Those chosen to the front of the list. */
	for (size_t i = 0; i < s->lives; i++)
		if (is(&s->plan->intent[s->live[i]], which)) {
			size_t at = s->live[i];

			s->live[i] = s->live[n];
			s->live[n++] = at;
		}
	if (n)
		dropped = drop(s, 0, n);
	return dropped;
}

static bool is_after(const struct sim_intent *intent, uint64_t at_ns)
{
	return intent->kind != SIM_FATE && intent->at_ns > at_ns;
}

static bool is_kind(const struct sim_intent *intent, uint64_t kind)
{
	return (uint64_t)intent->kind == kind;
}

static bool is_of_client(const struct sim_intent *intent, uint64_t client)
{
	return intent->kind == SIM_OP && (uint64_t)intent->client == client;
}

static bool is_of_key(const struct sim_intent *intent, uint64_t key)
{
	return intent->kind == SIM_OP && (uint64_t)intent->key == key;
}

static void drop_groups(struct shrinker *s)
{
	drop_all(s, is_after, s->verdict->at_ns);
	for (uint64_t kind = 0; kind < SIM_KINDS; kind++)
		drop_all(s, is_kind, kind);
	for (uint64_t client = 0; client <= SIM_CLIENTS_MAX; client++)
		drop_all(s, is_of_client, client);
	for (uint64_t key = 0; key <= SIM_KEYS_MAX; key++)
		drop_all(s, is_of_key, key);
}

/* Pieces of `size`, from the last: what happens late needs what happened before it. */
static bool drop_pieces(struct shrinker *s, size_t size)
{
	bool any = false;

	list_live(s);
	for (size_t end = s->lives; end > 0 && !is_over(s);) {
		size_t from = end > size ? end - size : 0;

		any |= drop(s, from, end);
		end = from;
	}
	return any;
}

static void drop_intents(struct shrinker *s)
{
	size_t size;

	list_live(s);
	for (size = s->lives / 2; size > 1 && !is_over(s); size /= 2)
		drop_pieces(s, size);
	while (!is_over(s) && drop_pieces(s, 1))
		;
}

/* --- What is not an intent --- */

static bool try_plan(struct shrinker *s, const struct sim_plan *smaller)
{
	struct sim_plan was = *s->plan;

	*s->plan = *smaller;
	if (fails(s, s->plan))
		return true;
	*s->plan = was;
	return false;
}

#define TRY(field, to) do { \
		struct sim_plan p_ = *s->plan; \
		if (p_.field != (to)) { \
			p_.field = (to); \
			try_plan(s, &p_); \
		} \
	} while (0)

static void drop_options(struct shrinker *s)
{
	TRY(stalls, 0);
	TRY(slow, 0);
	TRY(repeated, 0);
	TRY(lost, 0);
	TRY(lease_reads, false);
	TRY(pre_vote, true);
	TRY(check_quorum, true);
	TRY(plain, 0);
	TRY(columns, 0);
	TRY(count1, 0);
	TRY(count2, 0);
}

static bool is_of_node_beyond(const struct sim_intent *intent, uint64_t node)
{
	const char *end[2] = { intent->from, intent->to };

	if (intent->node > 0 && (uint64_t)intent->node > node)
		return true;
	for (int i = 0; i < 2 && intent->kind == SIM_FATE; i++)
		if (end[i][0] == 'n' && strtoull(end[i] + 1, NULL, 10) > node)
			return true;
	return false;
}

/* The last node goes, with all that speaks of it. */
static bool drop_node(struct shrinker *s)
{
	struct sim_plan smaller, was = *s->plan;

	if (was.nodes < 2)
		return false;
	sim_plan_copy(&smaller, &was);
	smaller.nodes--;
	if (smaller.founders > smaller.nodes)
		smaller.founders = smaller.nodes;
	for (size_t i = 0; i < smaller.count; i++)
		smaller.intent[i].off = is_of_node_beyond(&smaller.intent[i], (uint64_t)smaller.nodes);
	if (!fails(s, &smaller)) {
		sim_plan_release(&smaller);
		return false;
	}
	sim_plan_release(s->plan);
	*s->plan = smaller;
	return true;
}

static void drop_clients(struct shrinker *s)
{
	int client = 1, key = 0;

	for (size_t i = 0; i < s->plan->count; i++) {
		const struct sim_intent *intent = &s->plan->intent[i];

		if (intent->off || intent->kind != SIM_OP)
			continue;
		if (intent->client > client)
			client = intent->client;
		if (intent->key > key)
			key = intent->key;
	}
	if (client < s->plan->clients)
		TRY(clients, client);
	if (key + 1 < s->plan->keys)
		TRY(keys, key + 1);
}

/* --- Single fates in place of chances --- */

static bool has_chances(const struct sim_plan *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (!p->intent[i].off && p->intent[i].kind == SIM_FAULT && p->intent[i].order.kind == FAULT_ORDER_LINK)
			return true;
	return p->lost > 0 || p->repeated > 0 || p->slow > 0 || p->stalls > 0;
}

/* In place only where that comes to not much more than there was. */
static void name_fates(struct shrinker *s)
{
	struct sim_plan record = { 0 }, was;
	struct sim_verdict before = *s->verdict;
	size_t lives;

	list_live(s);
	lives = s->lives;
	if (!has_chances(s->plan) || is_over(s) || sim_record_apart(s->plan, &record))
		return;
	if (!fails(s, &record)) {
		sim_plan_release(&record);
		return;
	}
	was = *s->plan;
	*s->plan = record;
	drop_intents(s);
	list_live(s);
	if (s->lives <= lives + FATES_MORE_MAX) {
		sim_plan_release(&was);
		return;
	}
	sim_plan_release(s->plan);
	*s->plan = was;
	*s->verdict = before;
}

/* --- Time --- */

static int by_time(const void *a, const void *b)
{
	const struct sim_intent *x = *(const struct sim_intent *const *)a, *y = *(const struct sim_intent *const *)b;

	return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

static void shift(struct sim_intent **intent, size_t from, size_t count, int64_t by, uint64_t *end)
{
	for (size_t i = from; i < count; i++) {
		intent[i]->at_ns += (uint64_t)by;
		intent[i]->order.at_ns = intent[i]->at_ns;
	}
	*end += (uint64_t)by;
}

/* What waits before an intent goes, or half of it, or a quarter. */
static void squeeze(struct shrinker *s, struct sim_intent **intent, size_t at, size_t count)
{
	uint64_t before = at ? intent[at - 1]->at_ns : 0;
	uint64_t gap = at < count ? intent[at]->at_ns - before : s->plan->faults_ns > before ? s->plan->faults_ns - before : 0;
	int64_t by = (int64_t)(gap - gap % MS);

	for (int tries = 0; tries < 3 && by >= (int64_t)MS; tries++, by = by / 2 - by / 2 % (int64_t)MS) {
		shift(intent, at, count, -by, &s->plan->faults_ns);
		if (fails(s, s->plan))
			return;
		shift(intent, at, count, by, &s->plan->faults_ns);
	}
}

static void shorten(struct shrinker *s)
{
	struct sim_intent **intent = calloc(s->plan->count + 1, sizeof(struct sim_intent *));
	size_t count = 0;

	if (!intent)
		abort();
	for (size_t i = 0; i < s->plan->count; i++)
		if (!s->plan->intent[i].off && s->plan->intent[i].kind != SIM_FATE)
			intent[count++] = &s->plan->intent[i];
	qsort(intent, count, sizeof(*intent), by_time);
	for (size_t i = 0; i <= count && !is_over(s); i++)
		squeeze(s, intent, i, count);
	free(intent);
}

/* --- All --- */

static size_t live(struct shrinker *s)
{
	list_live(s);
	return s->lives;
}

int sim_shrink(const struct sim_plan *plan, struct sim_verdict *verdict, const struct sim_shrink_limits *limits,
	       struct sim_plan *small, struct sim_shrink_tally *tally)
{
	struct sim_plan work, done;
	struct shrinker s = { .plan = &work, .verdict = verdict, .limits = limits, .tally = tally, .began_s = clock_s() };
	size_t was = SIZE_MAX;

	memcpy(s.what, verdict->what, sizeof(s.what));
	*tally = (struct sim_shrink_tally){ 0 };
	sim_plan_copy(&work, plan);
	tally->intents_before = work.count;
	if (!fails(&s, &work)) {
		sim_plan_release(&work);
		return -1;
	}
	for (int pass = 0; pass < PASSES_MAX && !is_over(&s) && live(&s) < was; pass++) {
		was = live(&s);
		drop_groups(&s);
		drop_intents(&s);
		drop_options(&s);
		while (drop_node(&s))
			;
		drop_clients(&s);
	}
	name_fates(&s);
	shorten(&s);
	drop_intents(&s);
	tally->ended = !is_over(&s);
	sim_plan_copy(&done, &work);
	sim_plan_release(&work);
	free(s.live);
	*small = done;
	tally->intents_after = done.count;
	return 0;
}
