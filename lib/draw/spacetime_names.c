/*
 * spacetime_names: which line a name has.
 *
 * The nodes are known from the header on.  Whoever else sends something that is shown is a client; `net` is neither.
 * The first clients have lines of their own, the rest share one, and names that have no line are not remembered.
 */
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/draw/spacetime_inside.h"

enum { SLOTS = 1 << 13 };

struct name { char *s; size_t len; int lane; };
struct names { struct name slot[SLOTS]; size_t n; int others; };

struct names *names_new(void)
{
	struct names *names = must_calloc(1, sizeof *names);

	names->others = LANE_NONE;
	return names;
}

void names_free(struct names *names)
{
	for (size_t i = 0; names && i < SLOTS; i++)
		free(names->slot[i].s);
	free(names);
}

static struct name *find(struct names *names, struct wire_text t)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < t.len; i++)
		h = (h ^ (unsigned char)t.p[i]) * UINT64_C(0x100000001b3);
	for (i = (size_t)(h >> 32) % SLOTS; names->slot[i].s; i = (i + 1) % SLOTS)
		if (names->slot[i].len == t.len && !memcmp(names->slot[i].s, t.p, t.len))
			break;
	return &names->slot[i];
}

static void remember(struct names *names, struct wire_text t, int lane)
{
	struct name *name = find(names, t);

	if (name->s || names->n >= SLOTS / 2)
		return;
	names->n++;
	*name = (struct name){ .s = must_malloc(t.len + 1), .len = t.len, .lane = lane };
	memcpy(name->s, t.p, t.len);
}

static int new_lane(struct spacetime *s, struct wire_text t, enum lane_kind kind, int order)
{
	struct lane *lane = &s->lane[s->lanes];

	if (s->lanes == SPACETIME_LANES_MAX) {
		s->lanes_left_out++;
		return LANE_NONE;
	}
	*lane = (struct lane){ .name = must_malloc(t.len + 1), .name_len = t.len, .kind = kind, .order = order,
			       .life = -1, .lead = -1 };
	memcpy(lane->name, t.p, t.len);
	lane->name[t.len] = '\0';
	return s->lanes++;
}

/* Where the list of --nodes has it, or 0 where there is none; -1: not shown. */
static int order_of(struct spacetime *s, struct wire_text t)
{
	int order = s->o.nodes ? list_find(s->o.nodes, t.p, t.len) : 0;

	if (s->o.nodes && order >= 0)
		s->item_found[order] = true;
	return order;
}

void names_node(struct spacetime *s, struct wire_text t)
{
	int order = order_of(s, t);

	if (!find(s->names, t)->s)
		remember(s->names, t, order < 0 ? LANE_NONE : new_lane(s, t, LANE_NODE, order));
}

static bool is_net(struct wire_text t)
{
	return t.len == 3 && !memcmp(t.p, "net", 3);
}

/* Of a name without a line so far. */
static bool client_shown(const struct spacetime *s, struct wire_text t)
{
	if (s->o.no_clients || (is_net(t) && !s->o.nodes))
		return false;
	return !s->o.nodes || list_find(s->o.nodes, t.p, t.len) >= 0;
}

static int client_lane(struct spacetime *s, struct wire_text t)
{
	static const struct wire_text others = { "other clients", 13 };
	int order, lane;

	if (!client_shown(s, t))
		return LANE_NONE;
	order = order_of(s, t);
	if (s->o.nodes || s->clients < SPACETIME_CLIENTS_MAX) {
		s->clients++;
		lane = new_lane(s, t, LANE_CLIENT, order);
		remember(s->names, t, lane);
		return lane;
	}
	if (s->names->others == LANE_NONE)
		s->names->others = new_lane(s, others, LANE_OTHERS, order);
	return s->names->others;
}

int names_lane(struct spacetime *s, struct wire_text t)
{
	const struct name *name = find(s->names, t);

	return name->s ? name->lane : is_net(t) ? LANE_NONE : s->names->others;
}

int names_lane_made(struct spacetime *s, struct wire_text t)
{
	const struct name *name = find(s->names, t);

	return name->s ? name->lane : client_lane(s, t);
}

bool names_known(struct spacetime *s, struct wire_text t)
{
	return is_net(t) || find(s->names, t)->s;
}

bool names_shown(struct spacetime *s, struct wire_text t)
{
	const struct name *name = find(s->names, t);

	return name->s ? name->lane != LANE_NONE : client_shown(s, t);
}

const char *spacetime_nobody(const struct spacetime *s, size_t *len)
{
	const char *item;

	for (size_t i = 0; i < s->items; i++)
		if (!s->item_found[i] && list_item(s->o.nodes, i, &item, len))
			return item;
	return NULL;
}
