/*
 * paxos_record: the records of Paxos in the log (faultline-log(5)).
 *
 *     {"slot":7,"ballot":[2,"n1"],"value":{...}}      accepted; the last one of a slot counts
 *     {"promised":[2,"n1"]}                           nothing is accepted below; an acceptance promises its ballot as well
 *     {"reserved":1000}                               ballots of ours up to this round may have been used
 *     {"counted":"n2","incarnation":5}                its votes are counted, as the one whose directory has this number
 *     {"incarnation":5}                               this directory's own number
 *     {"votes":true}                                  this directory votes
 *     {"last":7}                                      slots up to this one come before: one that is missing is damage
 *     {"synced":1}                                    registers were fetched from a quorum, for this epoch of the configuration
 *     {"instance":"x","promised":[3,"n2"],"accepted":[2,"n1"],"change":true,"chosen":true,"value":...}
 */
#include "lib/proto/paxos_coat.h"

#include <stdio.h>
#include <string.h>

/* --- Entries --- */

void paxos_record_entry(struct buf *b, paxos_slot slot, const struct paxos_ballot *ballot)
{
	b->len = 0;
	buf_puts(b, "{\"slot\":");
	buf_u64(b, slot);
	buf_puts(b, ",\"ballot\":");
	paxos_ballot_write(b, ballot);
	buf_puts(b, ",\"value\":");
}

static const char *skip_text(const char *p, const char *end, const char *text)
{
	size_t len = strlen(text);

	return p && (size_t)(end - p) >= len && !memcmp(p, text, len) ? p + len : NULL;
}

static const char *read_digits(const char *p, const char *end, uint64_t *x)
{
	const char *start = p;

	*x = 0;
	while (p && p < end && *p >= '0' && *p <= '9' && p - start < 17)
		*x = *x * 10 + (uint64_t)(*p++ - '0');
	return p != start ? p : NULL;
}

static const char *read_name(const char *p, const char *end, char *name)
{
	struct wire_value v = { .kind = WIRE_STRING, .json.p = p };

	if (!p || p == end || *p != '"')
		return NULL;
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\') {
			v.escaped = true;
			p++;
		}
	if (p >= end)
		return NULL;
	v.json.len = (size_t)(++p - v.json.p);
	return wire_string(&v, name, PAXOS_NAME_BYTES_MAX) && *name ? p : NULL;
}

bool paxos_record_is_entry(const char *json, size_t len, paxos_slot *slot, struct paxos_ballot *ballot,
			   struct wire_text *value)
{
	const char *end = json + len, *p = skip_text(json, end, "{\"slot\":");

	p = read_digits(p, end, slot);
	p = skip_text(p, end, ",\"ballot\":[");
	p = read_digits(p, end, &ballot->round);
	p = skip_text(p, end, ",");
	p = read_name(p, end, ballot->node);
	p = skip_text(p, end, "],\"value\":");
	if (!p || end - p < 3 || end[-1] != '}' || !*slot || *slot > PAXOS_SLOT_MAX || !ballot->round)
		return false;
	*value = (struct wire_text){ p, (size_t)(end - 1 - p) };
	return true;
}

/* --- Registers --- */

void paxos_record_register(struct buf *b, const struct reg *r)
{
	b->len = 0;
	buf_puts(b, "{\"instance\":");
	wire_put_string(b, r->instance, strlen(r->instance));
	buf_puts(b, ",\"promised\":");
	paxos_ballot_write(b, &r->promised);
	buf_puts(b, ",\"accepted\":");
	paxos_ballot_write(b, &r->accepted);
	buf_puts(b, r->change ? ",\"change\":true" : "");
	buf_puts(b, r->chosen ? ",\"chosen\":true" : "");
	buf_puts(b, r->text ? ",\"value\":" : "");
}

/* --- All else --- */

static void put_plain(struct coat *c, const char *begin, uint64_t number)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "{\"%s\":%llu}", begin, (unsigned long long)number);

	node_record(c->node, &(struct store_part){ text, (size_t)len }, 1);
}

void paxos_record_promised(struct coat *c)
{
	struct paxos_ballot promised = paxos_promised(c->core);

	c->text.len = 0;
	buf_puts(&c->text, "{\"promised\":");
	paxos_ballot_write(&c->text, &promised);
	buf_putc(&c->text, '}');
	node_record(c->node, &(struct store_part){ c->text.at, c->text.len }, 1);
}

void paxos_record_reserved(struct coat *c, uint64_t round)
{
	put_plain(c, "reserved", round);
}

void paxos_record_counted(struct coat *c, const struct paxos_member *m)
{
	c->text.len = 0;
	buf_puts(&c->text, "{\"counted\":");
	wire_put_string(&c->text, m->name, strlen(m->name));
	buf_puts(&c->text, ",\"incarnation\":");
	buf_u64(&c->text, m->incarnation);
	buf_putc(&c->text, '}');
	node_record(c->node, &(struct store_part){ c->text.at, c->text.len }, 1);
}

void paxos_record_votes(struct coat *c)
{
	static const char text[] = "{\"votes\":true}";

	node_record(c->node, &(struct store_part){ text, sizeof(text) - 1 }, 1);
}

void paxos_record_synced(struct coat *c)
{
	put_plain(c, "synced", paxos_synced_epoch(c->core));
}

void paxos_record_state(struct coat *c)
{
	struct paxos_member counted;

	put_plain(c, "incarnation", c->incarnation);
	if (c->last)
		put_plain(c, "last", c->last);
	if (paxos_promised(c->core).round)
		paxos_record_promised(c);
	if (paxos_reserved_round(c->core))
		paxos_record_reserved(c, paxos_reserved_round(c->core));
	for (size_t i = 0; paxos_counted_at(c->core, i, &counted); i++)
		paxos_record_counted(c, &counted);
	if (c->votes)
		paxos_record_votes(c);
	if (paxos_synced_epoch(c->core))
		paxos_record_synced(c);
}
