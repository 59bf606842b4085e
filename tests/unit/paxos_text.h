/*
 * paxos_text: what a Paxos core says, as short lines, for the scenarios.
 */
#ifndef TESTS_UNIT_PAXOS_TEXT_H
#define TESTS_UNIT_PAXOS_TEXT_H

#include "tests/unit/paxos_shell.h"

static const char commits[] = "has chosen";
#include "tests/unit/scenario_text.h"

enum { LEADS = PAXOS_IS_LEADER };

static const char *const type_text[] = {
	"prepare", "promise", "accept", "accepted", "nack", "chosen", "catchup", "chosen_values", "install_snapshot",
	"install_snapshot_ok", "prepare_now", "hello", "hello_ok", "sync", "sync_ok",
};

/* One of some that are in use at once. */
static const char *ballot_text(const struct paxos_ballot *b)
{
	static char text[8][32];
	static int at;
	char *t = text[at = (at + 1) % 8];

	if (b->round)
		snprintf(t, sizeof(text[0]), "%" PRIu64 ".%.8s", b->round, b->node);
	else
		snprintf(t, sizeof(text[0]), "none");
	return t;
}

static const char *role_of(const struct shell *s)
{
	static char is[64];
	struct paxos_ballot b = paxos_ballot(s->paxos);

	snprintf(is, sizeof(is), "%s, ballot %s", role_text[paxos_role(s->paxos)], ballot_text(&b));
	return is;
}

static bool writes(const struct paxos_out *out)
{
	return out->record;
}

static uint64_t committed(const struct paxos_out *out)
{
	return out->chosen_upto;
}

static const struct paxos_config *settled(const struct shell *s)
{
	return paxos_config_chosen(s->paxos);
}

static uint64_t read_at(const struct paxos_out *out)
{
	return out->read_slot;
}

static void put_item(struct text *t, paxos_slot slot, const struct item *item, bool ballot)
{
	put(t, " %" PRIu64, slot);
	if (ballot)
		put(t, "/%s", ballot_text(&item->ballot));
	if (item->config)
		put_config(t, item->config);
	else if (item->label[0])
		put(t, ":%s", item->label);
}

static void put_items(struct text *t, const struct packet *p)
{
	bool ballot = p->m.type == PAXOS_PROMISE;

	for (uint32_t i = 0; i < p->m.count; i++) {
		if (p->m.count > 12 && i == 1) {
			put(t, " ..");
			i = p->m.count - 1;
		}
		put_item(t, p->slots[i], &p->items[i], ballot);
	}
}

static void put_register(struct text *t, const struct packet *p)
{
	const struct paxos_message *m = &p->m;

	if (m->type != PAXOS_CHOSEN)
		put(t, " %s", ballot_text(&m->ballot));
	put(t, " %s", p->instance);
	if (m->type == PAXOS_PROMISE && m->accepted.accepted.round)
		put(t, " accepted %s=%ld", ballot_text(&m->accepted.accepted), p->value);
	if (m->type == PAXOS_ACCEPT || m->type == PAXOS_CHOSEN)
		put(t, "=%ld", p->value);
	if (m->type == PAXOS_NACK)
		put(t, " promised %s", ballot_text(&m->promised));
}

static void put_log_message(struct text *t, const struct packet *p)
{
	const struct paxos_message *m = &p->m;

	if (m->ballot.round)
		put(t, " %s", ballot_text(&m->ballot));
	if (m->from)
		put(t, " from %" PRIu64, m->from);
	if (m->type == PAXOS_NACK)
		put(t, " promised %s", ballot_text(&m->promised));
	if (m->type == PAXOS_ACCEPTED && m->count)
		put(t, " %" PRIu64 "-%" PRIu64, m->slot, m->slot + m->count - 1);
	else if (m->type == PAXOS_ACCEPTED && m->slot)
		put(t, " misses %" PRIu64, m->slot);
	else if (m->type == PAXOS_ACCEPT && !m->count)
		put(t, " upto %" PRIu64 "?", m->slot - 1);
	if (m->count && p->items)
		put_items(t, p);
	if (m->type == PAXOS_INSTALL_SNAPSHOT)
		put(t, " of %" PRIu64 " bytes %" PRIu64 "-%" PRIu64 "%s", m->last_included_index, m->offset,
		    m->offset + m->data_bytes, m->done ? " done" : "");
	if (m->type == PAXOS_INSTALL_SNAPSHOT_OK)
		put(t, " of %" PRIu64 " offset %" PRIu64, m->last_included_index, m->offset);
	if (m->type == PAXOS_CHOSEN || m->type == PAXOS_PROMISE || (m->upto && m->type != PAXOS_NACK))
		put(t, " chosen %" PRIu64, m->upto);
	if (m->type == PAXOS_SYNC || m->type == PAXOS_SYNC_OK)
		put(t, " epoch %" PRIu64, m->epoch);
	for (uint32_t i = 0; i < m->count && p->regs; i++)
		put(t, " %s=%ld", p->regs[i].instance, p->regs[i].value);
	put(t, "%s%s%s", m->pre ? " pre" : "", m->transfer ? " transfer" : "", m->more ? " more" : "");
	put(t, "%s%s%s", m->fresh ? " fresh" : "", m->known ? " known" : "", m->complete ? " complete" : "");
	if (m->round && m->type != PAXOS_HELLO_OK)
		put(t, " round %" PRIu64, m->round);
}

