/* census: see census.h */
#include "lib/client/census.h"

#include <stdlib.h>
#include <string.h>

static const struct request status_request = { .type = "status" };
static const uint64_t PAUSE_NS = 100 * UINT64_C(1000000);

void census_init(struct census *c, struct command *command)
{
	*c = (struct census){ .command = command, .clients = command->addresses ? command->addresses : 1 };
	c->client = must_calloc(c->clients, sizeof(*c->client));
	for (size_t i = 0; i < c->clients; i++) {
		client_init(&c->client[i], command->client.to);
		if (command->addresses)
			link_init(&c->client[i].link, &command->address[i], 1);
		else
			c->client[i].link = command->client.link;
	}
	if (!command->addresses)
		link_init_given(&command->client.link, -1, -1); /* it moved */
}

static void forget(struct census *c)
{
	for (size_t i = 0; i < c->nodes; i++)
		json_decref(c->node[i].status);
	c->nodes = 0;
	c->why = NULL;
}

void census_release(struct census *c)
{
	forget(c);
	for (size_t i = 0; i < c->clients; i++)
		client_release(&c->client[i]);
	free(c->client);
}

struct census_node *census_find(struct census *c, const char *name)
{
	for (size_t i = 0; i < c->nodes; i++)
		if (!strcmp(c->node[i].name, name))
			return &c->node[i];
	return NULL;
}

json_int_t census_number(const struct census_node *n, const char *name)
{
	return json_integer_value(json_object_get(n->status, name));
}

bool census_leads(const struct census_node *n)
{
	const char *role = json_string_value(json_object_get(n->status, "role"));

	return role && !strcmp(role, "leader");
}

/* The node of that name, new if need be; NULL if there is no room. */
static struct census_node *add(struct census *c, const char *name)
{
	struct census_node *n = census_find(c, name);

	if (n || c->nodes == CENSUS_NODES_MAX || strlen(name) > WIRE_NAME_BYTES_MAX)
		return n;
	n = &c->node[c->nodes++];
	n->status = NULL;
	strcpy(n->name, name);
	return n;
}

static void add_names(struct census *c, const json_t *names)
{
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
		if (json_is_string(name))
			add(c, json_string_value(name));
}

/* The answer of a node, and whom it names. */
static void take(struct census *c, const struct wire_line *answer)
{
	json_t *status;
	const char *id;
	struct census_node *n;

	if (!client_is(answer, "status_ok"))
		return;
	status = json_loadb(answer->body.p, answer->body.len, JSON_REJECT_DUPLICATES, NULL);
	id = json_string_value(json_object_get(status, "id"));
	n = id ? add(c, id) : NULL;
	if (!n) {
		json_decref(status);
		return;
	}
	json_object_del(status, "type");
	json_object_del(status, "in_reply_to");
	json_decref(n->status);
	n->status = status;
	if (c->command->to)
		return;
	add_names(c, json_object_get(status, "voters"));
	add_names(c, json_object_get(status, "learners"));
}

static size_t answered(const struct census *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nodes; i++)
		n += c->node[i].status != NULL;
	return n;
}

/* Those that are known by name alone, by way of one that led to a node. */
static void ask_others(struct census *c, struct client *by)
{
	uint64_t deadline_ns = link_now() + CENSUS_PATIENCE_NS, first_id = by->msg_id + 1, id;
	struct wire_line answer;
	size_t missing = 0;

	for (size_t i = 0; i < c->nodes; i++) {
		if (c->node[i].status)
			continue;
		if (!client_post(by, c->node[i].name, &status_request, deadline_ns))
			return;
		missing++;
	}
	while (missing && client_hear(by, &answer, deadline_ns) == 1) {
		size_t before = answered(c);

		if (wire_u64(&answer.in_reply_to, &id) && id >= first_id)
			take(c, &answer);
		missing -= answered(c) > before;
	}
}

static int by_name(const void *a, const void *b)
{
	return strverscmp(((const struct census_node *)a)->name, ((const struct census_node *)b)->name);
}

size_t census_ask(struct census *c)
{
	struct client *by = NULL;       /* one that led to a node */

	forget(c);
	if (c->also)
		add(c, c->also);
	for (size_t i = 0; i < c->clients; i++) {
		struct client *to = &c->client[i];
		struct wire_line answer;

		if (client_try(to, &status_request, link_now() + CENSUS_PATIENCE_NS, &answer)) {
			take(c, &answer);
			by = by ? by : to;
			continue;
		}
		c->why = to->why;
		link_close(&to->link);  /* the next time it may lead to another node */
	}
	if (by)
		ask_others(c, by);
	qsort(c->node, c->nodes, sizeof(c->node[0]), by_name);
	return answered(c);
}

void census_ask_until(struct census *c, uint64_t deadline_ns)
{
	while (!census_ask(c)) {
		if (link_now() >= deadline_ns)
			command_no_answer(c->command, c->why);
		link_sleep_until(link_now() + PAUSE_NS);
	}
}
