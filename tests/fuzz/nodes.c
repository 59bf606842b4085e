/*
 * libFuzzer: a list of nodes, a node file and a state file are taken or refused
 * with a reason; what is taken keeps the limits, and a state survives being
 * parsed again.
 *
 * The first byte chooses which of the three the rest is.  The checksum of a
 * state file is made right first, or nothing would pass it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "lib/shard/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __wrap_die(int status, const char *fmt, ...);

/* Nothing here may end the process. */
void __wrap_die(int status, const char *fmt, ...)
{
	(void)status;
	(void)fmt;
	abort();
}

static void check_nodes(struct nodes *nodes)
{
	for (uint32_t i = 0; i < nodes->n; i++) {
		const struct ring_node *node = &nodes->at[i];

		assert(node->name_len >= 1 && node->name_len <= RING_NAME_BYTES_MAX);
		assert(node->weight <= RING_WEIGHT_MAX);
		assert(node->zone <= nodes->zones);
		assert(!memchr(node->name, ',', node->name_len) && !memchr(node->name, '\n', node->name_len));
		assert(!memchr(node->name, '\t', node->name_len));
	}
	nodes_sort(nodes);
	for (uint32_t i = 1; i < nodes->n; i++)
		assert(ring_node_cmp(&nodes->at[i - 1], &nodes->at[i]) < 0);
}

static void fuzz_nodes(const char *text, size_t len, bool file)
{
	struct nodes nodes = { 0 };
	struct nodes_fault fault = { 0 };
	int rc = file ? nodes_parse_file(&nodes, text, len, &fault) : nodes_parse_list(&nodes, text, &fault);

	rc = rc ? rc : nodes_end(&nodes, &fault);
	if (rc)
		assert(*fault.why);
	else
		check_nodes(&nodes);
	nodes_release(&nodes);
}

static void fuzz_state(const char *text, size_t len)
{
	char *file = malloc(len + 128);
	uint8_t sum[32];
	struct state s;
	struct nodes_fault fault = { 0 };

	memcpy(file, text, len);
	file[len++] = '\n';
	crypto_generichash(sum, sizeof sum, (const uint8_t *)file, len, NULL, 0);
	memcpy(file + len, "blake2b ", 8);
	sodium_bin2hex(file + len + 8, 65, sum, sizeof sum);
	file[len + 72] = '\n';
	if (state_parse(&s, file, len + 73, &fault)) {
		assert(*fault.why);
	} else {
		assert(!ring_state_fault(&s.numbering, s.algo, s.nodes.at, s.nodes.n));
		state_release(&s);
	}
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] % 3 == 0)
		fuzz_nodes(text, strlen(text), false);
	else if (data[0] % 3 == 1)
		fuzz_nodes(text, size - 1, true);
	else
		fuzz_state(text, size - 1);
	free(text);
	return 0;
}
