/*
 * voice: what `net` says itself, in real and in virtual time: its messages to nodes, and its answers to clients.
 *
 *     init {node_id, node_ids}, peer_down {node}         to nodes; the answers to init end here
 *     nodes -> nodes_ok {nodes, down}                    from clients
 *     links -> links_ok {faults}                         what is in force
 *     crash {node} -> crash_ok                           SIGKILL; answered when the node is down
 *     restart {node} -> restart_ok                       a new process, after a crash where it still runs
 *     partition, heal, pause, ... -> partition_ok {id}   the other faults, as lib/plan has them; id: of what lasts
 *
 * Each makes a line, with its newline, in a buffer that is emptied first.  A message without msg_id wants no answer.
 */
#ifndef NET_VOICE_H
#define NET_VOICE_H

#include "lib/base/buf.h"
#include "lib/fault/fault.h"
#include "lib/net/net.h"
#include "lib/wire/wire.h"

/* The nodes, in the order that init has. */
struct voice_nodes {
	const void *whose;
	size_t count;
	const char *(*name)(const void *whose, size_t i);
	bool (*is_up)(const void *whose, size_t i);
};

/* --- To a node --- */

void voice_init(struct buf *, const char *node, const struct net_options *, const struct voice_nodes *);
void voice_peer_down(struct buf *, const char *node, const char *gone);
/* What a node says that answers init with an error, in `text`; NULL: it does not.  The second of the names is `text`. */
const char *voice_init_error(const struct wire_names *, const struct wire_line *, char *text, size_t room);

/* --- To a client --- */

/* TYPE_ok, begun: members may follow, then wire_end. */
void voice_begin_ok(struct buf *, struct wire_text type, struct wire_text src, struct wire_text msg_id);
/* TYPE_ok and the id of a fault; 0: it has none. */
void voice_ok(struct buf *, const struct wire_line *asked, uint64_t id);
void voice_error(struct buf *, struct wire_text src, struct wire_text msg_id, enum wire_code, const char *text);
void voice_nodes(struct buf *, const struct wire_line *asked, const struct voice_nodes *);
/* What is in force: the options' own settings first, as an order for all links, and then those faults. */
void voice_links(struct buf *, const struct wire_line *asked, const struct net_options *, const struct fault_net *,
		 const struct fault_out *);

#endif
