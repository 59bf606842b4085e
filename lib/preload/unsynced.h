/*
 * unsynced: what a program has written to files and not flushed, so that a crash can take it back.
 *
 * The library preloaded into the program (lib/preload/unsynced.c) notes, before each change of a regular file or a
 * directory's names, what was there, in a journal in the directory FAULTLINE_UNSYNCED (an absolute path), which
 * survives SIGKILL.  A flush makes what it covers final: fsync and fdatasync of a file its data and length, fsync of a
 * directory the names in it, sync and syncfs everything, a write with O_SYNC or O_DSYNC its file; sync_file_range
 * nothing.  None of them is made for real, as only the process is killed: a node under the library runs at memory's speed.
 *
 * After the process is killed, unsynced_crash undoes a part, drawn from the seed: sectors of 512 bytes lost, so that
 * a write is torn, later ones kept while earlier ones are lost, lengths, renames, removals and new files taken back, as
 * a file system may that orders nothing without a flush.  A rename is one step, which a flush of either directory makes
 * final.
 *
 * Limits.  What stdio and mapped memory write is not seen: such a file is journalled whole when it is opened or
 * mapped, and again after each flush, up to 16 MiB of it; a longer one keeps what is written so.  Not undone: what
 * programs that are not dynamically linked write, fallocate's shifts, RENAME_EXCHANGE, modes, times and attributes.
 * At most 16 GiB are unflushed at once.
 */
#ifndef PRELOAD_UNSYNCED_H
#define PRELOAD_UNSYNCED_H

#include <stdint.h>

#define UNSYNCED_ENV "FAULTLINE_UNSYNCED"

/*
 * Undoes, by the journal in `directory`, what the dead processes had not flushed, and empties the directory.  `undone`
 * counts changes.  0 or errno.
 */
__attribute__((warn_unused_result))
int unsynced_crash(const char *directory, uint64_t seed, uint64_t *undone);

/* The process ended by itself: its writes stay.  Empties the directory. */
void unsynced_forget(const char *directory);

#endif
