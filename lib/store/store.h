/*
 * store: the durable log and the snapshots of one node, in one directory.
 *
 * The log is text: records, one a line, in segments.
 *
 *     f00dcafe {"index":7,"term":2,"command":{"type":"write","key":"x","value":1}}
 *     CRC32C of the JSON, 8 lower-case hex digits; a space; compact JSON; newline
 *
 * A segment is preallocated and filled with newlines, so a flush changes no metadata; empty lines
 * are no records.  What the records say is the caller's; the store adds its own to tell whose log it is,
 * which segment follows which, and where a flush began (faultline-log(5)).  A record is an object whose first
 * member is none of "log", "flush" and "next", or, in a snapshot, "end".
 *
 * Two threads: all calls belong to the owner's, but store_flush and store_prepare, which may run in
 * another one, one at a time, while the owner goes on appending.
 *
 *     append ... append; if (store_flush_begin()) { other thread: store_flush(); owner: store_flush_end() }
 *
 * Invariants: a record is durable once the store_flush that follows its append returned 0, and never
 * before; records are read back in the order they were appended; after a failed flush nothing may be
 * appended or promised again: the process ends.
 *
 * No call prints; errors are negative enum store_error with a sentence in struct store_report.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum store_error {
	STORE_OK = 0,
	STORE_ESYSTEM = -1,     /* a system call failed, the disk is full: exit 4 */
	STORE_ECORRUPT = -2,    /* a record before the end is damaged, a segment is missing: exit 3 */
	STORE_ELOCKED = -3,     /* another process has the directory: exit 4 */
	STORE_EOTHER = -4,      /* it is another node's, another cluster's or another protocol's: exit 2 */
	STORE_EFULL = -5,       /* a limit: an id and a cluster too long for a header */
	STORE_ENONE = -6,       /* no such record or snapshot */
};

enum {
	STORE_RECORD_BYTES_MAX = 64 << 20,
	STORE_SEGMENT_BYTES = 8 << 20,          /* the default */
};

/* What went wrong and where: `'n1.raft/00000003.log', line 17, byte 2043: checksum does not match`. */
struct store_report {
	char text[512];
};

/* Where a record is; positions grow in the order of appending. */
struct store_pos {
	uint32_t segment;       /* from 1; 0: nowhere */
	uint32_t offset;        /* of its line in the file */
};

/* The one before the other; nowhere is after all. */
static inline struct store_pos store_pos_older(struct store_pos a, struct store_pos b)
{
	bool first = a.segment != b.segment ? a.segment < b.segment : a.offset <= b.offset;

	return !b.segment || (a.segment && first) ? a : b;
}

struct store_options {
	const char *dir;        /* made if it is missing; NULL: volatile, all in memory */
	const char *kind;       /* "raft" */
	const char *id;         /* whose it is */
	/* JSON text, as the initial members, that the first start writes and every later one must find equal;
	   NULL: whatever it is. */
	const char *cluster;
	uint32_t segment_bytes; /* 0: the default; else 4 KiB to 1 GiB */
};

struct store;

/* Opens, locks and checks whose it is.  On failure the report says why, with the path. */
__attribute__((warn_unused_result))
int store_open(struct store **, const struct store_options *, struct store_report *);

/* Was nothing ever flushed there before store_open? */
bool store_fresh(const struct store *);

/* What the first start gave as `cluster`, or NULL. */
const char *store_cluster(const struct store *);

/* Without a flush: what was not flushed is lost, as in a crash. */
void store_close(struct store *);

/* What records are handed to: a return other than 0 stops.  Of a log, and of a snapshot. */
typedef int store_record_fn(void *ctx, const char *json, size_t len, struct store_pos, const char **why);
typedef int store_line_fn(void *ctx, const char *json, size_t len, const char **why);

/*
 * Reads every record from the oldest segment on, in order; once, before the first append.  The text is valid
 * during the call; a return other than 0 stops, is passed on, and is taken for corruption if it is
 * STORE_ECORRUPT (the report then names the place and *why).  A torn tail is cut off and `torn` gets a sentence
 * for the user, else "".  `ctx` is handed on.
 */
__attribute__((warn_unused_result))
int store_replay(struct store *, store_record_fn *record, void *ctx, struct store_report *torn,
		 struct store_report *);

/* --- Appending --- */

struct store_part { const char *p; size_t len; };

