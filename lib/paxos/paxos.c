/*
 * paxos: a new core, and its one step. Everything a step does goes out through c->out;
 * what holds after each of them is asserted at the end.
 */
#include "lib/paxos/core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	MEMBER_BYTES = 16,              /* and more, of a configuration's text: flow control is all that asks */
	ROUNDS_RESERVED = 1000,         /* at once, so that most prepares need not wait for the disk */
};

void paxos_name_set(paxos_name to, const char *from)
{
	size_t length = strnlen(from, PAXOS_NAME_BYTES_MAX);

	memmove(to, from, length);
	to[length] = '\0';
}

int paxos_ballot_cmp(const struct paxos_ballot *a, const struct paxos_ballot *b)
{
	if (a->round != b->round)
		return a->round < b->round ? -1 : 1;
	return strcmp(a->node, b->node);
}

void *paxos_grow(void *p, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return p;
	*room = *room ? 2 * *room : 16;
	p = realloc(p, *room * size);
	assert(p);
	return p;
}

struct paxos *paxos_new(const struct paxos_options *options, uint64_t now_ns)
{
	struct paxos *c = calloc(1, sizeof(*c));

	assert(c);
	assert(options->election_min_ns > 0);
	assert(options->election_min_ns <= options->election_max_ns);
	assert(options->heartbeat_ns > 0);
	assert(options->window_messages > 0);
	c->options = *options;
	paxos_name_set(c->id, options->id);
	c->options.id = c->id;
	c->now_ns = now_ns;
	c->born = !options->fresh;
	c->behind.at_ns = UINT64_MAX;
	c->trip_ns = paxos_moment_ns(c);
	/* One seed may serve a whole cluster: its nodes must not draw alike. */
	c->random = options->seed;
	for (const char *p = c->id; *p; p++)
		c->random = (c->random ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
	paxos_slots_init(&c->slots);
	paxos_config_reset(c, 0, &options->initial);
	return c;
}

void paxos_free(struct paxos *c)
{
	if (!c)
		return;
	while (c->peers > 0)
		paxos_peer_drop(c, &c->peer[c->peers - 1]);
	for (size_t i = 0; i < c->configs; i++)
		free(c->config[i].config);
	paxos_registers_release(c);
	paxos_slots_release(&c->slots);
	free(c->config);
	free(c->counted);
	free(c->counted_out);
	free(c->own);
	free(c->message);
	free(c->acceptance);
	free(c->answer);
	free(c->told);
	free(c->telling);
	free(c->attempt);
	free(c);
}

/* --- What steps are made of --- */

struct paxos_message *paxos_send(struct paxos *c, const char *peer, enum paxos_message_type type)
{
	struct paxos_message *m;

	c->message = paxos_grow(c->message, c->messages, &c->message_room, sizeof(*c->message));
	m = &c->message[c->messages++];
	memset(m, 0, sizeof(*m));
	m->type = type;
	paxos_name_set(m->peer, peer);
	return m;
}

uint64_t paxos_ask(struct paxos *c)
{
	c->asked = true;
	return c->record + 1;
}

/* Rounds up to that one and some more. */
static void reserve(struct paxos *c, uint64_t round)
{
	c->reserved_round = round + ROUNDS_RESERVED - 1;
	if (c->reserved_round > PAXOS_SLOT_MAX)
		c->reserved_round = PAXOS_SLOT_MAX;
	c->out->reserve_round = c->reserved_round;
	c->reserved_record = paxos_ask(c);
}

bool paxos_next_ballot(struct paxos *c, struct paxos_ballot *ballot)
{
	uint64_t round = c->used_round > c->seen_round ? c->used_round : c->seen_round;

	if (c->promised.round > round)
		round = c->promised.round;
	if (++round > PAXOS_SLOT_MAX)
		return false;
	c->used_round = round;
	if (round > c->reserved_round)
		reserve(c, round);
	ballot->round = round;
	paxos_name_set(ballot->node, c->id);
	return true;
}

/* Whose own next round is not reserved does that now, with a flush that there is anyway: no take-over waits for it then. */
static void reserve_ahead(struct paxos *c)
{
	uint64_t next = (c->used_round > c->promised.round ? c->used_round : c->promised.round) + 1;

	if (c->options.roles & PAXOS_PROPOSER && next > c->reserved_round && next <= PAXOS_SLOT_MAX)
		reserve(c, next);
}

void paxos_raise_promise(struct paxos *c, const struct paxos_ballot *ballot)
{
	assert(paxos_ballot_cmp(ballot, &c->promised) >= 0);
	if (paxos_ballot_is(ballot, &c->promised))
		return;
	c->promised = *ballot;
	c->out->promise = true;
	paxos_ask(c);
	reserve_ahead(c);
}

void paxos_keep(struct paxos *c, paxos_slot slot, uint32_t count, const struct paxos_ballot *ballot,
		enum paxos_accept_kind kind, const struct paxos_value *values, uint32_t at)
{
	struct paxos_acceptance *a;
	bool gap = slot > c->slots.in_order + 1;

