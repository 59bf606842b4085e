/*
 * raft: lib/raft as the runtime drives it: its messages and records as JSON, its outputs as effects.
 */
#ifndef PROTO_RAFT_H
#define PROTO_RAFT_H

#include "lib/node/protocol.h"

extern const struct protocol raft_protocol;

#endif
