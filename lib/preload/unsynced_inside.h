/*
 * unsynced, inside: the journal, which the library writes and unsynced_crash reads.
 *
 * DIRECTORY/journal is mapped by every process of the node: a head, then records in the order in which things were done.
 * DIRECTORY/saved.N is what a name led to that was taken away: a link to the file, or its copy where the
 * directory is of another file system.
 *
 *     DATA     before a write or a cut: the sectors at .. at + span of a file were `have` bytes, which follow, and zeros
 *     SIZE     before a change of it: the file was `at` bytes long
 *     PATH     where the file was when it was first written to
 *     MADE     a directory got a name: a file's, a link's or a directory's
 *     GONE     it lost one; what it led to is saved.N
 *     RENAMED  it was renamed; what the new name led to is saved.N
 *     FLUSHED  all that the records before it say of this file, or of names in this directory, is for good
 *     ALL      all of everything
 */
#ifndef PRELOAD_UNSYNCED_INSIDE_H
#define PRELOAD_UNSYNCED_INSIDE_H

#include "lib/preload/unsynced.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define JOURNAL_NAME "journal"
#define SAVED_NAME "saved"

enum {
	SECTOR_BYTES = 512,
	FILES_MAX = 1024, NAMES_MAX = 4096,
	DATA_BYTES_MAX = 1 << 16,       /* in one record */
	BLIND_BYTES_MAX = 1 << 24,      /* a longer file that stdio or a mapping writes to is let be */
};
#define JOURNAL_BYTES_MAX (INT64_C(1) << 34)    /* a sparse file, and of unflushed changes alone */

struct journal_head {
	pthread_mutex_t lock;
	bool ready;
	uint64_t tail;                  /* bytes of records */
	uint64_t saved;                 /* the last number */
	/* What is not flushed; once nothing is, the records begin anew. */
	size_t files, names;
	size_t live;                    /* of file[].records, in all */
	bool lost_count;                /* more than the tables hold: the journal only grows */
	struct journal_name {
		dev_t dev;
		ino_t dir, to_dir;
		uint64_t saved;
		ino_t saved_ino;        /* of what nothing else leads to */
	} name[NAMES_MAX];
	struct journal_seen {
		dev_t dev;
		ino_t ino;
		size_t records;         /* of DATA and SIZE */
		bool noted;             /* its path is in the journal */
		bool blind;             /* it may be written to unseen */
		char path[PATH_MAX];    /* of a blind one */
	} file[FILES_MAX];
};

enum record_kind {
	RECORD_DATA = 1, RECORD_SIZE, RECORD_PATH, RECORD_MADE, RECORD_GONE, RECORD_RENAMED, RECORD_FLUSHED, RECORD_ALL,
};

struct record {
	uint32_t kind, bytes;           /* with what follows it, a multiple of 8 */
	uint64_t dev, ino;              /* of the file */
	uint64_t dir, to_dir;           /* of names: inodes of their directories */
	uint64_t at, span, have;
	uint64_t saved;                 /* a number, or 0 */
	uint64_t mode;                  /* of a file whose name is gone */
	/* DATA: `have` bytes.  PATH, MADE, GONE: a path.  RENAMED: two, each with its NUL. */
};

static inline const char *record_text(const struct record *r)
{
	return (const char *)(r + 1);
}

#define EXPORT __attribute__((visibility("default")))

/* The next library's function of that name. */
#define NEXT(name) do { \
		if (!next) \
			*(void **)&next = dlsym(RTLD_NEXT, name); \
	} while (0)

/* --- unsynced_journal.c and unsynced_entries.c; every call may be made when nothing is journalled --- */

/* Where a path leads, with its directory. */
struct place {
	char path[PATH_MAX];
	dev_t dev;
	ino_t dir;
	bool there, regular;            /* something is; `st` tells of it */
	struct stat st;
};

/* False: nothing of it is journalled. */
bool journal_place(struct place *, int dir, const char *path);
/* A regular file with a name; fills in st. */
bool journal_file(int fd, struct stat *st);

void journal_write(int fd, const struct stat *, off_t at, size_t n);    /* before: n bytes from `at` on */
void journal_cut(int fd, const struct stat *, off_t size);              /* before a change of length */
void journal_blind(int fd);             /* will be written to unseen */
void journal_flush(int fd, const struct stat *);
void journal_flush_all(void);
void journal_made(const struct place *);
/* Before what `place` leads to loses its name: a number for journal_gone, renamed or `unsave`. */
uint64_t journal_save(const struct place *, int dir, const char *path);
void journal_gone(const struct place *, uint64_t saved);
void journal_renamed(const struct place *from, const struct place *to, uint64_t saved);
void journal_unsave(uint64_t saved);

/* --- Between those two; all but the first with the lock held --- */

extern struct journal_head *journal;    /* NULL: nothing is journalled */
extern const char *journal_directory;

bool journal_lock(void);                /* false: nothing is journalled */
void journal_unlock(void);
/* Room for a record and n bytes; it counts once it was committed. */
struct record *journal_append(enum record_kind, size_t n);
void journal_commit(const struct record *);
void journal_forget(dev_t, ino_t);      /* FLUSHED */
void journal_flush_names(dev_t, ino_t dir);
void journal_forget_names(void);

#endif
