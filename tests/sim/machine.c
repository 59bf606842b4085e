/*
 * machine: what stands on a node's log: the store (lib/kv), the requests of clients and the reads that wait, snapshots.
 *
 * Commands are applied as they are committed; a request is answered by the node that it came to, if that did not crash since.
 * A snapshot is taken in slices while commands go on being applied, and is on the disk at once when it is whole.
 */
#include "tests/sim/world.h"

#include <assert.h>
#include <stdlib.h>

enum { SLICE_BYTES = 200 };

/* --- Commands --- */

static uint64_t command_new(int n, const struct call *c)
{
	uint64_t id = world.commands++;

	if (id >= world.command_room) {
		uint64_t room = 2 * id + 1024;

		world.command = realloc(world.command, room * sizeof(*world.command));
		assert(world.command);
		memset(world.command + world.command_room, 0, (room - world.command_room) * sizeof(*world.command));
		world.command_room = room;
	}
	world.command[id] = (struct command){ c->op, c->attempt, world.node[n].life, n };
	return id;
}

static const struct command *command_of(uint64_t id)
{
	return id < world.command_room && world.command[id].node ? &world.command[id] : NULL;
}

/* --- Answers --- */

static void reply(int n, struct call *c)
{
	c->from = n;
	net_send(n, -world.op[c->op].intent->client, ANSWER_ARRIVES, c);
}

static void refuse(int n, struct call *c)
{
	c->refused = true;
	c->hint = world_number(world.protocol->leader(n));
	reply(n, c);
}

static void answer(int n, uint32_t op, uint64_t attempt, const struct buf *text)
{
	struct call *c = call_new(op, attempt);

	buf_add(&c->text, text->at, text->len);
	reply(n, c);
}

void world_register_answer(int n, uint64_t tag, bool ok, long value)
{
	struct call *c = call_new((uint32_t)(tag >> 32), tag & UINT32_MAX);

	world.verdict->tally.registers++;
	c->ok = ok;
	c->value = value;
	reply(n, c);
}

/* --- Applying --- */

static uint64_t hash_of(const struct buf *b)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < b->len; i++)
		hash = (hash ^ (unsigned char)b->at[i]) * UINT64_C(0x100000001b3);
	return hash | 1;
}

static void apply(int n, uint64_t index, uint64_t id)
{
	static struct buf text;
	struct node *node = &world.node[n];
	struct entry *e = &world.entry[index];
	const struct command *c = command_of(id);
	uint64_t hash;

	world.verdict->tally.applied++;
	if (!c)
		return;
	buf_clear(&text, 4096);
	kv_apply(node->kv, index, world.op[c->op].text, world.op[c->op].len, &text);
	hash = hash_of(&text);
	holds(!e->answer || e->answer == hash, "one answer an index");
	e->answer = hash;
	if (c->node == n && c->life == node->life)
		answer(n, c->op, c->attempt, &text);
}

/* What is committed now: the same at an index, whoever says it and whenever. */
void machine_apply(int n, uint64_t commit)
{
	struct node *node = &world.node[n];

	holds(commit >= node->applied, "what is applied stays applied");
	while (node->applied < commit) {
		uint64_t index = node->applied + 1, id = world.protocol->id_at(n, index);
		struct entry *e = &world.entry[index];

		holds(!e->id || e->id == id, "one entry an index");
		if (index > world.committed) {
			e->id = id;
			world.committed = index;
			world.verdict->tally.entries++;
		}
		apply(n, index, id);
		node->applied = index;
	}
}

/* --- Reads --- */

static void answer_reads(int n)
{
	static struct buf text;
	struct node *node = &world.node[n];
	size_t kept = 0;

	for (size_t i = 0; i < node->read_count; i++) {
		struct waiting_read *r = &node->reads[i];
		const struct op *op = &world.op[r->op];

		if (r->index > node->applied) {
			node->reads[kept++] = *r;
			continue;
		}
		buf_clear(&text, 4096);
		kv_read(node->kv, op->text, op->len, &text);
		answer(n, r->op, r->attempt, &text);
	}
	node->read_count = kept;
}

static void lose_reads(int n, uint64_t upto)
{
	struct node *node = &world.node[n];
	size_t kept = 0;

	for (size_t i = 0; i < node->read_count; i++) {
		struct waiting_read *r = &node->reads[i];

		if (r->batch <= upto && r->index == UINT64_MAX)
			refuse(n, call_new(r->op, r->attempt));
		else
			node->reads[kept++] = *r;
	}
	node->read_count = kept;
}

