/* skip: see skip.h */
#include "lib/wire/skip.h"

const char *skip_special(const char *p, const char *end, bool *escaped)
{
	if (*p == '\\') {
		*escaped = true;
		return end - p >= 2 ? p + 2 : NULL;
	}
	do
		p++;
	while (p != end && *p & 0x80);
	return p;
}

const char *skip_container(struct skip *s, const char *p)
{
	unsigned depth = s->depth;
	bool escaped;

	for (; p != s->end; p++) {
		switch (*p) {
		case '"':
			p = skip_string(s, p + 1, &escaped);
			if (!p)
				return NULL;
			break;
		case '{':
		case '[':
			if (++depth > s->depth_max)
				s->deep = true;
			break;
		case '}':
		case ']':
			if (--depth == s->depth)
				return p + 1;
			break;
		}
	}
	return NULL;
}

bool skip_is_decoded(const struct skip_name *name, const char *s, size_t len)
{
	struct json_text t = { .p = name->text.p, .end = name->text.p + name->text.len, .escaped = true };
	size_t i = 0;
	int c;

	while ((c = json_text_next(&t)) >= 0)
		if (i == len || (unsigned char)s[i++] != c)
			return false;
	return i == len;
}
