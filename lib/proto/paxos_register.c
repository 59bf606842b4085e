/*
 * paxos_register: the registers as their records have them: the texts, and where the last record of each is.
 *
 * A register's record is needed as long as no newer one of it is durable, whatever its age.  So that old segments can go all
 * the same, each rotation writes the oldest anew, a quarter of a segment: what registers cost of the log is bounded by about
 * four times what they hold.  A larger one waits until so many rotations have come, or to write it, which fills segments,
 * would be a reason to write the next one.
 */
#include "lib/base/err.h"
#include "lib/proto/paxos_coat.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_BUCKETS = 64 };

/* --- By name --- */

static size_t hash(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 32);
}

void regs_release(struct regs *rs)
{
	struct reg *newer;

	for (struct reg *r = rs->oldest; r; r = newer) {
		newer = r->newer;
		free(r->text);
		free(r);
	}
	free(rs->bucket);
	*rs = (struct regs){ 0 };
}

struct reg *regs_find(const struct regs *rs, const char *instance)
{
	struct reg *r = rs->buckets ? rs->bucket[hash(instance) & (rs->buckets - 1)] : NULL;

	while (r && strcmp(r->instance, instance))
		r = r->next;
	return r;
}

static void grow(struct regs *rs)
{
	free(rs->bucket);
	rs->buckets = rs->buckets ? 2 * rs->buckets : FIRST_BUCKETS;
	rs->bucket = must_calloc(rs->buckets, sizeof(struct reg *));
	for (struct reg *r = rs->oldest; r; r = r->newer) {
		struct reg **at = &rs->bucket[hash(r->instance) & (rs->buckets - 1)];

		r->next = *at;
		*at = r;
	}
}

static void unlink_age(struct regs *rs, struct reg *r)
{
	*(r->older ? &r->older->newer : &rs->oldest) = r->newer;
	*(r->newer ? &r->newer->older : &rs->newest) = r->older;
}

static void make_newest(struct regs *rs, struct reg *r)
{
	r->older = rs->newest;
	r->newer = NULL;
	*(rs->newest ? &rs->newest->newer : &rs->oldest) = r;
	rs->newest = r;
}

struct reg *regs_put(struct regs *rs, const char *instance, struct store_pos pos)
{
	struct reg *r = regs_find(rs, instance);
	size_t len = strlen(instance);

	if (r) {
		unlink_age(rs, r);
	} else {
		r = must_calloc(1, sizeof(*r) + len + 1);
		memcpy(r->instance, instance, len + 1);
		if (rs->count++ >= rs->buckets)
			grow(rs);
		r->next = rs->bucket[hash(instance) & (rs->buckets - 1)];
		rs->bucket[hash(instance) & (rs->buckets - 1)] = r;
	}
	make_newest(rs, r);
	r->pos = pos;
	return r;
}

void reg_text(struct reg *r, struct wire_text text)
{
	char *copy = must_malloc(text.len + 1);

	memcpy(copy, text.p, text.len);
	free(r->text);
	r->text = copy;
	r->len = text.len;
}

/* --- Records --- */

static void write_record(struct coat *c, struct reg *r)
{
	struct store_pos was = r->pos;

	paxos_record_register(&c->text, r);
	regs_put(&c->regs, r->instance,
		 paxos_coat_record(c, &c->text, (struct wire_text){ r->text ? r->text : "", r->text ? r->len : 0 }));
	paxos_coat_hold(c, was);
}

/* The text that comes with it: of the request that is proposed, or of the message. */
static struct wire_text taken(struct coat *c, const struct paxos_in *in, const struct paxos_register_out *o)
{
	if (o->request) {
		struct proposal *p = paxos_coat_proposal(c, o->request);

		assert(p);
		return paxos_coat_proposal_text(p);
	}
	assert(in->message && o->at < c->in.count);
	return c->in.text[o->at];
}

void paxos_coat_register_persist(struct coat *c, const struct paxos_in *in, const struct paxos_register_out *o)
{
	struct reg *r = regs_find(&c->regs, o->instance);

	if (!r)
		r = regs_put(&c->regs, o->instance, (struct store_pos){ 0 });
	if (o->take)
		reg_text(r, taken(c, in, o));
	r->promised = o->promised;
	r->accepted = o->accepted;
	r->change = o->change;
	r->chosen = o->chosen;
	write_record(c, r);
}

void paxos_coat_register_move(struct coat *c)
{
	size_t count = c->regs.count;

	c->move_bytes += c->segment_bytes / 4;
	/* Those of this segment are new enough. */
	for (struct reg *r; count-- && (r = c->regs.oldest) && r->pos.segment < c->regs.newest->pos.segment;) {
		size_t bytes = r->len + strlen(r->instance) + 128;

		if (bytes > c->move_bytes)
			return;
		c->move_bytes -= bytes;
		write_record(c, r);
	}
	c->move_bytes = 0;
}

/* --- Sent --- */

void paxos_coat_register_write(struct coat *c, struct buf *b, const char *instance, const struct paxos_register *is)
{
	const struct reg *r = regs_find(&c->regs, instance);

	if (!is->accepted.round && !(is->chosen && r && r->text)) {
		buf_puts(b, "null");
		return;
	}
	assert(r && r->text);
	buf_puts(b, "{\"ballot\":");
	paxos_ballot_write(b, &is->accepted);
	buf_puts(b, ",\"value\":");
	buf_add(b, r->text, r->len);
	buf_puts(b, is->change ? ",\"change\":true}" : "}");
}
