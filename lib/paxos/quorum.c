/*
 * quorum: which sets of acceptors suffice (Howard, Malkhi, Spiegelman: "Flexible Paxos", 2016).
 *
 * All that is needed is that every quorum of phase 1 meets every one of phase 2.  Of counts: q1 + q2 > n.  Of a grid: a
 * whole row, and one of every row.
 */
#include "lib/paxos/core.h"

#include <assert.h>
#include <string.h>

static uint32_t voters_of(const struct paxos_config *config)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < config->count; i++)
		n += config->member[i].voter;
	return n;
}

static uint32_t size_of(const struct paxos_quorums *q, uint32_t voters, enum paxos_phase phase)
{
	uint32_t count = phase == PAXOS_PHASE_1 ? q->count1 : q->count2;

	return count ? count : voters / 2 + 1;
}

/* --- What was given --- */

static uint32_t times_in_grid(const struct paxos_quorums *q, const char *name)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < q->rows * q->columns; i++)
		n += strcmp(q->grid[i], name) == 0;
	return n;
}

static const char *grid_wrong(const struct paxos_quorums *q, const struct paxos_config *config)
{
	for (uint32_t row = 0; row < q->rows; row++) {
		uint32_t names = 0;

		for (uint32_t i = row * q->columns; i < (row + 1) * q->columns; i++) {
			const struct paxos_member *m = q->grid[i][0] ? paxos_config_find(config, q->grid[i]) : NULL;

			if (q->grid[i][0] && (!m || !m->voter))
				return "the grid has a name that is no voter";
			names += q->grid[i][0] != '\0';
		}
		if (names == 0)
			return "the grid has an empty row";
	}
	for (uint32_t i = 0; i < config->count; i++)
		if (config->member[i].voter && times_in_grid(q, config->member[i].name) != 1)
			return "the grid does not have every voter once";
	return NULL;
}

const char *paxos_quorums_wrong(const struct paxos_quorums *q, const struct paxos_config *config)
{
	uint32_t n = voters_of(config);

	if (q->rows) {
		if (q->columns == 0 || q->rows > PAXOS_MEMBERS_MAX / q->columns)
			return "the grid has more than 64 names";
		return grid_wrong(q, config);
	}
	if (n == 0)
		return NULL;
	if (size_of(q, n, PAXOS_PHASE_1) > n || size_of(q, n, PAXOS_PHASE_2) > n)
		return "a quorum is larger than the cluster";
	if (size_of(q, n, PAXOS_PHASE_1) + size_of(q, n, PAXOS_PHASE_2) <= n)
		return "two quorums of the two phases need not meet";
	return NULL;
}

/* --- What was reached --- */

/* Of a grid, where the voters reached these values: of phase 1 the best row's least, of phase 2 the worst row's best. */
static uint64_t of_grid(const struct paxos_quorums *q, const struct paxos_config *config, enum paxos_phase phase,
			const uint64_t *value)
{
	uint64_t best = 0, worst = UINT64_MAX;

	for (uint32_t row = 0; row < q->rows; row++) {
		uint64_t least = UINT64_MAX, most = 0;

		for (uint32_t i = row * q->columns; i < (row + 1) * q->columns; i++) {
			const struct paxos_member *m = q->grid[i][0] ? paxos_config_find(config, q->grid[i]) : NULL;
			uint64_t v = m ? value[m - config->member] : 0;

			if (!q->grid[i][0])
				continue;
			if (v < least)
				least = v;
			if (v > most)
				most = v;
		}
		if (least > best)
			best = least;
		if (most < worst)
			worst = most;
	}
	return phase == PAXOS_PHASE_1 ? best : worst;
}

static uint64_t of_count(const struct paxos_config *config, uint32_t size, const uint64_t *value)
{
	uint64_t sorted[PAXOS_MEMBERS_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < config->count; i++) {
		uint32_t at = n;

		if (!config->member[i].voter)
			continue;
		for (; at > 0 && sorted[at - 1] < value[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = value[i];
		n++;
	}
	return size > 0 && size <= n ? sorted[size - 1] : 0;
}

static uint64_t reached(const struct paxos *c, const struct paxos_config *config, enum paxos_phase phase,
			const uint64_t *value)
{
	const struct paxos_quorums *q = &c->options.quorums;

	return q->rows ? of_grid(q, config, phase, value)
		       : of_count(config, size_of(q, voters_of(config), phase), value);
}

uint64_t paxos_reach(const struct paxos *c, const struct paxos_config_entry *e, enum paxos_phase phase, paxos_reached *of)
{
	uint64_t value[PAXOS_MEMBERS_MAX];

	for (uint32_t i = 0; i < e->config->count; i++) {
		const struct paxos_member *m = &e->config->member[i];
		const struct paxos_peer *p = e->seat[i] == PAXOS_SELF ? NULL : &c->peer[e->seat[i]];

		value[i] = m->voter && paxos_counts(c, p, m) ? of(c, p) : 0;
	}
	return reached(c, e->config, phase, value);
}

uint64_t paxos_reach_all(const struct paxos *c, enum paxos_phase phase, paxos_reached *of)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = c->chosen_config; i < c->configs; i++) {
		uint64_t v = paxos_reach(c, &c->config[i], phase, of);

		if (v < least)
			least = v;
	}
	return least;
}

bool paxos_is_quorum(const struct paxos *c, const struct paxos_config *config, enum paxos_phase phase, uint64_t set)
{
	uint64_t value[PAXOS_MEMBERS_MAX];

	for (uint32_t i = 0; i < config->count; i++)
		value[i] = config->member[i].voter && (set >> i & 1);
	return reached(c, config, phase, value) > 0;
}

bool paxos_is_alone(const struct paxos *c)
{
	return c->configs - c->chosen_config == 1 && c->voter && voters_of(paxos_in_force(c)->config) == 1;
}
