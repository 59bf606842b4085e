/*
 * appender: a client in lockstep that shows whether a store loses, repeats or reorders anything.
 *
 *     appender NAME NODES CLIENTS KEYS QUIET_MS END_MS        as appender c1 n1,n2,n3 4 3 10000 20000
 *
 * CLIENTS clients, NAME.1 and on, each with a session, append unique values to lists, read lists now and then, and ask any
 * node.  A request without an answer is sent again to another node after a second, the same one, as often as it takes.  From
 * QUIET_MS on no new one begins; when all are answered every list is read at every node.  By END_MS that is done, or it is
 * an error: so the faults are to end at QUIET_MS.
 *
 * What must hold, or it says what does not and ends with status 1:
 *   - a read has every value that was acknowledged before it was asked for, and no value twice;
 *   - a client's values stand in a list in the order in which it appended them;
 *   - any two lists of a key that were ever read are each other's beginning;
 *   - at the end all nodes agree, and all that was acknowledged is there.
 * A count of what was done is told on stderr at the end.
 */
#include "tests/nodes/client.h"

enum { CLIENTS_MAX = 64, KEYS_MAX = 64, RETRY_MS = 1000, THINK_MS = 30, READ_ONE_IN = 4 };

struct client {
	uint64_t seq;                   /* of the request that waits, or was last answered */
	bool waits, reads;
	unsigned key;
	int64_t value;                  /* that is appended */
	size_t must;                    /* READ: so many were acknowledged when it was asked for */
	uint64_t next;                  /* ns: when to begin, or to ask again */
	uint64_t since;                 /* the least msg_id of the request that waits: any answer to it counts, */
	uint64_t read_id;               /* but of a read that to the last one alone */
};

struct list {
	int64_t *at;
	size_t count;
};

static struct client client[CLIENTS_MAX];
static struct list longest[KEYS_MAX], acknowledged[KEYS_MAX];
static unsigned clients, keys;
static uint64_t quiet, end_by, msg_id, sent, reads_done, final_next, final_id;
static unsigned final_done;             /* lists read at the end, key by key and node by node */
static bool final_waits;

static void add(struct list *l, int64_t value)
{
	l->at = realloc(l->at, (l->count + 1) * sizeof(*l->at));
	if (!l->at)
		abort();
	l->at[l->count++] = value;
}

static bool has(const struct list *l, int64_t value)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->at[i] == value)
			return true;
	return false;
}

/* --- What was read --- */

static struct list read_list(const json_t *array, unsigned key)
{
	struct list l = { 0 };
	int64_t last[CLIENTS_MAX] = { 0 };

	for (size_t i = 0; i < json_array_size(array); i++) {
		int64_t value = json_integer_value(json_array_get(array, i)), of = value % CLIENTS_MAX;

		if (has(&l, value))
			violated("key %u: %lld is there twice", key, (long long)value);
		if (last[of] > value)
			violated("key %u: %lld stands before %lld", key, (long long)last[of], (long long)value);
		last[of] = value;
		add(&l, value);
	}
	return l;
}

/* `must`: of the acknowledged ones, so many have to be there. */
static void judge(unsigned key, const json_t *array, size_t must)
{
	struct list l = read_list(array, key), *most = &longest[key];

	for (size_t i = 0; i < must; i++)
		if (!has(&l, acknowledged[key].at[i]))
			violated("key %u: %lld was acknowledged and is not there", key, (long long)acknowledged[key].at[i]);
	for (size_t i = 0; i < l.count && i < most->count; i++)
		if (l.at[i] != most->at[i])
			violated("key %u: place %zu is %lld and was %lld", key, i, (long long)l.at[i], (long long)most->at[i]);
	if (l.count > most->count) {
		free(most->at);
		*most = l;
	} else {
		free(l.at);
	}
}

/* --- Asking --- */

static void send_append(unsigned i)
{
	struct client *c = &client[i];

	printf("{\"src\":\"%s.%u\",\"dest\":\"%s\",\"body\":{\"type\":\"txn\",\"msg_id\":%llu,\"session\":\"%s.%u\",\"seq\":%llu,"
	       "\"txn\":[[\"append\",\"k%u\",%lld]]}}\n", name, i + 1, node[draw(nodes)], (unsigned long long)++msg_id, name, i + 1,
	       (unsigned long long)c->seq, c->key, (long long)c->value);
}

static void send_read(const char *from, unsigned number, const char *to, unsigned key)
{
	printf("{\"src\":\"%s.%s%u\",\"dest\":\"%s\",\"body\":{\"type\":\"read\",\"msg_id\":%llu,\"key\":\"k%u\"}}\n", name, from, number,
	       to, (unsigned long long)++msg_id, key);
}

