/*
 * inside: what the files of lib/store share.
 *
 * A segment file, `00000007.log`:
 *
 *     CRC {"log":"raft","version":1,"id":"n1","segment":7,"flush":90,"chain":"1a2b3c4d","cluster":...}
 *     CRC {"index":...                        records of the caller's
 *     CRC {"flush":91,"chain":"5e6f7a8b"}     the first record of every flush, N grows by one
 *     CRC {"index":...
 *     CRC {"next":8}                          the last record, where another segment follows
 *     newlines, to the end of the file
 *
 * A chain is CRC32C of the checksums (their digits, one after the other) of all records before, those of earlier
 * segments too: a line that is lost, doubled or moved, or a segment of another log, breaks it.  A header says in
 * which flush it was written, and is the first record of one that begins a segment.
 *
 * Order of writing: a segment's file is made before the one before it says {"next"}, and that one is flushed before
 * anything is written here.  So only the last segment with records in it can be torn, and only in its last flush.
 */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H

#include "lib/base/buf.h"
#include "lib/base/line.h"
#include "lib/store/folder.h"
#include "lib/store/record.h"
#include "lib/store/store.h"

#include <stdatomic.h>

enum {
	STORE_VERSION = 1,
	STORE_FILL_FIRST_BYTES = 64 << 10,      /* a segment begins with this much of newlines, and doubles */
	STORE_FILL_STEP_BYTES = 512 << 10,      /* filled by one store_prepare */
	STORE_KEEP_BYTES = 256 << 10,           /* a buffer at rest keeps no more */
	STORE_SEGMENT_BYTES_MIN = 4 << 10,
	STORE_SEGMENT_BYTES_MAX = 1 << 30,
	STORE_HEADER_BYTES_MAX = 1 << 20,       /* of what the caller says in it */
	STORE_LINE_BYTES_MAX = STORE_RECORD_BYTES_MAX + RECORD_HEAD_BYTES,
};

/* A segment with records in it or about to be written. */
struct segment { uint32_t number, end; };       /* end: of its newest record, flushed or not */

/* Bytes of a batch that go to one place of one segment. */
struct piece { uint32_t segment, offset; size_t len; };

/* What one flush writes. */
struct batch {
	struct buf bytes;
	struct piece *piece;
	size_t pieces, room;
};

/* A segment that is open for writing; fd -1: none. */
struct file { int fd; uint32_t segment; uint64_t filled; };

/*
 * The lines of a snapshot, checked as they come: the caller's, then {"end":true,"lines":N}.  What is read goes
 * into `reader`.
 */
struct snapshot_lines {
	struct line_reader reader;
	uint64_t lines;                 /* of the caller's, before the place */
	uint64_t byte;                  /* the place: the line given last or, if that is done with, the next */
	size_t given;                   /* bytes of that line */
	bool ended;                     /* the last record was there */
	const char *why;                /* what is wrong; then there is nothing more to be had */
};

/* A snapshot under its working name until it is whole. */
struct snapshot_file {
	uint64_t index;
	const char *ending;             /* of the working name */
	int fd;                         /* -1: none */
	uint64_t bytes, started;        /* written; of these on their way to the disk */
};

struct store {
	struct folder folder;
	char *kind, *id_json, *cluster; /* id_json: a JSON string */
	uint32_t segment_bytes;
	bool fresh, replayed;

	/* The owner's: appending. */
	struct segment *segment;        /* the oldest first; the last one is appended to */
	size_t segments, segment_room;
	bool begun;                     /* that one has its header */
	bool stated;                    /* something was appended since the open */
	uint64_t flush;                 /* number of the newest flush begun by an append */
	uint32_t chain;                 /* of all records so far */
	struct batch pending, flushing;
	bool flush_under_way;
	uint32_t flushed_segment;       /* the newest that was flushed since the open; 0: none */
	struct buf text;                /* of the record that the store adds */

	/* The owner's: reading. */
	struct line_reader lines;
	uint64_t chunk_index;           /* of the snapshot that chunk_fd reads */
	int chunk_fd;
	struct snapshot_file received;
	struct snapshot_lines received_lines;

	/* Of the thread that flushes. */
	struct file file, next;
	bool failed;
	atomic_bool wants_spare;
};

static inline struct segment *store_newest(const struct store *s)
{
	return &s->segment[s->segments - 1];
}

void store_segment_add(struct store *, uint32_t number, uint32_t end);
void store_segment_name(char name[FOLDER_NAME_BYTES_MAX], uint32_t number);

/* --- own.c: the records of the store itself; texts are in s->text --- */

bool own_is_flush(const char *json, size_t len);
bool own_is_next(const char *json, size_t len);
bool own_is_header(const char *json, size_t len);
static inline bool own_is(const char *json, size_t len)
{
	return own_is_flush(json, len) || own_is_next(json, len) || own_is_header(json, len);
}

void own_flush(struct buf *out, uint64_t flush, uint32_t chain);
void own_next(struct buf *out, uint32_t segment);
void own_header(struct buf *out, const struct store *, uint32_t segment, uint64_t flush, uint32_t chain);

struct own_header {
	const char *kind, *id, *cluster;        /* in the record: strings with their quotes; cluster may be NULL */
	size_t kind_len, id_len, cluster_len;
	uint64_t version, segment, flush;       /* of another version only this is read */
	uint32_t chain;
};

/* False: it is no header. */
bool own_header_read(struct own_header *, const char *json, size_t len);

/* Whose is it?  0 if it is this store's, else STORE_EOTHER; name NULL: the folder. */
__attribute__((warn_unused_result))
int own_header_check(const struct store *, const struct own_header *, const char *name, struct store_report *);

/* --- file.c: segments being written --- */

/* Opens it for writing, makes it if it is missing. */
__attribute__((warn_unused_result))
int file_open(struct store *, struct file *, uint32_t segment, struct store_report *);
void file_close(struct file *);
/* Newlines from where it ends to `target`, flushed. */
__attribute__((warn_unused_result))
int file_fill(struct store *, struct file *, uint64_t target, struct store_report *);

/* -1 and errno, else 0. */
__attribute__((warn_unused_result))
int file_write(int fd, const char *, size_t, uint64_t offset);
__attribute__((warn_unused_result))
int file_write_newlines(int fd, uint64_t from, uint64_t to);

/* --- snapshot.c, receive.c --- */

/* The JSON of the next line, or NULL: more has to be read, or something is wrong. */
const char *snapshot_lines_next(struct snapshot_lines *, size_t *len);
/* All `bytes` of it were there: 0 if they are a whole snapshot, else STORE_ECORRUPT. */
__attribute__((warn_unused_result))
int snapshot_lines_end(const struct snapshot_lines *, const struct store *, uint64_t index, uint64_t bytes,
		       struct store_report *);

__attribute__((warn_unused_result))
int snapshot_file_open(struct store *, struct snapshot_file *, struct store_report *);
__attribute__((warn_unused_result))
int snapshot_file_write(struct store *, struct snapshot_file *, const char *, size_t, struct store_report *);
/* Flushes it and gives it its name; the file is closed, where that fails too. */
__attribute__((warn_unused_result))
int snapshot_file_publish(struct store *, struct snapshot_file *, struct store_report *);
void snapshot_file_abandon(struct store *, struct snapshot_file *);

/* The index in a name with this ending, or 0. */
uint64_t store_snapshot_index(const char *name, const char *ending);

#endif
