/*
 * paxos_send: messages as lines: what the core says of one, and the texts that go with it.
 */
#include "lib/proto/paxos_coat.h"

#include <assert.h>

static void add_values(struct coat *c, struct buf *b, paxos_slot first, uint32_t count)
{
	struct buf *v = &c->values;

	if (!count || c->values_count != count || c->values_slot != first) {
		v->len = 0;
		for (uint32_t i = 0; i < count; i++) {
			struct wire_text text = paxos_coat_text(c, first + i);

			if (i)
				buf_putc(v, ',');
			buf_add(v, text.p, text.len);
		}
		c->values_slot = first;
		c->values_count = count;
	}
	buf_puts(b, ",\"values\":[");
	buf_add(b, v->at, v->len);
	buf_putc(b, ']');
}

static void add_found(struct coat *c, struct buf *b, const struct paxos_message *m)
{
	buf_puts(b, ",\"accepted\":[");
	for (uint32_t i = 0; i < m->count; i++) {
		struct wire_text text = paxos_coat_text(c, m->values[i].slot);

		buf_puts(b, i ? ",{\"slot\":" : "{\"slot\":");
		buf_u64(b, m->values[i].slot);
		buf_puts(b, ",\"ballot\":");
		paxos_ballot_write(b, &m->values[i].ballot);
		buf_puts(b, ",\"value\":");
		buf_add(b, text.p, text.len);
		buf_putc(b, '}');
	}
	buf_putc(b, ']');
}

/* What `request` proposes; one that is over proposed what the register has. */
static void add_value(struct coat *c, struct buf *b, const struct paxos_message *m)
{
	const struct proposal *p = paxos_coat_proposal(c, m->request);
	const struct reg *r = p ? NULL : regs_find(&c->regs, m->instance);
	struct wire_text text;

	assert(p || (r && r->text));
	text = p ? paxos_coat_proposal_text(p) : (struct wire_text){ r->text, r->len };
	buf_puts(b, ",\"value\":");
	buf_add(b, text.p, text.len);
}

static void add_registers(struct coat *c, struct buf *b, const struct paxos_message *m)
{
	buf_puts(b, ",\"registers\":[");
	for (uint32_t i = 0; i < m->count; i++) {
		const struct paxos_register *r = &m->registers[i];

		buf_puts(b, i ? ",{\"instance\":" : "{\"instance\":");
		wire_put_string(b, r->instance, strlen(r->instance));
		buf_puts(b, ",\"promised\":");
		paxos_ballot_write(b, &r->promised);
		buf_puts(b, ",\"accepted\":");
		paxos_coat_register_write(c, b, r->instance, r);
		buf_puts(b, r->chosen ? ",\"chosen\":true}" : "}");
	}
	buf_putc(b, ']');
}

static void add_chunk(struct coat *c, struct buf *b, const struct paxos_message *m)
{
	bool done = false;

	buf_puts(b, ",\"data\":");
	if (!node_snapshot_send(c->node, m->last_included_index, m->offset, b, &done))
		buf_puts(b, "\"\"");
	buf_puts(b, done ? ",\"done\":true" : ",\"done\":false");
}

void paxos_coat_send(struct coat *c, const struct paxos_message *m)
{
	struct buf *b = node_send(c->node, m->peer, m->after_persist);

	paxos_body_write(b, m);
	switch (m->type) {
	case PAXOS_PROMISE:
		if (m->instance) {
			buf_puts(b, ",\"accepted\":");
			paxos_coat_register_write(c, b, m->instance, &m->accepted);
		} else {
			add_found(c, b, m);
		}
		break;
	case PAXOS_ACCEPT:
	case PAXOS_CHOSEN:
		if (m->instance)
			add_value(c, b, m);
		else if (m->type == PAXOS_ACCEPT)
			add_values(c, b, m->slot, m->count);
		break;
	case PAXOS_CHOSEN_VALUES:
		add_values(c, b, m->from, m->count);
		break;
	case PAXOS_INSTALL_SNAPSHOT:
		add_chunk(c, b, m);
		break;
	case PAXOS_SYNC_OK:
		add_registers(c, b, m);
		break;
	default:
		break;
	}
	node_send_end(c->node, b);
}
