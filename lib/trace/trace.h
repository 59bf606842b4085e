/*
 * trace: what happened on the network, a JSON object a line, as faultline-trace(5) has it.
 *
 *     {"trace":1,"version":"0.1.0","seed":7,"lockstep":true,"command":["raft-node"],"nodes":["n1","n2","n3"],
 *      "options":["--loss","0.1"]}                                                            (one line)
 *     {"at":0,"event":"start","node":"n1"}
 *     {"at":10,"event":"send","src":"n1","dest":"n2","seq":1,"message":{...the line as it was sent...}}
 *     {"at":10,"event":"duplicate","src":"n1","dest":"n2","seq":1}            a second copy is under way: "copy":2
 *     {"at":10,"event":"corrupt","src":"n1","dest":"n2","seq":1,"text":"{\"sr"}          what will arrive in its place
 *     {"at":25,"event":"deliver","src":"n1","dest":"n2","seq":1}
 *     {"at":26,"event":"drop","src":"n1","dest":"n2","seq":1,"copy":2,"why":"partition"}
 *     {"at":30,"event":"fault","fault":{"type":"crash","node":"n1","id":3,"for":"1s"}}   plan.h's print, no at
 *     {"at":30,"event":"death","node":"n1","signal":9,"asked":true}            or "status":3
 *     {"at":99,"event":"fault","fault":{"type":"restart",...},"ends":true}     by an earlier order's own time
 *     {"at":100,"event":"end"}
 *
 * `at` is nanoseconds since the run began, never falling; `seq` the message's number on its link, from 1; "copy" is left
 * out for the first.  A message that is no JSON object, or nested more than WIRE_DEPTH_MAX deep, stands as "text", a
 * string, for "message".  Bytes that a string cannot tell (no UTF-8, a NUL) stand in base64, as "text_base64" for
 * "text"; so do names, as "src_base64" and "dest_base64".  why: loss, burst, rate, partition, down (the node does not
 * run), queue (it does not read), nobody (no such name), asleep (under way when the run ended).
 * Lines of `net` to nodes (init, peer_down) are messages too, from src "net"; ticks and idle are not in it.
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include "lib/fault/fault.h"
#include "lib/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TRACE_VERSION = 1,
	TRACE_LINE_BYTES_MAX = 40 << 20,
	TRACE_WHY_BYTES_MAX = 64,
};
#define TRACE_AT_MAX (UINT64_C(1) << 62)

/* --- Writing --- */

struct trace;

struct trace_header {
	uint64_t seed;
	bool lockstep;
	const char *const *nodes;
	size_t node_count;
	char *const *command;           /* NULL at the end; NULL: none */
	const char *const *options;     /* as given, without --trace, --replay and their files; NULL at the end */
};

/*
 * NULL: errno.  The file is made anew.  Written in large pieces, each of whole lines; -1 of trace_flush or trace_close:
 * errno of the first write that failed, after which no more is written.  SIGPIPE is the caller's to ignore.
 */
__attribute__((warn_unused_result))
struct trace *trace_open(const char *path, const struct trace_header *);
__attribute__((warn_unused_result))
int trace_flush(struct trace *);
__attribute__((warn_unused_result))
int trace_close(struct trace *);

struct trace_link { struct wire_text src, dest; };

/* `at` is never less than in the call before; a line is without its newline; names are WIRE_NAME_BYTES_MAX at most. */
void trace_send(struct trace *, uint64_t at, struct trace_link, uint64_t seq, const char *line, size_t len);
void trace_duplicate(struct trace *, uint64_t at, struct trace_link, uint64_t seq);
void trace_corrupt(struct trace *, uint64_t at, struct trace_link, uint64_t seq, unsigned copy, const char *text,
		   size_t len);
void trace_deliver(struct trace *, uint64_t at, struct trace_link, uint64_t seq, unsigned copy);
void trace_drop(struct trace *, uint64_t at, struct trace_link, uint64_t seq, unsigned copy, const char *why);
void trace_fault(struct trace *, uint64_t at, const struct fault_order *);
void trace_start(struct trace *, uint64_t at, const char *node);
/* `status` as waitpid has it. */
void trace_death(struct trace *, uint64_t at, const char *node, int status, bool asked);
void trace_end(struct trace *, uint64_t at);

