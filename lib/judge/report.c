/* What came out, in words and as JSON. */
#include "lib/base/err.h"
#include "lib/judge/deed.h"
#include "lib/judge/inside.h"
#include "lib/wire/wire.h"

#include <stdlib.h>
#include <string.h>

enum { LISTED = 40, LINES_BYTES = 48 };         /* operations of a contradiction that are listed for people */

static const char *const lack_text[] = {
	"", "there was no more time", "there was not enough memory", "there are too many orders to try",
};
static const char *const lack_name[] = { "", "time", "memory", "orders" };
static const char *const verdict_name[] = { "yes", "no", "unknown" };

static const char *property(const struct judge_source *s)
{
	return history_has_transactions(s->history) ? "strictly serializable" : "linearizable";
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* --- For people --- */

static void tell_source(FILE *out, const struct judge_source *s)
{
	if (s->name)
		fprintf(out, "%s: ", s->name);
}

static void tell_scope(FILE *out, const struct judge_source *s, const struct judgement *j)
{
	bool transactions = history_has_transactions(s->history);

	fprintf(out, "%ju %s%s", (uintmax_t)j->operations, transactions ? "transaction" : "operation", plural(j->operations));
	if (!transactions && j->keys > 1)
		fprintf(out, " on %ju keys", (uintmax_t)j->keys);
}

/* Lines and process in columns. */
static void tell_member(FILE *out, const struct judge_source *s, const struct judge_contradiction *c, uint32_t i)
{
	char lines[LINES_BYTES];
	struct deed d;

	deed_of_member(&d, s->history, c, i);
	if (d.returned == LIN_NEVER)
		snprintf(lines, sizeof(lines), "%ju-", (uintmax_t)d.called);
	else
		snprintf(lines, sizeof(lines), "%ju-%ju", (uintmax_t)d.called, (uintmax_t)d.returned);
	fprintf(out, "  %-12s process %-4s %s\n", lines, d.process, d.words.at);
	deed_release(&d);
}

static void tell_contradiction(FILE *out, const struct judge_source *s, const struct judge_contradiction *c)
{
	struct buf key = { 0 };

	tell_source(out, s);
	fprintf(out, "not %s: ", property(s));
	if (!history_has_transactions(s->history)) {
		deed_put_key(&key, s->history, c->key, "key ");
		if (key.len)
			fprintf(out, "%.*s: ", (int)key.len, key.at);
		buf_release(&key);
	}
	fprintf(out, "%ju %s%s\n", (uintmax_t)c->members, history_has_transactions(s->history) ? "transaction" : "operation",
		c->members == 1 ? " cannot be" : c->least ? "s that cannot all be" : "s that cannot all be, or fewer of them");
	for (uint32_t i = 0; i < c->members && i < LISTED; i++)
		tell_member(out, s, c, i);
	if (c->members > LISTED)
		fprintf(out, "  and %ju more\n", (uintmax_t)(c->members - LISTED));
}

void judge_tell(FILE *out, const struct judge_source *s, const struct judgement *j)
{
	for (uint32_t i = 0; i < j->contradictions; i++)
		tell_contradiction(out, s, &j->contradiction[i]);
	if (j->verdict == JUDGE_NO)
		return;
	tell_source(out, s);
	if (j->verdict == JUDGE_YES) {
		fprintf(out, "%s: ", property(s));
		tell_scope(out, s, j);
	} else {
		fprintf(out, "unknown: %s", lack_text[j->lack]);
		if (j->keys > 1)
			fprintf(out, " for %ju of %ju keys", (uintmax_t)j->keys_unknown, (uintmax_t)j->keys);
	}
	putc('\n', out);
}

void judge_tell_stats(FILE *out, const struct judge_source *s, const struct judgement *j, double seconds)
{
	const struct judge_figures *f = &j->figures;
	struct history_counts n = history_counts(s->history);

	tell_source(out, s);
	fprintf(out, "%ju lines, %ju operations, %ju of unknown outcome, %ju lines ignored; %.3f s, %ju bytes, %ju steps",
		(uintmax_t)n.lines, (uintmax_t)n.begun, (uintmax_t)n.unknown, (uintmax_t)n.ignored, seconds,
		(uintmax_t)f->bytes_max, (uintmax_t)f->steps);
	if (!history_has_transactions(s->history))
		fprintf(out, "; %ju keys by their values, %ju by search, %ju configurations", (uintmax_t)f->unique,
			(uintmax_t)f->searched, (uintmax_t)f->configurations_max);
	putc('\n', out);
}

/* --- JSON --- */

static void put_string(FILE *out, const char *s)
{
	struct buf b = { 0 };

	wire_put_string(&b, s, strlen(s));
	fwrite(b.at, 1, b.len, out);
	buf_release(&b);
}

static void put_members(FILE *out, const struct judge_source *s, const struct judge_contradiction *c)
{
	fprintf(out, "\"operations\":[");
	for (uint32_t i = 0; i < c->members; i++) {
		if (i)
			putc(',', out);
		if (history_has_transactions(s->history))
			judge_put_transaction(out, s->history, c->member[i]);
		else
			judge_put_operation(out, s->history, c->key, c->member[i]);
	}
	putc(']', out);
}

static void put_steps(FILE *out, const struct judge_source *s, const struct judge_contradiction *c)
{
	static const char *const why[] = {
		[SERIAL_WR] = "wr", [SERIAL_WW] = "ww", [SERIAL_RW] = "rw", [SERIAL_RT] = "rt",
		[SERIAL_SAW_NOTHING_WRITTEN] = "saw nothing written", [SERIAL_SAW_MIDST] = "saw midst",
		[SERIAL_SAW_TWICE] = "saw twice", [SERIAL_SAW_OTHER_ORDER] = "saw other order",
		[SERIAL_SAW_ITS_FUTURE] = "saw its future", [SERIAL_MISSED_ITS_OWN] = "missed its own",
		[SERIAL_WAS_SEEN] = "was seen", [SERIAL_NO_ORDER] = "no order",
	};
	uint32_t count;
	const struct serial_txn *t = history_transactions(s->history, &count);

	fprintf(out, "\"anomaly\":\"%s\",\"steps\":[", serial_anomaly(c->step, c->steps));
	for (uint32_t i = 0; i < c->steps; i++) {
		const struct serial_step *step = &c->step[i];

		fprintf(out, "%s{\"line\":%ju,\"why\":\"%s\"", i ? "," : "", (uintmax_t)t[step->txn].called, why[step->why]);
		if (step->why != SERIAL_RT && step->why != SERIAL_NO_ORDER)
			fprintf(out, ",\"key\":%s,\"value\":%s", history_key(s->history, step->key),
				history_value(s->history, step->value));
		putc('}', out);
	}
	fputs("],", out);
}

static void put_contradiction(FILE *out, const struct judge_source *s, const struct judge_contradiction *c)
{
	bool transactions = history_has_transactions(s->history);
	char *why = judge_why(s->history, c);

	putc('{', out);
	if (!transactions)
		fprintf(out, "\"key\":%s,", history_key(s->history, c->key));
	fputs("\"why\":", out);
	put_string(out, why);
	free(why);
	fprintf(out, ",\"least\":%s,\"others\":\"%s\",", c->least ? "true" : "false",
		c->any_time ? "at any time" : "in their time");
	if (transactions)
		put_steps(out, s, c);
	put_members(out, s, c);
	putc('}', out);
}

static void put_stats(FILE *out, const struct judge_source *s, const struct judgement *j, double seconds)
{
	const struct judge_figures *f = &j->figures;
	struct history_counts n = history_counts(s->history);

	fprintf(out, ",\"stats\":{\"lines\":%ju,\"begun\":%ju,\"ignored\":%ju", (uintmax_t)n.lines, (uintmax_t)n.begun,
		(uintmax_t)n.ignored);
	fprintf(out, ",\"seconds\":%.3f,\"bytes\":%ju,\"steps\":%ju", seconds, (uintmax_t)f->bytes_max, (uintmax_t)f->steps);
	if (!history_has_transactions(s->history))
		fprintf(out, ",\"by_values\":%ju,\"by_search\":%ju,\"configurations\":%ju", (uintmax_t)f->unique,
			(uintmax_t)f->searched, (uintmax_t)f->configurations_max);
	putc('}', out);
}

void judge_json(FILE *out, const struct judge_source *s, const struct judgement *j, bool stats, double seconds)
{
	putc('{', out);
	if (s->name) {
		fputs("\"history\":", out);
		put_string(out, s->name);
		putc(',', out);
	}
	fprintf(out, "\"verdict\":\"%s\",\"of\":\"%s\"", verdict_name[j->verdict], property(s));
	if (j->verdict == JUDGE_UNKNOWN)
		fprintf(out, ",\"lack\":\"%s\"", lack_name[j->lack]);
	fprintf(out, ",\"operations\":%ju,\"unknown\":%ju", (uintmax_t)j->operations,
		(uintmax_t)history_counts(s->history).unknown);
	if (!history_has_transactions(s->history))
		fprintf(out, ",\"keys\":%ju,\"keys_unknown\":%ju", (uintmax_t)j->keys, (uintmax_t)j->keys_unknown);
	fputs(",\"contradictions\":[", out);
	for (uint32_t i = 0; i < j->contradictions; i++) {
		if (i)
			putc(',', out);
		put_contradiction(out, s, &j->contradiction[i]);
	}
	putc(']', out);
	if (stats)
		put_stats(out, s, j, seconds);
	fputs("}\n", out);
}
