/*
 * libFuzzer: any bytes as a line of a plan, as a body, and as a link of an option are taken or refused with a
 * reason; what is taken is printed as a line, and that reads back as the same order.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json/text.h"
#include "lib/plan/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same_settings(const struct fault_settings *a, const struct fault_settings *b)
{
	assert(a->set == b->set);
	assert(!memcmp(&a->loss, &b->loss, sizeof(a->loss)) && !memcmp(&a->burst, &b->burst, sizeof(a->burst)));
	assert(!memcmp(&a->duplicate, &b->duplicate, sizeof(a->duplicate)));
	assert(!memcmp(&a->reorder, &b->reorder, sizeof(a->reorder)) && a->reorder_ns == b->reorder_ns);
	assert(!memcmp(&a->corrupt, &b->corrupt, sizeof(a->corrupt)));
	assert(!memcmp(&a->truncate, &b->truncate, sizeof(a->truncate)));
	assert(a->delay.distribution == b->delay.distribution && a->delay.a_ns == b->delay.a_ns);
	assert(a->delay.b_ns == b->delay.b_ns && a->delay.shape == b->delay.shape);
	assert(a->delay.correlation == b->delay.correlation);
	assert(a->rate_bits == b->rate_bits && a->queue_bytes == b->queue_bytes);
}

static void check_same(const struct fault_order *a, const struct fault_order *b)
{
	assert(a->kind == b->kind && a->at_ns == b->at_ns && a->for_ns == b->for_ns && a->id == b->id);
	assert(!a->nodes == !b->nodes && (!a->nodes || !strcmp(a->nodes, b->nodes)));
	assert(a->shape == b->shape && a->one_way == b->one_way);
	assert(a->offset_ns == b->offset_ns && a->drift == b->drift);
	check_same_settings(&a->settings, &b->settings);
}

/* Releases it. */
static void check_taken(struct fault_order *o, bool body)
{
	struct fault_order back;
	struct plan_error e;
	struct buf b = { 0 };
	int rc;

	plan_print(&b, o, !body);
	assert(json_utf8(b.at, b.len));
	assert(!memchr(b.at, '\n', b.len));
	rc = plan_parse(&back, b.at, b.len, body, &e);
	assert(!rc);
	check_same(o, &back);
	fault_order_release(&back);
	fault_order_release(o);
	buf_release(&b);
}

static void check_refused(const struct fault_order *o, const struct plan_error *e)
{
	assert(!o->nodes && *e->why && memchr(e->why, '\0', sizeof(e->why)));
}

static void try_json(const char *text, size_t len, bool body)
{
	struct plan_error e = { .why = "" };
	struct fault_order o;

	if (plan_parse(&o, text, len, body, &e))
		check_refused(&o, &e);
	else
		check_taken(&o, body);
}

static void try_link(const char *text)
{
	struct plan_error e = { .why = "" };
	struct fault_order o;

	if (plan_link(&o, text, &e)) {
		check_refused(&o, &e);
		return;
	}
	o.permanent = false;
	check_taken(&o, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	try_link(text);
	free(text);
	text = malloc(size ? size : 1);         /* and now of its exact size */
	memcpy(text, data, size);
	try_json(text, size, false);
	try_json(text, size, true);
	free(text);
	return 0;
}
