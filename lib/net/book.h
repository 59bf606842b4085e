/*
 * book: whose a name is: a table of names and what each leads to.
 *
 * Names are bytes, at most WIRE_NAME_BYTES_MAX.  An owner is forgotten with all its names at once; that they were
 * somebody's is known of the last BOOK_LEFT_MAX.
 */
#ifndef NET_BOOK_H
#define NET_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BOOK_NAMES_MAX = 1 << 18, BOOK_LEFT_MAX = 1 << 8 };

struct book {
	struct book_entry *entry;       /* open addressing: from hash on, to the first that was never used */
	size_t mask;
	size_t used, owned;             /* entries with a name; those whose name has an owner */
	uint64_t left;                  /* names that have lost theirs, ever */
	uint64_t seed;                  /* so that nobody can choose names that fall on each other */
};

void book_init(struct book *, uint64_t seed);
void book_release(struct book *);

/* The owner, or NULL. */
void *book_find(const struct book *, const char *name, size_t len);

/* Has the name no owner any more? */
bool book_has_left(const struct book *, const char *name, size_t len);

/* The name is the owner's from now on; false where the book is full. */
__attribute__((warn_unused_result))
bool book_put(struct book *, const char *name, size_t len, void *owner);

void book_forget(struct book *, const void *owner);

#endif
