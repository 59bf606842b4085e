/*
 * loop: the node on libuv, in real time.
 *
 * stdin and stdout are polled, not streamed: a line is handled where it was read, and a turn's output leaves in one
 * write.  A descriptor that cannot be polled (a file) is read between turns.  The disk's work runs in libuv's threads.
 */
#include "lib/base/err.h"
#include "lib/node/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static const uint64_t HAND_OVER_NS = 900 * UINT64_C(1000000);
static const uint64_t MS = 1000000;

struct loop {
	struct node *node;
	uv_loop_t *uv;
	uv_poll_t in, out;
	uv_timer_t timer;
	uv_idle_t again, file;          /* another turn at once; reading what cannot be polled */
	uv_signal_t term, interrupt;
	bool in_is_file, out_waits, stopping;
	int in_flags, out_flags;        /* as they were found */
};

static void turn(struct loop *);

/* --- Work in other threads --- */

struct work {
	uv_work_t request;
	struct node *node;
	void (*work)(void *), (*done)(void *);
	void *arg;
};

static void on_work(uv_work_t *request)
{
	struct work *w = request->data;

	w->work(w->arg);
}

static void on_work_done(uv_work_t *request, int status)
{
	struct work *w = request->data;
	struct node *n = w->node;

	(void)status;
	n->now_ns = node_clock();
	w->done(w->arg);
	free(w);
	if (!n->loop->stopping)
		turn(n->loop);
}

void loop_work(struct node *n, void (*work)(void *), void (*done)(void *), void *arg)
{
	struct work *w;

	if (!n->loop || n->options->is_volatile) {
		n->again = true;
		work(arg);
		done(arg);
		return;
	}
	w = must_malloc(sizeof(*w));
	*w = (struct work){ .node = n, .work = work, .done = done, .arg = arg };
	w->request.data = w;
	uv_queue_work(n->loop->uv, &w->request, on_work, on_work_done);
}

/* --- Turns --- */

static void on_out(uv_poll_t *handle, int status, int events)
{
	struct loop *l = handle->data;

	(void)status;
	(void)events;
	uv_poll_stop(&l->out);
	l->out_waits = false;
	turn(l);
}

static void on_timer(uv_timer_t *handle)
{
	turn(handle->data);
}

static void on_again(uv_idle_t *handle)
{
	uv_idle_stop(handle);
	turn(handle->data);
}

void loop_again(struct node *n)
{
	uv_idle_start(&n->loop->again, on_again);
}

static void arm(struct loop *l)
{
	uint64_t deadline = node_deadline(l->node), now = l->node->now_ns;
	uint64_t wait = deadline <= now ? 0 : deadline - now;

	if (deadline == UINT64_MAX) {
		uv_timer_stop(&l->timer);
		return;
	}
	uv_update_time(l->uv);
	uv_timer_start(&l->timer, on_timer, (wait + MS - 1) / MS, 0);
}

/* Is there anything that a node which stops still has to wait for? */
static bool may_end(struct loop *l)
{
	struct node *n = l->node;

	if (n->ended)
		return node_at_rest(n);
	if (!n->signal)
		return false;
	if (n->now_ns >= n->stop_by_ns || !n->open)
		return true;
	return !n->protocol->leading(n->p) && (!*n->protocol->leader(n->p) || strcmp(n->protocol->leader(n->p), n->id));
}

static void turn(struct loop *l)
{
	struct node *n = l->node;

	n->now_ns = node_clock();
	node_turn(n);
	if (n->out.len && !l->out_waits) {
		l->out_waits = true;
		uv_poll_start(&l->out, UV_WRITABLE, on_out);
	}
	if (may_end(l)) {
		uv_stop(l->uv);
		return;
	}
	if (n->again)
		uv_idle_start(&l->again, on_again);
	arm(l);
}

/* --- Input --- */

