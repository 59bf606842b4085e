/*
 * What the files of lib/load share that make a run: the clients and what they wait for.
 *
 * All requests have the same time to live, and all that wait to be asked again wait as long: so lists in order of time
 * are the clocks of these.  Those that think have a heap.
 */
#ifndef LOAD_INSIDE_H
#define LOAD_INSIDE_H

#include "lib/base/buf.h"
#include "lib/base/line.h"
#include "lib/load/answer.h"
#include "lib/load/arrival.h"
#include "lib/load/load.h"
#include "lib/wire/wire.h"

#include <signal.h>

#define LOAD_MS UINT64_C(1000000)
#define LOAD_NEVER UINT64_MAX

enum { LOAD_NONE = UINT32_MAX };

enum client_state { CLIENT_IDLE, CLIENT_ASKING, CLIENT_RETRYING, CLIENT_THINKING, CLIENT_STATES };

/* What every operation needs comes first: it is 64 bytes, up to the end of op.to. */
struct client {
	uint8_t state;                  /* enum client_state */
	bool measured;                  /* the operation began after the warm-up */
	bool open;                      /* an earlier request of the operation may have happened, or may yet */
	uint32_t before, after;         /* in the list of its state */
	uint32_t again;                 /* requests of the operation but for the first; they have the last msg_ids */
	uint64_t began_ns;              /* the operation; in an open loop, when it should have */
	uint64_t asked_ns;              /* the request, or when the answer came that has it wait; THINKING: until then */
	uint64_t msg_id;                /* of the last request */
	struct op op;
	uint64_t until_ns;              /* it is asked for no longer; set once it is not answered, or is to be asked again */
	uint64_t seq;                   /* in its session: of this operation, or of the last that had one */
	uint64_t process;               /* in the transcript */
	uint32_t session;               /* how many it had before this one */
};

/* Clients by asked_ns. */
struct client_list {
	uint32_t first, last;
};

struct load {
	const struct load_options *options;
	struct load_result *result;
	struct workload *workload;
	struct client *client;          /* one more than asked for: the last asks for the leader */
	struct client_list list[CLIENT_STATES];
	uint32_t *thinking;             /* a heap */
	uint32_t thinkers;
	struct micro *micros;           /* of all clients */
	struct line_reader in;
	struct buf out;
	struct buf *dest;               /* each `","dest":"n1","body":{` */
	size_t dests;                   /* 0: the leader is not known yet */
	char name[LOAD_NAME_BYTES_MAX + 1];     /* of ourselves, in lockstep */
	char prefix[LOAD_NAME_BYTES_MAX + 8];   /* of the clients' names */
	size_t prefix_len;
	uint64_t now;
	bool began;                     /* a leader is known, if one is asked for: what follows is set */
	uint64_t measure_ns, end_ns;    /* measure: the warm-up is over; end: no operation begins */
	uint64_t find_ns;               /* a leader has to be known by then */
	struct arrival arrival;
	uint64_t draws;                 /* what is drawn besides operations */
	uint64_t begun;                 /* measured operations */
	uint64_t processes;
	uint64_t last_answer_ns;
	const char *trouble;
};

extern volatile sig_atomic_t load_stopped;

/* --- lists.c --- */

/* Between lists; asked_ns is now. */
static inline void client_enter(struct load *l, uint32_t i, enum client_state state)
{
	struct client *c = &l->client[i];
	struct client_list *list = &l->list[state];

	c->state = (uint8_t)state;
	c->asked_ns = l->now;
	c->before = list->last;
	c->after = LOAD_NONE;
	*(list->last == LOAD_NONE ? &list->first : &l->client[list->last].after) = i;
	list->last = i;
}

static inline void client_leave(struct load *l, uint32_t i)
{
	struct client *c = &l->client[i];
	struct client_list *list = &l->list[c->state];

	*(c->before == LOAD_NONE ? &list->first : &l->client[c->before].after) = c->after;
	*(c->after == LOAD_NONE ? &list->last : &l->client[c->after].before) = c->before;
}

static inline void client_move(struct load *l, uint32_t i, enum client_state state)
{
	client_leave(l, i);
	client_enter(l, i, state);
}

/* From its list to those that think, until then; and the first of them, or LOAD_NONE. */
void client_think(struct load *, uint32_t i, uint64_t until_ns);
uint32_t client_thinker(const struct load *);
/* The first of them thinks no more: it is idle. */
void client_thought(struct load *);

/* --- operation.c --- */

/* Is nothing more to begin? */
bool operation_over(const struct load *);
/* All that is due now begins, and what takes too long ends. */
void operation_turn(struct load *);
void operation_answer(struct load *, const char *line, size_t len);
/* The run is over: what is under way is unknown. */
void operation_abandon(struct load *);
/* When operation_turn is to be called next, at the latest. */
uint64_t operation_due(const struct load *);

/* --- load.c --- */

/* Opens what a run needs; l->name is set in lockstep. */
void load_open(struct load *);
/* What follows from the time and the answers that have come. */
void load_step(struct load *);
/* All was begun that should be, and is over. */
bool load_done(const struct load *);
/* When load_step is to be called next, at the latest. */
uint64_t load_due(const struct load *);

/* --- lockstep.c --- */

void load_in_lockstep(struct load *, const sigset_t *signals);

#endif
