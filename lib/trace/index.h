/*
 * index: inside the trace module, what became of each message of a trace, by link and number.
 *
 * A link has its messages in the order of their numbers; in a trace that nobody has edited, message seq is
 * the one at seq - 1.  What few messages have, a second copy or another text, is kept apart.  So a trace takes
 * 32 bytes a message and its corrupted texts, and no message's own text.
 */
#ifndef TRACE_INDEX_H
#define TRACE_INDEX_H

#include "lib/trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What became of a copy. */
enum ending { UNDER_WAY, DELIVERED, DROPPED };

struct outcome {
	uint64_t delay;                 /* from the sending to the ending; UNDER_WAY: 0 */
	uint8_t ending;
	uint8_t why;                    /* DROPPED: which of the whys */
	bool when_sent;                 /* DROPPED: at once */
	uint32_t extra;                 /* of the first copy alone, for the sake of its size: 1 + which; 0: the message has none */
};

struct message {
	uint64_t seq, sent;
	struct outcome first;
};
_Static_assert(sizeof(struct message) == 32, "as the page says");

struct extra {
	bool duplicated;
	struct outcome second;
	char *text[FAULT_COPIES_MAX];   /* NULL: as sent */
	size_t len[FAULT_COPIES_MAX];
};

struct index_link {
	char *src, *dest;               /* one piece of memory, src's */
	size_t src_len, dest_len;
	struct message *message;        /* by seq */
	size_t count, room;
};

struct index {
	struct index_link *link;
	size_t links, link_room;
	uint32_t *slot;                 /* 1 + which link; 0: none; open addressing, at most half full */
	size_t slots;
	struct extra *extra;
	size_t extras, extra_room;
};

void index_init(struct index *);
void index_release(struct index *);

/* NULL: there is none. */
struct message *index_find(const struct index *, struct trace_link, uint64_t seq);
/* A new one; NULL: there is one already. */
struct message *index_add(struct index *, struct trace_link, uint64_t seq);
/* What is kept apart of a message; NULL: nothing. */
struct extra *index_extra(const struct index *, const struct message *);
/* The same, made where there is none. */
struct extra *index_add_extra(struct index *, struct message *);

/* Room for one more in an array of `room` things, doubled when it is full. */
void *index_grow(void *array, size_t count, size_t *room, size_t size);

#endif
