/*
 * answer: inside the kv module, the words of answers.
 */
#ifndef KV_ANSWER_H
#define KV_ANSWER_H

#include "lib/base/buf.h"
#include "lib/wire/wire.h"

#define ANSWER_WRITE_OK "\"type\":\"write_ok\""
#define ANSWER_CAS_OK "\"type\":\"cas_ok\""
#define ANSWER_DELETE_OK "\"type\":\"delete_ok\""
#define ANSWER_NO_KEY "\"type\":\"error\",\"code\":20,\"text\":\"key does not exist\""
#define ANSWER_NOT_KEPT \
	"\"type\":\"error\",\"code\":13,\"text\":\"it was answered, too long for the answer to be kept\""

#define answer_constant(answer, text) buf_add(answer, text, sizeof(text) - 1)

static inline void answer_text(struct buf *answer, struct wire_text text)
{
	buf_add(answer, text.p, text.len);
}

static inline void answer_error(struct buf *answer, enum wire_code code, const char *text)
{
	answer_constant(answer, "\"type\":\"error\",\"code\":");
	buf_u64(answer, (uint64_t)code);
	answer_constant(answer, ",\"text\":");
	wire_put_string(answer, text, strlen(text));
}

#endif
