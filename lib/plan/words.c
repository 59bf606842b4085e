/* Faults as words of a command line: orders, the option of a link, what the nemesis may do. */
#include "lib/plan/inside.h"
#include "lib/base/err.h"
#include "lib/base/opt.h"

#include <stdlib.h>

/* --- Settings --- */

/* NAME=VALUE, or several with commas.  What has no '=' belongs to the value before it. */
static int take_settings(struct fault_settings *s, struct piece text, struct plan_error *e)
{
	while (text.p) {
		struct piece value = piece_cut(&text, ','), name;

		while (text.p) {
			struct piece rest = text, next = piece_cut(&rest, ',');

			if (memchr(next.p, '=', next.len))
				break;
			value.len = (size_t)(next.p + next.len - value.p);
			text = rest;
		}
		name = piece_cut(&value, '=');
		if (!value.p)
			return plan_wrong(e, "'%.*s': must be a setting and its value, as loss=0.3", SHOWN(name));
		if (plan_setting(s, name.p, name.len, value.p, value.len, e))
			return -1;
	}
	return 0;
}

/* A name may have colons: the last one before the settings parts them. */
int plan_link(struct fault_order *o, const char *text, struct plan_error *e)
{
	struct piece link = { text, strcspn(text, "=") }, settings;

	*o = (struct fault_order){ .kind = FAULT_ORDER_LINK, .permanent = true };
	while (link.len && link.p[link.len - 1] != ':')
		link.len--;
	if (!link.len)
		return plan_wrong(e, "must be LINK:SETTING=VALUE,..., as n1>n2:loss=0.3,delay=50ms");
	settings = (struct piece){ text + link.len, strlen(text + link.len) };
	link.len--;
	if (plan_pattern(link, e) || take_settings(&o->settings, settings, e))
		return -1;
	o->nodes = must_strdup(text);
	o->nodes[link.len] = '\0';
	return 0;
}

/* --- Words --- */

struct words {
	char **word;
	size_t count;
};

static struct piece word(const struct words *w, size_t i)
{
	return (struct piece){ w->word[i], strlen(w->word[i]) };
}

/* `for T` at the end goes. */
static int take_for(struct fault_order *o, struct words *w, struct plan_error *e)
{
	struct piece span;

	if (w->count && piece_is(word(w, w->count - 1), "for"))
		return plan_wrong(e, "%s: 'for' how long?", plan_kind_name[o->kind]);
	if (w->count < 2 || strcmp(w->word[w->count - 2], "for") != 0)
		return 0;
	span = word(w, w->count - 1);
	if (!plan_lasts(o->kind))
		return plan_wrong(e, "%s does not last: it takes no 'for'", plan_kind_name[o->kind]);
	if (plan_duration(span.p, span.len, &o->for_ns) || !o->for_ns)
		return plan_wrong(e, "for '%.*s': must be a time, as 500ms or 2s", SHOWN(span));
	w->count -= 2;
	return 0;
}

/* Names parted by commas, one more of a list; `first`: no comma before them. */
static int put_names(struct buf *b, struct piece names, bool first, struct plan_error *e)
{
	for (; names.p; first = false) {
		struct piece name = piece_cut(&names, ',');

		if (!plan_name_right(name) && !plan_some_right(name))
			return plan_wrong(e, "'%.*s' is no name of a node", SHOWN(name));
		if (!first)
			buf_putc(b, ',');
		buf_add(b, name.p, name.len);
	}
	return 0;
}

static int keep_nodes(struct fault_order *o, struct buf *b, int rc)
{
	buf_putc(b, '\0');
	if (!rc)
		o->nodes = must_strdup(b->at);
	buf_release(b);
	return rc;
}

/* n1,n2 or n1 n2 */
static int take_nodes(struct fault_order *o, const struct words *w, struct plan_error *e)
{
	struct buf b = { 0 };
	int rc = w->count ? 0 : plan_wrong(e, "%s: which node?", plan_kind_name[o->kind]);

	for (size_t i = 0; i < w->count && !rc; i++)
		rc = put_names(&b, word(w, i), i == 0, e);
	return keep_nodes(o, &b, rc);
}

/*
 * n1,n2 n3: a group is a word; or, with '|' anywhere, n1 n2 | n3: what stands between two of them.
 */
static int take_groups(struct fault_order *o, const struct words *w, struct plan_error *e)
{
	struct buf all = { 0 }, b = { 0 };
	struct piece rest;
	bool bars;
	int rc = 0;

	for (size_t i = 0; i < w->count; i++) {
		buf_puts(&all, i ? " " : "");
		buf_puts(&all, w->word[i]);
	}
	bars = memchr(all.at, '|', all.len);
	for (rest = (struct piece){ all.at, all.len }; rest.p && !rc;) {
		struct piece group = piece_cut(&rest, bars ? '|' : ' ');
		bool first = true;

		while (group.p && !rc) {
			struct piece names = piece_cut(&group, ' ');

			if (!names.len)
				continue;
			if (first && b.len)
				buf_putc(&b, '|');
			rc = put_names(&b, names, first, e);
			first = false;
		}
		if (first && bars && !rc)
			rc = plan_wrong(e, "'%.*s': a group is empty", SHOWN(((struct piece){ all.at, all.len })));
	}
	if (!rc && !b.len)
		rc = plan_wrong(e, "partition: which groups, or which shape?");
	buf_release(&all);
	return keep_nodes(o, &b, rc);
}

