/*
 * folder: the one directory of a store, locked, or a folder of memory files in its place.
 *
 * Names are without a slash.  Calls return as the system calls they stand for do, -1 and errno;
 * where a report is given, STORE_ESYSTEM and a sentence with the path.  Any thread may call.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include "lib/store/store.h"

#include <pthread.h>

enum { FOLDER_NAME_BYTES_MAX = 48 };    /* of a file, its end counted */

struct folder_memory { char name[FOLDER_NAME_BYTES_MAX]; int fd; };

struct folder {
	char *path;                     /* as the user wrote it */
	int fd;                         /* -1: in memory */
	pthread_mutex_t lock;           /* of the table */
	struct folder_memory *memory;
	size_t files, room;
};

/* Makes the directory if it is missing and locks it; path NULL: in memory.  On failure nothing is left to close. */
__attribute__((warn_unused_result))
int folder_init(struct folder *, const char *path, struct store_report *);
void folder_release(struct folder *);

/* As openat, with O_CLOEXEC.  In memory all who open a name share the place that read(2) goes on from. */
int folder_open(struct folder *, const char *name, int flags);
__attribute__((warn_unused_result))
int folder_rename(struct folder *, const char *from, const char *to);
int folder_remove(struct folder *, const char *name);
/* Every name in it. */
__attribute__((warn_unused_result))
int folder_list(struct folder *, void (*name)(void *ctx, const char *), void *ctx);

/* A file's bytes to the disk; what is in the folder; the folder itself, in the one that holds it. */
__attribute__((warn_unused_result))
int folder_flush(const struct folder *, int fd);
__attribute__((warn_unused_result))
int folder_flush_names(const struct folder *);
__attribute__((warn_unused_result))
int folder_flush_own_name(const struct folder *);

/* `'PATH/NAME'` and what follows of it; name NULL: the folder itself. */
__attribute__((format(printf, 4, 5)))
void folder_say(const struct folder *, const char *name, struct store_report *, const char *fmt, ...);

/* `cannot WHAT 'PATH/NAME': CAUSE` from errno.  Returns STORE_ESYSTEM. */
int folder_fail(const struct folder *, const char *what, const char *name, struct store_report *);

#endif
