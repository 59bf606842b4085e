/* One setting of a link and its value as text, both ways. */
#include "lib/plan/inside.h"

#include <string.h>

#define REORDER_NS UINT64_C(10000000)
#define QUEUE_BYTES (UINT64_C(256) << 10)
#define QUEUE_BYTES_MAX (UINT64_C(1) << 40)
#define RATE_BITS_MAX UINT64_C(1000000000000000)
#define PARETO_SHAPE 3.0
#define PARETO_SHAPE_MAX 1000.0

/* --- Reading --- */

static bool share(struct piece text, double *p)
{
	char number[48];
	size_t len = text.len;

	if (!len || len > sizeof(number) - 3)
		return false;
	memcpy(number, text.p, len);
	if (number[len - 1] == '%') {
		/* As digits, so that 5% is what 0.05 is. */
		if (memchr(number, 'e', len) || memchr(number, 'E', len))
			return false;
		memcpy(number + len - 1, "e-2", 3);
		len += 2;
	}
	return plan_number((struct piece){ number, len }, p) && *p <= 1;
}

/* P[~C] */
static bool chance(struct piece text, struct fault_chance *out)
{
	struct piece correlation = text, p = piece_cut(&correlation, '~');

	*out = (struct fault_chance){ 0 };
	return share(p, &out->p) && (!correlation.p || share(correlation, &out->correlation));
}

/* P,R[,BAD[,GOOD]] */
static bool burst(struct piece rest, struct fault_burst *out)
{
	double *const member[] = { &out->p, &out->r, &out->bad, &out->good };
	size_t n = 0;

	*out = (struct fault_burst){ .bad = 1 };
	for (; rest.p && n < sizeof(member) / sizeof(*member); n++)
		if (!share(piece_cut(&rest, ','), member[n]))
			return false;
	return n >= 2 && !rest.p;
}

/* 0 needs no unit. */
static bool time_span(struct piece text, uint64_t *ns)
{
	*ns = 0;
	return piece_is(text, "0") || (!plan_duration(text.p, text.len, ns) && *ns <= FAULT_DELAY_NS_MAX);
}

/* The rest behind `word` and a colon; false if it does not begin so. */
static bool is_called(struct piece *text, const char *word)
{
	size_t len = strlen(word);

	if (text->len <= len || memcmp(text->p, word, len) != 0 || text->p[len] != ':')
		return false;
	*text = (struct piece){ text->p + len + 1, text->len - len - 1 };
	return true;
}

static bool read_loss(struct fault_settings *s, struct piece text)
{
	struct piece rest = text, first = piece_cut(&rest, '+');

	if (!rest.p && is_called(&text, "gilbert")) {
		s->set |= FAULT_SET_BURST;
		return burst(text, &s->burst);
	}
	s->set |= FAULT_SET_LOSS;
	if (!chance(first, &s->loss))
		return false;
	if (rest.p) {
		s->set |= FAULT_SET_BURST;
		return is_called(&rest, "gilbert") && burst(rest, &s->burst);
	}
	if (s->loss.p == 0 && s->loss.correlation == 0) {
		s->set |= FAULT_SET_BURST;
		s->burst = (struct fault_burst){ 0 };
	}
	return true;
}

static const struct distribution {
	const char *name;
	size_t least, most;             /* values */
} distributions[] = {
	[FAULT_CONSTANT] = { "constant", 1, 1 }, [FAULT_UNIFORM] = { "uniform", 2, 2 }, [FAULT_NORMAL] = { "normal", 2, 2 },
	[FAULT_EXPONENTIAL] = { "exponential", 1, 1 }, [FAULT_PARETO] = { "pareto", 1, 2 },
};
enum { DISTRIBUTIONS = sizeof(distributions) / sizeof(*distributions) };

static bool read_delay(struct fault_settings *s, struct piece text)
{
	struct piece correlation = text, rest = piece_cut(&correlation, '~'), value[2] = { { NULL, 0 } };
	struct fault_delay d = { .distribution = FAULT_CONSTANT };
	size_t n = 0;

	for (int i = 0; i < DISTRIBUTIONS; i++)
		if (is_called(&rest, distributions[i].name)) {
			d.distribution = (enum fault_distribution)i;
			break;
		}
	if (correlation.p && !share(correlation, &d.correlation))
		return false;
	while (rest.p && n < 2)
		value[n++] = piece_cut(&rest, ',');
	if (rest.p || n < distributions[d.distribution].least || n > distributions[d.distribution].most)
		return false;
	if (!time_span(value[0], &d.a_ns))
		return false;
	if (d.distribution == FAULT_PARETO) {
		d.shape = PARETO_SHAPE;
		if (n == 2 && (!plan_number(value[1], &d.shape) || d.shape <= 1 || d.shape > PARETO_SHAPE_MAX))
			return false;
	} else if (n == 2 && !time_span(value[1], &d.b_ns)) {
		return false;
	}
	if (d.distribution == FAULT_UNIFORM && d.a_ns > d.b_ns)
		return false;
	s->set |= FAULT_SET_DELAY;
	s->delay = d;
	return true;
}