	assert(slot > c->chosen);
	assert(paxos_ballot_cmp(ballot, &c->promised) <= 0);
	if (kind == PAXOS_ACCEPT_OWN)
		paxos_slots_move(&c->slots, slot, slot + count - 1, ballot);
	else
		paxos_slots_set(&c->slots, slot, count, ballot, values ? values + at : NULL, PAXOS_NOOP_BYTES);
	if (kind != PAXOS_ACCEPT_OWN)
		paxos_config_set(c, slot, count, values ? values + at : NULL);
	paxos_ask(c);
	a = c->acceptances ? &c->acceptance[c->acceptances - 1] : NULL;
	if (a && a->kind == kind && a->slot + a->count == slot && a->at + a->count == at && a->gap == gap &&
	    kind == PAXOS_ACCEPT_INPUT && paxos_ballot_is(&a->ballot, ballot)) {
		a->count += count;
		return;
	}
	c->acceptance = paxos_grow(c->acceptance, c->acceptances, &c->acceptance_room, sizeof(*c->acceptance));
	c->acceptance[c->acceptances++] = (struct paxos_acceptance){
		.slot = slot, .count = count, .at = at, .kind = kind, .gap = gap, .ballot = *ballot,
	};
}

bool paxos_append(struct paxos *c, enum paxos_accept_kind kind, const struct paxos_config *config)
{
	struct paxos_value value = { .bytes = PAXOS_NOOP_BYTES, .config = config };

	assert(c->state == PAXOS_LEADS);
	if (c->slots.last >= PAXOS_SLOT_MAX)
		return false;
	if (config)
		value.bytes += config->count * MEMBER_BYTES;
	paxos_keep(c, c->slots.last + 1, 1, &c->ballot, kind, &value, 0);
	if (config)
		c->acceptance[c->acceptances - 1].config = c->config[c->configs - 1].config;
	paxos_own_durable(c);
	return true;
}

/* --- Step --- */

static void propose(struct paxos *c, const struct paxos_value *values, uint32_t count)
{
	struct paxos_out *out = c->out;

	if (c->state != PAXOS_LEADS)
		out->refused = PAXOS_NOT_LEADER;
	else if (paxos_transferring(c))
		out->refused = PAXOS_TRANSFERRING;
	else if (count > PAXOS_SLOT_MAX - c->slots.last)
		out->refused = PAXOS_LOG_FULL;
	if (out->refused != PAXOS_TAKEN || count == 0)
		return;
	out->propose_first = c->slots.last + 1;
	paxos_keep(c, out->propose_first, count, &c->ballot, PAXOS_ACCEPT_INPUT, values, 0);
	paxos_own_durable(c);
	paxos_replicate_all(c);
}

static void persisted(struct paxos *c, uint64_t record)
{
	if (record > c->record)
		record = c->record;
	if (record <= c->durable)
		return;
	c->durable = record;
	paxos_synod_persisted(c);
	if (c->state == PAXOS_ASKS || c->state == PAXOS_RUNS)
		paxos_count_promises(c);
	if (c->state == PAXOS_LEADS) {
		paxos_own_durable(c);
		paxos_advance(c);
	}
}

static bool is_round(uint64_t round)
{
	return round <= PAXOS_SLOT_MAX;
}

/* A peer's word is checked for what would not fit our numbers; the rest is looked at where it counts. */
static bool sane(const struct paxos *c, const struct paxos_message *m)
{
	if (m->type <= PAXOS_CHOSEN || m->type == PAXOS_CHOSEN_VALUES || m->type == PAXOS_INSTALL_SNAPSHOT)
		if (!(m->instance && m->type == PAXOS_CHOSEN) && (m->ballot.round == 0 || !m->ballot.node[0]))
			return false;
	return m->peer[0] && !paxos_name_is(c->id, m->peer) && is_round(m->ballot.round) && is_round(m->promised.round) &&
	       m->from <= PAXOS_SLOT_MAX && m->slot <= PAXOS_SLOT_MAX && m->upto <= PAXOS_SLOT_MAX &&
	       m->count <= PAXOS_SLOT_MAX - m->from && m->count <= PAXOS_SLOT_MAX - m->slot &&
	       m->last_included_index < PAXOS_SLOT_MAX && m->offset <= PAXOS_SLOT_MAX && m->round <= PAXOS_SLOT_MAX &&
	       m->incarnation <= PAXOS_SLOT_MAX && m->epoch <= PAXOS_SLOT_MAX && is_round(m->accepted.accepted.round);
}

static void recv(struct paxos *c, const struct paxos_message *m)
{
	static void (*const of[])(struct paxos *, const struct paxos_message *) = {
		[PAXOS_PREPARE] = paxos_recv_prepare, [PAXOS_PROMISE] = paxos_recv_promise,
		[PAXOS_ACCEPT] = paxos_recv_accept, [PAXOS_ACCEPTED] = paxos_recv_accepted,
		[PAXOS_NACK] = paxos_recv_nack, [PAXOS_CHOSEN] = paxos_recv_chosen,
		[PAXOS_CATCHUP] = paxos_recv_catchup, [PAXOS_CHOSEN_VALUES] = paxos_recv_chosen_values,
		[PAXOS_INSTALL_SNAPSHOT] = paxos_recv_snapshot, [PAXOS_INSTALL_SNAPSHOT_OK] = paxos_recv_snapshot_ok,
		[PAXOS_PREPARE_NOW] = paxos_recv_prepare_now, [PAXOS_HELLO] = paxos_recv_hello,
		[PAXOS_HELLO_OK] = paxos_recv_hello_ok, [PAXOS_SYNC] = paxos_recv_sync, [PAXOS_SYNC_OK] = paxos_recv_sync_ok,
	};

	assert(m->type <= PAXOS_SYNC_OK);
	if (!sane(c, m) || (m->type <= PAXOS_ACCEPTED && paxos_is_late(c, m)) ||
	    ((m->type == PAXOS_PREPARE || m->type == PAXOS_ACCEPT) && paxos_is_stranger(c, m)))
		return;
	if (m->instance && m->type <= PAXOS_CHOSEN)
		paxos_register_recv(c, m);
	else
		of[m->type](c, m);
}

static void tick(struct paxos *c)
{
	paxos_fresh_tick(c);
	paxos_sync_tick(c);
	paxos_synod_tick(c);
	if (c->now_ns >= c->behind.at_ns)
		paxos_behind_tick(c);
	if (c->state != PAXOS_LEADS) {
		if (c->now_ns >= c->election_ns)
			paxos_election_tick(c);
		return;
	}
	paxos_transfer_tick(c);
	if (c->now_ns >= c->heartbeat_at_ns)
		paxos_heartbeat(c);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t deadline(const struct paxos *c)
{
	uint64_t at = sooner(c->behind.at_ns, paxos_synod_deadline(c));

	if (!c->born && c->hello_ns)
		at = sooner(at, c->hello_ns);
	if (c->sync_ns)
		at = sooner(at, c->sync_ns);
	if (c->state == PAXOS_LEADS)
		return sooner(at, paxos_transferring(c) ? sooner(c->transferring.until_ns, c->heartbeat_at_ns)
							: c->heartbeat_at_ns);
	/* Who may not campaign has only a leader to forget. */
	return paxos_may_campaign(c) || c->leader[0] ? sooner(at, c->election_ns) : at;
}

static void check(const struct paxos *c)
{
	assert(c->snapshot.index <= c->chosen);
	assert(c->chosen <= c->slots.in_order);
	assert(c->slots.first <= c->snapshot.index + 1);
	assert(c->durable <= c->record);
	assert(c->state != PAXOS_LEADS || c->slots.in_order == c->slots.last);
	assert(c->state != PAXOS_LEADS || paxos_ballot_cmp(&c->ballot, &c->promised) == 0);
}

static void dispatch(struct paxos *c, const struct paxos_in *in)
{
	switch (in->kind) {
	case PAXOS_TICK:
		tick(c);
		break;
	case PAXOS_RECV:
		recv(c, in->message);
		break;
	case PAXOS_PROPOSE:
		propose(c, in->values, in->count);
		break;
	case PAXOS_READ:
		paxos_read(c);
		break;
	case PAXOS_PERSISTED:
		persisted(c, in->record);
		break;
	case PAXOS_JOIN:
		paxos_join(c, in->name);
		break;
	case PAXOS_LEAVE:
		paxos_leave(c, in->name);
		break;
	case PAXOS_TRANSFER:
		paxos_transfer(c, in->name);
		break;
	case PAXOS_COMPACTED:
		paxos_compacted(c, &in->snapshot, in->first_slot);
		break;
	case PAXOS_INSTALLED:
		paxos_installed(c, &in->snapshot, in->config);
		break;
	case PAXOS_INSTALL_FAILED:
		paxos_install_failed(c);
		break;
	case PAXOS_PEER_DOWN:
		paxos_peer_down(c, in->name);
		break;
	case PAXOS_REGISTER:
		paxos_propose_register(c, in->instance, in->change, in->request);
		break;
	case PAXOS_REGISTER_VALUE:
		paxos_register_value(c, in->request, in->keep);
		break;
	case PAXOS_REGISTER_END:
		paxos_register_end(c, in->request);
		break;
	default:
		assert(!"a kind of input");
	}
}

static void begin(struct paxos *c, struct paxos_out *out, uint64_t now_ns)
{
	memset(out, 0, sizeof(*out));
	c->out = out;
	c->messages = c->acceptances = c->answers = c->tolds = c->tellings = 0;
	c->asked = false;
	if (now_ns > c->now_ns)
		c->now_ns = now_ns;
	if (!c->started)
		paxos_start(c);
}

/* What was told of a message's own lists moved as they grew: it is set at the end. */
static void end(struct paxos *c)
{
	struct paxos_out *out = c->out;

	if (c->asked)
		out->record = ++c->record;
	out->accepted = c->acceptance;
	out->accepted_count = c->acceptances;
	out->registers = c->answer;
	out->register_count = c->answers;
	out->counted = c->counted_out;
	out->messages = c->message;
	out->message_count = c->messages;
	for (size_t i = 0; i < c->messages; i++) {
		if (c->message[i].type == PAXOS_PROMISE && c->message[i].count)
			c->message[i].values = c->told;
		if (c->message[i].type == PAXOS_SYNC_OK && c->message[i].count)
			c->message[i].registers = c->telling;
	}
	out->chosen_upto = c->chosen;
	out->deadline_ns = deadline(c);
	c->out = NULL;
}

void paxos_step(struct paxos *c, const struct paxos_in *in, struct paxos_out *out)
{
	struct paxos_ballot promised = c->promised;
	paxos_slot chosen = c->chosen;

	begin(c, out, in->now_ns);
	dispatch(c, in);
	assert(paxos_ballot_cmp(&c->promised, &promised) >= 0);
	assert(c->chosen >= chosen);
	check(c);
	end(c);
}
