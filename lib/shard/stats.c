/* stats: see stats.h */
#include "lib/shard/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/shard/emit.h"

struct counting {
	struct route_work *route;
	uint64_t *count;
	uint64_t records;
};

/* What is said of one node, and of all. */
struct share {
	double share, ideal;
	double ratio;                   /* share / ideal; 0 for a drained node */
};

struct balance {
	double max, min, sd;            /* of the ratios of nodes with weight */
	double floor;                   /* sd that chance alone gives (multinomial) */
	uint32_t worst, live;
};

void stats_init(struct stats *s)
{
	s->count = must_calloc(s->route->nodes->n, sizeof *s->count);
	s->records = 0;
}

void stats_release(struct stats *s)
{
	free(s->count);
}

static void *stats_open(void *self)
{
	const struct stats *s = self;
	struct counting *c = must_malloc(sizeof *c);

	c->route = route_open(s->route);
	c->count = must_calloc(s->route->nodes->n, sizeof *c->count);
	c->records = 0;
	return c;
}

static size_t stats_batch(void *self, struct flow_work *w, const struct ring_key *record, size_t n)
{
	const struct stats *s = self;
	struct counting *c = w->scratch;
	const uint32_t replicas = s->route->replicas;
	size_t done = route_batch(s->route, c->route, w, record, n);

	c->records += done;
	for (size_t i = 0; i < done; i++) {
		uint32_t owners = c->route->picker ? c->route->owners[i] : 1;

		for (uint32_t k = 0; k < owners; k++)
			c->count[c->route->owner[i * replicas + k]]++;
	}
	return done;
}

static void stats_close(void *self, void *scratch)
{
	struct stats *s = self;
	struct counting *c = scratch;

	for (uint32_t i = 0; i < s->route->nodes->n; i++)
		s->count[i] += c->count[i];
	s->records += c->records;
	route_close(c->route);
	free(c->count);
	free(c);
}

static void nothing_to_commit(void *self, struct flow_work *w)
{
	(void)self;
	(void)w;
}

struct flow_sink stats_sink(struct stats *s)
{
	return (struct flow_sink){
		.self = s, .open = stats_open, .close = stats_close, .batch = stats_batch, .commit = nothing_to_commit,
	};
}

static double total_owned(const struct stats *s)
{
	double sum = 0;

	for (uint32_t i = 0; i < s->route->nodes->n; i++)
		sum += (double)s->count[i];
	return sum;
}

static struct share share_of(const struct stats *s, uint32_t i, double owned, double weight)
{
	struct share x = { 0 };

	x.share = owned > 0 ? (double)s->count[i] / owned : 0;
	x.ideal = (double)s->route->nodes->at[i].weight / weight;
	x.ratio = x.ideal > 0 ? x.share / x.ideal : 0;
	return x;
}

static double total_weight(const struct nodes *nodes)
{
	double sum = 0;

	for (uint32_t i = 0; i < nodes->n; i++)
		sum += nodes->at[i].weight;
	return sum;
}

static struct balance balance_of(const struct stats *s, double owned, double weight)
{
	const struct nodes *nodes = s->route->nodes;
	struct balance b = { .min = INFINITY };
	double squares = 0;

	for (uint32_t i = 0; i < nodes->n; i++) {
		struct share x = share_of(s, i, owned, weight);

		if (!nodes->at[i].weight)
			continue;
		b.live++;
		squares += (x.ratio - 1) * (x.ratio - 1);
		if (owned > 0)
			b.floor += (1 - x.ideal) / (owned * x.ideal);
		if (x.ratio > b.max) {
			b.max = x.ratio;
			b.worst = i;
		}
		b.min = x.ratio < b.min ? x.ratio : b.min;
	}
	if (!(owned > 0))
		return (struct balance){ .live = b.live };
	b.sd = sqrt(squares / b.live);
	b.floor = sqrt(b.floor / b.live);
	return b;
}

