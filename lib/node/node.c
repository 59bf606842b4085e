/*
 * node: see node.h and inside.h.  How a node comes to be what its directory says, and what a turn is.
 */
#include "lib/base/err.h"
#include "lib/node/inside.h"

#include <assert.h>
#include <dirent.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LARGE_BYTES = 32 << 10 };

/* --- Opening --- */

static int load_record(void *ctx, const char *json, size_t len, struct store_pos pos, const char **why)
{
	struct node *n = ctx;

	*why = n->protocol->load_record(n->p, json, len, pos);
	return *why ? STORE_ECORRUPT : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The first configuration as the store keeps it: a sorted JSON list of names, or "join". */
static char *cluster_text(const char *const *members, size_t count, bool join)
{
	const char **sorted = must_calloc(count, sizeof(*sorted));
	json_t *list = json_array();
	char *text;

	if (join) {
		free(sorted);
		json_decref(list);
		return must_strdup("\"join\"");
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = members[i];
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (size_t i = 0; i < count; i++) {
		if (i && !strcmp(sorted[i], sorted[i - 1]))
			die(EXIT_USAGE, "node '%s' is listed twice", sorted[i]);
		json_array_append_new(list, json_string(sorted[i]));
	}
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	free(sorted);
	return text;
}

static void open_store(struct node *n, const char *cluster)
{
	const struct node_options *o = n->options;
	struct store_report report;
	char dir[WIRE_NAME_BYTES_MAX + 64];
	struct store_options options = {
		.dir = o->data, .kind = n->protocol->name, .id = n->id, .cluster = cluster,
		.segment_bytes = o->segment_bytes,
	};
	int rc;

	if (!o->data && strchr(n->id, '/'))
		die_usage("node '%s' has a slash in its name and so needs --data", n->id);
	snprintf(dir, sizeof(dir), "%s.%s", n->id, n->protocol->name);
	if (!o->data)
		options.dir = dir;
	if (o->is_volatile) {
		options.dir = NULL;
		warn("node '%s' keeps all in memory: what it promises ends with the process", n->id);
	}
	rc = store_open(&n->store, &options, &report);
	if (rc)
		node_die(rc, "%s", report.text);
}

/* The members that the log began with, which flags and init need not say again. */
static size_t known_members(struct node *n, json_t **list, const char **names)
{
	const char *text = store_cluster(n->store);
	size_t count = 0, i;
	json_t *name;

	*list = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
	json_array_foreach(*list, i, name)
		if (count < NODE_MEMBERS_MAX && json_is_string(name))
			names[count++] = json_string_value(name);
	return count;
}

static void load(struct node *n)
{
	struct store_report torn, report;
	const char *why;
	int rc;

	why = node_snapshot_open(n);
	if (why)
		node_die(STORE_ECORRUPT, "the newest snapshot of '%s': %s", n->id, why);
	rc = store_replay(n->store, load_record, n, &torn, &report);
	if (rc)
		node_die(rc, "%s", report.text);
	if (*torn.text)
		warn("%s", torn.text);
	n->rotated = false;
}

static int pass_over(void *ctx, const char *json, size_t len, struct store_pos pos, const char **why)
{
	(void)ctx, (void)json, (void)len, (void)pos, (void)why;
	return 0;
}

/* Its log names no cluster: is that damage? */
static void die_without_cluster(struct node *n)
{
	struct store_report torn, report;
	int rc = store_replay(n->store, pass_over, NULL, &torn, &report);

	if (rc)
		node_die(rc, "%s", report.text);
	die_usage("node '%s' is new and needs to know the cluster: --nodes, --join or an init", n->id);
}

static void open_node(struct node *n, const char *const *members, size_t count)
{
	const struct node_options *o = n->options;
	const char *names[NODE_MEMBERS_MAX], *why = NULL;
	char *cluster = count || o->join ? cluster_text(members, count, o->join) : NULL;
	json_t *list;

	open_store(n, cluster);
	free(cluster);
	if (!store_cluster(n->store))
		die_without_cluster(n);
	count = known_members(n, &list, names);
	log_init(&n->log);
	n->machine = o->machine ? &external_machine : &kv_machine;
	n->m = o->machine ?
		external_machine_open(n, o->machine, o->machine_timeout_ns, o->lockstep) :
		kv_machine_open(n, o->seed);
	n->p = n->protocol->open(n, o, names, count, &why);
	if (!n->p)
		die_usage("%s", why);
	json_decref(list);
	load(n);
	n->open = true;
	forward_open(n);
	n->protocol->start(n->p);
	if (o->notify_fd >= 0) {
		if (write(o->notify_fd, "\n", 1) != 1)
			warn("cannot write to descriptor %d: %s", o->notify_fd, strerror(errno));
		close(o->notify_fd);
	}
}

void node_init(struct node *n, const char *id, const char *const *members, size_t count)
{
	char *said, *known;

	if (*n->id && strcmp(n->id, id))
		die(EXIT_USAGE, "init: this is node '%s', not '%s'", n->id, id);
	if (!n->open) {
		snprintf(n->id, sizeof(n->id), "%s", id);
		n->id_len = strlen(n->id);
		open_node(n, n->options->member_count ? (const char *const *)n->options->members : members,
			  n->options->member_count ? n->options->member_count : n->options->join ? 0 : count);
	}
	/* A joiner takes its members from the log, whatever it is told. */
	if (!count || !strcmp(store_cluster(n->store), "\"join\""))
		return;
	said = cluster_text(members, count, false);
	known = must_strdup(store_cluster(n->store));
	if (strcmp(said, known))
		die(EXIT_USAGE, "init: the cluster of node '%s' began as %s, not %s", n->id, known, said);
	free(said);
	free(known);
}

/* Was a log ever begun there? */
static bool has_log(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	bool has = false;

	while (d && !has && (entry = readdir(d)))
		has = *entry->d_name != '.';
	if (d)
		closedir(d);
	return has;
}

void node_begin(struct node *n)
{
	const struct node_options *o = n->options;
	char dir[NAME_MAX + 1];

	if (!o->id)
		return;
	snprintf(n->id, sizeof(n->id), "%s", o->id);
	n->id_len = strlen(n->id);
	snprintf(dir, sizeof(dir), "%s.%s", o->id, o->protocol->name);
	if (o->member_count || o->join || (!o->is_volatile && has_log(o->data ? o->data : dir)))
		node_init(n, o->id, (const char *const *)o->members, o->member_count);
}

uint64_t node_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* --- A turn --- */

void node_changed(struct node *n)
{
	n->changed = true;
}

static void watch_leader(struct node *n)
{
	const char *leader = n->protocol->leader(n->p);

	if (!strcmp(leader, n->leader))
		return;
	snprintf(n->leader, sizeof(n->leader), "%s", leader);
	n->count.leader_changes++;
	n->changed = true;
	forward_leader_changed(n);
}

void node_turn(struct node *n)
{
	n->again = false;
	if (n->open) {
		if (n->protocol->leading(n->p))
			n->led_epoch = n->protocol->epoch(n->p);
		if (n->protocol->deadline(n->p) <= n->now_ns)
			n->protocol->tick(n->p);
		watch_leader(n);
		request_turn(n);
		read_turn(n);
		apply_turn(n);
		if (n->changed || n->changes_due_ns <= n->now_ns) {
			n->changed = false;
			admin_turn(n);
		}
		node_snapshot_turn(n);
		forward_turn(n);
		disk_turn(n);
		if (request_deadline(n) <= n->now_ns)
			request_expire(n);
		if (n->metrics_due_ns <= n->now_ns) {
			admin_metrics(n);
			n->metrics_due_ns = n->now_ns + n->options->metrics_every_ns;
		}
		n->again |= apply_behind(n) || n->changed;
	}
	output_write(n);
}

uint64_t node_deadline(struct node *n)
{
	uint64_t least = n->stop_by_ns;
	uint64_t due[] = {
		n->open ? n->protocol->deadline(n->p) : UINT64_MAX, request_deadline(n), n->changes_due_ns,
		n->metrics_due_ns,
	};

	for (size_t i = 0; i < sizeof(due) / sizeof(*due); i++)
		if (due[i] < least)
			least = due[i];
	return least;
}

bool node_at_rest(const struct node *n)
{
	return !n->again && (!n->open || (disk_idle(n) && n->given == n->applied && !apply_behind(n) &&
					  !n->taking && !n->receiving));
}

/* --- Running --- */

static void release(struct node *n)
{
	if (n->open) {
		disk_close(n);
		node_snapshot_release(n);
		n->machine->close(n->m);
		n->protocol->close(n->p);
		store_close(n->store);
		log_release(&n->log);
	}
	read_release(n);
	forward_release(n);
	watch_release(n);
	input_close(n);
	queue_release(&n->pending);
	queue_release(&n->homeless);
	queue_release(&n->forwarded);
	queue_release(&n->changes);
	queue_release(&n->asked);
	buf_release(&n->asked_places);
	buf_release(&n->out);
	buf_release(&n->held);
	buf_release(&n->holding);
	buf_release(&n->forward_items);
	buf_release(&n->answer_items);
	buf_release(&n->answer);
	buf_release(&n->cold);
	free(n->cold_text);
	free(n->batch);
}

int node_run(const struct node_options *options)
{
	struct node n = {
		.options = options, .protocol = options->protocol, .stop_by_ns = UINT64_MAX,
		.changes_due_ns = UINT64_MAX,
		.metrics_due_ns = options->metrics && !options->lockstep ? 0 : UINT64_MAX,
	};
	int sig;

	/* What a burst needed goes back: large buffers have pages of their own, and threads no heap of theirs. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
	input_open(&n);
	if (options->lockstep)
		sig = node_lockstep(&n);
	else
		sig = loop_run(&n);
	request_finish(&n);
	output_write(&n);
	release(&n);
	return sig;
}
