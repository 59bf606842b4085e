/*
 * shell_parts: what the shells of Raft's and Paxos's cores have alike: configurations, names, packets, records on their way to the disk.
 *
 * Included by raft_shell.h and paxos_shell.h behind their types, with SHELL_CONFIG and SHELL_SNAPSHOT their core's.
 */
#ifndef TESTS_UNIT_SHELL_PARTS_H
#define TESTS_UNIT_SHELL_PARTS_H

static void store_apply(struct store *, const struct record *);

/* --- Configurations are few, and are kept to the end. --- */

static struct kept { SHELL_CONFIG config; struct kept *next; } *shell_configs;

static const SHELL_CONFIG *shell_config(const SHELL_CONFIG *config)
{
	struct kept *k;

	for (k = shell_configs; k; k = k->next)
		if (memcmp(&k->config, config, sizeof(*config)) == 0)
			return &k->config;
	k = malloc(sizeof(*k));
	assert(k);
	k->config = *config;
	k->next = shell_configs;
	shell_configs = k;
	return &k->config;
}

static inline void shell_configs_release(void)
{
	for (struct kept *k; (k = shell_configs);) {
		shell_configs = k->next;
		free(k);
	}
}

/* --- Names --- */

static void shell_name(char *name, int number)
{
	name[0] = 'n';
	name[1] = (char)('0' + number);
	name[2] = '\0';
}

static int shell_number(const char *name)
{
	assert(name[0] == 'n' && name[1] > '0' && name[1] <= '9' && !name[2]);
	return name[1] - '0';
}

/* --- Packets --- */

static void packets_push(struct packets *q, struct packet *p)
{
	p->next = NULL;
	if (q->first)
		q->last->next = p;
	else
		q->first = p;
	q->last = p;
}

static struct packet *packets_pop(struct packets *q)
{
	struct packet *p = q->first;

	if (p)
		q->first = p->next;
	return p;
}

static struct packets packets_take(struct packets *q)
{
	struct packets taken = *q;

	q->first = NULL;
	return taken;
}

/* --- Records --- */

/* In memory at once, on the disk with a flush. */
static void shell_record(struct shell *s, const struct record *r)
{
	store_apply(&s->memory, r);
	if (s->pending.count == s->pending.room) {
		s->pending.room = s->pending.room ? 2 * s->pending.room : 64;
		s->pending.at = realloc(s->pending.at, s->pending.room * sizeof(*s->pending.at));
		assert(s->pending.at);
	}
	s->pending.at[s->pending.count++] = *r;
}

/* The first so many of what is pending reach the disk. */
static void shell_settle(struct shell *s, size_t count)
{
	assert(count <= s->pending.count);
	for (size_t i = 0; i < count; i++)
		store_apply(&s->disk, &s->pending.at[i]);
	if (count < s->pending.count)
		memmove(s->pending.at, s->pending.at + count, (s->pending.count - count) * sizeof(*s->pending.at));
	s->pending.count -= count;
}

/* Durable at once. */
static void shell_set_snapshot(struct shell *s, const SHELL_SNAPSHOT *snapshot, const SHELL_CONFIG *config, const void *image)
{
	struct store *both[] = { &s->memory, &s->disk };

	for (int i = 0; i < 2; i++) {
		both[i]->before = both[i]->snapshot;
		both[i]->before_config = both[i]->snapshot_config;
		both[i]->before_image = both[i]->image;
		both[i]->snapshot = *snapshot;
		both[i]->snapshot_config = config;
		both[i]->image = image;
	}
}

static void store_copy(struct store *to, const struct store *from)
{
	struct item *item = to->item;
	size_t room = to->room;

	if (room < from->count) {
		room = from->room;
		item = realloc(item, room * sizeof(*item));
		assert(item);
	}
	*to = *from;
	to->item = item;
	to->room = room;
	if (from->count)
		memcpy(item, from->item, from->count * sizeof(*item));
}

#endif
