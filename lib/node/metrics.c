/* metrics: see metrics.h */
#include "lib/node/metrics.h"
#include "lib/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum { NAME_BYTES_MAX = 100, FAMILY_BYTES = NAME_BYTES_MAX + 32 };

/* --- Words --- */

struct help { const char *name, *text; };

static const struct help helps[] = {
	{ "role", "What the node is in its cluster." },
	{ "leader", "1 with the name of the leader that the node knows, 0 if it knows none." },
	{ "term", "Latest term the node has seen." },
	{ "ballot", "Round of the latest ballot the node has seen." },
	{ "promised", "Round of the ballot the node has promised." },
	{ "commit_index", "Highest index known to be committed." },
	{ "last_applied", "Highest index applied to the state machine." },
	{ "first_index", "Lowest index in the log." },
	{ "last_index", "Highest index in the log." },
	{ "last_term", "Term of the last entry of the log." },
	{ "snapshot_index", "Last index in the newest snapshot." },
	{ "voters", "Members that vote." },
	{ "learners", "Members that do not vote yet." },
	{ "waiting", "Requests that have no answer yet." },
	{ "log_bytes", "Size of the log on the disk." },
	{ "lines", "Lines read." },
	{ "bad_lines", "Lines read that were no message." },
	{ "requests", "Requests of clients." },
	{ "errors", "Requests answered with an error." },
	{ "forwarded", "Requests forwarded to the leader." },
	{ "flushes", "Flushes of the log to the disk." },
	{ "flushed_bytes", "Bytes of the log flushed to the disk." },
	{ "flush_us", "Time spent in flushes." },
	{ "flush_max_us", "Time of the longest flush." },
	{ "reads", "Linearizable reads answered." },
	{ "stale_reads", "Reads answered from the state as it was here." },
	{ "snapshots", "Snapshots taken." },
	{ "snapshots_installed", "Snapshots of other nodes taken over." },
	{ "leader_changes", "Times that another leader, or none, was known." },
	{ "dropped_lines", "Lines that nobody read in time." },
	{ "bytes_in", "Bytes read." },
	{ "bytes_out", "Bytes written." },
	{ "entries_applied", "Entries applied to the state machine." },
	{ "keys", "Keys in the store." },
	{ "state_bytes", "Bytes of keys and values." },
	{ "sessions", "Sessions remembered." },
	{ "machine_commands", "Commands given to the program that is the state machine." },
};

static const char *help_of(const char *name)
{
	for (size_t i = 0; i < sizeof(helps) / sizeof(*helps); i++)
		if (!strcmp(helps[i].name, name))
			return helps[i].text;
	return "See faultline-protocol(7), status_ok.";
}

/* A name's end, the unit it stands for in OpenMetrics, and how many make one of those. */
struct unit { const char *end, *unit; double parts; };

static const struct unit units[] = {
	{ "_us", "seconds", 1e6 }, { "_ns", "seconds", 1e9 }, { "_seconds", "seconds", 1 }, { "_bytes", "bytes", 1 },
};

static const struct unit *unit_of(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t end = strlen(units[i].end);

		if (len > end && !strcmp(name + len - end, units[i].end))
			return &units[i];
	}
	return NULL;
}

/* May it be a part of a metric's name?  None of ours may not. */
static bool is_name(const char *name)
{
	return strlen(name) <= NAME_BYTES_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

/* --- Lines --- */

struct text {
	struct buf b;
	const char *id;
};

static void put_escaped(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' || *s == '"')
			buf_putc(b, '\\');
		if (*s == '\n')
			buf_puts(b, "\\n");
		else
			buf_putc(b, *s);
	}
}

/* The lines before a family's samples; out: the family's name. */
static void begin_family(struct text *t, const char *name, const char *type, char family[FAMILY_BYTES])
{
	const struct unit *unit = unit_of(name);
	size_t stem = strlen(name) - (unit ? strlen(unit->end) : 0);

	snprintf(family, FAMILY_BYTES, "faultline_%.*s%s%s", (int)stem, name, unit ? "_" : "", unit ? unit->unit : "");
	buf_printf(&t->b, "# TYPE %s %s\n", family, type);
	if (unit)
		buf_printf(&t->b, "# UNIT %s %s\n", family, unit->unit);
	buf_printf(&t->b, "# HELP %s %s\n", family, help_of(name));
}