static bool read_duplicate(struct fault_settings *s, struct piece text)
{
	s->set |= FAULT_SET_DUPLICATE;
	return chance(text, &s->duplicate);
}

static bool read_corrupt(struct fault_settings *s, struct piece text)
{
	s->set |= FAULT_SET_CORRUPT;
	return chance(text, &s->corrupt);
}

static bool read_truncate(struct fault_settings *s, struct piece text)
{
	s->set |= FAULT_SET_TRUNCATE;
	return chance(text, &s->truncate);
}

static bool read_reorder(struct fault_settings *s, struct piece text)
{
	struct piece later = text, p = piece_cut(&later, ',');

	s->set |= FAULT_SET_REORDER;
	if (!chance(p, &s->reorder))
		return false;
	s->reorder_ns = s->reorder.p > 0 ? REORDER_NS : 0;
	return !later.p || time_span(later, &s->reorder_ns);
}

/* Bits a second of one; the largest first, as they are written. */
static const struct rate_unit { const char *name; uint64_t bits; } rate_units[] = {
	{ "gbit", UINT64_C(1000000000) }, { "mbit", 1000000 }, { "kbit", 1000 }, { "bit", 1 },
	{ "mbps", 8000000 }, { "kbps", 8000 }, { "bps", 8 },
};
enum { RATE_UNITS = sizeof(rate_units) / sizeof(*rate_units), RATE_UNITS_WRITTEN = 4 };

static bool ends_in(struct piece text, const char *end)
{
	size_t len = strlen(end);

	return text.len > len && !memcmp(text.p + text.len - len, end, len);
}

/* N in a unit, in whole ones of 1 .. max. */
static bool amount(struct piece number, uint64_t unit, uint64_t max, uint64_t *out)
{
	double x;

	if (!plan_number(number, &x) || x * (double)unit > (double)max)
		return false;
	*out = (uint64_t)(x * (double)unit + 0.5);
	return *out > 0;
}

static bool read_rate_bits(struct piece text, uint64_t *bits)
{
	for (int i = 0; i < RATE_UNITS; i++)
		if (ends_in(text, rate_units[i].name)) {
			text.len -= strlen(rate_units[i].name);
			return amount(text, rate_units[i].bits, RATE_BITS_MAX, bits);
		}
	return false;
}

static const char size_units[] = "KMGT";

static bool read_size(struct piece text, uint64_t *bytes)
{
	uint64_t unit = 1;

	*bytes = 0;
	if (piece_is(text, "0"))
		return true;
	for (size_t i = 0; text.len && size_units[i]; i++)
		if ((text.p[text.len - 1] & ~0x20) == size_units[i]) {
			unit = UINT64_C(1) << 10 * (i + 1);
			text.len--;
			break;
		}
	return amount(text, unit, QUEUE_BYTES_MAX, bytes);
}

static bool read_rate(struct fault_settings *s, struct piece text)
{
	struct piece size = text, bits = piece_cut(&size, ',');

	s->set |= FAULT_SET_RATE;
	s->rate_bits = s->queue_bytes = 0;
	if (piece_is(text, "0"))
		return true;
	s->queue_bytes = QUEUE_BYTES;
	return read_rate_bits(bits, &s->rate_bits) && (!size.p || read_size(size, &s->queue_bytes));
}

#define SHARE "must be a share from 0 to 1, as 0.05, 5% or 5%~0.5"

static const struct setting {
	const char *name;
	bool (*read)(struct fault_settings *, struct piece);
	const char *right;
} settings[] = {
	{ "loss", read_loss, "must be 0.05, 5%, 5%~0.5, gilbert:0.01,0.3, or 5%+gilbert:0.01,0.3" },
	{ "delay", read_delay, "must be 20ms, uniform:10ms,50ms, normal:20ms,5ms, exponential:20ms or pareto:5ms,3" },
	{ "duplicate", read_duplicate, SHARE },
	{ "reorder", read_reorder, SHARE ", or 5%,20ms" },
	{ "corrupt", read_corrupt, SHARE },
	{ "truncate", read_truncate, SHARE },
	{ "rate", read_rate, "must be 64kbit, 1mbit or 125kbps, or with its queue 1mbit,64K" },
};
enum { SETTINGS = sizeof(settings) / sizeof(*settings) };

int plan_setting(struct fault_settings *out, const char *name, size_t name_len, const char *value, size_t value_len,
		 struct plan_error *e)
{
	struct piece word = { name, name_len }, text = { value, value_len };
	const char *names[SETTINGS + 1] = { NULL }, *near;