/* --- Reading --- */

enum trace_event_kind {
	TRACE_HEADER, TRACE_SEND, TRACE_DUPLICATE, TRACE_CORRUPT, TRACE_DELIVER, TRACE_DROP, TRACE_FAULT, TRACE_START,
	TRACE_DEATH, TRACE_END,
	TRACE_OTHER,                    /* an event of a later version: to be passed over */
};

/* Texts are valid until the next trace_next. */
struct trace_event {
	enum trace_event_kind kind;
	uint64_t line;                  /* in the file, from 1 */
	uint64_t at, seq;
	unsigned copy;                  /* 1 or 2 */
	struct wire_text src, dest;     /* decoded */
	struct wire_text node;
	struct wire_text message;       /* an object as it stands; p NULL where it was text */
	struct wire_text text;          /* decoded */
	struct wire_text why;
	struct wire_text fault;         /* JSON, for plan_parse as a body */
	bool ends, asked;
	int status, signal;             /* signal 0: none */
	struct wire_text json;          /* the whole line; HEADER: read further by trace_header_strings */
	uint64_t seed;                  /* HEADER */
	bool lockstep;
};

struct trace_reader;
/* path "-": stdin.  NULL: errno. */
__attribute__((warn_unused_result))
struct trace_reader *trace_reader_open(const char *path);
void trace_reader_free(struct trace_reader *);
/*
 * 1, 0 at the end, or -1, now and ever after: what is wrong and in which line (0: errno, while reading).  The first event
 * is the HEADER, or it is wrong.  An event has all that its kind needs.
 */
__attribute__((warn_unused_result))
int trace_next(struct trace_reader *, struct trace_event *);
const char *trace_reader_error(const struct trace_reader *, uint64_t *line);
/*
 * After -1: was the wrong line the last one, without its newline, and not the header?  So may end the trace of a run that
 * was killed.
 */
bool trace_reader_torn(const struct trace_reader *);
/*
 * The strings of a header's array `name` ("nodes", "command", "options"), one at a time: false at the end.  `i` from 0.
 * Cut where there is no more room.
 */
bool trace_header_string(const struct trace_event *, const char *name, size_t i, char *out, size_t room);

/*
 * --- Replay: the fates that a trace tells ---
 *
 * A copy that was delivered is under way as long as it was then.  One that was dropped, is dropped again: when it was sent
 * or after as long, for the same reason; but what was dropped for down, queue, nobody or asleep arrives, and what becomes
 * of it shows again.  A copy with neither line arrives at once.  So to take out a drop is to let it pass, and to move
 * the at of a deliver, or to make it a drop, does just that.  Of faults, deaths and starts the orders alone count.
 */

struct trace_replay;
/* NULL: what is wrong is in why (line, cause), and errno is 0, or what failed. */
__attribute__((warn_unused_result))
struct trace_replay *trace_replay_read(const char *path, char *why, size_t why_bytes);
void trace_replay_free(struct trace_replay *);
uint64_t trace_replay_seed(const struct trace_replay *);
/* Its faults, those that end others by time left out, with their times, which do not fall: a plan. */
const struct fault_order *trace_replay_orders(const struct trace_replay *, size_t *count);

/* Texts are the replay's. */
struct trace_fate {
	const char *why;                /* dropped when sent, all of it; NULL: not */
	unsigned copies;                /* 1 or 2 */
	struct {
		uint64_t delay_ns;
		const char *why;        /* dropped when it should have arrived; NULL: delivered */
		bool when_sent;         /* dropped before that, when it was sent; delay_ns is 0 */
		const char *text;       /* arrives instead; NULL: as it was sent */
		size_t text_len;
	} copy[FAULT_COPIES_MAX];
};
/* The fate of message `seq` of that link; false: the trace has no such message, which passes at once. */
bool trace_replay_fate(const struct trace_replay *, struct trace_link, uint64_t seq, struct trace_fate *);

#endif
