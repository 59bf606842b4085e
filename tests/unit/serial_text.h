/*
 * serial_text: histories for serial_model.h as text, one transaction a line:
 *
 *     1-4 w x 1, r y 2        called at 1, returned at 4; wrote 1 to x, then read 2 from y
 *     2-? a z 1               its outcome is not known
 *
 * r read, w write, a append, l list read (1.2.3), o read another value, m read the value or missing.  "-" is missing, or the empty
 * list; "?" a result that is not known.  Keys are w, x, y, z.
 */
#ifndef TESTS_UNIT_SERIAL_TEXT_H
#define TESTS_UNIT_SERIAL_TEXT_H

#include "tests/unit/serial_model.h"

static inline enum serial_kind text_kind(char c)
{
	switch (c) {
	case 'r':
		return SERIAL_READ;
	case 'w':
		return SERIAL_WRITE;
	case 'a':
		return SERIAL_APPEND;
	case 'l':
		return SERIAL_READ_LIST;
	case 'o':
		return SERIAL_READ_OTHER;
	default:
		assert_int_equal(c, 'm');
		return SERIAL_READ_OR_MISSING;
	}
}

static inline const char *text_micro(struct model *h, const char *p)
{
	struct serial_txn *t = &h->txn[h->count];
	struct serial_micro *m = &h->micro[h->count][t->count];
	uint32_t *list = h->list[h->count][t->count++];

	assert_in_range(t->count, 1, MODEL_MICROS);
	*m = (struct serial_micro){ .kind = text_kind(*p), .key = (uint32_t)(p[2] - 'w') };
	assert_in_range(m->key, 0, MODEL_KEYS - 1);
	p += 4;
	m->unknown = *p == '?';
	m->list = m->kind == SERIAL_READ_LIST ? list : NULL;
	if (*p == '-' || *p == '?')
		return p + 1;
	for (;;) {
		m->value = (uint32_t)strtoul(p, (char **)(uintptr_t)&p, 10);
		if (m->kind != SERIAL_READ_LIST)
			return p;
		list[m->count++] = m->value;
		m->value = 0;
		if (*p != '.')
			return p;
		p++;
	}
}

static inline void text_history(struct model *h, const char *text)
{
	memset(h, 0, sizeof(*h));
	while (*text) {
		struct serial_txn *t = &h->txn[h->count];

		assert_in_range(h->count, 0, MODEL_TXNS - 1);
		*t = (struct serial_txn){ .micro = h->micro[h->count], .certain = true };
		t->called = strtoull(text, (char **)(uintptr_t)&text, 10);
		text++;
		t->certain = *text != '?';
		t->returned = SERIAL_NEVER;
		if (t->certain)
			t->returned = strtoull(text, (char **)(uintptr_t)&text, 10);
		else
			text++;
		while (*text != '\n') {
			text += *text == ',';
			text = text_micro(h, text + 1);
		}
		text++;
		h->count++;
	}
}

/* "T0 ww x 2, T1 rt"; at most so many bytes. */
static inline void text_steps(const struct serial_step *step, uint32_t count, char *to, size_t room)
{
	static const char *const why[] = {
		"wr", "ww", "rw", "rt", "saw-nothing-written", "saw-midst", "saw-twice", "saw-other-order", "saw-its-future",
		"missed-its-own", "was-seen", "no-order",
	};
	size_t n = 0;

	*to = 0;
	for (uint32_t i = 0; i < count && n < room; i++) {
		n += (size_t)snprintf(to + n, room - n, "%sT%u %s", i ? ", " : "", step[i].txn, why[step[i].why]);
		if (n < room && step[i].why != SERIAL_RT && step[i].why != SERIAL_NO_ORDER)
			n += (size_t)snprintf(to + n, room - n, " %c %u", (char)('w' + step[i].key), step[i].value);
	}
	assert_true(n < room);
}

#endif
