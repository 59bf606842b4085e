/*
 * own: the records that the store adds to a log, as drawn in inside.h.
 *
 * They are written in one form alone, so a reader knows what {"flush"} and {"next"} must say and
 * compares; a header, the first record it may see, is read member by member.
 */
#include "lib/store/inside.h"

#include <inttypes.h>
#include <string.h>

#define BEGINS(json, len, text) ((len) >= sizeof(text) - 1 && !memcmp(json, text, sizeof(text) - 1))

bool own_is_flush(const char *json, size_t len)
{
	return BEGINS(json, len, "{\"flush\":");
}

bool own_is_next(const char *json, size_t len)
{
	return BEGINS(json, len, "{\"next\":");
}

bool own_is_header(const char *json, size_t len)
{
	return BEGINS(json, len, "{\"log\":");
}

/* --- Writing --- */

static void put_chain(struct buf *out, uint64_t flush, uint32_t chain)
{
	char digits[RECORD_CRC_BYTES];

	record_hex(digits, chain);
	buf_puts(out, "\"flush\":");
	buf_u64(out, flush);
	buf_puts(out, ",\"chain\":\"");
	buf_add(out, digits, sizeof(digits));
	buf_putc(out, '"');
}

void own_flush(struct buf *out, uint64_t flush, uint32_t chain)
{
	buf_drop(out, out->len);
	buf_putc(out, '{');
	put_chain(out, flush, chain);
	buf_putc(out, '}');
}

void own_next(struct buf *out, uint32_t segment)
{
	buf_drop(out, out->len);
	buf_puts(out, "{\"next\":");
	buf_u64(out, segment);
	buf_putc(out, '}');
}

void own_header(struct buf *out, const struct store *s, uint32_t segment, uint64_t flush, uint32_t chain)
{
	buf_drop(out, out->len);
	buf_printf(out, "{\"log\":\"%s\",\"version\":%d,\"id\":%s,\"segment\":%" PRIu32 ",",
		   s->kind, STORE_VERSION, s->id_json, segment);
	put_chain(out, flush, chain);
	if (s->cluster) {
		buf_puts(out, ",\"cluster\":");
		buf_puts(out, s->cluster);
	}
	buf_putc(out, '}');
}

/* --- Reading a header --- */

struct cursor { const char *p, *end; };

static bool eat(struct cursor *c, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(c->end - c->p) < len || memcmp(c->p, text, len) != 0)
		return false;
	c->p += len;
	return true;
}

static bool eat_number(struct cursor *c, uint64_t *n)
{
	const char *start = c->p;

	for (*n = 0; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++) {
		if (*n > (UINT64_MAX - 9) / 10)
			return false;
		*n = *n * 10 + (uint64_t)(*c->p - '0');
	}
	return c->p > start;
}

static bool eat_string(struct cursor *c, const char **text, size_t *len)
{
	*text = c->p;
	if (!eat(c, "\""))
		return false;
	while (c->p < c->end && *c->p != '"')
		c->p += *c->p == '\\' ? 2 : 1;
	if (c->p >= c->end)
		return false;
	*len = (size_t)(++c->p - *text);
	return true;
}

static bool eat_chain(struct cursor *c, uint32_t *chain)
{
	const char *text;
	char digits[RECORD_CRC_BYTES];
	size_t len;

	*chain = 0;
	if (!eat_string(c, &text, &len) || len != sizeof(digits) + 2)
		return false;
	for (size_t i = 1; i <= sizeof(digits); i++) {
		const char *digit = memchr("0123456789abcdef", text[i], 16);

		if (!digit)
			return false;
		*chain = *chain << 4 | (uint32_t)(digit - "0123456789abcdef");
	}
	return true;
}

bool own_header_read(struct own_header *h, const char *json, size_t len)
{
	struct cursor c = { json, json + len };

	*h = (struct own_header){ 0 };
	if (!eat(&c, "{\"log\":") || !eat_string(&c, &h->kind, &h->kind_len) ||
	    !eat(&c, ",\"version\":") || !eat_number(&c, &h->version))
		return false;
	if (h->version != STORE_VERSION)
		return true;
	if (!eat(&c, ",\"id\":") || !eat_string(&c, &h->id, &h->id_len) ||
	    !eat(&c, ",\"segment\":") || !eat_number(&c, &h->segment) ||
	    !eat(&c, ",\"flush\":") || !eat_number(&c, &h->flush) ||
	    !eat(&c, ",\"chain\":") || !eat_chain(&c, &h->chain))
		return false;
	if (eat(&c, ",\"cluster\":")) {
		h->cluster = c.p;
		h->cluster_len = (size_t)(c.end - c.p) - (c.p < c.end);
		c.p += h->cluster_len;
	}
	return eat(&c, "}") && c.p == c.end;
}

static bool is_text(const char *p, size_t len, const char *text)
{
	return len == strlen(text) && !memcmp(p, text, len);
}

/* Bytes of a text that a sentence has room for. */
static int shown(size_t len)
{
	return len < 200 ? (int)len : 200;
}

int own_header_check(const struct store *s, const struct own_header *h, const char *name, struct store_report *report)
{
	const struct folder *f = &s->folder;

	if (h->version != STORE_VERSION) {
		folder_say(f, name, report, " is a log of version %" PRIu64 ", this program knows version %d",
			   h->version, STORE_VERSION);
	} else if (!is_text(h->kind + 1, h->kind_len - 2, s->kind) || !is_text(h->id, h->id_len, s->id_json)) {
		folder_say(f, name, report, " belongs to %.*s node %.*s", shown(h->kind_len - 2), h->kind + 1,
			   shown(h->id_len - 2), h->id + 1);
	} else if (s->cluster && !h->cluster) {
		folder_say(f, name, report, " began without a cluster");
	} else if (s->cluster && !is_text(h->cluster, h->cluster_len, s->cluster)) {
		folder_say(f, name, report, " belongs to another cluster: %.*s", shown(h->cluster_len), h->cluster);
	} else {
		return 0;
	}
	return STORE_EOTHER;
}