/* Linearizable: all that was committed when it came is in the answer. */
void machine_reads(int n, const struct effect *e)
{
	struct node *node = &world.node[n];

	if (e->read) {
		holds(e->read == node->read_last + 1, "reads are counted");
		node->read_last = e->read;
		node->read_needs[e->read % READS_MAX] = world.committed;
	}
	if (e->reads_confirmed) {
		holds(e->reads_confirmed > node->read_settled && e->reads_confirmed <= node->read_last, "reads are settled once");
		holds(e->read_index <= e->commit, "a read waits for nothing that is not committed");
		while (node->read_settled < e->reads_confirmed) {
			world.verdict->tally.reads++;
			holds(e->read_index >= node->read_needs[++node->read_settled % READS_MAX], "linearizable reads");
		}
		for (size_t i = 0; i < node->read_count; i++)
			if (node->reads[i].batch <= e->reads_confirmed && node->reads[i].index == UINT64_MAX)
				node->reads[i].index = e->read_index;
	}
	if (e->reads_lost) {
		holds(e->reads_lost == node->read_last, "reads are lost together");
		node->read_settled = e->reads_lost;
		lose_reads(n, e->reads_lost);
	}
	if (node->read_count)
		answer_reads(n);
}

static void take_read(int n, struct call *c)
{
	struct node *node = &world.node[n];

	if (node->read_count == node->read_room) {
		node->read_room = node->read_room ? 2 * node->read_room : 16;
		node->reads = realloc(node->reads, node->read_room * sizeof(*node->reads));
		assert(node->reads);
	}
	/* It may be confirmed in this very step. */
	node->reads[node->read_count++] = (struct waiting_read){ node->read_last + 1, UINT64_MAX, c->op, c->attempt };
	if (world.protocol->read(n)) {
		call_free(c);
		return;
	}
	node->read_count--;
	refuse(n, c);
}

/* --- Requests --- */

static bool is_register(enum sim_f f)
{
	return f == SIM_PROPOSE || f == SIM_CHANGE || f == SIM_LOOK;
}

static void take_register(int n, struct call *c)
{
	const struct op *op = &world.op[c->op];
	long from = op->intent->f == SIM_LOOK ? -2 : op->from ? (long)op->from : -1;
	long to = op->intent->f == SIM_LOOK ? -2 : (long)op->intent->value;

	if (world.protocol->ask_register &&
	    world.protocol->ask_register(n, (uint64_t)c->op << 32 | c->attempt, op->intent->f, op->intent->key, from, to))
		call_free(c);
	else
		refuse(n, c);
}

void machine_call(int n, struct call *c)
{
	struct node *node = &world.node[n];
	const struct op *op = &world.op[c->op];

	if (is_register(op->intent->f)) {
		take_register(n, c);
	} else if (!world.protocol->leads(n)) {
		refuse(n, c);
	} else if ((op->intent->f == SIM_READ || op->intent->f == SIM_READ_LIST) && !op->intent->session) {
		take_read(n, c);
	} else if (node->batch.count == BATCH_MAX) {
		refuse(n, c);
	} else {
		node->batch.bytes[node->batch.count] = (uint32_t)op->len + (uint32_t)draw(DRAW_BYTES, n, 200);
		node->batch.id[node->batch.count++] = command_new(n, c);
		call_free(c);
		if (!node->batch.due)
			world_at(world.now_ns + draw(DRAW_BATCH, n, MS), BATCH_GOES, n, node->life, NULL);
		node->batch.due = true;
	}
}

static void batch_goes(int n)
{
	struct node *node = &world.node[n];

	node->batch.due = false;
	if (node->batch.count && !world.protocol->propose(n, node->batch.id, node->batch.bytes, node->batch.count))
		for (uint32_t i = 0; i < node->batch.count; i++) {
			const struct command *c = command_of(node->batch.id[i]);

			refuse(n, call_new(c->op, c->attempt));
		}
	node->batch.count = 0;
}

/* --- Snapshots --- */

static struct image *image_new(uint64_t index)
{
	struct image *i = calloc(1, sizeof(*i));

	assert(i);
	i->index = index;
	i->next = world.images;
	return world.images = i;
}

static void check_state(int n)
{
	struct entry *e = &world.entry[world.node[n].applied];
	uint64_t is = kv_fingerprint(world.node[n].kv);

	holds(!e->fingerprint || e->fingerprint == is, "equal states at an index");
	e->fingerprint = is;
}

static void slice_later(int n, enum event_kind kind)
{
	world_at(world.now_ns + MS / 10 + draw(DRAW_SLICE, n, 4 * MS), kind, n, world.node[n].life, world.node[n].making.image);
}

void machine_snapshot(int n)
{
	struct node *node = &world.node[n];

	if (node->making.on || node->taking.on || node->applied <= world.protocol->snapshot(n))
		return;
	check_state(n);
	node->making.on = node->making.slicing = true;
	node->making.image = image_new(node->applied);
	node->making.image->fingerprint = world.entry[node->applied].fingerprint;
	kv_snapshot_begin(node->kv);
	slice_later(n, SLICE_IS_DUE);
}