static void ask(unsigned i)
{
	struct client *c = &client[i];

	sent++;
	c->next = now + RETRY_MS * (uint64_t)MS;
	if (!c->reads) {
		send_append(i);
		return;
	}
	c->must = acknowledged[c->key].count;
	send_read("", i + 1, node[draw(nodes)], c->key);
	c->read_id = msg_id;
}

static void begin(unsigned i)
{
	struct client *c = &client[i];

	c->waits = true;
	c->since = msg_id + 1;
	c->key = (unsigned)draw(keys);
	c->reads = c->seq && !draw(READ_ONE_IN);
	if (!c->reads)
		c->value = (int64_t)(++c->seq * CLIENTS_MAX + i);
	ask(i);
}

static bool all_answered(void)
{
	for (unsigned i = 0; i < clients; i++)
		if (client[i].waits)
			return false;
	return true;
}

static void begin_what_is_due(void)
{
	for (unsigned i = 0; i < clients; i++) {
		if (client[i].next > now)
			continue;
		if (client[i].waits)
			ask(i);
		else if (now < quiet)
			begin(i);
		else
			client[i].next = UINT64_MAX;
	}
	if (now < quiet || !all_answered() || (final_waits && final_next > now))
		return;
	final_waits = true;
	final_next = now + RETRY_MS * (uint64_t)MS;
	send_read("f", final_done, node[final_done % nodes], final_done / nodes);
	final_id = msg_id;
}

static void finish(void)
{
	size_t all = 0;

	for (unsigned k = 0; k < keys; k++)
		all += acknowledged[k].count;
	fprintf(stderr, "%zu appends acknowledged, %llu reads, %llu requests sent, done at %llu ms\n", all,
		(unsigned long long)reads_done, (unsigned long long)sent, (unsigned long long)(now / MS));
	exit(0);
}

/* --- Answers --- */

static void final_answer(const json_t *body, const char *type)
{
	unsigned key = final_done / nodes;
	json_int_t code = code_of(body);

	if (!final_waits || answers(body) != final_id)
		return;
	final_id = 0;
	final_next = now + RETRY_MS * MS / 10;
	if (strcmp(type, "read_ok") != 0 && code != 20)
		return;                 /* asked again */
	final_waits = false;
	judge(key, json_object_get(body, "value"), acknowledged[key].count);
	if (json_array_size(json_object_get(body, "value")) != longest[key].count)
		violated("key %u at the end: %s has %zu values, another one %zu", key, node[final_done % nodes],
			 json_array_size(json_object_get(body, "value")), longest[key].count);
	if (++final_done == keys * nodes)
		finish();
}

static void client_answer(struct client *c, const json_t *body, const char *type)
{
	json_int_t code = code_of(body);

	if (!c->waits || answers(body) < c->since || (c->reads && answers(body) != c->read_id))
		return;
	if (!strcmp(type, "error") && !(c->reads && code == 20)) {
		/* 13: the store knows nothing of a session in which it has acknowledged before. */
		if (code == 12 || code == 10 || code == 14 || (code == 13 && c->seq > 1))
			violated("client %u: error %lld: %s", (unsigned)(c - client) + 1, (long long)code,
				 json_string_value(json_object_get(body, "text")));
		return;                 /* asked again in time */
	}
	if (c->reads) {
		judge(c->key, json_object_get(body, "value"), c->must);
		reads_done++;
	} else {
		add(&acknowledged[c->key], c->value);
	}
	c->waits = false;
	c->next = now + draw(2 * THINK_MS) * MS;
}

static void take(const json_t *body, const char *type, const char *rest)
{
	unsigned number;

	if (*rest++ != '.')
		return;
	if (*rest == 'f') {
		final_answer(body, type);
		return;
	}
	number = (unsigned)strtoul(rest, NULL, 10);
	if (number >= 1 && number <= clients)
		client_answer(&client[number - 1], body, type);
}

static uint64_t act(void)
{
	uint64_t least;

	begin_what_is_due();
	if (now >= end_by)
		violated("not done: %s", all_answered() ? "lists are still to be read" : "appends have no answer");
	least = final_waits ? final_next : UINT64_MAX;
	for (unsigned i = 0; i < clients; i++)
		if (client[i].next < least)
			least = client[i].next;
	if (now < quiet && quiet < least)
		least = quiet;
	return least < end_by ? least : end_by;
}

int main(int argc, char **argv)
{
	if (argc != 7)
		return 2;
	client_init(argv[1], argv[2]);
	clients = (unsigned)atoi(argv[3]);
	keys = (unsigned)atoi(argv[4]);
	quiet = strtoull(argv[5], NULL, 10) * MS;
	end_by = strtoull(argv[6], NULL, 10) * MS;
	if (!nodes || !clients || clients > CLIENTS_MAX || !keys || keys > KEYS_MAX)
		return 2;
	client_run();
	return 0;
}