static void take_input(struct loop *l)
{
	struct node *n = l->node;
	ssize_t got;

	n->now_ns = node_clock();
	got = line_read(&n->in, STDIN_FILENO);
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got < 0)
		die(EXIT_SYSTEM, "cannot read 'stdin': %s", strerror(errno));
	if (!got) {
		n->ended = true;
		if (l->in_is_file)
			uv_idle_stop(&l->file);
		else
			uv_poll_stop(&l->in);
	}
	while (input_next(n))
		;
	turn(l);
}

static void on_in(uv_poll_t *handle, int status, int events)
{
	(void)status;
	(void)events;
	take_input(handle->data);
}

static void on_file(uv_idle_t *handle)
{
	struct loop *l = handle->data;

	/* What was read is done before more is. */
	if (node_at_rest(l->node) || request_count(l->node) < NODE_REQUESTS_MAX / 2)
		take_input(l);
}

static void open_input(struct loop *l)
{
	l->in_flags = fcntl(STDIN_FILENO, F_GETFL);
	uv_idle_init(l->uv, &l->file);
	l->file.data = l;
	l->in_is_file = uv_poll_init(l->uv, &l->in, STDIN_FILENO) != 0;
	l->in.data = l;
	if (l->in_is_file)
		uv_idle_start(&l->file, on_file);
	else
		uv_poll_start(&l->in, UV_READABLE, on_in);
	if (isatty(STDIN_FILENO))
		warn("reading JSON lines from the terminal; ^D ends");
}

/* Where stdout can be polled it does not block, so that a slow reader stops nothing. */
static void open_output(struct loop *l)
{
	l->out_flags = fcntl(STDOUT_FILENO, F_GETFL);
	l->out.data = l;
	(void)!uv_poll_init(l->uv, &l->out, STDOUT_FILENO);
}

/* --- Signals --- */

static void on_signal(uv_signal_t *handle, int sig)
{
	struct loop *l = handle->data;
	struct node *n = l->node;

	if (n->signal) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	n->signal = sig;
	n->now_ns = node_clock();
	n->stop_by_ns = n->now_ns;
	if (n->open && n->protocol->leading(n->p) && !n->protocol->transfer(n->p, "").text)
		n->stop_by_ns = n->now_ns + HAND_OVER_NS;
	turn(l);
}

static void open_signal(struct loop *l, uv_signal_t *handle, int sig)
{
	struct sigaction old;

	uv_signal_init(l->uv, handle);
	handle->data = l;
	/* One that was ignored stays so. */
	if (!sigaction(sig, NULL, &old) && old.sa_handler == SIG_IGN)
		return;
	uv_signal_start(handle, on_signal, sig);
}

/* --- Running --- */

static void restore(struct loop *l)
{
	fcntl(STDIN_FILENO, F_SETFL, l->in_flags);
	fcntl(STDOUT_FILENO, F_SETFL, l->out_flags);
}

int loop_run(struct node *n)
{
	/* libuv knows its handles until the process ends: a machine closes its own after this returned. */
	static struct loop l;

	l = (struct loop){ .node = n, .uv = uv_default_loop() };

	n->sigpipe_ignored = signal(SIGPIPE, SIG_IGN) == SIG_IGN;
	n->loop = &l;
	uv_timer_init(l.uv, &l.timer);
	uv_idle_init(l.uv, &l.again);
	l.timer.data = l.again.data = &l;
	open_signal(&l, &l.term, SIGTERM);
	open_signal(&l, &l.interrupt, SIGINT);
	n->now_ns = node_clock();
	node_begin(n);
	open_input(&l);
	open_output(&l);
	turn(&l);
	uv_run(l.uv, UV_RUN_DEFAULT);
	l.stopping = true;
	uv_signal_stop(&l.term);
	uv_signal_stop(&l.interrupt);
	request_finish(n);
	/* After a signal what the reader does not take at once is lost; at the end of input it gets all of it. */
	if (n->signal && !output_write(n))
		buf_release(&n->out);
	restore(&l);
	output_write(n);
	if (n->open)
		disk_close(n);
	n->loop = NULL;
	return n->signal;
}
