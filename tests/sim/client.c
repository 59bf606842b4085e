/*
 * client: who asks.  One request at a time, of any node, until it is answered.
 *
 * With a session it is sent again until then, elsewhere too, and happens once; or the client gives it up, its outcome open, and
 * goes on as a new process with a new session.  Without one it is sent again only where it surely did not happen.  What it draws
 * for an operation hangs on that one alone.
 */
#include "tests/sim/world.h"

#include <assert.h>
#include <stdlib.h>

static struct sim_intent last[3 * SIM_KEYS_MAX];

struct call *call_new(uint32_t op, uint64_t attempt)
{
	struct call *c = calloc(1, sizeof(*c));

	assert(c);
	c->op = op;
	c->attempt = attempt;
	return c;
}

void call_free(struct call *c)
{
	buf_release(&c->text);
	free(c);
}

static bool only_looks(enum sim_f f)
{
	return f == SIM_READ || f == SIM_READ_LIST || f == SIM_LOOK;
}

/* Registers know no sessions. */
static bool may_repeat(const struct op *op)
{
	return (op->intent->session && op->intent->f < SIM_PROPOSE) || only_looks(op->intent->f) || op->intent->f == SIM_PROPOSE;
}

bool client_may_repeat(uint32_t op)
{
	return may_repeat(&world.op[op]);
}

/* A draw of the operation's own, by its attempt. */
static uint64_t op_draw(const struct op *op, enum purpose p, uint64_t bound)
{
	uint64_t n = (uint64_t)op->intent->value * 1024 + (op->attempts < 1023 ? op->attempts : 1023);

	return fault_below(world.stream[p][SIM_NODES_MAX + op->intent->client], n, bound);
}

/* --- What it says --- */

static const char *key_text(const struct op *op)
{
	static char text[16];
	bool list = op->intent->f == SIM_APPEND || op->intent->f == SIM_READ_LIST;

	snprintf(text, sizeof(text), "\"%c%d\"", list ? 'l' : 'k', op->intent->key);
	return text;
}

static void write_text(struct op *op, const struct client *c)
{
	const char *key = key_text(op);
	uint32_t value = op->intent->value;
	char session[64] = "";

	if (op->intent->session)
		snprintf(session, sizeof(session), ",\"session\":\"c%d.%" PRIu64 "\",\"seq\":%" PRIu64, op->intent->client, c->life,
			 op->seq);
	switch (op->intent->f) {
	case SIM_READ: case SIM_READ_LIST:
		op->len = (size_t)snprintf(op->text, sizeof(op->text), "{\"type\":\"read\",\"key\":%s%s}", key, session);
		break;
	case SIM_WRITE:
		op->len = (size_t)snprintf(op->text, sizeof(op->text), "{\"type\":\"write\",\"key\":%s,\"value\":%" PRIu32 "%s}", key,
					   value, session);
		break;
	case SIM_CAS: case SIM_CREATE:
		op->len = (size_t)snprintf(op->text, sizeof(op->text),
					   "{\"type\":\"cas\",\"key\":%s,\"from\":%" PRIu32 ",\"to\":%" PRIu32 "%s%s}", key, op->from,
					   value, op->intent->f == SIM_CREATE ? ",\"create_if_not_exists\":true" : "", session);
		break;
	case SIM_DELETE:
		op->len = (size_t)snprintf(op->text, sizeof(op->text), "{\"type\":\"delete\",\"key\":%s%s}", key, session);
		break;
	case SIM_APPEND:
		op->len = (size_t)snprintf(op->text, sizeof(op->text), "{\"type\":\"txn\",\"txn\":[[\"append\",%s,%" PRIu32 "]]%s}",
					   key, value, session);
		break;
	default:
		break;
	}
	assert(op->len < sizeof(op->text));
}

/* --- Asking --- */

static void attempt(struct client *c, struct op *op)
{
	struct call *call;

	c->attempt++;
	op->attempts++;
	op->sent = true;
	call = call_new(c->op - 1, c->attempt);
	world_at(world.now_ns + 30 * MS + op_draw(op, DRAW_PATIENCE, 400 * MS), CLIENT_TIMES_OUT, op->intent->client, c->attempt,
		 NULL);
	net_send(-op->intent->client, c->target, CALL_ARRIVES, call);
}

