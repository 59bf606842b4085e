/*
 * shells: what nodes of either protocol do alike, on the shell that its tests have.  Included behind the shell and `cluster`, which
 * has its shells and the messages that wait for a flush; IN_TICK, IN_READ and IN_INSTALL_FAILED are the core's inputs of these names.
 */
#ifndef TESTS_SIM_SHELLS_H
#define TESTS_SIM_SHELLS_H

static struct shell *node(int n)
{
	cluster.shell[n].now_ns = world_clock(n);
	return &cluster.shell[n];
}

static void shells_release(void)
{
	for (int n = 1; n <= SIM_NODES_MAX; n++) {
		struct packet *p;

		while ((p = packets_pop(&cluster.freed[n])))
			packet_free(p);
		shell_release(&cluster.shell[n]);
	}
	shell_configs_release();
}

static void start(int n)
{
	shell_start(node(n));
}

static void crash(int n, size_t kept)
{
	struct packet *p;

	while ((p = packets_pop(&cluster.freed[n])))
		packet_free(p);
	shell_crash(node(n), kept);
}

static size_t pending(int n)
{
	return cluster.shell[n].pending.count;
}

static const struct image *image(int n)
{
	return cluster.shell[n].disk.image;
}

static void tick(int n)
{
	shell_input(node(n), IN_TICK, NULL);
}

static void deliver(int n, void *packet)
{
	shell_deliver(node(n), packet);
}

static void *copy(const void *packet)
{
	return packet_copy(packet);
}

static void drop(void *packet)
{
	packet_free(packet);
}

static bool flush_begin(int n)
{
	struct shell *s = node(n);

	if (!world.node[n].dirty && !s->held.first)
		return false;
	world.node[n].dirty = false;
	cluster.freed[n] = packets_take(&s->held);
	shell_flush_began(s);
	return true;
}

static void flush_end(int n)
{
	struct packets freed = packets_take(&cluster.freed[n]);

	shell_flushed(node(n), &freed);
}

static void propose_items(int n, const uint64_t *ids, const uint32_t *bytes, uint32_t count)
{
	struct item item[BATCH_MAX];

	memset(item, 0, count * sizeof(*item));
	for (uint32_t i = 0; i < count; i++) {
		item[i].id = ids[i];
		item[i].bytes = bytes[i];
	}
	shell_propose(node(n), item, count);
}

static bool take_read(int n)
{
	uint64_t before = world.node[n].read_last;

	shell_input(node(n), IN_READ, NULL);
	return world.node[n].read_last > before;
}

static void compact(int n, uint64_t index, uint64_t first, const struct image *of)
{
	shell_snapshot(node(n), index, first, of->text.len, of);
}

static void install(int n)
{
	shell_install(node(n));
}

static void install_failed(int n)
{
	struct shell *s = node(n);

	s->loading.index = 0;
	shell_input(s, IN_INSTALL_FAILED, NULL);
}

static uint64_t first(int n)
{
	return cluster.shell[n].memory.base + 1;
}

static uint64_t snapshot(int n)
{
	return cluster.shell[n].memory.snapshot.index;
}

static uint64_t id_at(int n, uint64_t index)
{
	return store_at(&cluster.shell[n].memory, index)->id;
}

#define SHELL_FUNCTIONS \
	.start = start, .crash = crash, .pending = pending, .image = image, .tick = tick, .deliver = deliver, .copy = copy, \
	.drop = drop, .flush_begin = flush_begin, .flush_end = flush_end, .read = take_read, .compact = compact, \
	.install = install, .install_failed = install_failed, .first = first, .snapshot = snapshot, .id_at = id_at

#endif
