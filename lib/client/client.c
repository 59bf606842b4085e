/* client: see client.h */
#include "lib/client/client.h"
#include "lib/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define MS_NS UINT64_C(1000000)

/* Between tries: twice as long each time. */
static const uint64_t PATIENCE_NS = 500 * MS_NS, PAUSE_NS = 10 * MS_NS, PAUSE_MAX_NS = 500 * MS_NS;

static uint64_t random64(void)
{
	uint64_t x;

	if (getrandom(&x, sizeof(x), 0) != sizeof(x))
		die(EXIT_SYSTEM, "no random bytes: %s", strerror(errno));
	return x;
}

void client_init(struct client *c, const char *to)
{
	*c = (struct client){ .to = to, .patience_ns = PATIENCE_NS };
	snprintf(c->name, sizeof(c->name), "kv-%016jx", (uintmax_t)random64());
	snprintf(c->session, sizeof(c->session), "%016jx", (uintmax_t)random64());
}

void client_release(struct client *c)
{
	link_release(&c->link);
	buf_release(&c->line);
}

bool client_is(const struct wire_line *line, const char *type)
{
	return line->type.len == strlen(type) && !memcmp(line->type.p, type, line->type.len);
}

void client_fields(const struct wire_line *line, const char *const *names, struct wire_value *out)
{
	struct wire_names *prepared = wire_names_new(names);

	wire_body(prepared, line->body, out);
	wire_names_free(prepared);
}

/* --- Sending --- */

static void write_request(struct client *c, const char *to, const struct request *r)
{
	buf_clear(&c->line, SIZE_MAX);
	wire_begin(&c->line, c->name, strlen(c->name), to, strlen(to));
	buf_printf(&c->line, "\"type\":\"%s\",\"msg_id\":%ju", r->type, (uintmax_t)++c->msg_id);
	if (r->once)
		buf_printf(&c->line, ",\"session\":\"%s\",\"seq\":%ju", c->session, (uintmax_t)c->seq);
	if (r->members.len)
		buf_putc(&c->line, ',');
	buf_add(&c->line, r->members.p, r->members.len);
	wire_end(&c->line);
}

uint64_t client_post(struct client *c, const char *to, const struct request *r, uint64_t deadline_ns)
{
	write_request(c, to, r);
	if (!link_open(&c->link, deadline_ns) && !link_send(&c->link, c->line.at, c->line.len, deadline_ns))
		return c->msg_id;
	c->why = c->link.why;
	return 0;
}

/* --- Hearing --- */

int client_hear(struct client *c, struct wire_line *message, uint64_t deadline_ns)
{
	char *line;
	size_t len;
	int rc;

	while ((rc = link_line(&c->link, &line, &len, deadline_ns)) == 1)
		if (!wire_parse(message, line, len) && message->dest.len == strlen(c->name) &&
		    !memcmp(message->dest.p, c->name, message->dest.len))
			return 1;
	if (rc < 0)
		c->why = c->link.why;
	return rc;
}

/* Does it leave open what happened, or may it be otherwise in a moment? */
static bool is_open(struct client *c, const struct wire_line *answer)
{
	static const char *const names[] = { "code", "text", NULL };
	struct wire_value field[2];
	uint64_t code;

	if (!client_is(answer, "error"))
		return false;
	client_fields(answer, names, field);
	if (!wire_u64(&field[0], &code) || (code != WIRE_TIMEOUT && code != WIRE_UNAVAILABLE && code != WIRE_CRASH))
		return false;
	if (!wire_string(&field[1], c->answered, sizeof(c->answered) - 1))
		snprintf(c->answered, sizeof(c->answered), "%s", wire_code_text((enum wire_code)code));
	c->why = c->answered;
	return true;
}

enum outcome { ANSWERED, OPEN, SILENT, LOST };

/* The answer to any of the tries is the answer. */
static enum outcome try(struct client *c, const struct request *r, uint64_t first_id, uint64_t deadline_ns,
			struct wire_line *answer)
{
	uint64_t id;
	int rc;

	if (!client_post(c, c->to, r, deadline_ns))
		return LOST;
	while ((rc = client_hear(c, answer, deadline_ns)) == 1) {
		if (!wire_u64(&answer->in_reply_to, &id) || id < first_id || id > c->msg_id)
			continue;
		return is_open(c, answer) ? OPEN : ANSWERED;
	}
	return rc < 0 ? LOST : SILENT;
}

bool client_try(struct client *c, const struct request *r, uint64_t deadline_ns, struct wire_line *answer)
{
	c->seq += r->once;
	c->why = NULL;
	return try(c, r, c->msg_id + 1, deadline_ns, answer) == ANSWERED;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

bool client_ask(struct client *c, const struct request *r, uint64_t deadline_ns, struct wire_line *answer)
{
	uint64_t first_id = c->msg_id + 1, patience = c->patience_ns, pause = PAUSE_NS, now;

	c->seq += r->once;
	c->why = NULL;
	while ((now = link_now()) < deadline_ns) {
		enum outcome outcome = try(c, r, first_id, earlier(deadline_ns, now + patience), answer);

		if (outcome == ANSWERED)
			return true;
		if (outcome == LOST && !c->link.addresses)
			return false;
		/* Perhaps another address, or another connection, leads to one that is better off. */
		if (outcome == SILENT || c->link.addresses > 1)
			link_close(&c->link);
		if (outcome == SILENT) {
			patience *= 2;
			continue;
		}
		link_sleep_until(earlier(deadline_ns, link_now() + pause));
		pause = earlier(2 * pause, PAUSE_MAX_NS);
	}
	return false;
}
