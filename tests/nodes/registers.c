/*
 * registers: a client in lockstep that shows whether registers keep their promises (propose and change, no log).
 *
 *     registers NAME NODES CLIENTS REGISTERS QUIET_MS END_MS          as registers c3 n1,n2,n3 4 3 10000 30000
 *
 * CLIENTS clients, NAME.1 and on, ask any node: to decide one of a row of registers, to change another from the value
 * they last heard of, or what its value is.  Every value is proposed once.  From QUIET_MS on nothing new begins; when all have
 * an answer, or have given up, every node is asked for every register.  By END_MS that is done, or it is an error.
 *
 * What must hold, or it says what does not and ends with status 1:
 *   - a decided register has one value, for everybody and for ever, which somebody proposed for it;
 *   - of the changes from a value at most one is acknowledged;
 *   - no answer has a value that was known to be replaced before it was asked for.
 */
#include "tests/nodes/client.h"

enum { CLIENTS_MAX = 64, REGISTERS_MAX = 16, DECISIONS_MAX = 256, RETRY_MS = 1000, THINK_MS = 40 };

/* A value of a register that is changed: its number, from 1; 0 is null. */
struct value {
	unsigned reg, next;             /* next: the acknowledged change from it, 0: none */
	uint64_t replaced;              /* ns: when that was acknowledged */
};

enum what { DECIDE, CHANGE, ASK, KINDS };

struct client {
	bool waits;
	enum what what;
	unsigned about;                 /* the register, or the decision */
	unsigned from, to;              /* values */
	uint64_t msg_id, asked, next;
};

static struct client client[CLIENTS_MAX];
static struct value *value, first[REGISTERS_MAX];       /* first: null of each register */
static unsigned values = 1, values_room, latest[REGISTERS_MAX], decided[DECISIONS_MAX], decisions = 1, clients, registers;
static uint64_t quiet, end_by, msg_ids, done[KINDS], final_next, final_id, final_asked;
static unsigned final_done;
static bool final_waits;

static struct value *value_of(unsigned reg, unsigned v)
{
	return v ? &value[v] : &first[reg];
}

static unsigned new_value(unsigned about)
{
	if (values >= values_room) {
		values_room = 2 * values_room + 64;
		value = realloc(value, values_room * sizeof(*value));
		if (!value)
			abort();
	}
	value[values] = (struct value){ .reg = about };
	return values++;
}

/* --- Asking --- */

static void put_number(unsigned v)
{
	if (v)
		printf("%u", v);
	else
		printf("null");
}

static void put_head(const char *from, unsigned number, const char *to, const char *type, uint64_t id)
{
	printf("{\"src\":\"%s.%s%u\",\"dest\":\"%s\",\"body\":{\"type\":\"%s\",\"msg_id\":%" PRIu64 ",", name, from, number, to, type, id);
}

static void ask(unsigned i)
{
	struct client *c = &client[i];

	put_head("", i + 1, node[draw(nodes)], c->what == DECIDE ? "propose" : "change", c->msg_id = ++msg_ids);
	c->asked = now;
	c->next = now + RETRY_MS * MS;
	c->waits = true;
	printf("\"instance\":\"%c%u\"", c->what == DECIDE ? 'd' : 'r', c->about);
	if (c->what == DECIDE) {
		printf(",\"value\":%u", c->to);
	} else if (c->what == CHANGE) {
		printf(",\"from\":");
		put_number(c->from);
		printf(",\"to\":%u", c->to);
	}
	printf("}}\n");
}

static void begin(unsigned i)
{
	struct client *c = &client[i];

	c->what = (enum what)draw(KINDS);
	if (c->what == DECIDE) {
		if (!draw(4) && decisions < DECISIONS_MAX)
			decisions++;
		c->about = (unsigned)draw(decisions);
		c->to = new_value(REGISTERS_MAX + c->about);
	} else {
		c->about = (unsigned)draw(registers);
		c->from = latest[c->about];
		c->to = c->what == CHANGE ? new_value(c->about) : 0;
	}
	ask(i);
}

/* What has no answer is given up, but for decisions: they may be asked for as often as it takes. */
static void go_on(unsigned i)
{
	struct client *c = &client[i];

	if (c->waits && c->what == DECIDE) {
		ask(i);
		return;
	}
	c->waits = false;
	if (now < quiet)
		begin(i);
	else
		c->next = UINT64_MAX;
}

static void ask_at_the_end(void)
{
	for (unsigned i = 0; i < clients; i++)
		if (client[i].waits)
			return;
	if (final_waits && final_next > now)
		return;
	final_waits = true;
	final_asked = now;
	final_next = now + RETRY_MS * MS;
	put_head("f", final_done, node[final_done % nodes], "change", final_id = ++msg_ids);
	printf("\"instance\":\"r%u\"}}\n", final_done / nodes);
}

