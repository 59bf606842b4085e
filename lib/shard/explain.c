/* explain: see explain.h */
#include "lib/shard/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/shard/emit.h"

static void print_json_string(FILE *out, const char *s, size_t len)
{
	char *text = must_malloc(6 * len + 2);

	fwrite(text, 1, json_escape(s, len, text), out);
	free(text);
}

static void explain_json(FILE *out, const struct fleet *fl, const struct route *route, const struct ring_key *key,
			 const struct ring_why *why, const uint32_t *owner, uint32_t owners)
{
	int digits = (int)(why->hash_bits + 3) / 4;

	if (!json_utf8((const char *)key->p, key->len))
		die(EXIT_DATA, "the key is not UTF-8, which --json needs");
	fprintf(out, "{\"key\":");
	print_json_string(out, (const char *)key->p, key->len);
	fprintf(out, ",\"algorithm\":\"%s\",\"hash\":\"0x%0*" PRIx64 "\"", ring_algo_name(fl->state.algo), digits, why->hash);
	if (why->has_point)
		fprintf(out, ",\"point\":\"0x%0*" PRIx64 "\"", digits, why->point);
	if (why->has_slot)
		fprintf(out, ",\"slot\":%u,\"slots\":%u", why->slot, why->slots);
	fprintf(out, ",\"nodes\":[");
	for (uint32_t i = 0; i < owners; i++) {
		const struct ring_node *node = &route->nodes->at[owner[i]];

		if (i)
			putc(',', out);
		print_json_string(out, node->name, node->name_len);
	}
	fprintf(out, "],\"why\":\"%s\"}\n", why->text);
}

static void explain_text(FILE *out, const struct fleet *fl, const struct route *route, const struct ring_key *key,
			 const struct ring_why *why, const uint32_t *owner, uint32_t owners)
{
	int digits = (int)(why->hash_bits + 3) / 4;

	fprintf(out, "key        ");
	fwrite(key->p, 1, key->len, out);
	fprintf(out, "\nalgorithm  %s: %s\n", ring_algo_name(fl->state.algo), ring_algo_summary(fl->state.algo));
	fprintf(out, "hash       0x%0*" PRIx64 " (%" PRIu64 ", %u bits)\n", digits, why->hash, why->hash, why->hash_bits);
	if (why->has_point)
		fprintf(out, "point      0x%0*" PRIx64 " (%" PRIu64 ")\n", digits, why->point, why->point);
	if (why->has_slot)
		fprintf(out, "slot       %u of %u\n", why->slot, why->slots);
	for (uint32_t i = 0; i < owners; i++) {
		const struct ring_node *node = &route->nodes->at[owner[i]];
		const char *zone = nodes_zone(route->nodes, owner[i]);

		fprintf(out, "%-10s %.*s (weight %u%s%s)\n", i ? "then" : "node", (int)node->name_len, node->name, node->weight,
		       *zone ? ", zone " : "", zone);
		if (!i)
			fprintf(out, "why        %s\n", why->text);
	}
}

void explain_key(FILE *out, const struct fleet *fl, const struct route *route, const struct ring_key *key, bool json)
{
	uint32_t owner[RING_REPLICAS_MAX], owners = 1;
	struct ring_picker *picker;
	struct ring_why why;
	uint64_t hash;

	ring_hash(fl->ring, key, 1, &hash);
	ring_explain(fl->ring, hash, &why);
	owner[0] = why.owner;
	if (route->replicas > 1) {
		if (ring_picker_new(&picker, fl->ring))
			die(EXIT_SYSTEM, "cannot allocate the order of %u nodes", route->nodes->n);
		owners = ring_pick(picker, hash, why.owner, NULL, owner, route->replicas);
		ring_picker_free(picker);
	}
	if (json)
		explain_json(out, fl, route, key, &why, owner, owners);
	else
		explain_text(out, fl, route, key, &why, owner, owners);
}
