/*
 * kvload: load for a key-value store.  The options and how they are wired; the work is in lib/load.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/opt.h"
#include "lib/load/load.h"
#include "lib/load/options.h"
#include "lib/load/plot.h"
#include "lib/load/report.h"
#include "lib/load/series.h"
#include "lib/load/transcript.h"
#include "lib/net/address.h"
#include "lib/net/own.h"

static const struct opt options[] = {
	{ 's', "server", "ADDR", "unix:PATH, tcp:HOST:PORT, or - for stdin and stdout ($FAULTLINE_SERVER)", OPT_TEXT, NULL,
	  "Server" },
	{ LOAD_OPT_TO, "to", "NODE", "the node that is asked (*: the network chooses)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_NODES, "nodes", "LIST", "ask one of these, drawn each time, as n1,n2,n3", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_LEADER, "leader", NULL, "ask the leader, found by asking for the status", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_TIMEOUT, "timeout", "T", "how long to wait for an answer, and for the server (5s)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_RETRY, "retry", "T", "how long after error 11 to ask again (5ms)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_SESSIONS, "sessions", NULL, "what has no answer is sent again, and happens once", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_RESEND, "resend", "T", "after how long, with --sessions (1s)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_CLIENTS, "clients", "N", "clients, each with one request under way (1)", OPT_TEXT, NULL, "Load" },
	{ LOAD_OPT_THINK, "think", "T", "a client's pause after an answer, in the mean (0s; in lockstep 10ms)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_RATE, "rate", "R", "operations a second over all clients, whatever the store does", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_ARRIVALS, "arrivals", "HOW", "of --rate, even if not given", OPT_CHOICE, "even poisson", NULL },
	{ LOAD_OPT_OPS, "ops", "N", "end after N operations", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_TIME, "time", "T", "end after that long (10s)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_WARMUP, "warmup", "T", "before that, that long without measuring (0s)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_MIX, "mix", "MIX", "what they ask, as read=50,write=50 (the default); also cas, delete, txn, append", OPT_TEXT, NULL,
	  "Operations" },
	{ LOAD_OPT_TXN_OPS, "txn-ops", "N", "operations in a transaction at most (4)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_KEYS, "keys", "N", "how many keys there are (10000)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_DISTRIBUTION, "distribution", "D", "of the keys: uniform, zipf or zipf:S (uniform; S 0.99)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_KEY_BYTES, "key-bytes", "N", "length of a key (16)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_VALUE_BYTES, "value-bytes", "N", "length of a value (64; with --history values are numbers)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_VALUES, "values", "N", "draw values from N (each is another one)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_FIRST_VALUE, "first-value", "N", "of values that are all others (1)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_SEED, "seed", "N", "the same operations again", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_LOCKSTEP, "lockstep", NULL, "take the time from the lines, and say when idle", OPT_TEXT, NULL, "Virtual time" },
	{ LOAD_OPT_NAME, "name", "NAME", "of the clients, a number behind it (drawn; in lockstep told)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_HISTORY, "history", "FILE", "write who asked what and was answered what, for lincheck", OPT_FILE, NULL, "Output" },
	{ LOAD_OPT_PLOT, "plot", "PREFIX", "write PREFIX.data and PREFIX.gnuplot, which draws PREFIX.svg", OPT_FILE, NULL, NULL },
	{ LOAD_OPT_PLOT_TRACE, "plot-trace", "TRACE", "with the faults of that record of netfault", OPT_FILE, NULL, NULL },
	{ LOAD_OPT_INTERVAL, "interval", "T", "from one point of the plot to the next (1s)", OPT_TEXT, NULL, NULL },
	{ LOAD_OPT_REDRAW, "redraw", NULL, "ask nothing: make PREFIX.gnuplot of --plot again", OPT_TEXT, NULL, NULL },
	{ 'o', "output", "FILE", "results as JSON to FILE", OPT_FILE, NULL, NULL },
};

static const struct opt_tool tool = {
	.name = "kvload",
	.usage = "kvload -s ADDR [options]\nkvload --redraw --plot PREFIX [--plot-trace TRACE]",
	.purpose = "Asks a key-value store as many clients would, and prints operations per second and latencies: a table "
		   "on a terminal, a JSON object elsewhere.",
	.options = options,
	.count = sizeof options / sizeof *options,
	.ending = "Exit status: 0 done, 2 usage, 4 no connection or no answer.  See kvload(1).",
};

#define PROGRESS_NS UINT64_C(1000000000)

static volatile sig_atomic_t signal_came;

/* The second one ends at once: a file that cannot be written may hold us up. */
static void on_signal(int sig)
{
	if (signal_came) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	signal_came = sig;
	load_stop();
}

static void parse(struct load_setup *s, int argc, char **argv)
{
	struct opt_state o;
	int id;

	opt_init(&o, &tool, argc, argv);
	load_setup_init(s);
	while ((id = opt_next(&o)) != -1)
		load_setup_take(s, id, &o);
	if (o.operand < argc)
		die_usage("'%s': kvload takes no operands", argv[o.operand]);
	load_setup_end(s);
}

/* --- The server --- */