static int take_partition(struct fault_order *o, const struct words *w, struct plan_error *e)
{
	struct plan_error other;
	const char *near;

	if (!w->count)
		return plan_wrong(e, "partition: which groups, or which shape?");
	if (w->count > 1)
		return take_groups(o, w, e);
	if (!plan_shape(word(w, 0), &o->shape, &other))
		return 0;
	near = plan_near(word(w, 0), plan_shape_name + 1);
	if (near)
		return plan_wrong(e, "shape '%.*s' is unknown: did you mean '%s'?", SHOWN(word(w, 0)), near);
	return take_groups(o, w, e);
}

static int take_link(struct fault_order *o, const struct words *w, struct plan_error *e)
{
	if (w->count < 2)
		return plan_wrong(e, "link: must be a link and settings, as 'n1>n2' loss=0.3 delay=50ms");
	if (plan_pattern(word(w, 0), e))
		return -1;
	for (size_t i = 1; i < w->count; i++)
		if (take_settings(&o->settings, word(w, i), e))
			return -1;
	o->nodes = must_strdup(w->word[0]);
	return 0;
}

static int take_skew(struct fault_order *o, struct words *w, struct plan_error *e)
{
	struct words names = *w;

	while (names.count && strchr(names.word[names.count - 1], '='))
		names.count--;
	if (names.count == w->count)
		return plan_wrong(e, "a skew needs offset or drift, as offset=50ms drift=1.01");
	for (size_t i = names.count; i < w->count; i++) {
		struct piece value = word(w, i), name = piece_cut(&value, '=');

		if (piece_is(name, "offset") && plan_offset(value, &o->offset_ns))
			continue;
		if (piece_is(name, "drift") && plan_number(value, &o->drift) && o->drift > 0 && o->drift <= PLAN_DRIFT_MAX)
			continue;
		return plan_wrong(e, "'%.*s': must be offset=50ms, offset=-50ms or drift=1.01", SHOWN(word(w, i)));
	}
	return take_nodes(o, &names, e);
}

static int take_heal(struct fault_order *o, const struct words *w, struct plan_error *e)
{
	char *end;

	if (!w->count)
		return 0;
	o->id = strtoull(w->word[0], &end, 10);
	if (w->count > 1)
		return plan_wrong(e, "heal takes no '%.*s'", SHOWN(word(w, 1)));
	if (*end || !o->id || o->id > INT64_MAX || *w->word[0] < '0' || *w->word[0] > '9')
		return plan_wrong(e, "heal '%.*s': must be the number of a fault, or nothing", SHOWN(word(w, 0)));
	return 0;
}

static int take_nothing(const struct fault_order *o, const struct words *w, struct plan_error *e)
{
	return w->count ? plan_wrong(e, "%s takes no '%.*s'", plan_kind_name[o->kind], SHOWN(word(w, 0))) : 0;
}

static int take_words(struct fault_order *o, struct words *w, struct plan_error *e)
{
	if (take_for(o, w, e))
		return -1;
	switch (o->kind) {
	case FAULT_ORDER_LINK: return take_link(o, w, e);
	case FAULT_ORDER_PARTITION: return take_partition(o, w, e);
	case FAULT_ORDER_HEAL: return take_heal(o, w, e);
	case FAULT_ORDER_SKEW: return take_skew(o, w, e);
	case FAULT_ORDER_CALM: return take_nothing(o, w, e);
	default: return take_nodes(o, w, e);
	}
}

int plan_words(struct fault_order *o, int argc, char **argv, struct plan_error *e)
{
	struct words w = { .word = argv + 1, .count = argc > 0 ? (size_t)argc - 1 : 0 };
	struct piece first;
	int rc = 0;

	*o = (struct fault_order){ 0 };
	if (argc <= 0)
		return plan_wrong(e, "there is no order");
	first = (struct piece){ argv[0], strlen(argv[0]) };
	if (piece_is(first, "one-way")) {
		o->kind = FAULT_ORDER_PARTITION;
		o->one_way = true;
	} else {
		rc = plan_kind(first, &o->kind, e);
	}
	o->drift = o->kind == FAULT_ORDER_SKEW ? 1 : 0;
	if (!rc)
		rc = take_words(o, &w, e);
	if (rc)
		fault_order_release(o);
	return rc;
}

/* --- Nemesis --- */

int plan_nemesis(const char *text, unsigned *bits, struct plan_error *e)
{
	static const struct { const char *name; unsigned bits; } known[] = {
		{ "partition", FAULT_NEMESIS_PARTITION }, { "isolate", FAULT_NEMESIS_ISOLATE },
		{ "one-way", FAULT_NEMESIS_ONE_WAY }, { "crash", FAULT_NEMESIS_CRASH }, { "crash-all", FAULT_NEMESIS_CRASH_ALL },
		{ "pause", FAULT_NEMESIS_PAUSE }, { "skew", FAULT_NEMESIS_SKEW }, { "loss", FAULT_NEMESIS_LOSS },
		{ "slow", FAULT_NEMESIS_SLOW }, { "all", FAULT_NEMESIS_ALL },
	};
	enum { KNOWN = sizeof(known) / sizeof(*known) };
	const char *names[KNOWN + 1] = { NULL }, *near;
	struct piece rest = { text, strlen(text) };

	for (size_t i = 0; i < KNOWN; i++)
		names[i] = known[i].name;
	for (*bits = 0; rest.p;) {
		struct piece word = piece_cut(&rest, ',');
		size_t i = 0;

		while (i < KNOWN && !piece_is(word, known[i].name))
			i++;
		if (i < KNOWN) {
			*bits |= known[i].bits;
			continue;
		}
		near = plan_near(word, names);
		if (near)
			return plan_wrong(e, "'%.*s' is no fault: did you mean '%s'?", SHOWN(word), near);
		return plan_wrong(e, "'%.*s' is no fault: must be partition, isolate, one-way, crash, crash-all, pause, skew, "
				  "loss, slow or all", SHOWN(word));
	}
	return 0;
}
