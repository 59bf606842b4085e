/* picture: the rows and what is counted over them; see picture.h. */
#include "lib/draw/picture.h"

#include <math.h>
#include <stdlib.h>

enum { BATCH = 256 };

double picture_ratio(const struct row *r, enum when t)
{
	return r->ideal[t] > 0 ? r->share[t] / r->ideal[t] : 0;
}

static double weight_of(const struct draw_fleet *f)
{
	double sum = 0;

	for (uint32_t i = 0; i < f->n; i++)
		sum += f->nodes[i].weight;
	return sum > 0 ? sum : 1;
}

static int make_rows(struct picture *p)
{
	const struct draw_fleet *is = p->fleet[IS], *was = p->of->was;
	uint32_t gone = 0, was_n = p->plan ? was->n : 0;

	p->row = calloc((size_t)is->n + was_n, sizeof *p->row);
	p->was_row = calloc((size_t)was_n + 1, sizeof *p->was_row);
	if (!p->row || !p->was_row)
		return RING_ENOMEM;
	for (uint32_t i = 0; i < is->n; i++) {
		p->row[i].node = &is->nodes[i];
		p->row[i].in[IS] = true;
		p->row[i].weight[IS] = is->nodes[i].weight;
	}
	for (uint32_t i = 0; i < was_n; i++) {
		uint32_t row = p->of->kept[i] != RING_NONE ? p->of->kept[i] : is->n + gone++;

		p->was_row[i] = row;
		if (row >= is->n)
			p->row[row].node = &was->nodes[i];
		p->row[row].in[WAS] = true;
		p->row[row].weight[WAS] = was->nodes[i].weight;
	}
	p->rows = is->n + gone;
	return RING_OK;
}

static int by_name(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;

	return ring_node_cmp((*x)->node, (*y)->node);
}

static uint16_t common(const struct ring_node *a, const struct ring_node *b)
{
	uint16_t n = 0;

	while (n < a->name_len && n < b->name_len && a->name[n] == b->name[n])
		n++;
	return n;
}

/* Among names in order, the most similar one is a neighbour. */
static int find_telling(struct picture *p)
{
	struct row **sorted = calloc(p->rows, sizeof(*sorted));

	if (!sorted)
		return RING_ENOMEM;
	for (uint32_t i = 0; i < p->rows; i++)
		sorted[i] = &p->row[i];
	qsort(sorted, p->rows, sizeof(*sorted), by_name);
	for (uint32_t i = 1; i < p->rows; i++) {
		uint16_t n = common(sorted[i - 1]->node, sorted[i]->node);

		sorted[i]->telling = n;
		if (n > sorted[i - 1]->telling)
			sorted[i - 1]->telling = n;
	}
	free(sorted);
	return RING_OK;
}

/* Shares of the fleet of one time; where the layout has none, what the weights say. */
static int fill_shares(struct picture *p, enum when t)
{
	const struct draw_fleet *f = p->fleet[t];
	double weight = weight_of(f);
	uint64_t *share = calloc(f->n, sizeof *share);

	if (!share)
		return RING_ENOMEM;
	p->circle &= ring_shares(f->ring, share);
	for (uint32_t i = 0; i < f->n; i++) {
		struct row *r = &p->row[t == IS ? i : p->was_row[i]];

		r->ideal[t] = f->nodes[i].weight / weight;
		r->share[t] = ldexp((double)share[i], -64);
	}
	free(share);
	return RING_OK;
}

static void expect_shares(struct picture *p)
{
	for (uint32_t i = 0; i < p->rows; i++)
		for (int t = WAS; t <= IS; t++)
			p->row[i].share[t] = p->row[i].ideal[t];
}

static void weigh(struct picture *p)
{
	uint32_t weight = 0;

	p->min = INFINITY;
	for (uint32_t i = 0; i < p->rows; i++) {
		const struct row *r = &p->row[i];

		for (int t = WAS; t <= IS; t++) {
			p->live[t] += r->weight[t] > 0;
			if (weight && r->weight[t] && r->weight[t] != weight)
				p->weighted = true;
			weight = r->weight[t] ? r->weight[t] : weight;
		}
		if (!r->weight[IS])
			continue;
		p->min = fmin(p->min, picture_ratio(r, IS));
		if (picture_ratio(r, IS) > p->max) {
			p->max = picture_ratio(r, IS);
			p->worst = i;
		}
		p->moved_ideal += fmax(0, r->ideal[IS] - r->ideal[WAS]);
	}
}

/* 2^20 places, but fewer where a look-up walks over all the nodes. */
static unsigned sample_bits(const struct picture *p)
{
	unsigned bits = p->circle ? 20 : 18;

	while (!p->circle && bits > 12 && (uint64_t)p->rows << bits > UINT64_C(1) << 30)
		bits--;
	return bits;
}

/* A move from a node that is not less to one that is not more than before. */
static bool needless(const struct row *from, const struct row *to)
{
	return from->weight[IS] >= from->weight[WAS] && to->weight[IS] <= to->weight[WAS];
}

static void count_moves(struct picture *p)
{
	unsigned bits = sample_bits(p);
	uint32_t moved = 0, excess = 0;

	p->samples = UINT32_C(1) << bits;
	for (uint32_t done = 0; done < p->samples; done += BATCH) {
		uint64_t place[BATCH];
		uint32_t row[2][BATCH];

		for (uint32_t i = 0; i < BATCH; i++)
			place[i] = picture_place(done + i, bits);
		for (int t = WAS; t <= IS; t++)
			picture_owners(p, (enum when)t, place, BATCH, row[t]);
		for (uint32_t i = 0; i < BATCH; i++) {
			uint32_t from = row[WAS][i], to = row[IS][i];

			moved += from != to;
			excess += from != to && needless(&p->row[from], &p->row[to]);
		}
	}
	p->moved = (double)moved / p->samples;
	p->excess = (double)excess / p->samples;
}

int picture_init(struct picture *p, const struct draw_circle *of)
{
	int rc;

	*p = (struct picture){ .of = of, .fleet = { of->was ? of->was : &of->is, &of->is }, .plan = of->was, .circle = true };
	rc = make_rows(p);
	if (rc == RING_OK)
		rc = find_telling(p);
	if (rc == RING_OK)
		rc = fill_shares(p, IS);
	if (rc == RING_OK && p->plan)
		rc = fill_shares(p, WAS);
	if (rc != RING_OK)
		return rc;
	if (!p->circle)
		expect_shares(p);
	weigh(p);
	if (p->plan)
		count_moves(p);
	if (p->circle)
		picture_scan(p);
	return RING_OK;
}

void picture_release(struct picture *p)
{
	free(p->row);
	free(p->was_row);
}
