/* explain: see explain.h */
#include "lib/shard/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/shard/emit.h"

static void print_json_string(const char *s, size_t len)
{
	char *text = must_malloc(6 * len + 2);

	fwrite(text, 1, json_escape(s, len, text), stdout);
	free(text);
}

static void explain_json(const struct fleet *fl, const struct route *route, const struct ring_key *key,
			 const struct ring_why *why, const uint32_t *owner, uint32_t owners)
{
	int digits = (int)(why->hash_bits + 3) / 4;

	if (!json_utf8((const char *)key->p, key->len))
		die(EXIT_DATA, "the key is not UTF-8, which --json needs");
	printf("{\"key\":");
	print_json_string((const char *)key->p, key->len);
	printf(",\"algorithm\":\"%s\",\"hash\":\"0x%0*" PRIx64 "\"", ring_algo_name(fl->state.algo), digits, why->hash);
	if (why->has_point)
		printf(",\"point\":\"0x%0*" PRIx64 "\"", digits, why->point);
	if (why->has_slot)
		printf(",\"slot\":%u,\"slots\":%u", why->slot, why->slots);
	printf(",\"nodes\":[");
	for (uint32_t i = 0; i < owners; i++) {
		const struct ring_node *node = &route->nodes->at[owner[i]];

		if (i)
			putchar(',');
		print_json_string(node->name, node->name_len);
	}
	printf("],\"why\":\"%s\"}\n", why->text);
}

static void explain_text(const struct fleet *fl, const struct route *route, const struct ring_key *key,
			 const struct ring_why *why, const uint32_t *owner, uint32_t owners)
{
	int digits = (int)(why->hash_bits + 3) / 4;

	printf("key        ");
	fwrite(key->p, 1, key->len, stdout);
	printf("\nalgorithm  %s: %s\n", ring_algo_name(fl->state.algo), ring_algo_summary(fl->state.algo));
	printf("hash       0x%0*" PRIx64 " (%" PRIu64 ", %u bits)\n", digits, why->hash, why->hash, why->hash_bits);
	if (why->has_point)
		printf("point      0x%0*" PRIx64 " (%" PRIu64 ")\n", digits, why->point, why->point);
	if (why->has_slot)
		printf("slot       %u of %u\n", why->slot, why->slots);
	for (uint32_t i = 0; i < owners; i++) {
		const struct ring_node *node = &route->nodes->at[owner[i]];
		const char *zone = nodes_zone(route->nodes, owner[i]);

		printf("%-10s %.*s (weight %u%s%s)\n", i ? "then" : "node", (int)node->name_len, node->name, node->weight,
		       *zone ? ", zone " : "", zone);
		if (!i)
			printf("why        %s\n", why->text);
	}
}

void explain_key(const struct fleet *fl, const struct route *route, const struct ring_key *key, bool json)
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
		explain_json(fl, route, key, &why, owner, owners);
	else
		explain_text(fl, route, key, &why, owner, owners);
}
