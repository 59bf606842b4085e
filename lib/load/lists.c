/* lists: where clients wait; see inside.h */
#include "lib/load/inside.h"

/* --- Those that think --- */

static bool earlier(const struct load *l, uint32_t i, uint32_t j)
{
	uint64_t a = l->client[i].asked_ns, b = l->client[j].asked_ns;

	return a < b || (a == b && i < j);
}

void client_think(struct load *l, uint32_t i, uint64_t until_ns)
{
	uint32_t at = l->thinkers++;

	client_move(l, i, CLIENT_THINKING);
	l->client[i].asked_ns = until_ns;
	for (; at && earlier(l, i, l->thinking[(at - 1) / 2]); at = (at - 1) / 2)
		l->thinking[at] = l->thinking[(at - 1) / 2];
	l->thinking[at] = i;
}

uint32_t client_thinker(const struct load *l)
{
	return l->thinkers ? l->thinking[0] : LOAD_NONE;
}

void client_thought(struct load *l)
{
	uint32_t last = l->thinking[--l->thinkers], at = 0;

	client_move(l, l->thinking[0], CLIENT_IDLE);
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < l->thinkers && earlier(l, l->thinking[child + 1], l->thinking[child]))
			child++;
		if (child >= l->thinkers || !earlier(l, l->thinking[child], last))
			break;
		l->thinking[at] = l->thinking[child];
		at = child;
	}
	l->thinking[at] = last;
}