/* At rest who leads is known: those who were removed and do not know it answer nothing. */
static int somebody(const struct op *op)
{
	int leader = world.calm ? world_leader() : 0;

	return leader ? leader : 1 + (int)op_draw(op, DRAW_TARGET, (uint64_t)world.nodes);
}

/* It asks the one it was told of, or anybody, after a moment. */
static void ask_later(struct client *c, struct op *op, int target)
{
	c->attempt++;
	op->attempts++;
	c->target = target ? target : somebody(op);
	world_at(world.now_ns + MS / 5 + op_draw(op, DRAW_AGAIN, target ? MS : 20 * MS), CLIENT_TRIES, op->intent->client, c->attempt,
		 NULL);
}

static void next_op(struct client *c)
{
	struct op *op;

	if (c->op || c->next == c->count)
		return;
	c->op = c->queue[c->next++] + 1;
	op = &world.op[c->op - 1];
	op->state = OP_OPEN;
	op->called = ++world.places;
	op->give_up_ns = op_draw(op, DRAW_PATIENCE, 100) < 15 && !world.calm ?
		world.now_ns + 200 * MS + op_draw(op, DRAW_PAUSE, 1300 * MS) : UINT64_MAX;
	if (op->intent->session && op->intent->f < SIM_PROPOSE)
		op->seq = ++c->seq;
	op->from = op->intent->f == SIM_CHANGE ? c->looked[op->intent->key] : c->seen[op->intent->key] ? c->seen[op->intent->key] : 1;
	write_text(op, c);
	if (!c->target || op_draw(op, DRAW_TARGET, 100) < 10 || op->intent->f >= SIM_PROPOSE)
		c->target = somebody(op);
	attempt(c, op);
}

static void finish(struct client *c, enum op_state state)
{
	struct op *op = &world.op[c->op - 1];

	op->state = state;
	op->returned = ++world.places;
	world.ops_open--;
	world.verdict->tally.answered += state == OP_DONE;
	world.verdict->tally.unknown += state == OP_UNKNOWN;
	if (state != OP_DONE) {         /* another process */
		c->life++;
		c->seq = 0;
	}
	c->op = 0;
	c->attempt++;
	next_op(c);
}

static void give_up(struct client *c, const struct op *op)
{
	finish(c, op->sent && !only_looks(op->intent->f) ? OP_UNKNOWN : OP_REFUSED);
}

/* --- Answers --- */

static const char *behind(const struct buf *text, const char *start)
{
	size_t len = strlen(start);

	return text->len >= len && memcmp(text->at, start, len) == 0 ? text->at + len : NULL;
}

/* The number that begins there, and where it ends. */
static uint32_t number_at(const char **at, const char *end)
{
	uint32_t n = 0;

	for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
		n = n * 10 + (uint32_t)(**at - '0');
	return n;
}

static void read_list(struct op *op, const char *at, const char *end)
{
	size_t room = 1;

	for (const char *p = at; p < end; p++)
		room += *p == ',';
	op->list = calloc(room, sizeof(*op->list));
	assert(op->list);
	for (at++; at < end; at++)      /* behind '[' or ',' */
		op->list[op->list_count++] = number_at(&at, end);
}

/* Sessions are never so many, or so old, that one is forgotten: no answer leaves the outcome open. */
static void read_answer(struct op *op, const struct buf *text)
{
	const char *end = text->at + text->len, *at;

	if ((at = behind(text, "\"type\":\"error\",\"code\":"))) {
		op->code = (int)number_at(&at, end);
		holds(op->code == 20 || op->code == 22, "the machine's answer fits the request");
		return;
	}
	op->code = 0;
	if ((at = behind(text, "\"type\":\"read_ok\",\"value\":")) && op->intent->f == SIM_READ_LIST)
		read_list(op, at, end);
	else if (at)
		op->value = number_at(&at, end);
	holds(at || op->intent->f == SIM_WRITE || op->intent->f == SIM_CAS || op->intent->f == SIM_CREATE ||
	      op->intent->f == SIM_DELETE || op->intent->f == SIM_APPEND, "the machine's answer fits the request");
}