/* `NAME{id="ID"`, to be followed by more labels and the sample's end. */
static void begin_sample(struct text *t, const char *family, const char *suffix)
{
	buf_printf(&t->b, "%s%s{id=\"", family, suffix);
	put_escaped(&t->b, t->id);
	buf_putc(&t->b, '"');
}

static void put_label(struct text *t, const char *label, const char *value)
{
	buf_printf(&t->b, ",%s=\"", label);
	put_escaped(&t->b, value);
	buf_putc(&t->b, '"');
}

static void put_number(struct text *t, const char *name, const char *type, const char *suffix, const json_t *number)
{
	char family[FAMILY_BYTES];
	const struct unit *unit = unit_of(name);
	double parts = unit ? unit->parts : 1;

	begin_family(t, name, type, family);
	begin_sample(t, family, suffix);
	if (json_is_integer(number) && parts == 1)
		buf_printf(&t->b, "} %lld\n", (long long)json_integer_value(number));
	else
		buf_printf(&t->b, "} %.15g\n", json_number_value(number) / parts);
}

static void put_state(struct text *t, const char *family, const char *state, bool is_so)
{
	begin_sample(t, family, "");
	put_label(t, family, state);
	buf_printf(&t->b, "} %d\n", is_so);
}

static void put_role(struct text *t, const char *role)
{
	static const char *const roles[] = { "follower", "candidate", "leader", "learner" };
	char family[FAMILY_BYTES];
	bool known = false;

	begin_family(t, "role", "stateset", family);
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		known |= !strcmp(roles[i], role);
		put_state(t, family, roles[i], !strcmp(roles[i], role));
	}
	if (!known)
		put_state(t, family, role, true);
}

static void put_leader(struct text *t, const json_t *leader)
{
	char family[FAMILY_BYTES];

	begin_family(t, "leader", "gauge", family);
	begin_sample(t, family, "");
	if (json_is_string(leader))
		put_label(t, "leader", json_string_value(leader));
	buf_printf(&t->b, "} %d\n", json_is_string(leader));
}

static void put_list(struct text *t, const char *name, const json_t *list)
{
	const json_t *first = json_array_get(list, 0);
	json_t *count;

	if (json_is_number(first)) {
		put_number(t, name, "gauge", "", first);
		return;
	}
	count = json_integer((json_int_t)json_array_size(list));
	put_number(t, name, "gauge", "", count);
	json_decref(count);
}

static void put_member(struct text *t, const char *name, const json_t *value)
{
	if (!strcmp(name, "role") && json_is_string(value))
		put_role(t, json_string_value(value));
	else if (!strcmp(name, "leader"))
		put_leader(t, value);
	else if (json_is_number(value))
		put_number(t, name, "gauge", "", value);
	else if (json_is_array(value))
		put_list(t, name, value);
}

static void put_status(struct text *t, json_t *status)
{
	json_t *counters = json_object_get(status, "counters"), *value;
	const char *name;

	json_object_foreach(status, name, value)
		if (is_name(name) && !json_object_get(counters, name))
			put_member(t, name, value);
	json_object_foreach(counters, name, value)
		if (is_name(name) && json_is_number(value))
			put_number(t, name, "counter", "_total", value);
	buf_puts(&t->b, "# EOF\n");
}

/* --- The file --- */

static int write_all(int fd, const struct buf *b)
{
	size_t done = 0;
	ssize_t n;

	while (done < b->len) {
		n = write(fd, b->at + done, b->len - done);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

static int write_file(const char *path, const struct buf *b)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), rc;

	if (fd < 0)
		return -1;
	rc = write_all(fd, b);
	if (close(fd) < 0)
		rc = -1;
	return rc;
}

int metrics_write(const char *path, json_t *status, struct store_report *report)
{
	const char *id = json_string_value(json_object_get(status, "id"));
	struct text t = { .id = id ? id : "" };
	char aside[PATH_MAX];
	int rc = 0;

	if (snprintf(aside, sizeof(aside), "%s.new", path) >= (int)sizeof(aside)) {
		snprintf(report->text, sizeof(report->text), "the name of the metrics file is too long");
		return STORE_ESYSTEM;
	}
	put_status(&t, status);
	if (write_file(aside, &t.b) < 0 || rename(aside, path) < 0) {
		snprintf(report->text, sizeof(report->text), "cannot write '%.400s': %s", path, strerror(errno));
		unlink(aside);
		rc = STORE_ESYSTEM;
	}
	buf_release(&t.b);
	return rc;
}
