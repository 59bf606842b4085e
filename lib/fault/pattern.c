/* pattern: which links an order is about: "n1>n2", "n*>client", "n1<>*". */
#include "lib/fault/inside.h"

#include <string.h>

static struct fault_side side(const char *at, size_t len)
{
	struct fault_side s = { .at = at, .len = len };

	s.kind = memchr(at, '*', len) ? FAULT_SIDE_GLOB : len == 6 && !memcmp(at, "client", 6) ? FAULT_SIDE_CLIENT :
		 FAULT_SIDE_NAME;
	return s;
}

bool fault_pattern_read(struct fault_pattern *p, const char *text)
{
	size_t len = strlen(text), from;
	const char *arrow = memchr(text, '>', len), *to;

	if (!arrow)
		return false;
	from = (size_t)(arrow - text);
	p->both = from && arrow[-1] == '<';
	from -= p->both;
	to = arrow + 1;
	len -= (size_t)(to - text);
	if (!from || !len || memchr(text, '<', from) || memchr(to, '<', len) || memchr(to, '>', len))
		return false;
	p->from = side(text, from);
	p->to = side(to, len);
	return true;
}

/* A star that did not fit takes in one byte more, and only the last star needs to. */
bool fault_glob(const char *glob, size_t glob_len, const char *name, size_t len)
{
	size_t g = 0, n = 0, star = SIZE_MAX, from = 0;

	while (n < len) {
		if (g < glob_len && glob[g] == '*') {
			star = g++;
			from = n;
		} else if (g < glob_len && glob[g] == name[n]) {
			g++;
			n++;
		} else if (star != SIZE_MAX) {
			g = star + 1;
			n = ++from;
		} else {
			return false;
		}
	}
	while (g < glob_len && glob[g] == '*')
		g++;
	return g == glob_len;
}

static bool side_matches(const struct fault_side *s, const char *name, size_t len, bool node, bool open)
{
	switch (s->kind) {
	case FAULT_SIDE_CLIENT:
		return !node;
	case FAULT_SIDE_GLOB:
		return (node || open) && fault_glob(s->at, s->len, name, len);
	default:
		return s->len == len && !memcmp(s->at, name, len);
	}
}

bool fault_pattern_matches(const struct fault_pattern *p, const char *from, size_t from_len, bool from_node,
			   const char *to, size_t to_len, bool to_node)
{
	if (side_matches(&p->from, from, from_len, from_node, p->open) && side_matches(&p->to, to, to_len, to_node, p->open))
		return true;
	return p->both && side_matches(&p->from, to, to_len, to_node, p->open) &&
	       side_matches(&p->to, from, from_len, from_node, p->open);
}