/* One that is about to listen is waited for. */
static int reach(const struct load_setup *s, const struct address *a)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	const char *why = NULL;
	uint64_t naps = s->load.timeout_ns / 10000000;

	for (;;) {
		int fd;

		errno = 0;
		fd = address_connect(a, &why);
		if (fd >= 0)
			return fd;
		if ((errno != ENOENT && errno != ECONNREFUSED) || !naps-- || signal_came)
			die(EXIT_SYSTEM, "cannot connect to '%s': %s", a->text, errno ? strerror(errno) : why);
		nanosleep(&nap, NULL);
	}
}

static void connect_server(struct load_setup *s)
{
	struct address a;
	const char *why;

	if (s->load.lockstep) {
		s->load.in = STDIN_FILENO;
		s->load.out = STDOUT_FILENO;
		return;
	}
	if (!strcmp(s->server, "-")) {
		s->load.in = own_descriptor(STDIN_FILENO);
		s->load.out = own_descriptor(STDOUT_FILENO);
		if (s->load.in < 0 || s->load.out < 0)
			die(EXIT_SYSTEM, "cannot use '%s': %s", s->load.in < 0 ? "stdin" : "stdout", strerror(errno));
		return;
	}
	if (address_parse(&a, s->server, &why))
		die_usage("-s '%s': %s", s->server, why);
	s->load.in = s->load.out = reach(s, &a);
	fcntl(s->load.in, F_SETFL, fcntl(s->load.in, F_GETFL) | O_NONBLOCK);
}

/* --- The results --- */

static FILE *open_output(const struct load_setup *s)
{
	FILE *out = s->output ? fopen(s->output, "we") : !strcmp(s->server, "-") ? stderr : stdout;

	if (!out)
		die(EXIT_SYSTEM, "cannot open '%s': %s", s->output, strerror(errno));
	return out;
}

static void report(const struct load_setup *s, FILE *out, const struct load_result *r)
{
	bool lost;

	if (!s->output && isatty(fileno(out)))
		report_table(out, &s->load, r);
	else
		report_json(out, &s->load, r);
	if (!s->output)
		return;
	lost = ferror(out);
	if (fclose(out) || lost)
		die(EXIT_SYSTEM, "cannot write '%s': %s", s->output, strerror(errno));
}

/* --- The history --- */

static void open_history(struct load_setup *s)
{
	if (!s->history)
		return;
	s->load.transcript = transcript_open(s->history);
	if (!s->load.transcript)
		die(EXIT_SYSTEM, "cannot open '%s': %s", s->history, strerror(errno));
}

/* 0, or errno. */
static int close_history(const struct load_setup *s)
{
	return s->history ? transcript_close(s->load.transcript) : 0;
}

/* --- The plot, and the progress --- */

static FILE *open_series(struct load_setup *s)
{
	bool watched = isatty(STDERR_FILENO) && !s->load.lockstep;
	FILE *rows = s->plot ? plot_open(s->plot) : NULL;

	if (s->plot && !rows)
		die(EXIT_SYSTEM, "cannot open '%s.data': %s", s->plot, strerror(errno));
	if (rows)
		s->load.series = series_new(rows, NULL, s->interval_ns, NULL);
	if (watched)
		s->load.series = series_new(NULL, stderr, PROGRESS_NS, s->load.series);
	return rows;
}

static void draw(const struct load_setup *s)
{
	char why[PLOT_WHY_BYTES];
	int status = plot_script(s->plot, s->plot_trace, s->redraw ? 0 : PLOT_PATIENCE_MS, why);

	if (status)
		die((enum exit_status)status, "%s", why);
}

static void close_series(const struct load_setup *s, FILE *rows, const struct load_result *r)
{
	int why = rows ? plot_close(rows, r) : 0;

	series_free(s->load.series);
	if (why)
		die(EXIT_SYSTEM, "cannot write '%s.data': %s", s->plot, strerror(why));
	if (rows)
		draw(s);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static _Noreturn void end(const struct load_setup *s, const struct load_result *r, const char *trouble)
{
	if (trouble)
		die(EXIT_SYSTEM, "'%s': %s", s->server, trouble);
	if (signal_came) {
		flush_output();
		signal(signal_came, SIG_DFL);
		raise(signal_came);
	}
	if (!r->ops)
		die(EXIT_SYSTEM, "'%s': no operation was answered", s->server);
	finish(EXIT_DONE);
}

int main(int argc, char **argv)
{
	static struct load_result result;
	static struct load_setup setup;
	const char *trouble;
	FILE *out, *rows;
	int lost;

	hold_descriptors();
	parse(&setup, argc, argv);
	if (setup.redraw) {
		draw(&setup);
		finish(EXIT_DONE);
	}
	catch_signals();
	connect_server(&setup);
	open_history(&setup);
	rows = open_series(&setup);
	out = open_output(&setup);
	trouble = load_run(&setup.load, &result);
	signal(SIGPIPE, SIG_DFL);
	lost = close_history(&setup);
	report(&setup, out, &result);
	close_series(&setup, rows, &result);
	if (lost)
		die(EXIT_SYSTEM, "cannot write '%s': %s", setup.history, strerror(lost));
	end(&setup, &result, trouble);
}
