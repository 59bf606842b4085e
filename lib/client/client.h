/*
 * client: requests that are sent until they are answered, and done once however often that is.
 *
 * A request that changes something carries this process's session and a number that grows by one, so the state machine
 * applies it once.  So a connection that is lost, an answer that does not come, and one that leaves
 * the outcome open (timeout, temporarily unavailable, crash) are all treated alike: the request is sent
 * again, to the next address where there are several, until the deadline.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "lib/base/buf.h"
#include "lib/client/link.h"
#include "lib/wire/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct client {
	struct link link;
	const char *to;                 /* the dest of requests; the caller's, kept */
	char name[24];                  /* the src, unlike any other's */
	char session[24];
	uint64_t seq, msg_id;           /* the last used */
	uint64_t patience_ns;           /* how long the first try waits for an answer */
	struct buf line;
	const char *why;                /* there was no answer: a clause, or NULL where just nothing came */
	char answered[256];             /* where that was an answer that leaves the outcome open: its text */
};

/* The link is to be made by the caller: link_init or link_init_given. */
void client_init(struct client *, const char *to);
void client_release(struct client *);

struct request {
	const char *type;
	struct wire_text members;       /* after type and msg_id: `"key":"x"`; may be empty */
	bool once;                      /* it changes something */
};

/*
 * Sends until there is a definite answer, in `answer` until the next call: its type, or an error with a code
 * that says yes or no.  False after the deadline, or once a link that was given is closed: why.
 */
__attribute__((warn_unused_result))
bool client_ask(struct client *, const struct request *, uint64_t deadline_ns, struct wire_line *answer);

/* The same, once.  False: there may be more to gain by another try. */
__attribute__((warn_unused_result))
bool client_try(struct client *, const struct request *, uint64_t deadline_ns, struct wire_line *answer);

/* Sends and does not wait.  The msg_id, or 0 and why. */
__attribute__((warn_unused_result))
uint64_t client_post(struct client *, const char *to, const struct request *, uint64_t deadline_ns);

/* The next message for us: 1, or 0 when it is too late, or -1 and why.  It is valid until the next call. */
__attribute__((warn_unused_result))
int client_hear(struct client *, struct wire_line *, uint64_t deadline_ns);

/* Is it the type? */
bool client_is(const struct wire_line *, const char *type);

/* Members of the body by name: at most WIRE_FIELDS_MAX, NULL ends them. */
void client_fields(const struct wire_line *, const char *const *names, struct wire_value *out);

#endif
