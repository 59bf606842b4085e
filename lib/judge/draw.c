/*
 * A contradiction as a picture: its members, the operations around them that were under way at the same time, and what was
 * before what; or the steps of a cycle of transactions.
 */
#include "lib/base/err.h"
#include "lib/draw/contradiction.h"
#include "lib/judge/deed.h"
#include "lib/judge/inside.h"

#include <stdlib.h>
#include <string.h>

enum {
	CONTEXT_MAX = 12,               /* operations beside the members */
	TITLE_BYTES = 160,
};

struct scene {
	const struct history *h;
	const struct judge_contradiction *c;
	struct contradiction picture;
	struct deed deed[CONTRADICTION_BARS_MAX];
	uint32_t index[CONTRADICTION_BARS_MAX]; /* of the operation or transaction */
	uint32_t colour[2 * CONTRADICTION_BARS_MAX];    /* the value that each colour stands for */
	unsigned colours;
};

/* --- Bars --- */

static void add_bar(struct scene *s, uint32_t index, enum contradiction_part part)
{
	uint32_t i = s->picture.bars++, count;
	struct deed *d = &s->deed[i];

	if (history_has_transactions(s->h))
		deed_of_transaction(d, s->h, index, "\n");
	else
		deed_of_op(d, s->h, &history_ops(s->h, s->c->key, &count)[index], DEED_NO_KEY);
	s->index[i] = index;
	s->picture.bar[i] = (struct contradiction_bar){
		.process = d->process, .words = d->words.at, .from = d->called,
		.to = d->returned == LIN_NEVER ? CONTRADICTION_OPEN : d->returned, .part = part,
	};
}

/* What it wrote or saw; a value of its own for that the key is missing. */
static bool value_of(const struct lin_op *op, uint32_t *value)
{
	*value = op->kind == LIN_DELETE || op->outcome == LIN_NO_KEY ? LIN_MISSING : op->value;
	return op->outcome != LIN_OTHER_VALUE;
}

/* The colour of a value, a new one for a new one of a member. */
static unsigned colour_of_value(struct scene *s, uint32_t value, bool member)
{
	unsigned k = 0;

	while (k < s->colours && s->colour[k] != value)
		k++;
	if (k == s->colours && !member)
		return 0;
	if (k == s->colours)
		s->colour[s->colours++] = value;
	return k + 1;
}

static void colour_bars(struct scene *s)
{
	uint32_t count, value;
	const struct lin_op *op = history_ops(s->h, s->c->key, &count);

	for (uint32_t i = 0; i < s->picture.bars; i++) {
		struct contradiction_bar *b = &s->picture.bar[i];
		const struct lin_op *of = &op[s->index[i]];

		if (of->kind == LIN_CAS && (of->outcome == LIN_OK || of->outcome == LIN_UNKNOWN))
			b->from_colour = colour_of_value(s, of->from, b->part != PART_CONTEXT);
		if (value_of(of, &value))
			b->colour = colour_of_value(s, value, b->part != PART_CONTEXT);
	}
}

static bool is_member(const struct judge_contradiction *c, uint32_t index)
{
	for (uint32_t i = 0; i < c->members; i++)
		if (c->member[i] == index)
			return true;
	return false;
}

static bool is_drawn(const struct scene *s, uint32_t index)
{
	for (uint32_t i = 0; i < s->picture.bars; i++)
		if (s->index[i] == index)
			return true;
	return is_member(s->c, index);
}

static void add_beside(struct scene *s, uint32_t index, uint32_t members)
{
	if (!is_drawn(s, index) && s->picture.bars < CONTRADICTION_BARS_MAX && s->picture.bars < members + CONTEXT_MAX)
		add_bar(s, index, PART_CONTEXT);
}

/* Who left, last before the member's end, what it found. */
static void add_writer(struct scene *s, const struct lin_op *op, const struct lin_op *of, uint32_t members)
{
	uint32_t value, i, count;

	if (!deed_needs(of, &value) || value == LIN_MISSING)
		return;
	history_ops(s->h, s->c->key, &count);
	for (i = count; i-- > 0;)
		if (op[i].called < of->returned && deed_leaves(&op[i], value))
			break;
	if (i < count)
		add_beside(s, i, members);
}

