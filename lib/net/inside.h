/*
 * inside: the network's structures, and what its files offer each other.
 *
 * A turn of the loop: every end that has something is read once, its lines are routed to the queues of
 * other ends (route), messages to `net` are obeyed (control); and before the loop waits again every queue
 * is written (port).  So all that came together leaves in one write an end, and a single line leaves at
 * once.
 *
 * Invariant: memory of a port is freed, and one whose output failed is closed, at the end of a turn alone.
 */
#ifndef NET_INSIDE_H
#define NET_INSIDE_H

#include "lib/base/buf.h"
#include "lib/net/address.h"
#include "lib/net/book.h"
#include "lib/net/net.h"
#include "lib/net/rig.h"
#include "lib/net/watch.h"
#include "lib/net/words.h"
#include "lib/wire/wire.h"

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

enum {
	NET_READ_BYTES = 1 << 18,       /* asked of a read at once */
	NET_PIPE_BYTES = 1 << 20,       /* in a pipe to or from a node; less where nodes are many */
	NET_HOLD_BYTES = 1 << 20,       /* a client is held back while more than that waits, or half of --queue */
	NET_ASKS_MAX = 1024,            /* crashes and restarts of a node that wait for its end */
	NET_GRACE_MS = 2000,            /* between SIGTERM and SIGKILL */
};

/* Why a line was not carried. */
enum loss {
	LOSS_NOBODY,                    /* its dest is no node, and no client has that name */
	LOSS_LEFT,                      /* the client has gone: it did not wait for its answer */
	LOSS_DOWN,                      /* the node does not run */
	LOSS_QUEUE,                     /* too much waits already */
	LOSS_NO_MESSAGE,                /* it has no src or no dest, or is too long */
	LOSSES,
};

/* An end of the traffic: a node, a peer, or a client. */
struct port {
	struct net *net;
	struct child *child;            /* a node's */
	struct peer *peer;              /* a peer's; neither: a client */
	char *label;                    /* for messages: `node 'n1'` */
	struct watch *in, *out;         /* NULL: closed */
	struct buf partial;             /* of a line whose end has not come */
	bool skipping;                  /* inside a line that is too long */
	uint64_t lines;                 /* read so far */
	uint64_t wrong;                 /* of them, no messages */
	struct buf queue;               /* waits to be written */
	bool full;                      /* the loop tells when `out` takes more */
	bool overflowed;                /* that lines were lost has been told */
	bool holds;                     /* it is held_by of some client that is not read */
	int broken;                     /* errno of a write that failed */
	bool gone;                      /* a client that is over: freed at the end of the turn */
	bool dirty;                     /* in net->dirty, for the end of the turn */
	struct port *next_dirty;

	/* Of a client: */
	struct port *next;              /* in net->clients */
	struct child *favourite;        /* where its lines to "*" go */
	struct port *held_by;           /* for whom too much waits to read on: a node it has sent to, or itself */
	uint64_t asked, answered;
	struct timer *drain;            /* its input has ended, answers are waited for */
	bool drain_late;                /* the time for that was over at the last look */
	uint64_t drain_ends_ms;
};

/* A client that wants to know when nodes are down, or up again. */
struct asker {
	struct buf src, msg_id;
	size_t left;                    /* nodes that are not */
	bool restart;
	int why;                        /* errno of one that could not be started */
};

/* What is to be done when a node is down. */
struct ask {
	struct ask *next;
	bool restart;
	struct asker *asker;            /* or NULL: a fault of its own */
};

struct child {
	struct port port;
	const char *name;
	char **argv;
	pid_t pid;                      /* 0: there is no process */
	bool up;                        /* lines are carried to it; false once its pipe closed or it ended */
	bool asked_to_end;              /* what ends it is ours */
	bool paused;                    /* by SIGSTOP */
	bool outside;                   /* none of --members */
	bool by_fault;                  /* a plan or the nemesis ends it: that is no news */
	struct watch *err;              /* its stderr */
	struct words words;             /* said on it */
	struct ask *asks;
	size_t ask_count;
	struct timer *again;            /* --restart: it is started then */
	uint64_t started_ms, again_ms;  /* when it was; the delay before that was last waited for */
};