static uint64_t act(void)
{
	uint64_t least = end_by;

	for (unsigned i = 0; i < clients; i++)
		if (client[i].next <= now)
			go_on(i);
	if (now >= quiet)
		ask_at_the_end();
	if (now >= end_by)
		violated("not done: registers are still to be read, or decisions have no answer");
	for (unsigned i = 0; i < clients; i++)
		if (client[i].next < least)
			least = client[i].next;
	if (final_waits && final_next < least)
		least = final_next;
	return now < quiet && quiet < least ? quiet : least;
}

/* --- Answers --- */

static unsigned read_value(const json_t *body)
{
	json_t *v = json_object_get(body, "value");
	json_int_t number = json_integer_value(v);

	if (json_is_null(v))
		return 0;
	if (!json_is_integer(v) || number < 1 || number >= values)
		violated("a value that nobody proposed");
	return (unsigned)number;
}

static void judge_decision(unsigned about, unsigned v)
{
	if (!v || value[v].reg != REGISTERS_MAX + about)
		violated("d%u: %u was not proposed for it", about, v);
	if (decided[about] && decided[about] != v)
		violated("d%u: %u is chosen, and %u was", about, v, decided[about]);
	decided[about] = v;
}

static void judge_value(unsigned reg, unsigned v, uint64_t asked)
{
	const struct value *is = value_of(reg, v);

	if (v && is->reg != reg)
		violated("r%u: %u was not proposed for it", reg, v);
	if (is->next && is->replaced < asked)
		violated("r%u: %u was known to be replaced by %u at %" PRIu64 " ms, and is the value asked for at %" PRIu64 " ms", reg, v,
			 is->next, is->replaced / MS, asked / MS);
	latest[reg] = v;
}

static void judge_change(const struct client *c)
{
	struct value *was = value_of(c->about, c->from);

	if (was->next && was->next != c->to)
		violated("r%u: both %u and %u replaced %u", c->about, was->next, c->to, c->from);
	was->next = c->to;
	was->replaced = now;
}

static void final_answer(const json_t *body, const char *type)
{
	if (!final_waits || answers(body) != final_id)
		return;
	final_id = 0;
	final_next = now + RETRY_MS * MS / 10;
	if (strcmp(type, "change_ok") != 0)
		return;                 /* asked again */
	final_waits = false;
	judge_value(final_done / nodes, read_value(body), final_asked);
	if (++final_done < registers * nodes)
		return;
	fprintf(stderr, "%" PRIu64 " decisions, %" PRIu64 " changes, %" PRIu64 " reads answered\n", done[DECIDE], done[CHANGE], done[ASK]);
	exit(0);
}

static void client_answer(struct client *c, const json_t *body, const char *type)
{
	json_int_t code = code_of(body);

	if (!c->waits || answers(body) != c->msg_id)
		return;
	if (!strcmp(type, "error")) {
		if (code == 10 || code == 12 || code == 14)
			violated("error %d: %s", (int)code, json_string_value(json_object_get(body, "text")));
		c->what = c->what == DECIDE ? DECIDE : ASK;
		c->next = now + draw(2 * THINK_MS) * MS;
		c->msg_id = 0;          /* asked again then, or given up */
		return;
	}
	if (c->what == DECIDE)
		judge_decision(c->about, read_value(body));
	else
		judge_value(c->about, read_value(body), c->asked);
	if (c->what == CHANGE)
		judge_change(c);
	done[c->what]++;
	c->waits = false;
	c->next = now + draw(2 * THINK_MS) * MS;
}

static void take(const json_t *body, const char *type, const char *rest)
{
	unsigned number;

	if (*rest++ != '.')
		return;
	if (*rest == 'f') {
		final_answer(body, type);
		return;
	}
	number = (unsigned)strtoul(rest, NULL, 10);
	if (number >= 1 && number <= clients)
		client_answer(&client[number - 1], body, type);
}

int main(int argc, char **argv)
{
	if (argc != 7)
		return 2;
	client_init(argv[1], argv[2]);
	clients = (unsigned)atoi(argv[3]);
	registers = (unsigned)atoi(argv[4]);
	quiet = strtoull(argv[5], NULL, 10) * MS;
	end_by = strtoull(argv[6], NULL, 10) * MS;
	if (!nodes || !clients || clients > CLIENTS_MAX || !registers || registers > REGISTERS_MAX)
		return 2;
	draws ^= 0x72;                  /* not what other clients draw */
	client_run();
	violated("the network is gone");
}
