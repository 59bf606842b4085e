/*
 * texts: inside the history module, a number for each text, from 1 on in the order in which they come.
 *
 * Texts have no NUL.  They are JSON in canonical form, so that equal texts are all that mean the same.
 */
#ifndef HISTORY_TEXTS_H
#define HISTORY_TEXTS_H

#include "lib/history/ledger.h"
#include "lib/wire/wire.h"

#include <stdint.h>

enum { TEXTS_MAX = INT32_MAX };

struct texts {
	struct ledger *ledger;
	struct arena arena;
	const char **text;              /* of number i + 1 */
	uint32_t *hash;
	size_t text_room, hash_room;
	uint32_t count;
	uint32_t *slot;                 /* numbers, 0 for none; open addressing */
	size_t slots;                   /* a power of 2 */
	unsigned char key[16];          /* of the hash: no history can be made that has them all in one place */
};

void texts_init(struct texts *, struct ledger *);
void texts_release(struct texts *);

/* The text's number, a new one where it is new; 0 where memory does not do. */
__attribute__((warn_unused_result))
uint32_t texts_number(struct texts *, struct wire_text);
/* The same, but 0 where it is new. */
uint32_t texts_find(const struct texts *, struct wire_text);

static inline const char *texts_text(const struct texts *t, uint32_t number)
{
	return t->text[number - 1];
}

#endif