/* A node elsewhere, and the connection to it. */
struct peer {
	struct port port;               /* closed while there is none */
	const char *name;
	struct address address;
	bool up;                        /* connected */
	bool told;                      /* that it is not */
	struct watch *connecting;
	struct timer *timer;            /* of an attempt, or until the next one */
	uint64_t wait_ms;               /* before the next one */
	uint64_t since_ms;              /* when it was connected */
	uv_getaddrinfo_t lookup;        /* of its host's name */
	bool looking;
	struct addrinfo *hosts;         /* found last */
	size_t attempts;
	bool closed;                    /* for good */
};

struct listener {
	struct address address;
	struct watch *watch;
	struct net *net;
	dev_t dev;                      /* of a Unix socket's file, which goes at the end */
	ino_t ino;
};

struct net {
	const struct net_options *options;
	uv_loop_t loop;
	uv_prepare_t turn;
	uv_signal_t on_child, on_stop[3];
	struct child *child;
	size_t children, up, alive;     /* alive: with a process */
	struct peer *peer;
	size_t peers, peers_up;         /* up: connected */
	struct port **end;              /* nodes and peers, in the order that init has: the names' where there are peers */
	size_t ends;
	size_t favourite_next;          /* the child that the next client gets */
	struct listener *listener;
	size_t listeners;
	struct port *clients, *own;     /* own: stdin and stdout; NULL once they are done with */
	size_t client_count;
	struct book book;               /* names to ports; those of nodes and peers stay theirs */
	struct port *dirty;
	size_t hold_bytes;
	bool ending;
	int signal;                     /* that asked to end, or SIGPIPE */
	uint64_t signal_ms;             /* when */
	struct timer *grace;
	enum exit_status status;
	struct rig rig;                 /* the faults */
	bool faulty;                    /* lines do not just go by: they pass the rig's traffic */
	uint64_t started_ns;            /* when the nodes were: by the monotonic clock */
	uint64_t now_ns;                /* since then, as last told to the rig's traffic */
	uint64_t until_ns;              /* the run ends then */
	struct watch *due;              /* a timer that wakes the loop at due_ns */
	uint64_t due_ns;
	struct timer *flush;            /* of the trace */
	struct asker *asker;            /* whose order is being carried out */
	bool crowded;                   /* so much is under way that clients are held back */
	uint64_t lost[LOSSES];
	bool told_nobody;
	struct wire_names *names;       /* of the members of messages to `net` */
	struct buf line;                /* being made */
	char chunk[NET_READ_BYTES];     /* what was read last, of any end */
};

/* Of a node, here or elsewhere?  Then its name is its own. */
static inline bool port_is_node(const struct port *p)
{
	return p->child || p->peer;
}

/* Can lines be carried to it? */
static inline bool port_is_up(const struct port *p)
{
	return p->child ? p->child->up : !p->peer || p->peer->up;
}

/* A node's or a peer's. */
static inline const char *port_name(const struct port *p)
{
	return p->child ? p->child->name : p->peer->name;
}

/* --- port.c --- */

void port_open(struct port *, struct net *, int in, int out);
void port_close(struct port *);
/* Whole lines to be written; false: they are lost. */
bool port_put(struct port *, const char *, size_t len, size_t lines);
/* What has come so far and was not read. */
void port_read_rest(struct port *);
/* Writes what waits, without waiting, or, with `wait`, for as long as it takes. */
void port_flush(struct port *, bool wait);
/* The end of a turn. */
void port_turn(struct net *);
void port_touch(struct port *);
/* Clients that were held back for this one go on, if they may. */
void port_release_held(struct port *);

/* --- route.c --- */