static void learn(struct client *c, const struct op *op)
{
	int key = op->intent->key;

	if (op->intent->f == SIM_READ && !op->code)
		c->seen[key] = (uint32_t)op->value;
	else if (!op->code && (op->intent->f == SIM_WRITE || op->intent->f == SIM_CAS || op->intent->f == SIM_CREATE))
		c->seen[key] = op->intent->value;
	else if (op->intent->f == SIM_CHANGE || op->intent->f == SIM_LOOK)
		c->looked[key] = (uint32_t)op->value;
}

static void answered(struct client *c, struct op *op, const struct call *call)
{
	if (op->intent->f >= SIM_PROPOSE) {
		op->code = call->ok ? 0 : 22;
		op->value = call->value > 0 ? call->value : 0;
	} else {
		read_answer(op, &call->text);
	}
	learn(c, op);
	finish(c, OP_DONE);
}

static void refused(struct client *c, struct op *op, const struct call *call)
{
	/* Of the last attempt alone, or it may have happened by an earlier one. */
	op->sent = may_repeat(op);
	if (world.now_ns >= op->give_up_ns)
		give_up(c, op);
	else
		ask_later(c, op, call->hint == call->from ? 0 : call->hint);
}

static void times_out(struct client *c, struct op *op)
{
	if (world.now_ns >= op->give_up_ns || !may_repeat(op))
		give_up(c, op);
	else
		ask_later(c, op, 0);
}

void client_event(const struct event *e)
{
	struct client *c = &world.client[e->node];
	struct op *op = c->op ? &world.op[c->op - 1] : NULL;
	struct call *call = e->what;

	if (e->kind == ANSWER_ARRIVES) {
		if (op && call->op == c->op - 1 && !call->refused)
			answered(c, op, call);
		else if (op && call->op == c->op - 1 && call->attempt == c->attempt)
			refused(c, op, call);
		call_free(call);
	} else if (op && e->life == c->attempt) {
		if (e->kind == CLIENT_TIMES_OUT)
			times_out(c, op);
		else
			attempt(c, op);
	}
}

/* --- Operations --- */

static void add(const struct sim_intent *i)
{
	struct client *c = &world.client[i->client];

	if (world.ops == world.op_room) {
		world.op_room = world.op_room ? 2 * world.op_room : 256;
		world.op = realloc(world.op, world.op_room * sizeof(*world.op));
		assert(world.op);
	}
	if (c->count == c->room) {
		c->room = c->room ? 2 * c->room : 64;
		c->queue = realloc(c->queue, c->room * sizeof(*c->queue));
		assert(c->queue);
	}
	world.op[world.ops] = (struct op){ .intent = i };
	c->queue[c->count++] = world.ops++;
	world.ops_open++;
	world.verdict->tally.ops++;
	next_op(c);
}

/* NULL: every key is read once more, through the log and without, and every register looked at. */
void client_begin(const struct sim_intent *intent)
{
	static const enum sim_f f[3] = { SIM_READ, SIM_READ_LIST, SIM_LOOK };
	size_t count = 0;

	if (intent) {
		add(intent);
		return;
	}
	for (int kind = 0; kind < (world.plan->protocol == SIM_PAXOS ? 3 : 2); kind++)
		for (int key = 0; key < world.plan->keys; key++) {
			last[count] = (struct sim_intent){
				.kind = SIM_OP, .client = 1 + key % world.plan->clients, .key = key, .f = f[kind],
				.session = key % 2 == 0 && f[kind] == SIM_READ, .value = UINT32_C(1) << 20 | (uint32_t)count,
			};
			add(&last[count++]);
		}
}

/* What is not asked yet is not asked any more. */
void client_calm(void)
{
	for (int i = 1; i <= SIM_CLIENTS_MAX; i++) {
		struct client *c = &world.client[i];

		world.ops_open -= (uint32_t)(c->count - c->next);
		c->count = c->next;
	}
}

void client_open(void)
{
	for (int c = 1; c <= SIM_CLIENTS_MAX; c++)
		world.client[c].life = 1;
}

void client_close(void)
{
	for (uint32_t i = 0; i < world.ops; i++)
		free(world.op[i].list);
	free(world.op);
	for (int c = 1; c <= SIM_CLIENTS_MAX; c++)
		free(world.client[c].queue);
}
