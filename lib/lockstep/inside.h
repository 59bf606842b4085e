/*
 * What the files of lib/lockstep share: the run, its parties, and who calls whom.
 *
 * A party is who messages come from and go to: a node or a client, each a process, or our own stdin and stdout.  One
 * process acts at a time; all others are blocked, waiting for a line.
 *
 * Invariant: at any moment the future is in five places, each ordered: `ready` (lines that are there now), the traffic
 * (messages under way, faults), `input` (lines of stdin that have a time), the heap (what parties do next), and the end.
 */
#ifndef LOCKSTEP_INSIDE_H
#define LOCKSTEP_INSIDE_H

#include "lib/base/buf.h"
#include "lib/lockstep/lockstep.h"
#include "lib/net/book.h"
#include "lib/net/rig.h"
#include "lib/net/words.h"
#include "lib/traffic/traffic.h"
#include "lib/wire/wire.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	LOCKSTEP_TICK_MS = 100,                 /* of real time: how often a wait is looked at */
	LOCKSTEP_SILENT_MS = 30000,             /* of real time: a process that says nothing so long does not know how to */
	LOCKSTEP_TURN_MS = 60000,               /* of real time: nor does one that is not done so late, whatever it says */
	LOCKSTEP_GRACE_MS = 2000,               /* of real time: between SIGTERM and SIGKILL */
	LOCKSTEP_TURN_BYTES_MAX = 1 << 28,      /* that a process prints before it says idle */
	LOCKSTEP_INPUT_BYTES_MAX = 1 << 30,     /* of stdin */
	LOCKSTEP_STILL_MAX = 1 << 22,           /* events in a row at one time */
	LOCKSTEP_SLICE_NS = 1000000,            /* a program under `virtual` that never waits runs so long at once */
};

enum party_kind { PARTY_NODE, PARTY_CLIENT, PARTY_OWN };

/* A clock that is not right: it shows from + offset + drift * (t - from) at time t. */
struct clock { uint64_t from_ns; int64_t offset_ns; double drift; };

struct party {
	struct lockstep *l;
	enum party_kind kind;
	const char *name;
	char **argv;
	struct party *favourite;        /* where its lines to "*" go */
	bool outside;                   /* a node that is none of --members */

	/* The process. */
	pid_t pid;                      /* 0: there is none */
	int in, out, err;               /* -1: closed */
	bool blocks;                    /* a read of `out` */
	int talk;                       /* under `virtual`: the socket; else -1 */
	uint64_t starts;                /* processes so far */
	uint64_t crashes;
	struct buf input;               /* handed over, and not in its pipe yet */
	struct buf output;              /* printed, and not routed yet */
	size_t line, seen;              /* of the output: where its last line begins; no newline in what is before */
	size_t turn_end, turn_next;     /* of the output: lines of this turn, idle left out; what is behind idle */
	struct words words;             /* its stderr */
	uint64_t lines, wrong;          /* printed so far; of them, no messages */
	bool told_late;                 /* that it prints when it is not its turn */
	char *journal;                  /* --lose-unsynced: a directory */

	/* Time. */
	struct clock clock;
	uint64_t shown_ns;              /* by its clock, when it acted last: it never goes back */
	uint64_t wake_shown_ns;         /* when it wants to be woken, by its clock */
	uint64_t busy_ns;               /* it has got as far as that; its output is sent then */
	bool speaks;                    /* its output waits for that time */
	bool paused;
	struct buf held;                /* records of lines that came while it was paused or busy */
	uint64_t due_ns, number;        /* in the heap */
	size_t place;                   /* in the heap, from 1; 0: not */
	uint64_t started_ns;
	uint64_t restart_ns;            /* --restart: it is started then; FAULT_NEVER */
	uint64_t again_ns;              /* the delay before that was last waited for */
};

/* A line of stdin. */
struct input_line { uint64_t at_ns; size_t number, start, len; };

/* stdin, read once for all runs. */
struct input {
	struct buf text;
	struct input_line *line;        /* in the order they are sent in */
	size_t count;
	uint64_t wrong;
};

enum library { LIBRARY_VIRTUAL, LIBRARY_UNSYNCED, LIBRARIES };

enum loss { LOSS_NOBODY, LOSS_LEFT, LOSS_DOWN, LOSS_QUEUE, LOSS_NO_MESSAGE, LOSSES };

struct lockstep {
	const struct net_options *options;
	const struct input *input;
	size_t input_next;
	const char *directory;          /* where processes run; NULL: here */
	char *library[LIBRARIES];       /* that they load; NULL: not */
	bool quiet;                     /* the second of two runs: nothing is told or printed */

	uint64_t now_ns, still;         /* events at this very time so far */
	struct party *node, *client;
	size_t nodes, clients, clients_left;
	struct party own;
	size_t favourite_next;
	struct book book;               /* names to parties */
	struct party **heap;
	size_t heap_count;
	uint64_t numbers;
	struct buf ready;               /* records of lines that have arrived now */

	struct rig rig;

	uint64_t asked, answered;       /* by our own client */
	uint64_t drain_ns;              /* when answers are waited for no longer; FAULT_NEVER: not yet */
	struct buf print;               /* for stdout */
	int broken;                     /* errno of a write of it that failed */
	uint64_t lost[LOSSES];
	bool told_nobody;
	uint64_t *asked_at;             /* of a replay: when faults were asked for by messages */
	size_t asked_count, asked_next, ordered;
	bool over;                      /* something ends the run before its time; status says what */
	enum exit_status status;
	struct wire_names *wire_names;  /* of bodies: wake, text */
	struct buf line;                /* being made */
	struct buf taken;               /* a line that its party holds no longer */
	struct buf without;             /* a line without the time that it came with */
};