/* The largest share of the hash space against its ideal: what the layout itself deals. */
static double placement_max(const struct stats *s, double weight)
{
	const struct nodes *nodes = s->route->nodes;
	uint64_t *share = must_malloc(nodes->n * sizeof *share);
	double max = 0;

	if (ring_shares(s->route->ring, share)) {
		for (uint32_t i = 0; i < nodes->n; i++) {
			double ratio = nodes->at[i].weight ? ldexp((double)share[i], -64) * weight / nodes->at[i].weight : 0;

			max = ratio > max ? ratio : max;
		}
	}
	free(share);
	return max;
}

static void print_name(FILE *out, const struct ring_node *node)
{
	char text[6 * RING_NAME_BYTES_MAX + 2];

	fwrite(text, 1, (size_t)(emit_json_name(text, node) - text), out);
}

static void report_json(FILE *out, const struct stats *s, double owned, double weight, const struct balance *b)
{
	const struct nodes *nodes = s->route->nodes;
	double placed = placement_max(s, weight);

	for (uint32_t i = 0; i < nodes->n; i++) {
		struct share x = share_of(s, i, owned, weight);

		fprintf(out, "{\"node\":");
		print_name(out, &nodes->at[i]);
		fprintf(out, ",\"weight\":%u,\"keys\":%llu,\"share\":%.6f,\"ideal\":%.6f,\"ratio\":%.4f}\n", nodes->at[i].weight,
		       (unsigned long long)s->count[i], x.share, x.ideal, x.ratio);
	}
	fprintf(out, "{\"summary\":true,\"algorithm\":\"%s\",\"nodes\":%u,\"keys\":%llu,\"replicas\":%u,"
	       "\"max_over_mean\":%.4f,\"min_over_mean\":%.4f,\"sd_over_mean\":%.6f,\"floor\":%.6f,\"worst\":",
	       s->algorithm, nodes->n, (unsigned long long)s->records, s->route->replicas, b->max, b->min, b->sd, b->floor);
	print_name(out, &nodes->at[b->worst]);
	if (placed > 0)
		fprintf(out, ",\"placement_max_over_mean\":%.4f", placed);
	fprintf(out, "}\n");
}

static void report_table(FILE *out, const struct stats *s, double owned, double weight, const struct balance *b, unsigned columns)
{
	const struct nodes *nodes = s->route->nodes;
	int name = 4, room;

	for (uint32_t i = 0; i < nodes->n; i++)
		name = nodes->at[i].name_len > name ? nodes->at[i].name_len : name;
	room = (int)columns - name - 42;
	room = room < 0 ? 0 : room;
	fprintf(out, "%-*s %12s %8s %8s %7s\n", name, "node", "keys", "share", "ideal", "ratio");
	for (uint32_t i = 0; i < nodes->n; i++) {
		struct share x = share_of(s, i, owned, weight);
		int bar = b->max > 0 ? (int)(x.ratio / b->max * room + 0.5) : 0;

		fprintf(out, "%-*.*s %12llu %7.3f%% %7.3f%% %7.3f ", name, (int)nodes->at[i].name_len, nodes->at[i].name,
		       (unsigned long long)s->count[i], 100 * x.share, 100 * x.ideal, x.ratio);
		for (int c = 0; c < bar; c++)
			putc('#', out);
		putc('\n', out);
	}
	fprintf(out, "\n%llu keys, %u nodes with weight, %s: max/mean %.4f ('%.*s'), min/mean %.4f, "
	       "sd %.2f %% (chance alone: %.2f %%)\n", (unsigned long long)s->records, b->live, s->algorithm, b->max,
	       (int)nodes->at[b->worst].name_len, nodes->at[b->worst].name, b->min, 100 * b->sd, 100 * b->floor);
}

void stats_report(FILE *out, const struct stats *s, unsigned columns)
{
	double owned = total_owned(s), weight = total_weight(s->route->nodes);
	struct balance b = balance_of(s, owned, weight);

	if (columns)
		report_table(out, s, owned, weight, &b, columns);
	else
		report_json(out, s, owned, weight, &b);
}
