/* keys: see keys.h */
#include "lib/shard/keys.h"

#include <stdlib.h>
#include <string.h>

static bool take_field(const struct ring_key *record, uint64_t field, char separator, struct ring_key *key)
{
	const uint8_t *at = record->p, *end = record->p + record->len, *stop;

	for (;;) {
		stop = memchr(at, separator, (size_t)(end - at));
		if (!--field)
			break;
		if (!stop)
			return false;
		at = stop + 1;
	}
	*key = (struct ring_key){ at, (size_t)((stop ? stop : end) - at) };
	return true;
}

static bool take_json(const struct keys_conf *conf, struct keys *k, size_t *text_len, struct flow_work *w,
		      const struct ring_key *record, size_t i)
{
	const struct json_path *paths[2] = { conf->path, conf->set };
	struct json_found found[2];
	struct json_scan scan;
	char *text;
	int rc = json_scan(&scan, (const char *)record->p, record->len, paths, conf->set ? 2 : 1, found);

	if (rc) {
		flow_fail(w, rc == -1 ? EXIT_DATA : EXIT_SYSTEM, "byte %zu: %s", scan.at + 1, scan.error);
		return false;
	}
	if (found[0].kind != JSON_IS_STRING && found[0].kind != JSON_IS_NUMBER) {
		flow_fail(w, EXIT_DATA, found[0].kind == JSON_NONE ? "no value at the path of --json-key"
			  : "the value at the path of --json-key is neither a string nor a number");
		return false;
	}
	k->set[i] = found[1];
	if (found[0].kind == JSON_IS_NUMBER) {
		k->key[i] = (struct ring_key){ (const uint8_t *)found[0].p, found[0].len };
		return true;
	}
	if (!found[0].escaped) {
		k->key[i] = (struct ring_key){ (const uint8_t *)found[0].p + 1, found[0].len - 2 };
		return true;
	}
	text = k->text + *text_len;
	k->key[i] = (struct ring_key){ (const uint8_t *)text, json_unescape(&found[0], text) };
	*text_len += k->key[i].len;
	return true;
}

/* Decoded strings are no longer than the records, and are read a little beyond. */
static void reserve_text(struct keys *k, const struct ring_key *record, size_t n)
{
	size_t want = FLOW_SLACK;

	for (size_t i = 0; i < n; i++)
		want += record[i].len;
	if (want <= k->text_cap)
		return;
	free(k->text);
	k->text_cap = want + want / 2;
	k->text = must_calloc(k->text_cap, 1);
}

size_t keys_take(const struct keys_conf *conf, struct keys *k, struct flow_work *w, const struct ring_key *record,
		 size_t n)
{
	size_t i = 0, text_len = 0;

	if (conf->path) {
		reserve_text(k, record, n);
		while (i < n && take_json(conf, k, &text_len, w, &record[i], i))
			i++;
		return i;
	}
	if (!conf->field) {
		memcpy(k->key, record, n * sizeof *record);
		return n;
	}
	for (; i < n; i++) {
		if (!take_field(&record[i], conf->field, conf->separator, &k->key[i])) {
			flow_fail(w, EXIT_DATA, "no field %llu", (unsigned long long)conf->field);
			break;
		}
	}
	return i;
}

void keys_release(struct keys *k)
{
	free(k->text);
}
