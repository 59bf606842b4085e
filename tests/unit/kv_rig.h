/*
 * kv_rig: a state machine in a test: commands and reads by their bodies, tables of them with their answers.
 */
#ifndef UNIT_KV_RIG_H
#define UNIT_KV_RIG_H

#include "lib/kv/kv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define WRITE_OK "\"type\":\"write_ok\""
#define CAS_OK "\"type\":\"cas_ok\""
#define NO_KEY "\"type\":\"error\",\"code\":20,\"text\":\"key does not exist\""
#define ERROR(code, text) "\"type\":\"error\",\"code\":" #code ",\"text\":\"" text "\""

struct machine {
	struct kv *kv;
	uint64_t index;
	struct buf answer;
};

static inline void machine_init(struct machine *m)
{
	*m = (struct machine){ .kv = kv_new(1) };
}

static inline void machine_release(struct machine *m)
{
	kv_free(m->kv);
	buf_release(&m->answer);
}

/* The answer as a string, valid until the next. */
static inline const char *ended(struct machine *m)
{
	buf_putc(&m->answer, '\0');
	return m->answer.at;
}

static inline const char *apply_at(struct machine *m, uint64_t index, const char *body)
{
	m->index = index;
	m->answer.len = 0;
	kv_apply(m->kv, index, body, strlen(body), &m->answer);
	return ended(m);
}

static inline const char *apply(struct machine *m, const char *body)
{
	return apply_at(m, m->index + 1, body);
}

static inline const char *ask(struct machine *m, const char *body)
{
	m->answer.len = 0;
	kv_read(m->kv, body, strlen(body), &m->answer);
	return ended(m);
}

__attribute__((format(printf, 3, 4)))
static inline const char *form(char *out, size_t room, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, room, fmt, ap);
	va_end(ap);
	return out;
}

struct step {
	const char *body, *answer;
};

/* Each a command, but those that are reads alone. */
static inline void play(const struct step *step, size_t count)
{
	struct machine m;

	machine_init(&m);
	for (size_t i = 0; i < count; i++) {
		const char *error;
		char type[16] = { 0 };
		bool read;

		assert_int_equal(sscanf(step[i].body, "{\"type\":\"%15[a-z]\"", type), 1);
		read = kv_classify(type, strlen(type), step[i].body, strlen(step[i].body), &error) == KV_READ;
		assert_string_equal(read ? ask(&m, step[i].body) : apply(&m, step[i].body), step[i].answer);
	}
	machine_release(&m);
}

#define PLAY(steps) play(steps, COUNT(steps))

#endif
