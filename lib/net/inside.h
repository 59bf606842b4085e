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
#include "lib/net/watch.h"
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
	LOSS_NOBODY,                    /* its dest is no node, and no client has used that name */
	LOSS_DOWN,                      /* the node does not run */
	LOSS_QUEUE,                     /* too much waits already */
	LOSS_NO_MESSAGE,                /* it has no src or no dest, or is too long */
	LOSSES,
};

/* An end of the traffic: a node, or a client. */
struct port {
	struct net *net;
	struct child *child;            /* NULL: a client */
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
	uint64_t drain_ends_ms;
};

/* Who wants to know when a node is down, or up again. */
struct ask {
	struct ask *next;
	bool restart;
	struct buf src, msg_id;
};

struct child {
	struct port port;
	const char *name;
	char **argv;
	pid_t pid;                      /* 0: there is no process */
	bool up;                        /* lines are carried to it; false once its pipe closed or it ended */
	bool asked_to_end;              /* what ends it is ours */
	struct watch *err;              /* its stderr */
	struct buf err_partial;
	struct ask *asks;
	size_t ask_count;
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
	size_t favourite_next;          /* the child that the next client gets */
	struct listener *listener;
	size_t listeners;
	struct port *clients, *own;     /* own: stdin and stdout; NULL once they are done with */
	size_t client_count;
	struct book book;               /* names to ports */
	struct port *dirty;
	size_t hold_bytes;
	bool ending;
	int signal;                     /* that asked to end, or SIGPIPE */
	uint64_t signal_ms;             /* when */
	struct timer *grace;
	enum exit_status status;
	uint64_t lost[LOSSES];
	bool told_nobody;
	struct wire_names *names;       /* of the members of messages to `net` */
	struct buf line;                /* being made */
	char chunk[NET_READ_BYTES];     /* what was read last, of any end */
};

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

/* --- child.c --- */

/* 0; or errno, where no process could be started. */
__attribute__((warn_unused_result))
int child_start(struct child *);
/* SIGCHLD: those that ended. */
void child_reap(struct net *);
/* The pipe from it was closed. */
void child_closed(struct child *);
/* To its whole process group. */
void child_signal(struct child *, int sig);

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
void control_peer_down(struct child *);

/* --- net.c --- */

/* Nothing is left to do for clients, or a signal came: the nodes are ended, then the loop. */
void net_end(struct net *);

#endif
