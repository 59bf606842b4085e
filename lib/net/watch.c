/*
 * watch: see watch.h
 *
 * libuv's streams are not used: the router wants one large read into memory that all share, and one write
 * a turn of whatever came together, at once and without an object for it.
 */
#include "lib/net/watch.h"
#include "lib/base/err.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct watch *w = handle->data;

	(void)events;
	/* libuv stops at an error; but what came before it is still to be read, and then the error is read too. */
	if (status)
		uv_poll_start(handle, w->events, on_poll);
	w->ready(w->owner);
}

static void on_idle(uv_idle_t *handle)
{
	struct watch *w = handle->data;

	w->ready(w->owner);
}

struct watch *watch_new(uv_loop_t *loop, int fd, void (*ready)(void *owner), void *owner)
{
	struct watch *w = must_calloc(1, sizeof(*w));

	w->fd = fd;
	w->ready = ready;
	w->owner = owner;
	if (uv_poll_init(loop, &w->handle.poll, fd)) {
		w->always = 1;
		uv_idle_init(loop, &w->handle.idle);
	}
	w->handle.any.data = w;
	return w;
}

void watch_for(struct watch *w, int event)
{
	if (event == w->events)
		return;
	w->events = event;
	if (w->always && event)
		uv_idle_start(&w->handle.idle, on_idle);
	else if (w->always)
		uv_idle_stop(&w->handle.idle);
	else if (event)
		uv_poll_start(&w->handle.poll, event, on_poll);
	else
		uv_poll_stop(&w->handle.poll);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	uv_close(&w->handle.any, on_closed);
	close(w->fd);
}

static void on_timer(uv_timer_t *handle)
{
	struct timer *t = handle->data;

	t->due(t->owner);
}

struct timer *timer_new(uv_loop_t *loop, uint64_t ms, int again, void (*due)(void *owner), void *owner)
{
	struct timer *t = must_calloc(1, sizeof(*t));

	t->due = due;
	t->owner = owner;
	uv_timer_init(loop, &t->handle);
	uv_update_time(loop);           /* ms from now, and not from when the turn began */
	uv_timer_start(&t->handle, on_timer, ms, again ? ms : 0);
	t->handle.data = t;
	return t;
}

void timer_free(struct timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->handle, on_closed);
}