/* Lines up to `end`, which is behind a newline. */
void route_lines(struct net *, struct port *from, const char *lines, const char *end);
/* A line that is too long, or that has no end. */
void route_too_long(struct net *, struct port *from);
void route_cut_off(struct net *, struct port *from);
/* The node that takes what a client sends to anyone; NULL: it is lost, and counted. */
struct port *route_favourite(struct net *, struct port *from);
/* A node's answer goes to a client, which has another favourite from then on if this one declines. */
void route_answered(struct port *from, struct port *to, const char *line, size_t len);
/* A line that waited is for nobody. */
void route_nobody(struct net *, struct wire_text from, struct wire_text to);
/* May the line be a request, or an answer?  `dest` is in it. */
bool route_asks(const char *line, size_t len, struct wire_text dest);
bool route_answers(const char *line, size_t len, struct wire_text dest);

/* --- faults.c --- */

/* Before anything is started: what is not right with options, plan or trace ends the process. */
void faults_open(struct net *);
/* Time begins. */
void faults_start(struct net *);
/* At the end of a turn: what is due. */
void faults_turn(struct net *);
/* Into n->status: whether the trace could be written. */
void faults_close(struct net *);
/* Before lines are routed: whether they are to be sent; and at what time. */
void faults_look(struct net *);
/* A line, a newline behind it, of some end to anybody. */
void faults_send(struct net *, struct port *from, const char *line, size_t len, struct wire_text src, struct wire_text dest);
/* For the trace: a line from or to `net`; it could not be handed over. */
void faults_tell(struct net *, struct wire_text src, struct wire_text dest, const char *line, size_t len);
void faults_untell(struct net *, struct wire_text src, struct wire_text dest, struct port *to);
/* NULL, and the id that the fault has got; or why it cannot be. */
const char *faults_order(struct net *, const struct fault_order *, uint64_t *id);
void faults_in_force(struct net *, struct fault_out *);
bool faults_paused(const struct port *);
/* The node's process has been started; it has ended with that status of waitpid. */
void faults_started(struct child *);
void faults_ended(struct child *, int status);

/* --- child.c --- */

/* 0; or errno, where no process could be started. */
__attribute__((warn_unused_result))
int child_start(struct child *);
/* SIGCHLD: those that ended. */
void child_reap(struct net *);
/* The pipe from it was closed. */
void child_closed(struct child *);
/* To its whole process group.  One that waits to be started again is not. */
void child_signal(struct child *, int sig);

/* --- peer.c --- */

/* Makes the peers; and, where there are some, the first attempt to connect to all, for a little while. */
void peer_open_all(struct net *);
void peer_close_all(struct net *);
/* The connection ended, or failed with errno `why`: it is made again. */
void peer_lost(struct peer *, int why);
/* n->end, once there are children and peers. */
void peer_order(struct net *);

/* --- guest.c --- */

/* Binds the addresses; ends the process where one cannot be had. */
void guest_listen(struct net *);
/* Takes stdin and stdout as a client. */
void guest_own(struct net *);
/* Its input ended, or failed with errno `why`. */
void guest_ended(struct port *, int why);
/* At the end of a turn: all was written that could be, or writing failed. */
void guest_turn(struct port *);
void guest_free(struct port *);
void guest_close_all(struct net *);

/* --- control.c --- */

/* A line to `net`. */
void control_line(struct net *, struct port *from, const char *line, size_t len);
/* The node is down: who asked for that is told, and it starts again if that was asked. */
void control_down(struct child *);
void control_init(struct child *);
/* Kills it, and starts it again where that is asked for, or just that where it does not run. */
void control_kill(struct child *, bool restart);
/* Tells nodes that the one of that name is down: those here, and, where `everywhere`, those elsewhere too. */
void control_peer_down(struct net *, const char *name, bool everywhere);

/* --- net.c --- */

/* Nothing is left to do for clients, or a signal came: the nodes are ended, then the loop. */
void net_end(struct net *);

#endif
