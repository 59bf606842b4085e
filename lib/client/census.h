/*
 * census: the status of every node: of those that the addresses lead to, and of those that these name as members.
 */
#ifndef CLIENT_CENSUS_H
#define CLIENT_CENSUS_H

#include "lib/client/command.h"

#include <jansson.h>

enum { CENSUS_NODES_MAX = 128 };

struct census_node {
	char name[WIRE_NAME_BYTES_MAX + 1];
	json_t *status;                 /* what is in status_ok, but type and in_reply_to; NULL: it did not answer */
};

struct census {
	struct command *command;
	struct client *client;          /* one an address */
	size_t clients;
	struct census_node node[CENSUS_NODES_MAX];      /* in the order of their names, n2 before n10 */
	size_t nodes;
	const char *also;               /* a node to ask, a member or not; NULL: none */
	const char *why;                /* nobody answered: a clause, or NULL */
};

/* How long a node may take to answer: it does so at once, whatever state it is in. */
#define CENSUS_PATIENCE_NS UINT64_C(1000000000)
#define CENSUS_PATIENCE "1s"

/* command: addresses, and `to` where one node alone is meant. */
void census_init(struct census *, struct command *);
void census_release(struct census *);

/* Asks all anew, as long as CENSUS_PATIENCE_NS twice at the most.  How many answered. */
size_t census_ask(struct census *);

/* The same until one has answered; where none does within the timeout, the end: exit 4. */
void census_ask_until(struct census *, uint64_t deadline_ns);

struct census_node *census_find(struct census *, const char *name);

/* A number of the status: 0 where there is none. */
json_int_t census_number(const struct census_node *, const char *name);

/* Does it lead? */
bool census_leads(const struct census_node *);

#endif