/*
 * A record of the parts, one after the other, which are copied.  No newline may be in them.  When the segment
 * changed because of it, *rotated is set: the caller appends what each segment has to start with (its state), so
 * that older segments can go.  So it is by the first append after store_open: a crash may have come before the
 * state of the segment.  A record larger than STORE_RECORD_BYTES_MAX is nowhere.
 */
struct store_pos store_append(struct store *, const struct store_part *, size_t parts, bool *rotated);

/* Bytes appended and not yet given to a flush. */
size_t store_pending(const struct store *);

/* Hands all that is pending to the next store_flush; false if there is nothing.  Not while one is under way. */
bool store_flush_begin(struct store *);

/* Writes and fdatasyncs; in any one thread.  0, or STORE_ESYSTEM: then it must not be called again. */
__attribute__((warn_unused_result))
int store_flush(struct store *, struct store_report *);
void store_flush_end(struct store *);

/*
 * Is room for more to be made ahead of need?  Then store_prepare does a step of it, half a megabyte: as store_flush,
 * in any one thread, between two flushes, and again as long as it is wanted.  It fails as store_flush does.
 */
bool store_wants_spare(const struct store *);
__attribute__((warn_unused_result))
int store_prepare(struct store *, struct store_report *);

/*
 * Reads records from `pos` on, flushed or not, calling as store_replay does, until `record` returns not 0.
 * For the owner's thread.  STORE_ECORRUPT if what is there is damaged, STORE_ENONE if the segment was dropped.
 * `record` must not append.
 */
__attribute__((warn_unused_result))
int store_read(struct store *, struct store_pos, store_record_fn *record, void *ctx, struct store_report *);

/* Removes the segments all of whose records are before pos, but none before the first flush since the open. */
__attribute__((warn_unused_result))
int store_drop_before(struct store *, struct store_pos, struct store_report *);

/* Bytes of all records, flushed or not. */
uint64_t store_log_bytes(const struct store *);

/* --- Snapshots: files of records, too, named by the index of the last entry they include --- */

/*
 * A snapshot being written: its file `INDEX.snapshot.part` gets the bytes of whole record lines made by
 * snapshot_line; snapshot_finish adds the last record (the number of lines), flushes, renames, flushes the directory.
 * write and finish may run in the other thread (not while a flush runs in it).
 */
struct store_writer;
__attribute__((warn_unused_result))
int store_snapshot_create(struct store *, uint64_t index, struct store_writer **, struct store_report *);
/* Formats one line `CRC JSON\n` into out, which has room for len + 10; the new end. */
char *store_snapshot_line(char *out, const char *json, size_t len);
__attribute__((warn_unused_result))
int store_writer_write(struct store_writer *, const char *lines, size_t len, struct store_report *);
/* *bytes: the size of the file, its last record included.  Frees the writer, as store_writer_abandon does. */
__attribute__((warn_unused_result))
int store_writer_finish(struct store_writer *, uint64_t *bytes, struct store_report *);
void store_writer_abandon(struct store_writer *);

/* The newest whole snapshot, or STORE_ENONE.  Parts of unfinished ones are removed at store_open. */
__attribute__((warn_unused_result))
int store_snapshot_newest(struct store *, uint64_t *index, uint64_t *bytes);
/* Reads it line by line, checked to its last record: as store_replay.  STORE_ENONE if there is none of that index. */
__attribute__((warn_unused_result))
int store_snapshot_load(struct store *, uint64_t index, store_line_fn *line, void *ctx, struct store_report *);
/* Raw bytes of it, for a follower: at most cap of them; 0 at its end; a negative error. */
ssize_t store_snapshot_chunk(struct store *, uint64_t index, uint64_t offset, char *out, size_t cap,
			     struct store_report *);
/* Removes all snapshots older than index. */
__attribute__((warn_unused_result))
int store_snapshot_drop_before(struct store *, uint64_t index, struct store_report *);

/*
 * A snapshot that comes in chunks: bytes at offset 0 begin it anew, others must follow what is there (else
 * STORE_ENONE, and what is there stays).  install flushes the whole file, checked, and gives it its name;
 * STORE_ECORRUPT where it is not whole: it is removed.  What was received does not outlive the process.
 */
__attribute__((warn_unused_result))
int store_snapshot_receive(struct store *, uint64_t index, uint64_t offset, const char *bytes, size_t len,
			   struct store_report *);
__attribute__((warn_unused_result))
int store_snapshot_install(struct store *, uint64_t index, uint64_t *bytes, struct store_report *);

/* CRC32C (Castagnoli), as iSCSI and ext4 compute it. */
uint32_t store_crc32c(const char *, size_t);

#endif
