/*
 * paxos: lib/paxos as the runtime drives it: its messages and records as JSON, its outputs as effects.
 */
#ifndef PROTO_PAXOS_H
#define PROTO_PAXOS_H

#include "lib/node/protocol.h"
#include "lib/paxos/paxos.h"

/* What node_options.own is for it. */
struct paxos_own {
	struct paxos_quorums quorums;
	unsigned roles;                 /* enum paxos_roles */
	bool founding;                  /* makes a directory that votes from its start on: none of this name ever was */
};

extern const struct protocol paxos_protocol;

#endif
