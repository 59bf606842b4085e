/*
 * paxos_propose: requests on registers, from the line to the answer.
 *
 *     propose {instance, value}            "Paxos made simple": what is chosen once stays, and is the answer
 *     change {instance, from, to}          CASPaxos: `to` in place of `from`, null where there is nothing; else error 20 or 22
 *     change {instance}                    what is it now?
 *
 * The core asks what to propose when it has promises of a quorum and, of what they accepted, the value of the highest ballot.
 * That value may be chosen already: to answer that a register holds it, it is proposed again and chosen for certain.
 *
 * A change whose value may have been chosen and then been changed by others has an open outcome: code 0.
 */
#include "lib/base/err.h"
#include "lib/kv/canon.h"
#include "lib/proto/paxos_coat.h"

#include <assert.h>
#include <stdlib.h>

static const char open_outcome[] = "it may have happened, or may yet";
static const char is_synod[] = "the register was decided by propose: it does not change";
static const char is_change[] = "the register is one that change is for: propose does not decide it";

/* --- Those under way, by number --- */

struct proposal *paxos_coat_proposal(struct coat *c, uint64_t number)
{
	size_t low = 0, high = c->proposals.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->proposals.at[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->proposals.count && c->proposals.at[low].number == number ? &c->proposals.at[low] : NULL;
}

static void release(struct proposal *p)
{
	free(p->instance);
	free(p->from);
	free(p->value);
	free(p->found);
}

static void drop(struct coat *c, uint64_t number)
{
	struct proposal *p = paxos_coat_proposal(c, number);
	size_t at = (size_t)(p - c->proposals.at);

	release(p);
	memmove(p, p + 1, (--c->proposals.count - at) * sizeof(*p));
}

void paxos_coat_proposals_release(struct coat *c)
{
	for (size_t i = 0; i < c->proposals.count; i++)
		release(&c->proposals.at[i]);
	free(c->proposals.at);
	free(c->decide);
}

static void end(struct coat *c, uint64_t number)
{
	struct paxos_out out;

	drop(c, number);
	paxos_coat_step(c, &(struct paxos_in){ .kind = PAXOS_REGISTER_END, .request = number }, &out);
}

/* --- Texts --- */

static struct wire_text text_of(const char *s)
{
	return (struct wire_text){ s, strlen(s) };
}

static char *copy_text(struct wire_text t)
{
	char *copy = must_malloc(t.len + 1);

	memcpy(copy, t.p, t.len);
	copy[t.len] = '\0';
	return copy;
}

static bool is_null(const char *json)
{
	return !json || !strcmp(json, "null");
}

struct wire_text paxos_coat_proposal_text(const struct proposal *p)
{
	return text_of(p->ours ? p->value : p->found);
}

/* --- Answers --- */

static void answer(struct coat *c, const struct proposal *p, struct wire_text value)
{
	struct buf *b = &c->answer;

	b->len = 0;
	buf_puts(b, p->change ? "\"type\":\"change_ok\",\"instance\":" : "\"type\":\"propose_ok\",\"instance\":");
	wire_put_string(b, p->instance, strlen(p->instance));
	buf_puts(b, ",\"value\":");
	buf_add(b, value.p, value.len);
	node_answer(c->node, p->number, (struct wire_text){ b->at, b->len });
}

static void refuse(struct coat *c, const struct proposal *p, enum wire_code code, const char *why)
{
	node_refuse(c->node, p->number, code, why);
}

/* --- Requests --- */

enum { INSTANCE, VALUE, FROM, TO };

/* NULL, or why it is none. */
static const char *read_request(struct proposal *p, const struct wire_value *field)
{
	char instance[PAXOS_INSTANCE_BYTES_MAX + 1];

	if (!wire_string(&field[INSTANCE], instance, PAXOS_INSTANCE_BYTES_MAX) || !*instance)
		return "\"instance\" has to be a string of 1 to 256 bytes";
	if (!p->change && field[VALUE].kind == WIRE_ABSENT)
		return "\"value\" is missing";
	p->read = p->change && field[FROM].kind == WIRE_ABSENT && field[TO].kind == WIRE_ABSENT;
	if (p->change && !p->read && (field[FROM].kind == WIRE_ABSENT || field[TO].kind == WIRE_ABSENT))
		return "\"from\" and \"to\" go together";
	p->instance = must_strdup(instance);
	if (!p->change)
		p->value = copy_text(field[VALUE].json);
	else if (!p->read) {
		p->from = copy_text(field[FROM].json);
		p->value = copy_text(field[TO].json);
	}
	return NULL;
}

static struct proposal *add(struct coat *c, struct proposal p)
{
	struct proposals *all = &c->proposals;

