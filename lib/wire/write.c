/* Lines and bodies written. */
#include "lib/json/text.h"
#include "lib/wire/wire.h"

#include <assert.h>

/* Escaped at once: a longer text takes no more room than it needs. */
enum { PIECE_BYTES = 4096 };

void wire_put_string(struct buf *b, const char *s, size_t len)
{
	buf_putc(b, '"');
	while (len) {
		size_t n = len < PIECE_BYTES ? len : PIECE_BYTES;
		char *out = buf_room(b, 6 * n + 2) - 1, before = *out;

		/* The quotes of a piece are written over: by the byte before it, and by what follows. */
		b->len += json_escape(s, n, out) - 2;
		*out = before;
		s += n;
		len -= n;
	}
	buf_putc(b, '"');
}

void wire_begin(struct buf *b, const char *src, size_t src_len, const char *dest, size_t dest_len)
{
	buf_puts(b, "{\"src\":");
	wire_put_string(b, src, src_len);
	buf_puts(b, ",\"dest\":");
	wire_put_string(b, dest, dest_len);
	buf_puts(b, ",\"body\":{");
}

void wire_end(struct buf *b)
{
	buf_puts(b, "}}\n");
}

void wire_error(struct buf *b, const char *src, struct wire_text dest, struct wire_text msg_id, enum wire_code code,
		const char *text)
{
	wire_begin(b, src, strlen(src), dest.p, dest.len);
	buf_puts(b, "\"type\":\"error\"");
	if (msg_id.p) {
		buf_puts(b, ",\"in_reply_to\":");
		buf_add(b, msg_id.p, msg_id.len);
	}
	buf_puts(b, ",\"code\":");
	buf_u64(b, (uint64_t)code);
	buf_puts(b, ",\"text\":");
	wire_put_string(b, text, strlen(text));
	wire_end(b);
}

const char *wire_code_text(enum wire_code code)
{
	switch (code) {
	case WIRE_TIMEOUT:       return "timeout";
	case WIRE_NOT_SUPPORTED: return "not supported";
	case WIRE_UNAVAILABLE:   return "temporarily unavailable";
	case WIRE_MALFORMED:     return "malformed request";
	case WIRE_CRASH:         return "crash";
	case WIRE_ABORT:         return "abort";
	case WIRE_NO_KEY:        return "key does not exist";
	case WIRE_KEY_EXISTS:    return "key already exists";
	case WIRE_PRECONDITION:  return "precondition failed";
	case WIRE_TXN_CONFLICT:  return "transaction conflict";
	}
	return "unknown error";
}
