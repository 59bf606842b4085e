/*
 * paxos_text: what a Paxos core says, as short lines, for the scenarios.
 */
#ifndef TESTS_UNIT_PAXOS_TEXT_H
#define TESTS_UNIT_PAXOS_TEXT_H

#include <inttypes.h>

#include "tests/unit/paxos_shell.h"
#include "tests/unit/scenario_text.h"

static const char *refusal_text(enum paxos_refusal refused)
{
	static const char *const text[] = {
		"taken", "not leader", "transferring", "too early", "change pending", "no such member", "last voter",
		"too many", "no target", "log full", "already", "quorums", "no proposer",
	};

	return text[refused];
}

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

static const char *const role_text[] = { "follower", "candidate", "leader", "learner" };

static void put_config(struct text *t, const struct paxos_config *config)
{
	for (int voters = 1; voters >= 0; voters--) {
		bool any = false;

		for (uint32_t i = 0; i < config->count; i++) {
			if (config->member[i].voter != voters)
				continue;
			put(t, "%s%s", any ? " " : voters ? " voters " : " learners ", config->member[i].name);
			any = true;
		}
	}
	if (config->count == 0)
		put(t, " nobody");
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

static void put_persist(struct text *t, const struct shell *s, const struct paxos_in *in, const struct paxos_out *out)
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
	if (out->chunk)
		put(t, "  %s takes bytes %" PRIu64 "-%" PRIu64 "\n", s->name, in->message->offset,
		    in->message->offset + in->message->data_bytes);
}

static void put_sends(struct text *t, struct shell *s, const struct paxos_out *out)
{
	for (size_t i = 0; i < out->message_count; i++) {
		struct packet *p = shell_pack(s, &out->messages[i]);

		put(t, "  ");
		put_packet(t, p);
		put(t, "%s\n", p->m.after_persist ? " (once durable)" : "");
		packet_free(p);
	}
}

static void put_results(struct text *t, const struct shell *s, const struct paxos_out *out, paxos_slot chosen)
{
	if (out->refused)
		put(t, "  %s refuses: %s\n", s->name, refusal_text(out->refused));
	if (out->chosen_upto > chosen)
		put(t, "  %s has chosen %" PRIu64 "\n", s->name, out->chosen_upto);
	if (out->config_changed) {
		put(t, "  %s settles on", s->name);
		put_config(t, paxos_config_chosen(s->paxos));
		put(t, "\n");
	}
	if (out->read)
		put(t, "  %s takes read %" PRIu64 "\n", s->name, out->read);
	if (out->reads_confirmed)
		put(t, "  %s answers reads up to %" PRIu64 " at %" PRIu64 "\n", s->name, out->reads_confirmed,
		    out->read_slot);
	if (out->reads_lost)
		put(t, "  %s loses reads up to %" PRIu64 "\n", s->name, out->reads_lost);
	if (out->transfer_failed)
		put(t, "  %s gives the transfer up\n", s->name);
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