	if (all->count == all->room) {
		all->room = all->room ? 2 * all->room : 16;
		all->at = must_realloc(all->at, all->room * sizeof(*all->at));
	}
	all->at[all->count] = p;
	return &all->at[all->count++];
}

bool paxos_coat_request(void *coat, uint64_t number, struct wire_text type, struct wire_text body)
{
	struct coat *c = coat;
	struct proposal p = { .number = number, .deadline_ns = node_now(c->node) + c->request_timeout_ns };
	struct wire_value field[4];
	struct paxos_out out;
	const char *why;

	p.change = type.len == 6 && !memcmp(type.p, "change", 6);
	if (!p.change && (type.len != 7 || memcmp(type.p, "propose", 7)))
		return false;
	wire_body(c->request_names, body, field);
	why = read_request(&p, field);
	if (why) {
		refuse(c, &p, WIRE_MALFORMED, why);
		return true;
	}
	add(c, p);
	paxos_coat_step(c, &(struct paxos_in){
		.kind = PAXOS_REGISTER, .instance = p.instance, .change = p.change, .request = number }, &out);
	if (out.refused) {
		refuse(c, &p, WIRE_UNAVAILABLE, out.refused == PAXOS_NO_PROPOSER ? "this node proposes nothing" :
		       "too many requests on registers wait here");
		drop(c, number);
	}
	return true;
}

/* --- What the core says --- */

/* The value of an acceptor's promise, or of our own acceptor, has the highest ballot so far. */
static void adopt(struct coat *c, const struct paxos_in *in, const struct paxos_register_out *o)
{
	struct proposal *p = paxos_coat_proposal(c, o->request);
	const struct reg *r = regs_find(&c->regs, o->instance);

	assert(p && (o->own ? r && r->text : in->message && c->in.count));
	free(p->found);
	p->found = copy_text(o->own ? (struct wire_text){ r->text, r->len } : c->in.text[0]);
}

/* It is over: what was proposed last is chosen. */
static void chosen(struct coat *c, const struct paxos_register_out *o)
{
	struct proposal *p = paxos_coat_proposal(c, o->request);
	const struct reg *r = regs_find(&c->regs, o->instance);

	assert(p);
	if (o->kind == PAXOS_REGISTER_IS && p->change)
		refuse(c, p, WIRE_PRECONDITION, is_synod);
	else if (o->kind == PAXOS_REGISTER_IS)
		answer(c, p, (struct wire_text){ r->text, r->len });
	else if (p->outcome == WILL_BE_REFUSED)
		refuse(c, p, p->code, p->why);
	else
		answer(c, p, paxos_coat_proposal_text(p));
	drop(c, o->request);
}

void paxos_coat_propose_told(struct coat *c, const struct paxos_in *in, const struct paxos_register_out *o)
{
	switch (o->kind) {
	case PAXOS_REGISTER_ADOPT:
		adopt(c, in, o);
		return;
	case PAXOS_REGISTER_DECIDE:
		if (c->decide_count == c->decide_room) {
			c->decide_room = c->decide_room ? 2 * c->decide_room : 16;
			c->decide = must_realloc(c->decide, c->decide_room * sizeof(*c->decide));
		}
		c->decide[c->decide_count++] = *o;
		return;
	case PAXOS_REGISTER_CHOSEN:
	case PAXOS_REGISTER_IS:
		chosen(c, o);
		return;
	case PAXOS_REGISTER_PERSIST:
		break;
	}
	assert(false);
}

/* --- What to propose --- */

static void refuse_later(struct proposal *p, enum wire_code code, const char *why)
{
	p->outcome = WILL_BE_REFUSED;
	p->code = code;
	p->why = why;
}

/* Sets what is proposed, and what CHOSEN will answer; false: nothing is, it was answered. */
static bool decide(struct coat *c, struct proposal *p, const struct paxos_register_out *o)
{
	p->outcome = WILL_BE_CHOSEN;
	p->ours = !o->exists && !p->read;
	if (o->exists && o->change != p->change) {
		refuse_later(p, WIRE_PRECONDITION, p->change ? is_synod : is_change);
		return true;
	}
	if (!p->change || (o->exists && o->own))
		return true;
	if (o->unsure) {
		refuse(c, p, WIRE_TIMEOUT, open_outcome);
		return false;
	}
	if (p->read && !o->exists) {
		answer(c, p, text_of("null"));
		return false;
	}
	if (p->read)
		return true;
	if (canon_equal(text_of(o->exists ? p->found : "null"), text_of(p->from))) {
		p->ours = true;
		return true;
	}
	if (!o->exists) {
		refuse(c, p, WIRE_NO_KEY, "the register has no value");
		return false;
	}
	refuse_later(p, is_null(p->found) ? WIRE_NO_KEY : WIRE_PRECONDITION,
		     is_null(p->found) ? "the register has no value" : "the register has another value");
	return true;
}

void paxos_coat_propose_decide(struct coat *c)
{
	/* The steps made here may ask again. */
	if (c->decides)
		return;
	c->decides = true;
	while (c->decide_count) {
		struct paxos_register_out o = c->decide[--c->decide_count];
		struct proposal *p = paxos_coat_proposal(c, o.request);
		struct paxos_out out;

		if (!p)
			continue;
		if (!decide(c, p, &o)) {
			end(c, o.request);
			continue;
		}
		paxos_coat_step(c, &(struct paxos_in){
			.kind = PAXOS_REGISTER_VALUE, .request = o.request, .keep = !p->ours }, &out);
	}
	c->decides = false;
}

/* --- Time --- */

/* Whose client has been told that there is no answer: numbers and deadlines grow together. */
void paxos_coat_propose_expire(struct coat *c)
{
	while (c->proposals.count && c->proposals.at[0].deadline_ns <= node_now(c->node))
		end(c, c->proposals.at[0].number);
}

uint64_t paxos_coat_propose_deadline(const struct coat *c)
{
	return c->proposals.count ? c->proposals.at[0].deadline_ns : UINT64_MAX;
}
