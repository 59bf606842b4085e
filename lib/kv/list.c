/*
 * list: the keys of a prefix in order, a page at a time: `items`, and `more` where others follow the last.
 *
 * Invariant: a page that says `more` has an item, so that going on `after` it comes to an end.
 */
#include "lib/kv/state.h"

static bool matches(struct wire_text prefix, struct wire_text key)
{
	return prefix.len == 2 || canon_begins(key, prefix);
}

bool kv_prefix_matches(const char *body, size_t len, const char *key, size_t key_len)
{
	struct buf scratch = { 0 };
	struct wire_text prefix;
	bool yes = request_prefix(&prefix, body, len, &scratch) &&
		   matches(prefix, (struct wire_text){ .p = key, .len = key_len });

	buf_release(&scratch);
	return yes;
}

/* To the first key that is to be listed, if there is one. */
static void seek(struct tree_walk *walk, const struct kv *kv, const struct request *q)
{
	struct wire_text all = { 0 };

	if (q->after.p && (q->prefix.len == 2 || canon_order(q->prefix, q->after) <= 0))
		tree_seek(walk, &kv->records.tree, q->after, true);
	else
		tree_seek(walk, &kv->records.tree, q->prefix.len == 2 ? all : q->prefix, false);
}

void list_answer(const struct kv *kv, const struct request *q, struct buf *answer)
{
	size_t start = answer->len, listed = 0;
	const struct record *r;
	struct tree_walk walk;

	answer_constant(answer, "\"type\":\"list_ok\",\"items\":[");
	seek(&walk, kv, q);
	while ((r = tree_next(&walk)) && matches(q->prefix, record_key(r))) {
		size_t bytes = answer->len - start + r->key_len + r->value_len + 32;

		if (listed == q->limit || (listed && bytes > KV_LIST_BYTES_MAX)) {
			answer_constant(answer, "],\"more\":true");
			return;
		}
		if (listed++)
			buf_putc(answer, ',');
		buf_putc(answer, '[');
		answer_text(answer, record_key(r));
		buf_putc(answer, ',');
		answer_text(answer, record_value(r));
		buf_putc(answer, ']');
	}
	answer_constant(answer, "],\"more\":false");
}
