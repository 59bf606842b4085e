/*
 * lockstep: a network of real node processes in virtual time, for tests that must come out the same each time.
 *
 *     lockstep [--seed N] [--loss PERCENT] [--duplicate PERCENT] [--until MS] [--trace FILE]
 *              NAME... -- COMMAND [ARGUMENT...] <SCRIPT >ANSWERS
 *
 * Starts COMMAND once for each NAME (`{id}` in an argument becomes the name) and hands lines over one at a time, in the
 * order of (time, when it was sent); after each the node answers and says `idle` with the time to wake it, as
 * section 5 of the design has it.  So a run is a function of its seed, its script and the nodes.
 *
 * A script is a line an action, first its time in whole milliseconds; blank lines and those with a # are left out:
 *
 *     0     send c1 n1 {"type":"status"}      as {"src":"c1","dest":"n1","at":...,"body":...}
 *     100   kill n1                           SIGKILL, its pipes go with it
 *     200   start n1                          the command again
 *     300   cut n1 n2 | isolate n1            no line passes between the two, or between it and the other nodes
 *     400   heal                              all cuts
 *
 * For a node may stand `leader` (who says so in its status, of the highest term or ballot) or `follower` (the first
 * other node that runs).  A line for a node that is down is lost.  What goes to anybody else is printed with its
 * time; a node that ends by itself is reported as {"at":T,"src":"net","dest":"net","body":{"type":"exit",...}}.
 */
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NODES_MAX = 16,
	MS = 1000000,
	DELAY_MIN = 1 * MS, DELAY_SPREAD = 2 * MS,      /* of a line, drawn evenly */
};

struct node {
	const char *name;
	pid_t pid;              /* 0: down */
	FILE *in, *out;
	uint64_t wake;          /* ns */
};

struct event {
	uint64_t at, seq;
	bool action;            /* of the script; else a line for `dest` */
	char *dest, *text;
};

static struct node nodes[NODES_MAX];
static int node_count;
static bool cuts[NODES_MAX][NODES_MAX];
static char **command;
static struct event *events;
static size_t event_count, event_room;
static uint64_t now, seq, random_state, loss_percent, duplicate_percent;
static FILE *trace;

__attribute__((format(printf, 1, 2), noreturn))
static void fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("lockstep: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	exit(2);
}

