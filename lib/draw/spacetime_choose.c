/* spacetime_choose: lists of names and globs, as --nodes and --types have them. */
#include "lib/draw/spacetime_inside.h"

/* '*' is any text; the latest one takes more wherever the rest does not fit. */
bool glob_is(const char *pattern, size_t pattern_len, const char *s, size_t len)
{
	const char *end = pattern + pattern_len, *s_end = s + len, *star = NULL, *star_s = NULL;

	while (s < s_end) {
		if (pattern < end && *pattern == '*') {
			star = pattern++;
			star_s = s;
		} else if (pattern < end && *pattern == *s) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star + 1;
			s = ++star_s;
		} else {
			return false;
		}
	}
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

bool list_item(const char *list, size_t i, const char **item, size_t *len)
{
	while (list) {
		*item = list;
		*len = strcspn(list, ",");
		if (!i--)
			return true;
		list = list[*len] ? list + *len + 1 : NULL;
	}
	return false;
}

int list_find(const char *list, const char *s, size_t len)
{
	const char *item;
	size_t item_len;

	for (size_t i = 0; list_item(list, i, &item, &item_len); i++)
		if (glob_is(item, item_len, s, len))
			return (int)i;
	return -1;
}

static bool names_heartbeats(const char *item, size_t len)
{
	return len == strlen("heartbeats") && !memcmp(item, "heartbeats", len);
}

/* Each item says yes or no to what it fits, the last one that fits counts; one with '!' at the front begins with all. */
bool types_show(const char *types, const char *type, bool heartbeat)
{
	bool show;
	const char *item;
	size_t len;

	if (!types)
		return true;
	show = *types == '!';
	for (size_t i = 0; list_item(types, i, &item, &len); i++) {
		bool no = len && *item == '!';

		item += no;
		len -= no;
		if (names_heartbeats(item, len) ? heartbeat : glob_is(item, len, type, strlen(type)))
			show = !no;
	}
	return show;
}

bool types_want_heartbeats(const char *types)
{
	const char *item;
	size_t len;

	for (size_t i = 0; types && list_item(types, i, &item, &len); i++)
		if (names_heartbeats(item, len))
			return true;
	return false;
}
