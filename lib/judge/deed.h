/*
 * deed: inside the judge module, what an operation or a transaction did, in words.
 */
#ifndef JUDGE_DEED_H
#define JUDGE_DEED_H

#include "lib/base/buf.h"
#include "lib/judge/judge.h"

enum { DEED_VALUE_BYTES = 60 };         /* of a value that are shown */

struct deed {
	const char *process;            /* JSON */
	uint64_t called, returned;      /* LIN_NEVER */
	bool certain;
	struct buf words;               /* "read 4", "changed 1 to 2"; NUL-terminated */
};

/* With the key's name, or DEED_NO_KEY. */
#define DEED_NO_KEY UINT32_MAX
void deed_of_op(struct deed *, const struct history *, const struct lin_op *, uint32_t key);
/* What parts its operations: ", ". */
void deed_of_transaction(struct deed *, const struct history *, uint32_t transaction, const char *comma);
/* Of a contradiction's member. */
void deed_of_member(struct deed *, const struct history *, const struct judge_contradiction *, uint32_t i);
void deed_release(struct deed *);

/* The line that shows what it did: where it ended, or else where it began. */
uint64_t deed_line(const struct deed *);

/* Must it have found one certain value (LIN_MISSING: no key)?  And may the key have had this value after it, by it? */
bool deed_needs(const struct lin_op *, uint32_t *value);
bool deed_leaves(const struct lin_op *, uint32_t value);

/* JSON, cut in its middle where it is long. */
void deed_put_value(struct buf *, const char *json);
/* The key after `before`; nothing if it has no name. */
void deed_put_key(struct buf *, const struct history *, uint32_t key, const char *before);

#endif