/* splitmix64 */
static uint64_t draw(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void *checked(void *p)
{
	if (!p)
		fail("out of memory");
	return p;
}

static int find(const char *name)
{
	for (int i = 0; i < node_count; i++)
		if (strcmp(nodes[i].name, name) == 0)
			return i;
	return -1;
}

/* --- The queue --- */

static void push(uint64_t at, bool action, const char *dest, const char *text)
{
	if (event_count == event_room)
		events = checked(realloc(events, (event_room = 2 * event_room + 64) * sizeof *events));
	events[event_count++] = (struct event){at, seq++, action, checked(strdup(dest)), checked(strdup(text))};
}

static size_t earliest(void)
{
	size_t best = 0;

	for (size_t i = 1; i < event_count; i++)
		if (events[i].at < events[best].at || (events[i].at == events[best].at && events[i].seq < events[best].seq))
			best = i;
	return best;
}

/* --- Processes --- */

static char *with_name(const char *argument, const char *name)
{
	const char *at = strstr(argument, "{id}");
	char *text;

	if (!at)
		return checked(strdup(argument));
	if (asprintf(&text, "%.*s%s%s", (int)(at - argument), argument, name, at + 4) < 0)
		fail("out of memory");
	return text;
}

static void start(struct node *node)
{
	int in[2], out[2];

	if (node->pid)
		fail("%s runs already", node->name);
	if (pipe2(in, 0) || pipe2(out, 0) || (node->pid = fork()) < 0)
		fail("cannot start a process");
	if (node->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		signal(SIGPIPE, SIG_DFL);
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
		for (char **argument = command; *argument; argument++)
			*argument = with_name(*argument, node->name);
		execvp(command[0], command);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	node->in = checked(fdopen(in[1], "w"));
	node->out = checked(fdopen(out[0], "r"));
	node->wake = now;
}

/* Closes what leads to it and waits; its exit status, or 128 and the signal. */
static int stop(struct node *node)
{
	int status;

	fclose(node->in);
	while (fgetc(node->out) != EOF)
		;
	fclose(node->out);
	if (waitpid(node->pid, &status, 0) < 0)
		fail("cannot wait for %s", node->name);
	node->pid = 0;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void ended(struct node *node)
{
	printf("{\"at\":%ju,\"src\":\"net\",\"dest\":\"net\",\"body\":{\"type\":\"exit\",\"node\":\"%s\",\"status\":%d}}\n",
	       (uintmax_t)now, node->name, stop(node));
}

/* --- Lines --- */

/* The line with its time, which is the first member. */
static char *stamped(const char *line, uint64_t at)
{
	char *text;

	if (line[0] != '{')
		fail("no line of a node: %s", line);
	if (asprintf(&text, "{\"at\":%ju,%s", (uintmax_t)at, line + 1) < 0)
		fail("out of memory");
	return text;
}

/* Between nodes a line takes its time, so lines overtake each other; it may be lost, or come twice. */
static void send_on(const struct node *from, const char *dest, const char *line)
{
	int to = find(dest);
	uint64_t copies = to < 0 ? 0 : (draw() % 100 >= loss_percent) + (draw() % 100 < duplicate_percent);
	char *text;

	if (to < 0) {
		text = stamped(line, now);
		puts(text);
		free(text);
	}
	for (; copies > 0; copies--) {
		uint64_t at = now + DELAY_MIN + draw() % DELAY_SPREAD;

		text = stamped(line, at);
		if (!cuts[from - nodes][to])
			push(at, false, dest, text);
		free(text);
	}
}

/* Hands a line over and takes what the node says until it is idle; its answer to `probe`, if that was asked. */
static json_t *deliver(struct node *node, const char *line, bool probe)
{
	json_t *found = NULL;
	bool idle = false;

	if (trace)
		fprintf(trace, "%s\n", line);
	fprintf(node->in, "%s\n", line);
	fflush(node->in);
	while (!idle) {
		char *text = NULL;
		size_t room = 0;
		ssize_t len = getline(&text, &room, node->out);
		json_t *message, *body;
		const char *dest, *type;

		if (len <= 0) {
			free(text);
			ended(node);
			break;
		}
		text[len - 1] = '\0';
		message = json_loads(text, 0, NULL);
		body = json_object_get(message, "body");
		dest = json_string_value(json_object_get(message, "dest"));
		type = json_string_value(json_object_get(body, "type"));
		if (!dest || !type)
			fail("no message from %s: %s", node->name, text);
		if (strcmp(type, "idle") == 0 && strcmp(dest, "net") == 0) {
			json_int_t wake = json_integer_value(json_object_get(body, "wake"));

			/* A node that has nothing due may name a time beyond all; one in the past would stop the clock. */
			node->wake = wake < 0 ? UINT64_MAX : (uint64_t)wake;
			if (node->wake <= now)
				fail("%s wants to wake at %ju, it is %ju", node->name, (uintmax_t)node->wake, (uintmax_t)now);
			idle = true;
		} else if (probe && strcmp(dest, "probe") == 0) {
			json_decref(found);
			found = json_incref(body);
		} else {
			send_on(node, dest, text);
		}
		json_decref(message);
		free(text);
	}
	return found;
}

/* --- The script --- */

/* Whoever says that it leads; of two, the one of the higher term, which in text of one length sorts last. */
static int leader(void)
{
	int best = -1;
	char best_term[64] = "";

	for (int i = 0; i < node_count; i++) {
		char line[256], term[64];
		json_t *status, *number;
		const char *role;

		if (!nodes[i].pid)
			continue;
		snprintf(line, sizeof line,
			 "{\"src\":\"probe\",\"dest\":\"%s\",\"at\":%ju,\"body\":{\"type\":\"status\",\"msg_id\":1}}",
			 nodes[i].name, (uintmax_t)now);
		status = deliver(&nodes[i], line, true);
		role = json_string_value(json_object_get(status, "role"));
		number = json_object_get(status, "term");
		if (!number)
			number = json_array_get(json_object_get(status, "ballot"), 0);
		snprintf(term, sizeof term, "%020jd", (intmax_t)json_integer_value(number));
		if (role && strcmp(role, "leader") == 0 && strcmp(term, best_term) > 0) {
			best = i;
			memcpy(best_term, term, sizeof term);
		}
		json_decref(status);
	}
	return best;
}

static struct node *named(const char *name)
{
	int i = find(name);

	if (strcmp(name, "leader") == 0) {
		if ((i = leader()) < 0)
			fail("there is no leader at %ju ms", (uintmax_t)(now / MS));
	} else if (strcmp(name, "follower") == 0) {
		int leads = leader();

		for (i = 0; i < node_count && (i == leads || !nodes[i].pid);)
			i++;
		if (i == node_count)
			fail("there is no follower at %ju ms", (uintmax_t)(now / MS));
	}
	if (i < 0)
		fail("there is no node %s", name);
	return &nodes[i];
}

static void request(char *rest)
{
	char *src = strtok(rest, " "), *dest = strtok(NULL, " "), *body = strtok(NULL, ""), *line;
	struct node *node = named(dest);

	if (!body)
		fail("send: SRC DEST BODY");
	if (asprintf(&line, "{\"src\":\"%s\",\"dest\":\"%s\",\"at\":%ju,\"body\":%s}",
		     src, node->name, (uintmax_t)now, body) < 0)
		fail("out of memory");
	if (node->pid)
		deliver(node, line, false);
	free(line);
}

static void act(char *text)
{
	char *verb = strtok(text, " "), *rest = strtok(NULL, "");

	if (strcmp(verb, "send") == 0) {
		request(rest);
	} else if (strcmp(verb, "heal") == 0) {
		memset(cuts, 0, sizeof cuts);
	} else if (strcmp(verb, "kill") == 0) {
		struct node *node = named(rest);

		kill(node->pid, SIGKILL);
		stop(node);
	} else if (strcmp(verb, "start") == 0) {
		start(named(rest));
	} else if (strcmp(verb, "cut") == 0) {
		struct node *one = named(strtok(rest, " ")), *other = named(strtok(NULL, ""));

		cuts[one - nodes][other - nodes] = cuts[other - nodes][one - nodes] = true;
	} else if (strcmp(verb, "isolate") == 0) {
		struct node *alone = named(rest);

		for (int i = 0; i < node_count; i++)
			cuts[i][alone - nodes] = cuts[alone - nodes][i] = true;
	} else {
		fail("no such action: %s", verb);
	}
}

static uint64_t read_script(void)
{
	char *line = NULL;
	size_t room = 0;
	uint64_t last = 0;

	while (getline(&line, &room, stdin) > 0) {
		char *end;
		uint64_t at = strtoull(line, &end, 10) * MS;

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (end == line || end[strspn(end, " ")] == '\0')
			fail("no action: %s", line);
		push(at, true, "", end + strspn(end, " "));
		last = at > last ? at : last;
	}
	free(line);
	return last;
}

/* --- The run --- */

static void run(uint64_t until)
{
	for (;;) {
		size_t next = event_count ? earliest() : 0;
		struct node *sleeper = NULL;

		for (int i = 0; i < node_count; i++)
			if (nodes[i].pid && (!sleeper || nodes[i].wake < sleeper->wake))
				sleeper = &nodes[i];
		if (event_count && (!sleeper || events[next].at <= sleeper->wake)) {
			struct event event = events[next];
			int to = find(event.dest);

			events[next] = events[--event_count];
			if (event.at > until)
				return;
			now = event.at;
			if (event.action)
				act(event.text);
			else if (nodes[to].pid)
				json_decref(deliver(&nodes[to], event.text, false));
			free(event.dest);
			free(event.text);
		} else if (sleeper && sleeper->wake <= until) {
			char line[256];

			now = sleeper->wake;
			snprintf(line, sizeof line, "{\"src\":\"net\",\"dest\":\"%s\",\"at\":%ju,\"body\":{\"type\":\"tick\"}}",
				 sleeper->name, (uintmax_t)now);
			deliver(sleeper, line, false);
		} else {
			return;
		}
	}
}

int main(int argc, char **argv)
{
	uint64_t until = 0, last;
	const char *seed = "1";
	int i = 1;

	for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2]; i += 2) {
		if (strcmp(argv[i], "--seed") == 0)
			seed = argv[i + 1];
		else if (strcmp(argv[i], "--loss") == 0)
			loss_percent = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--duplicate") == 0)
			duplicate_percent = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--until") == 0)
			until = strtoull(argv[i + 1], NULL, 10) * MS;
		else if (strcmp(argv[i], "--trace") != 0 || !(trace = fopen(argv[i + 1], "w")))
			fail("%s %s", argv[i], argv[i + 1]);
	}
	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (node_count == NODES_MAX)
			fail("more than %d nodes", NODES_MAX);
		nodes[node_count++].name = argv[i];
	}
	command = argv + i + 1;
	if (i + 1 >= argc || node_count == 0)
		fail("usage: lockstep [--seed N] [--loss PERCENT] [--duplicate PERCENT] [--until MS] [--trace FILE] "
		     "NAME... -- COMMAND... <SCRIPT");
	random_state = strtoull(seed, NULL, 10);
	setenv("FAULTLINE_LOCKSTEP", "1", 1);
	setenv("FAULTLINE_SEED", seed, 1);
	signal(SIGPIPE, SIG_IGN);
	last = read_script();
	for (int n = 0; n < node_count; n++)
		start(&nodes[n]);
	run(until > last ? until : last);
	for (int n = 0; n < node_count; n++)
		if (nodes[n].pid && stop(&nodes[n]) != 0)
			fail("%s ended badly", nodes[n].name);
	return fflush(stdout) ? 4 : 0;
}