static void put_packet(struct text *t, const struct packet *p)
{
	put(t, "n%d>n%d %s", p->from, p->to, type_text[p->m.type]);
	if (p->instance[0])
		put_register(t, p);
	else
		put_log_message(t, p);
	if (p->m.learner)
		put(t, " as a learner");
}

static void put_accepted(struct text *t, const struct shell *s, const struct paxos_acceptance *a)
{
	put(t, "  %s accepts %s", s->name, ballot_text(&a->ballot));
	for (uint32_t i = 0; i < a->count; i++) {
		if (a->count > 12 && i == 1) {
			put(t, " ..");
			i = a->count - 1;
		}
		put_item(t, a->slot + i, store_at(&s->memory, a->slot + i), false);
	}
	put(t, "%s\n", a->gap ? " beyond a gap" : "");
}

static void put_persist(struct text *t, const struct shell *s, const struct paxos_out *out)
{
	struct paxos_ballot promised = paxos_promised(s->paxos);

	if (out->reserve_round)
		put(t, "  %s reserves rounds up to %" PRIu64 "\n", s->name, out->reserve_round);
	if (out->promise)
		put(t, "  %s promises %s\n", s->name, ballot_text(&promised));
	if (out->votes)
		put(t, "  %s votes from now on\n", s->name);
	if (out->synced)
		put(t, "  %s has the registers of epoch %" PRIu64 "\n", s->name, paxos_synced_epoch(s->paxos));
	for (size_t i = 0; i < out->counted_count; i++)
		put(t, "  %s counts %s\n", s->name, out->counted[i].name);
	for (size_t i = 0; i < out->accepted_count; i++)
		put_accepted(t, s, &out->accepted[i]);
	for (size_t i = 0; i < out->register_count; i++) {
		const struct paxos_register_out *o = &out->registers[i];

		if (o->kind != PAXOS_REGISTER_PERSIST)
			continue;
		put(t, "  %s writes %s promised %s", s->name, o->instance, ballot_text(&o->promised));
		if (o->accepted.round || o->chosen)
			put(t, " %s %s=%ld", o->chosen ? "chosen" : "accepted", ballot_text(&o->accepted),
			    store_value(&s->memory, o->instance));
		put(t, "\n");
	}
}

static void put_status(struct text *t, const struct shell *s)
{
	const struct paxos *c = s->paxos;
	struct paxos_ballot promised = paxos_promised(c);

	put(t, "%s %s promised %s leader %s", s->name, role_text[paxos_role(c)], ballot_text(&promised),
	    paxos_leader(c)[0] ? paxos_leader(c) : "unknown");
	put(t, " chosen %" PRIu64 " log %" PRIu64 "..%" PRIu64 "%s\n", paxos_chosen_upto(c), paxos_first_slot(c),
	    paxos_last_slot(c), paxos_votes(c) ? "" : paxos_forgot(c) ? " forgot" : " does not vote");
}

static void put_log(struct text *t, const struct shell *s)
{
	const struct store *m = &s->memory;

	put(t, "%s", s->name);
	if (m->base)
		put(t, " .. %" PRIu64, m->base);
	for (size_t i = 0; i < m->count; i++) {
		if (m->base + i == paxos_chosen_upto(s->paxos))
			put(t, " |");
		if (m->item[i].ballot.round)
			put_item(t, m->base + 1 + i, &m->item[i], true);
		else
			put(t, " %zu/-", (size_t)m->base + 1 + i);
	}
	for (size_t i = 0; i < m->regs; i++)
		put(t, " %s=%ld/%s%s", m->reg[i].instance, m->reg[i].value, ballot_text(&m->reg[i].accepted),
		    m->reg[i].chosen ? " chosen" : "");
	put(t, "\n");
}

#endif
