/* value: see value.h */
#include "lib/client/value.h"
#include "lib/base/err.h"
#include "lib/json/scan.h"
#include "lib/json/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct wire_value value_read(const char *text, size_t len)
{
	static const char before[] = "{\"v\":";
	const struct wire_value none = { .kind = WIRE_ABSENT };
	struct json_path path;
	const struct json_path *paths[] = { &path };
	struct json_found found;
	struct json_scan scan;
	struct buf b = { 0 };
	struct wire_value value = none;

	while (len && is_space(*text)) {
		text++;
		len--;
	}
	while (len && is_space(text[len - 1]))
		len--;
	if (json_path_init(&path, "v"))
		die(EXIT_SYSTEM, "no memory");
	buf_puts(&b, before);
	buf_add(&b, text, len);
	buf_putc(&b, '}');
	/* All of the text: `1,"w":2` is a value only with what stands around it. */
	if (!json_scan(&scan, b.at, b.len, paths, 1, &found) && found.len == len)
		value = (struct wire_value){
			.kind = found.kind == JSON_IS_STRING ? WIRE_STRING :
				found.kind == JSON_IS_NUMBER ? WIRE_NUMBER : WIRE_OTHER,
			.json = { .p = text, .len = len }, .escaped = found.escaped,
		};
	json_path_release(&path);
	buf_release(&b);
	return value;
}

void value_put(struct buf *b, const char *word, bool may_be_json)
{
	struct wire_value value = { .kind = WIRE_ABSENT };

	if (!json_utf8(word, strlen(word)))
		die_usage("a key or a value is not UTF-8");
	if (may_be_json)
		value = value_read(word, strlen(word));
	if (value.kind)
		buf_add(b, value.json.p, value.json.len);
	else
		wire_put_string(b, word, strlen(word));
}

static bool has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return true;
	return false;
}

void value_print(const struct wire_value *value, bool json, bool one_line)
{
	const char *text = value->json.p;
	size_t len = value->json.len;
	char *decoded = NULL;

	if (!json && value->kind == WIRE_STRING) {
		struct json_found found = { .kind = JSON_IS_STRING, .p = text, .len = len, .escaped = value->escaped };
		size_t n;

		decoded = must_malloc(len);
		n = json_unescape(&found, decoded);
		if (!one_line || !has_control(decoded, n)) {
			text = decoded;
			len = n;
		}
	}
	fwrite(text, 1, len, stdout);
	free(decoded);
}
