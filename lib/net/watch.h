/*
 * watch: a descriptor in the event loop, and a moment in it.
 *
 * A file, which no poll knows, is ready at every turn of the loop.
 */
#ifndef NET_WATCH_H
#define NET_WATCH_H

#include <stdint.h>

#include <uv.h>

struct watch {
	int fd;
	int events;                     /* UV_READABLE, UV_WRITABLE or 0: what is waited for */
	void (*ready)(void *owner);
	void *owner;
	int always;                     /* a file: `idle` is in use and `poll` is not */
	union {
		uv_handle_t any;
		uv_poll_t poll;
		uv_idle_t idle;
	} handle;
};

/* Takes the descriptor; waits for nothing yet. */
struct watch *watch_new(uv_loop_t *, int fd, void (*ready)(void *owner), void *owner);
/* One of the events, or 0: `ready` is called each time it is there. */
void watch_for(struct watch *, int event);
/* Closes the descriptor; NULL is none. */
void watch_free(struct watch *);

struct timer {
	uv_timer_t handle;
	void (*due)(void *owner);
	void *owner;
};

/* Calls `due` after that time, and where `again`, every time it has passed again. */
struct timer *timer_new(uv_loop_t *, uint64_t ms, int again, void (*due)(void *owner), void *owner);
void timer_free(struct timer *);

#endif