	for (int i = 0; i < SETTINGS; i++) {
		struct fault_settings s = *out;

		names[i] = settings[i].name;
		if (!piece_is(word, settings[i].name))
			continue;
		if (!settings[i].read(&s, text))
			return plan_wrong(e, "%s '%.*s': %s", settings[i].name, SHOWN(text), settings[i].right);
		*out = s;
		return 0;
	}
	near = plan_near(word, names);
	if (near)
		return plan_wrong(e, "'%.*s' is no setting: did you mean '%s'?", SHOWN(word), near);
	return plan_wrong(e, "'%.*s' is no setting of a link", SHOWN(word));
}

/* --- Printing --- */

static void print_correlation(struct buf *b, double correlation)
{
	if (correlation == 0)
		return;
	buf_putc(b, '~');
	plan_number_print(b, correlation);
}

static void print_chance(struct buf *b, const struct fault_chance *c)
{
	plan_number_print(b, c->p);
	print_correlation(b, c->correlation);
}

static void print_burst(struct buf *b, const struct fault_burst *burst)
{
	const double member[] = { burst->p, burst->r, burst->bad, burst->good };
	size_t n = burst->good != 0 ? 4 : burst->bad != 1 ? 3 : 2;

	for (size_t i = 0; i < n; i++) {
		buf_puts(b, i ? "," : "gilbert:");
		plan_number_print(b, member[i]);
	}
}

static void print_loss(struct buf *b, const struct fault_settings *s)
{
	const struct fault_burst none = { 0 }, *burst = &s->burst;
	bool lost = s->loss.p != 0 || s->loss.correlation != 0;
	bool bursts = burst->p != none.p || burst->r != none.r || burst->bad != none.bad || burst->good != none.good;

	if (s->set & FAULT_SET_LOSS)
		print_chance(b, &s->loss);
	if (!(s->set & FAULT_SET_BURST) || ((s->set & FAULT_SET_LOSS) && !lost && !bursts))
		return;
	if (s->set & FAULT_SET_LOSS)
		buf_putc(b, '+');
	print_burst(b, burst);
}

static void print_delay(struct buf *b, const struct fault_settings *s)
{
	const struct fault_delay *d = &s->delay;

	if (d->distribution != FAULT_CONSTANT)
		buf_printf(b, "%s:", distributions[d->distribution].name);
	plan_duration_print(b, d->a_ns);
	if (distributions[d->distribution].most == 2) {
		buf_putc(b, ',');
		if (d->distribution == FAULT_PARETO)
			plan_number_print(b, d->shape);
		else
			plan_duration_print(b, d->b_ns);
	}
	print_correlation(b, d->correlation);
}

static void print_duplicate(struct buf *b, const struct fault_settings *s)
{
	print_chance(b, &s->duplicate);
}

static void print_reorder(struct buf *b, const struct fault_settings *s)
{
	print_chance(b, &s->reorder);
	buf_putc(b, ',');
	plan_duration_print(b, s->reorder_ns);
}

static void print_corrupt(struct buf *b, const struct fault_settings *s)
{
	print_chance(b, &s->corrupt);
}

static void print_truncate(struct buf *b, const struct fault_settings *s)
{
	print_chance(b, &s->truncate);
}

static void print_rate(struct buf *b, const struct fault_settings *s)
{
	uint64_t size = s->queue_bytes;
	int i = 0, power = 0;

	if (!s->rate_bits) {
		buf_putc(b, '0');
		return;
	}
	while (i < RATE_UNITS_WRITTEN - 1 && s->rate_bits % rate_units[i].bits)
		i++;
	while (size_units[power] && size && size % 1024 == 0) {
		size /= 1024;
		power++;
	}
	buf_printf(b, "%ju%s,%ju%.*s", (uintmax_t)(s->rate_bits / rate_units[i].bits), rate_units[i].name, (uintmax_t)size,
		   power > 0, size_units + power - (power > 0));
}

void plan_settings_print(struct buf *b, const struct fault_settings *s)
{
	static const struct {
		unsigned set;
		const char *name;
		void (*print)(struct buf *, const struct fault_settings *);
	} members[] = {
		{ FAULT_SET_LOSS | FAULT_SET_BURST, "loss", print_loss }, { FAULT_SET_DELAY, "delay", print_delay },
		{ FAULT_SET_DUPLICATE, "duplicate", print_duplicate }, { FAULT_SET_REORDER, "reorder", print_reorder },
		{ FAULT_SET_CORRUPT, "corrupt", print_corrupt }, { FAULT_SET_TRUNCATE, "truncate", print_truncate },
		{ FAULT_SET_RATE, "rate", print_rate },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (!(s->set & members[i].set))
			continue;
		buf_printf(b, ",\"%s\":\"", members[i].name);
		members[i].print(b, s);
		buf_putc(b, '"');
	}
}