/* --- run.c --- */

/* One run. */
__attribute__((warn_unused_result))
enum exit_status run_once(const struct net_options *, const struct input *, bool quiet);

/* As warn, but in the second of two runs. */
__attribute__((format(printf, 2, 3)))
void told(const struct lockstep *, const char *fmt, ...);
/* After the last run: what was made is removed, and we die of a signal that came. */
void run_end(void);
/* Ends the run before its time. */
void run_stop(struct lockstep *, enum exit_status);

/* All faults that are due now. */
void run_faults(struct lockstep *);

/* --- replay.c --- */

/* Once the names of nodes are known. */
void replay_open(struct lockstep *);
/* Do faults of that time wait for a message that asks for them? */
bool replay_waits(struct lockstep *, uint64_t at_ns);
/* The id of the fault of this time and kind that the trace has; false: it has none, or no further one. */
bool replay_order(struct lockstep *, enum fault_kind, uint64_t *id);

/* --- signals.c --- */

/* A tick of real time, and signals that ask to end, interrupt what blocks. */
void signals_begin(void);
void signals_end(void);
/* The first that came; 0. */
int signals_came(void);
/* Another one, half a second after the first or later: what is left is not to be waited for. */
bool signals_again(void);
/* As if it had come. */
void signals_take(int sig);
/* Ticks so far. */
unsigned signals_ticks(void);

/* --- input.c --- */

void input_read(struct input *);
void input_release(struct input *);

/* --- scratch.c --- */

/* Makes the run's directory, once: its path.  It is removed when the process ends, and what runs in it is killed first. */
const char *scratch_open(void);
/* Empties and makes anew a directory in it: its path, for the caller to free. */
char *scratch_fresh(const char *name);
void scratch_remove(void);
/* Words that name files of ours are made absolute. */
void scratch_words(char **argv);

/* --- process.c --- */

/* Finds what they load, or ends the process. */
void process_libraries(struct lockstep *);
/* 0, or errno.  The process waits for its first line. */
__attribute__((warn_unused_result))
int process_start(struct party *);
/* Has it ended?  Waits a moment where it is about to. */
bool process_gone(const struct party *, bool about_to);
/* Ended by SIGKILL, or by itself before: how, as waitpid has it.  Its pipes are closed, its last words told. */
int process_bury(struct party *);
/* The end of the run: SIGTERM, then SIGKILL. */
void process_end_all(struct lockstep *);
/* Kills those of a run at once, whatever state it is in: for the end of our own process. */
void process_kill_all(struct lockstep *);
/* What its stderr has now. */
void process_words(struct party *);

/* --- pipe.c --- */

/* A line, with a newline behind it, to its stdin as far as it goes; what does not, waits in p->input. */
void pipe_put(struct party *, const char *head, size_t head_len, const char *line, size_t len);
/* More of its stdout, into p->output: bytes, 0 at its end, -1 and errno. */
ssize_t pipe_read(struct party *);
void pipe_block(struct party *, bool);
/* All that is there of it now; it does not block any more. */
void pipe_drain(struct party *);
/* Waits for whatever comes first, writing its stdin and reading its stderr: `fd` is what else may be readable, or -1. */
void pipe_any(struct party *, int fd);

/* --- turn.c --- */

/*
 * A turn of a process: it is handed a line (NULL: a wake-up), and waited for until it is idle.  False: it has ended, or
 * is to be ended.  Its output is in p->output up to p->turn_end, its times are set.
 */
bool turn(struct party *, const char *line, size_t len);
/* The lines of this turn have been routed. */
void turn_done(struct party *);
/* For a program under `virtual`: the time until which nothing can reach it, by the network's clock. */
uint64_t run_until(const struct lockstep *);

/* --- party.c --- */

/* It starts, with its init or its first wake-up.  False: it could not, and the run is over. */
bool party_start(struct party *);
/* A line is there for it: now, or as soon as it can take it. */
void party_take(struct party *, const char *line, size_t len);
/* What it has to do next is due. */
void party_due(struct party *);
/* It is killed. */
void party_crash(struct party *);
void party_pause(struct party *, bool);
void party_skew(struct party *, int64_t offset_ns, double drift);
/* Into the heap, by what it has to do next. */
void party_schedule(struct party *);

/* --- clock.c --- */

uint64_t clock_shows(const struct clock *, uint64_t at_ns);
/* The first time at which it shows that. */
uint64_t clock_when(const struct clock *, uint64_t shown_ns);

/* --- heap.c --- */

void heap_set(struct lockstep *, struct party *, uint64_t due_ns);
struct party *heap_first(const struct lockstep *);

/* --- post.c --- */

/* Whole lines that a party printed. */
void post_lines(struct party *, const char *lines, size_t len);
void post_line(struct party *from, const char *line, size_t len);
/* The next message that has arrived by now, if there is one. */
void post_arrival(struct lockstep *);
/* The first of l->ready. */
void post_ready(struct lockstep *);
/* A line of `net`, which passes no faults. */
void post_tell(struct lockstep *, struct party *to, const char *name, size_t name_len, const char *line, size_t len);
void post_wrong(struct party *from, const char *why);
void post_flush(struct lockstep *);

/* --- orders.c --- */

void orders_init(struct party *node);
void orders_down(struct party *node);
void orders_line(struct party *from, const char *line, size_t len);
/* What is to be done to processes. */
void orders_faults(struct lockstep *, const struct fault_out *);

#endif
