/*
 * shell_parts: what the shells of Raft's and Paxos's cores have alike: configurations, names, packets, records on their way to the
 * disk, snapshots, a life.
 *
 * Included by raft_shell.h and paxos_shell.h behind their types.  The cores have the same words for the same: where PROTOCOL is
 * raft, CORE(config) is raft_config and IN(TICK) is RAFT_TICK.
 */
#ifndef TESTS_UNIT_SHELL_PARTS_H
#define TESTS_UNIT_SHELL_PARTS_H

/* What each has of its own. */
static void store_apply(struct store *, const struct record *);
static void packet_free(struct packet *);
static void shell_pack_texts(struct shell *, struct packet *);  /* what it adds to a message, but for snapshots */
static void shell_step(struct shell *, const struct CORE(in) *, const struct item *);
static void shell_persisted(struct shell *);                    /* tells the core: the flush has ended */
static void shell_load(struct shell *);                         /* makes the core, of what is on the disk */

/* --- Configurations are few, and are kept to the end. --- */

static struct kept { struct CORE(config) config; struct kept *next; } *shell_configs;

static const struct CORE(config) *shell_config(const struct CORE(config) *config)
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

static void *copied(const void *from, size_t size)
{
	void *copy = from ? malloc(size ? size : 1) : NULL;

	assert(copy || !from);
	return from ? memcpy(copy, from, size) : NULL;
}

static void shell_pack_chunk(const struct shell *s, struct packet *p)
{
	struct CORE(message) *m = &p->m;
	bool current = m->last_included_index == s->memory.snapshot.index;
	uint64_t bytes = current ? s->memory.snapshot.bytes : s->memory.before.bytes;
	uint64_t left = bytes - m->offset;

	assert(current || m->last_included_index == s->memory.before.index);
	assert(m->offset < bytes);
	p->config = current ? s->memory.snapshot_config : s->memory.before_config;
	p->image = current ? s->memory.image : s->memory.before_image;
	m->data_bytes = left < s->chunk_bytes ? (uint32_t)left : s->chunk_bytes;
	m->done = m->data_bytes == left;
}

static struct packet *shell_pack(struct shell *s, const struct CORE(message) *m)
{
	struct packet *p = calloc(1, sizeof(*p));

	assert(p);
	p->from = s->number;
	p->to = shell_number(m->peer);
	p->m = *m;
	shell_pack_texts(s, p);
	if (m->type == IN(INSTALL_SNAPSHOT))
		shell_pack_chunk(s, p);
	return p;
}

/* What a step sends, as its texts are now. */
static struct packets shell_pack_all(struct shell *s, const struct CORE(out) *out)
{
	struct packets all = { NULL, NULL };

	for (size_t i = 0; i < out->message_count; i++)
		packets_push(&all, shell_pack(s, &out->messages[i]));
	return all;
}

static void shell_send(struct shell *s, struct packets *all)
{
	struct packet *p;

	while ((p = packets_pop(all))) {
		if (p->m.after_persist)
			packets_push(&s->held, p);
		else
			on_send(p);
	}
}

/* --- Records --- */

/* For one item more. */
static void store_room(struct store *s)
{
	if (s->count < s->room)
		return;
	s->room = s->room ? 2 * s->room : 64;
	s->item = realloc(s->item, s->room * sizeof(*s->item));
	assert(s->item);
}

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
static void shell_set_snapshot(struct shell *s, const struct CORE(snapshot) *snapshot, const struct CORE(config) *config,
			       const void *image)
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

/* --- Steps --- */

static void shell_input(struct shell *s, enum CORE(in_kind) kind, const char *name)
{
	struct CORE(in) in = { .kind = kind, .now_ns = s->now_ns, .name = name };

	shell_step(s, &in, NULL);
}

/* The last chunk came in. */
static void shell_take_snapshot(struct shell *s, const struct CORE(in) *in)
{
	s->loading.index = in->message->last_included_index;
	s->loading.bytes = in->message->offset + in->message->data_bytes;
	s->loading_config = in->config;
	s->loading_image = s->taking->image;
}

/* What came in is durable at once: what the core is then told. */
static struct CORE(in) shell_loaded(struct shell *s)
{
	struct CORE(in) in = { .kind = IN(INSTALLED), .now_ns = s->now_ns, .snapshot = s->loading, .config = s->loading_config };

	assert(s->loading.index > s->applied);
	shell_set_snapshot(s, &s->loading, s->loading_config, s->loading_image);
	s->applied = s->loading.index;
	s->loading.index = 0;
	return in;
}

static void shell_flushed(struct shell *s, struct packets *freed)
{
	struct packet *p;

	shell_settle(s, s->flushing_records);
	s->flushing_records = 0;
	shell_persisted(s);
	while ((p = packets_pop(freed)))
		on_send(p);
}

/* --- Life --- */

/* The first so many of what is pending reached the disk all the same. */
static void shell_crash(struct shell *s, size_t kept)
{
	struct packet *p;

	shell_settle(s, kept);
	s->pending.count = s->flushing_records = 0;
	while ((p = packets_pop(&s->held)))
		packet_free(p);
	CORE(free)(s->PROTOCOL);
	s->PROTOCOL = NULL;
	s->alive = false;
	s->loading.index = 0;
}

static void shell_start(struct shell *s)
{
	shell_load(s);
	store_copy(&s->memory, &s->disk);
	s->alive = true;
	s->applied = s->disk.snapshot.index;
	s->flushing = 0;
	s->deadline_ns = s->now_ns;
}

static void shell_init(struct shell *s, int number, const struct CORE(options) *options)
{
	memset(s, 0, sizeof(*s));
	s->number = number;
	shell_name(s->name, number);
	s->options = *options;
	s->options.id = s->name;
	s->chunk_bytes = 40;
}

static void shell_release(struct shell *s)
{
	if (s->alive)
		shell_crash(s, 0);
	free(s->memory.item);
	free(s->disk.item);
	free(s->pending.at);
}

#endif