static void abandon(int n)
{
	if (world.node[n].making.slicing)
		kv_snapshot_abandon(world.node[n].kv);
	world.node[n].making.on = world.node[n].making.slicing = false;
}

static void slice(int n, const struct image *of)
{
	struct node *node = &world.node[n];

	if (!node->making.on || node->making.image != of)
		return;
	node->making.slicing = kv_snapshot_next(node->kv, SLICE_BYTES, &node->making.image->text);
	slice_later(n, node->making.slicing ? SLICE_IS_DUE : SNAPSHOT_IS_DURABLE);
}

/* The log goes on from somewhere before its end: an interrupted transfer of the one before may go on. */
static void snapshot_is_durable(int n, const struct image *of)
{
	struct node *node = &world.node[n];
	uint64_t first = world.protocol->first(n);

	if (!node->making.on || node->making.image != of)
		return;
	node->making.on = false;
	if (of->index <= world.protocol->snapshot(n) || !of->text.len)
		return;
	if (chance(DRAW_FIRST, n, 0.3))
		first = of->index + 1;
	else if (of->index + 1 > first)
		first += draw(DRAW_FIRST, n, of->index + 2 - first);
	world.verdict->tally.snapshots++;
	world.protocol->compact(n, of->index, first, of);
}

static struct kv *load(int n, const struct buf *text)
{
	struct kv *kv = kv_new(world.plan->seed + (uint64_t)n);
	const char *at = text->at, *end = text->at + text->len;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		holds(newline != NULL, "a snapshot is whole lines");
		holds(kv_snapshot_load(kv, at, (size_t)(newline - at)), "a snapshot can be loaded");
		at = newline + 1;
	}
	return kv;
}

void world_chunk(int n, const struct image *image, uint64_t offset, uint32_t bytes, bool done)
{
	struct node *node = &world.node[n];

	if (offset == 0)
		buf_clear(&node->taking.text, 4096);
	holds(node->taking.text.len == offset, "chunks come in their order");
	buf_add(&node->taking.text, image->text.at + offset, bytes);
	if (!done)
		return;
	holds(node->taking.text.len == image->text.len && memcmp(node->taking.text.at, image->text.at, image->text.len) == 0,
	      "a snapshot arrives as it was sent");
	abandon(n);
	node->taking.on = true;
	node->taking.image = image;
	world_at(world.now_ns + draw(DRAW_LOAD, n, 30 * MS), SNAPSHOT_LOADS, n, node->life, NULL);
}

static void snapshot_loads(int n)
{
	struct node *node = &world.node[n];
	const struct image *image = node->taking.image;

	if (!node->taking.on)
		return;
	node->taking.on = false;
	if (!world.calm && chance(DRAW_SPOIL, n, 0.1)) {
		world.protocol->install_failed(n);
		return;
	}
	holds(image->index > node->applied, "a snapshot that is loaded is news");
	abandon(n);
	kv_free(node->kv);
	node->kv = load(n, &node->taking.text);
	node->applied = image->index;
	check_state(n);
	world.verdict->tally.installs++;
	world.protocol->install(n);
}

void machine_event(const struct event *e)
{
	if (e->kind == BATCH_GOES)
		batch_goes(e->node);
	else if (e->kind == SLICE_IS_DUE)
		slice(e->node, e->what);
	else if (e->kind == SNAPSHOT_IS_DURABLE)
		snapshot_is_durable(e->node, e->what);
	else if (e->kind == SNAPSHOT_LOADS)
		snapshot_loads(e->node);
}

/* --- Life --- */

void machine_start(int n)
{
	struct node *node = &world.node[n];
	const struct image *image = world.protocol->image(n);

	node->kv = image ? load(n, &image->text) : kv_new(world.plan->seed + (uint64_t)n);
	node->applied = image ? image->index : 0;
	if (image)
		check_state(n);
}

void machine_stop(int n)
{
	struct node *node = &world.node[n];

	abandon(n);
	node->taking.on = false;
	kv_free(node->kv);
	node->kv = NULL;
	node->batch.count = 0;
	node->batch.due = false;
	node->read_count = 0;
	node->read_last = node->read_settled = 0;
}

void machine_release(void)
{
	for (int n = 1; n <= world.nodes; n++) {
		kv_free(world.node[n].kv);
		free(world.node[n].reads);
		buf_release(&world.node[n].taking.text);
	}
	for (struct image *i; (i = world.images);) {
		world.images = i->next;
		buf_release(&i->text);
		free(i);
	}
}
