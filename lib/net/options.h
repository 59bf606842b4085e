/*
 * options: what netfault's options say, made into struct net_options.
 *
 * One function an option that names something or that lib/plan reads; what is not right ends the process with status
 * 2 and a line that names the option and its text, or the plan's file and line.
 */
#ifndef NET_OPTIONS_H
#define NET_OPTIONS_H

#include "lib/base/opt.h"
#include "lib/net/net.h"

struct net_setup {
	struct net_options options;             /* its pointers lead to what follows */
	struct net_node node[NET_NODES_MAX];
	struct net_node client[NET_PROCESSES_MAX];
	struct net_peer peer[NET_PEERS_MAX];
	const char *listen[NET_LISTENS_MAX];
	struct fault_order *order;              /* --link and --plan */
	struct net_place *place;                /* of each */
	size_t orders;
	bool plan_is_stdin;                     /* of one --plan */
};

/* All zero before; then everything is as without options. */
void net_setup_init(struct net_setup *);
void net_setup_release(struct net_setup *);

/* -n, --peer, --client, --listen; the option's argument is kept. */
void net_setup_nodes(struct net_setup *, const struct opt_state *);
void net_setup_peer(struct net_setup *, const struct opt_state *);
void net_setup_client(struct net_setup *, const struct opt_state *);
void net_setup_listen(struct net_setup *, const struct opt_state *);
/* --loss .. --rate, the name without its hyphens. */
void net_setup_fault(struct net_setup *, const struct opt_state *, const char *name);
void net_setup_link(struct net_setup *, const struct opt_state *);
void net_setup_plan(struct net_setup *, const struct opt_state *);
void net_setup_nemesis(struct net_setup *, const struct opt_state *);

/* After the last option: the members, the commands, and what faults there may be. */
void net_setup_check(struct net_setup *);
/* Chooses a seed, and tells it where something is drawn from it for sure. */
void net_setup_seed(struct net_setup *);

/* What is wrong with an order that was given there ends the process. */
__attribute__((noreturn))
void net_wrong_order(const struct net_place *, const char *why);

/* --check-plan: returns if it is one. */
void net_setup_check_plan(const char *file);

#endif