/* Who wrote what members saw, and what was under way while they were. */
static void add_context(struct scene *s)
{
	uint32_t count, members = s->picture.bars;
	const struct lin_op *op = history_ops(s->h, s->c->key, &count);

	for (uint32_t m = 0; m < members; m++)
		add_writer(s, op, &op[s->index[m]], members);
	for (uint32_t i = 0; i < count; i++) {
		bool beside = false;

		for (uint32_t m = 0; m < members && !beside; m++)
			beside = op[i].called < s->picture.bar[m].to && s->picture.bar[m].from < op[i].returned &&
				op[i].returned != LIN_NEVER && s->picture.bar[m].to != CONTRADICTION_OPEN;
		if (beside)
			add_beside(s, i, members);
	}
}

/* --- Arrows --- */

static void add_arrow(struct scene *s, uint32_t from, uint32_t to, const char *label)
{
	if (s->picture.arrows < CONTRADICTION_ARROWS_MAX)
		s->picture.arrow[s->picture.arrows++] = (struct contradiction_arrow){ .from = from, .to = to, .label = label };
}

static bool is_before(const struct scene *s, uint32_t a, uint32_t b)
{
	return s->picture.bar[a].to < s->picture.bar[b].from;
}

/* The first bars are the members: between those that follow each other, with none in the middle. */
static void add_times(struct scene *s, uint32_t members)
{
	for (uint32_t a = 0; a < members; a++) {
		for (uint32_t b = 0; b < members; b++) {
			bool between = false;

			for (uint32_t m = 0; m < members && !between; m++)
				between = is_before(s, a, m) && is_before(s, m, b);
			if (is_before(s, a, b) && !between)
				add_arrow(s, a, b, NULL);
		}
	}
}

static uint32_t bar_of(const struct scene *s, uint32_t index)
{
	uint32_t i = 0;

	while (i < s->picture.bars && s->index[i] != index)
		i++;
	return i;
}

static void add_steps(struct scene *s)
{
	static const char *const name[] = { [SERIAL_WR] = "wr", [SERIAL_WW] = "ww", [SERIAL_RW] = "rw", [SERIAL_RT] = "rt" };

	for (uint32_t i = 0; i < s->c->steps; i++) {
		const struct serial_step *step = &s->c->step[i];
		uint32_t from = bar_of(s, step->txn), to = bar_of(s, s->c->step[(i + 1) % s->c->steps].txn);

		if (step->why <= SERIAL_RT && from < s->picture.bars && to < s->picture.bars)
			add_arrow(s, from, to, name[step->why]);
	}
}

/* --- The whole --- */


/* The bar that the sentence is about: it ends, or begins, in the line that the sentence begins with. */
static void mark_worst(struct scene *s, const char *why)
{
	unsigned long long line = 0;

	if (sscanf(why, "line %llu:", &line) != 1)
		return;
	for (uint32_t i = 0; i < s->picture.bars; i++)
		if (s->picture.bar[i].part == PART_MEMBER && deed_line(&s->deed[i]) == line)
			s->picture.bar[i].part = PART_WORST;
}

static void set_title(char title[TITLE_BYTES], const struct scene *s)
{
	struct buf key = { 0 };

	if (history_has_transactions(s->h)) {
		snprintf(title, TITLE_BYTES, "Not strictly serializable");
		return;
	}
	deed_put_key(&key, s->h, s->c->key, ": key ");
	snprintf(title, TITLE_BYTES, "Not linearizable%.*s", (int)key.len, key.len ? key.at : "");
	buf_release(&key);
}

void judge_draw(FILE *out, const struct history *h, const struct judge_contradiction *c)
{
	struct scene *s = must_calloc(1, sizeof(*s));
	char title[TITLE_BYTES], *why = judge_why(h, c);
	uint32_t members;

	s->h = h;
	s->c = c;
	set_title(title, s);
	s->picture.title = title;
	s->picture.sentence = why;
	for (uint32_t i = 0; i < c->members && i < CONTRADICTION_BARS_MAX; i++)
		add_bar(s, c->member[i], PART_MEMBER);
	members = s->picture.bars;
	s->picture.left_out = c->members - members;
	mark_worst(s, why);
	if (history_has_transactions(h)) {
		add_steps(s);
	} else {
		add_times(s, members);
		add_context(s);
		colour_bars(s);
	}
	contradiction_draw(out, &s->picture);
	for (uint32_t i = 0; i < s->picture.bars; i++)
		deed_release(&s->deed[i]);
	free(s);
	free(why);
}
