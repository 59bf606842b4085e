/*
 * asked: requests that the protocol answers itself, at the node they came to, as those on a register.
 *
 * Each waits under a number, which the protocol gives back with the answer; one that it does not answer in time has an
 * open outcome.
 */
#include "lib/node/inside.h"

enum { KEEP_BYTES = 1 << 16 };

struct place { uint64_t number, at; };  /* at: bytes before it, of those that are gone too */

bool asked_take(struct node *n, const struct origin *o, struct wire_text type, struct wire_text body)
{
	size_t len = n->asked.bytes.len;
	uint64_t number = n->asked_next + 1;

	if (!n->protocol->request || o->forward)
		return false;
	if (request_count(n) >= NODE_REQUESTS_MAX) {
		answer_error(n, o, WIRE_UNAVAILABLE, "too many requests wait here");
		return true;
	}
	buf_add(&n->asked_places, &(struct place){ number, n->asked.popped + len }, sizeof(struct place));
	queue_push(&n->asked, number, o, (struct wire_text){ 0 });
	n->asked_next = number;
	if (n->protocol->request(n->p, number, type, body))
		return true;
	/* None of its own: as if it had not come. */
	n->asked.bytes.len = len;
	n->asked.count--;
	n->asked_places.len -= sizeof(struct place);
	return false;
}

/* Numbers grow. */
static struct waiting *find(struct node *n, uint64_t number)
{
	const struct place *places = (const void *)n->asked_places.at;
	size_t low = 0, high = n->asked_places.len / sizeof(*places);
	size_t end = high;
	struct waiting *w;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (places[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == end || places[low].number != number || places[low].at < n->asked.popped)
		return NULL;
	w = (void *)(n->asked.bytes.at + (places[low].at - n->asked.popped));
	return w->done ? NULL : w;
}

static void forget_gone(struct node *n)
{
	const struct place *places = (const void *)n->asked_places.at;
	size_t gone = 0;

	while ((gone + 1) * sizeof(*places) <= n->asked_places.len && places[gone].at < n->asked.popped)
		gone++;
	if (gone)
		buf_drop(&n->asked_places, gone * sizeof(*places));
}

bool node_waits(struct node *n, uint64_t number)
{
	return find(n, number) != NULL;
}

static void done(struct node *n, struct waiting *w)
{
	w->done = true;
	while (n->asked.count && queue_front(&n->asked)->done)
		queue_pop(&n->asked);
	forget_gone(n);
	if (!n->asked.count)
		buf_clear(&n->asked.bytes, KEEP_BYTES);
}

void node_answer(struct node *n, uint64_t number, struct wire_text inside)
{
	struct waiting *w = find(n, number);
	struct origin o;

	if (!w)
		return;
	o = waiting_origin(w);
	answer(n, &o, inside);
	done(n, w);
}

void node_refuse(struct node *n, uint64_t number, enum wire_code code, const char *text)
{
	struct waiting *w = find(n, number);
	struct origin o;

	if (!w)
		return;
	o = waiting_origin(w);
	answer_error(n, &o, code, text);
	done(n, w);
}
