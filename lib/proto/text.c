/* text: see text.h */
#include "lib/proto/text.h"
#include "lib/json/scan.h"

#include <string.h>

enum {
	CHUNK_KEEP_BYTES = 1 << 16,
	CHECKSUM_BYTES = 9,             /* of a record, with the space behind it */
};

void chunk_decode(struct buf *chunk, const struct wire_value *data)
{
	struct json_found text = {
		.kind = JSON_IS_STRING, .p = data->json.p, .len = data->json.len, .escaped = data->escaped,
	};

	buf_clear(chunk, CHUNK_KEEP_BYTES);
	if (data->kind == WIRE_STRING)
		chunk->len = json_unescape(&text, buf_room(chunk, data->json.len));
}

struct wire_text chunk_header(const struct buf *chunk)
{
	const char *end = chunk->len ? memchr(chunk->at, '\n', chunk->len) : NULL;
	struct wire_text header = { 0 };
	struct json_scan scan;

	if (!end || end - chunk->at <= CHECKSUM_BYTES)
		return header;
	header.p = chunk->at + CHECKSUM_BYTES;
	header.len = (size_t)(end - header.p);
	return json_scan(&scan, header.p, header.len, NULL, 0, NULL) ? (struct wire_text){ 0 } : header;
}

bool text_is_config(struct wire_text text)
{
	static const char *const fields[] = { "type", NULL };
	struct wire_names *names;
	struct wire_value type;
	bool is;

	/* Rare: a text that has the word at all. */
	if (!memmem(text.p, text.len, "\"config\"", 8))
		return false;
	names = wire_names_new(fields);
	wire_body(names, text, &type);
	is = wire_is(&type, "config");
	wire_names_free(names);
	return is;
}
