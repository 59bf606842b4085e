/* report: see report.h */
#include "lib/load/report.h"
#include "lib/base/err.h"

#include <stdlib.h>

static const struct quantile {
	const char *name;
	uint32_t millionths;
} quantiles[] = {
	{ "p50", 500000 }, { "p90", 900000 }, { "p99", 990000 }, { "p99.9", 999000 }, { "max", 1000000 },
};
enum { QUANTILES = sizeof(quantiles) / sizeof(*quantiles) };

static double seconds(const struct load_result *r)
{
	return (double)r->seconds_ns / 1e9;
}

static double per_second(const struct load_result *r, uint64_t count)
{
	return r->seconds_ns ? (double)count / seconds(r) : 0;
}

/* Microseconds with a decimal. */
static double quantile_us(const struct histogram *h, size_t i)
{
	return (double)histogram_quantile(h, quantiles[i].millionths) / 1e3;
}

static struct histogram *all_kinds(const struct load_result *r)
{
	struct histogram *all = must_calloc(1, sizeof(*all));

	for (int i = 0; i < WORKLOAD_KINDS; i++)
		histogram_merge(all, &r->latency_ns[i]);
	return all;
}

/* --- JSON --- */

static void json_latency(FILE *out, const char *name, const struct histogram *h)
{
	fprintf(out, ",\"%s\":{\"ops\":%ju", name, (uintmax_t)h->count);
	for (size_t i = 0; i < QUANTILES; i++)
		fprintf(out, ",\"%s_us\":%.1f", quantiles[i].name, quantile_us(h, i));
	fputc('}', out);
}

void report_json(FILE *out, const struct load_options *o, const struct load_result *r)
{
	struct histogram *all = all_kinds(r);
	const char *comma = "";

	fprintf(out, "{\"seconds\":%.3f,\"ops\":%ju,\"ops_per_s\":%.0f", seconds(r), (uintmax_t)r->ops,
		per_second(r, r->ops));
	fprintf(out, ",\"unknown\":%ju,\"unanswered\":%ju,\"failed\":%ju,\"retries\":%ju,\"errors\":{",
		(uintmax_t)r->unknown, (uintmax_t)r->unanswered, (uintmax_t)r->failed, (uintmax_t)r->retries);
	for (int code = 0; code < LOAD_CODES; code++) {
		if (!r->error[code])
			continue;
		fprintf(out, "%s\"%d\":%ju", comma, code, (uintmax_t)r->error[code]);
		comma = ",";
	}
	fprintf(out, "},\"gap_us\":%.1f", (double)r->gap_ns / 1e3);
	json_latency(out, "all", all);
	for (int i = 0; i < WORKLOAD_KINDS; i++)
		if (o->workload.weight[i])
			json_latency(out, workload_kind_name[i], &r->latency_ns[i]);
	if (o->rate)
		fprintf(out, ",\"rate\":%.15g,\"queued\":%ju", (double)o->rate / 1e6, (uintmax_t)r->queued);
	fprintf(out, ",\"clients\":%ju,\"keys\":%ju,\"seed\":%ju}\n", (uintmax_t)o->clients,
		(uintmax_t)o->workload.keys, (uintmax_t)o->workload.seed);
	free(all);
}

/* --- Table --- */

static void table_time(FILE *out, double us)
{
	if (us < 1000)
		fprintf(out, " %7.0fus", us);
	else if (us < 1e6)
		fprintf(out, " %7.2fms", us / 1e3);
	else
		fprintf(out, " %8.2fs", us / 1e6);
}

static void table_row(FILE *out, const char *name, const struct load_result *r, const struct histogram *h)
{
	fprintf(out, "%-6s %10ju %10.0f", name, (uintmax_t)h->count, per_second(r, h->count));
	for (size_t i = 0; i < QUANTILES; i++)
		table_time(out, quantile_us(h, i));
	fputc('\n', out);
}

void report_table(FILE *out, const struct load_options *o, const struct load_result *r)
{
	struct histogram *all = all_kinds(r);
	int kinds = 0;

	fprintf(out, "%-6s %10s %10s", "", "ops", "ops/s");
	for (size_t i = 0; i < QUANTILES; i++)
		fprintf(out, " %9s", quantiles[i].name);
	fputc('\n', out);
	for (int i = 0; i < WORKLOAD_KINDS; i++)
		if (o->workload.weight[i] && ++kinds)
			table_row(out, workload_kind_name[i], r, &r->latency_ns[i]);
	if (kinds > 1)
		table_row(out, "all", r, all);
	fprintf(out, "%.2f s, clients %ju, keys %ju, seed %ju; longest gap", seconds(r), (uintmax_t)o->clients,
		(uintmax_t)o->workload.keys, (uintmax_t)o->workload.seed);
	table_time(out, (double)r->gap_ns / 1e3);
	fputc('\n', out);
	for (int code = 0; code < LOAD_CODES; code++)
		if (r->error[code])
			fprintf(out, "error %d: %ju\n", code, (uintmax_t)r->error[code]);
	if (r->queued)
		fprintf(out, "never begun: %ju\n", (uintmax_t)r->queued);
	if (r->unanswered)
		fprintf(out, "without an answer: %ju\n", (uintmax_t)r->unanswered);
	free(all);
}
