/*
 * paxos_registers: the texts of registers around a Paxos core, which are numbers, and what clients ask of them.
 *
 * Included by paxos_shell.h behind its types.
 */
#ifndef TESTS_UNIT_PAXOS_REGISTERS_H
#define TESTS_UNIT_PAXOS_REGISTERS_H

/* --- Texts, in a store and in messages --- */

static struct reg *store_reg(struct store *s, const char *instance)
{
	for (size_t i = 0; i < s->regs; i++)
		if (strcmp(s->reg[i].instance, instance) == 0)
			return &s->reg[i];
	assert(s->regs < SHELL_REGISTERS_MAX);
	memset(&s->reg[s->regs], 0, sizeof(s->reg[s->regs]));
	snprintf(s->reg[s->regs].instance, sizeof(s->reg[s->regs].instance), "%s", instance);
	s->reg[s->regs].value = -1;
	return &s->reg[s->regs++];
}

static long store_value(const struct store *s, const char *instance)
{
	for (size_t i = 0; i < s->regs; i++)
		if (strcmp(s->reg[i].instance, instance) == 0)
			return s->reg[i].value;
	return -1;
}

static struct request *shell_request(struct shell *s, uint64_t number)
{
	struct request *r = &s->request[number % SHELL_REQUESTS_MAX];

	assert(r->number == number);
	return r;
}

static void pack_register(struct shell *s, const struct paxos_message *m, struct packet *p)
{
	snprintf(p->instance, sizeof(p->instance), "%s", m->instance);
	p->value = -1;
	if (m->request)
		p->value = shell_request(s, m->request)->to;
	else if (m->type == PAXOS_CHOSEN || (m->type == PAXOS_PROMISE && m->accepted.accepted.round))
		p->value = store_value(&s->memory, m->instance);
}

static void pack_registers(struct shell *s, const struct paxos_message *m, struct packet *p)
{
	p->regs = calloc(m->count + 1, sizeof(*p->regs));
	assert(p->regs);
	for (uint32_t i = 0; i < m->count; i++)
		p->regs[i] = *store_reg(&s->memory, m->registers[i].instance);
}

/* --- What is asked of them --- */

static void shell_persist_register(struct shell *s, const struct paxos_in *in, const struct paxos_register_out *o)
{
	const struct packet *p = s->taking;
	struct record r = { .kind = RECORD_REGISTER, .reg = *store_reg(&s->memory, o->instance) };

	r.reg.promised = o->promised;
	r.reg.accepted = o->accepted;
	r.reg.change = o->change;
	r.reg.chosen = o->chosen;
	if (o->take && o->request)
		r.reg.value = shell_request(s, o->request)->to;
	else if (o->take)
		r.reg.value = in->message->type == PAXOS_SYNC_OK ? p->regs[o->at].value : p->value;
	shell_record(s, &r);
}

static void shell_answer(struct shell *s, const struct paxos_register_out *o)
{
	struct request *r = shell_request(s, o->request), copy = *r;

	r->number = 0;
	if (o->kind == PAXOS_REGISTER_IS) {
		copy.to = store_value(&s->memory, o->instance);
		copy.absent = copy.change;
	}
	if (!copy.unknown)
		on_answer(s, &copy, !copy.absent, copy.to);
}

/* What a step says of registers; what it wants decided waits for its end. */
static void shell_registers(struct shell *s, const struct paxos_in *in, const struct paxos_out *out)
{
	for (size_t i = 0; i < out->register_count; i++) {
		const struct paxos_register_out *o = &out->registers[i];

		switch (o->kind) {
		case PAXOS_REGISTER_PERSIST:
			shell_persist_register(s, in, o);
			break;
		case PAXOS_REGISTER_ADOPT:
			assert(o->own || in->message);
			shell_request(s, o->request)->adopted =
				o->own ? store_value(&s->memory, o->instance) : s->taking->value;
			break;
		case PAXOS_REGISTER_DECIDE:
			assert(s->decides < SHELL_REQUESTS_MAX);
			s->decide[s->decides++] = *o;
			break;
		default:
			shell_answer(s, o);
		}
	}
}

static void shell_decide(struct shell *s, const struct paxos_register_out *o)
{
	struct request *r = shell_request(s, o->request);
	struct paxos_in in = { .kind = PAXOS_REGISTER_VALUE, .now_ns = s->now_ns, .request = r->number };
	struct request copy;

	/* A synod's adopts; a change of what is not as expected, or of a synod, proposes it again and then says no. */
	if (o->exists && r->change && o->change && !o->own && !o->unsure && r->adopted == r->from) {
		;
	} else if (o->exists) {
		in.keep = true;
		r->unknown |= r->change && o->change && o->unsure;   /* for good: what is kept goes in a ballot of ours */
		r->absent = r->change ? !(o->change && o->own) : o->change;
		r->to = r->adopted;
	} else if (r->change && r->from != -1) {
		in.kind = PAXOS_REGISTER_END;
		copy = *r;
		r->number = 0;
		shell_step(s, &in, NULL);
		on_answer(s, &copy, false, -1);
		return;
	}
	shell_step(s, &in, NULL);
}

/* The number of what is asked; 0: too much is under way, or the core does not take it. */
static uint64_t shell_register(struct shell *s, const char *instance, bool change, long from, long to)
{
	uint64_t number = ++s->requests;
	struct request *r = &s->request[number % SHELL_REQUESTS_MAX];
	struct paxos_in in = {
		.kind = PAXOS_REGISTER, .now_ns = s->now_ns, .instance = instance, .change = change, .request = number,
	};

	if (r->number)
		return 0;
	*r = (struct request){ .number = number, .change = change, .from = from, .to = to, .adopted = -1, .tag = s->tag };
	snprintf(r->instance, sizeof(r->instance), "%s", instance);
	s->refused = PAXOS_TAKEN;
	shell_step(s, &in, NULL);
	if (s->refused == PAXOS_TAKEN)
		return number;
	r->number = 0;
	return 0;
}

#endif
