/* kv_machine: lib/kv behind machine.h. */
#include "lib/kv/kv.h"
#include "lib/base/err.h"
#include "lib/node/machine.h"

#include <stdlib.h>

struct kv_state {
	struct node *node;
	struct kv *kv;
	uint64_t seed;
	bool watched;
};

static enum machine_class classify(void *m, struct wire_text type, struct wire_text body, const char **error)
{
	static const enum machine_class class[] = {
		[KV_READ] = MACHINE_READ, [KV_WRITE] = MACHINE_WRITE, [KV_UNKNOWN] = MACHINE_UNKNOWN,
	};

	(void)m;
	return class[kv_classify(type.p, type.len, body.p, body.len, error)];
}

static bool apply(void *m, uint64_t index, struct wire_text command, struct buf *answer)
{
	struct kv_state *s = m;

	kv_apply(s->kv, index, command.p, command.len, answer);
	return true;
}

static void read_now(void *m, struct wire_text body, struct buf *answer)
{
	struct kv_state *s = m;

	kv_read(s->kv, body.p, body.len, answer);
}

static bool ready(void *m)
{
	(void)m;
	return true;
}

static void snapshot_begin(void *m)
{
	struct kv_state *s = m;

	kv_snapshot_begin(s->kv);
}

static enum machine_more snapshot_next(void *m, size_t bytes, struct buf *lines)
{
	struct kv_state *s = m;

	return kv_snapshot_next(s->kv, bytes, lines) ? MACHINE_MORE : MACHINE_END;
}

static void snapshot_abandon(void *m)
{
	struct kv_state *s = m;

	kv_snapshot_abandon(s->kv);
}

static void changed(void *ctx, uint64_t index, const char *key, size_t key_len, const char *value, size_t value_len)
{
	struct kv_state *s = ctx;

	node_event(s->node, index, (struct wire_text){ key, key_len }, (struct wire_text){ value, value_len });
}

static void reset(void *m)
{
	struct kv_state *s = m;

	kv_free(s->kv);
	s->kv = kv_new(s->seed);
	kv_on_change(s->kv, s->watched ? changed : NULL, s);
}

static bool load(void *m, const char *line, size_t len)
{
	struct kv_state *s = m;

	return kv_snapshot_load(s->kv, line, len);
}

static void loaded(void *m, uint64_t index)
{
	(void)m;
	(void)index;
}

static void watch(void *m, bool on)
{
	struct kv_state *s = m;

	s->watched = on;
	kv_on_change(s->kv, on ? changed : NULL, s);
}

static bool prefix_matches(struct wire_text body, struct wire_text key)
{
	return kv_prefix_matches(body.p, body.len, key.p, key.len);
}

static void status(void *m, json_t *o)
{
	struct kv_state *s = m;

	json_object_set_new(o, "keys", json_integer((json_int_t)kv_keys(s->kv)));
	json_object_set_new(o, "state_bytes", json_integer((json_int_t)kv_bytes(s->kv)));
	json_object_set_new(o, "sessions", json_integer((json_int_t)kv_sessions(s->kv)));
}

static void close_kv(void *m)
{
	struct kv_state *s = m;

	kv_free(s->kv);
	free(s);
}

void *kv_machine_open(struct node *node, uint64_t seed)
{
	struct kv_state *s = must_calloc(1, sizeof(*s));

	s->node = node;
	s->seed = seed;
	s->kv = kv_new(seed);
	return s;
}

const struct machine kv_machine = {
	.classify = classify, .apply = apply, .read = read_now, .ready = ready,
	.snapshot_begin = snapshot_begin, .snapshot_next = snapshot_next, .snapshot_abandon = snapshot_abandon,
	.reset = reset, .load = load, .loaded = loaded,
	.watch = watch, .prefix_matches = prefix_matches, .status = status, .close = close_kv,
};
