/*
 * state: see state.h.  The file is text, a fact a line:
 *
 *     hashring-state 1 anchor 128 0000000000000000
 *     node n1 1 - 0
 *     node n2 2 east 1-2
 *     removed 127-3
 *     blake2b 9f86d0...
 *
 * The head has the version, the algorithm, the buckets and the key's print; a node its
 * name, weight, zone (`-`: none) and buckets (`-`: none).  A run a-b may fall.
 * The last line is BLAKE2b-256 of all bytes before it.
 */
#include "lib/shard/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <sodium.h>

#include "lib/base/err.h"

enum { SUM_BYTES = 32, SUM_LINE = 8 + 2 * SUM_BYTES + 1 };

static const char magic[] = "hashring-state ";

struct reader {
	const char *at, *end;           /* of the line */
	char *name;                     /* where the next node's name is kept */
	struct nodes_fault *fault;
};

static int fault(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fault(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->fault->why, sizeof r->fault->why, fmt, ap);
	va_end(ap);
	return -1;
}

bool state_is(const char *text, size_t len)
{
	return len >= sizeof magic - 1 && !memcmp(text, magic, sizeof magic - 1);
}

uint64_t state_key_print(const uint8_t key[16])
{
	static const uint8_t none[16];
	uint8_t print[16];
	uint64_t v;

	if (!memcmp(key, none, sizeof none))
		return 0;
	crypto_generichash(print, sizeof print, key, 16, (const uint8_t *)"print", 0);
	memcpy(&v, print, sizeof v);
	return v | 1;
}

static void sum_of(const char *text, size_t len, char hex[2 * SUM_BYTES + 1])
{
	uint8_t sum[SUM_BYTES];

	crypto_generichash(sum, sizeof sum, (const uint8_t *)text, len, NULL, 0);
	sodium_bin2hex(hex, 2 * SUM_BYTES + 1, sum, sizeof sum);
}

static int take_number(struct reader *r, uint64_t max, uint64_t *v)
{
	const char *begin = r->at;

	for (*v = 0; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
		*v = 10 * *v + (uint64_t)(*r->at - '0');
		if (*v > max)
			return fault(r, "a number is over %" PRIu64, max);
	}
	return r->at > begin ? 0 : fault(r, "a number is missing");
}

static int take_space(struct reader *r)
{
	if (r->at == r->end || *r->at != ' ')
		return fault(r, "a space is missing");
	r->at++;
	return 0;
}

/* A word up to the next space or the end. */
static size_t take_word(struct reader *r, const char **word)
{
	const char *space = memchr(r->at, ' ', (size_t)(r->end - r->at));

	*word = r->at;
	r->at = space ? space : r->end;
	return (size_t)(r->at - *word);
}

/* `5,9-7`, or `-` for none, to `each` in that order. */
static int take_runs(struct reader *r, uint32_t limit, int (*each)(void *, uint32_t), void *arg)
{
	uint64_t a, b;

	if (r->end - r->at == 1 && *r->at == '-') {
		r->at++;
		return 0;
	}
	for (;; r->at++) {
		if (take_number(r, limit - 1, &a))
			return -1;
		b = a;
		if (r->at < r->end && *r->at == '-') {
			r->at++;
			if (take_number(r, limit - 1, &b))
				return -1;
		}
		for (uint64_t i = a;; i += a < b ? 1 : (uint64_t)-1) {
			if (each(arg, (uint32_t)i))
				return fault(r, "bucket %" PRIu64 " is there twice", i);
			if (i == b)
				break;
		}
		if (r->at == r->end)
			return 0;
		if (*r->at != ',')
			return fault(r, "a list of buckets has '%c' in it", *r->at);
	}
}

struct owning {
	struct state *state;
	uint32_t node;
};

static int own_bucket(void *arg, uint32_t bucket)
{
	struct owning *o = arg;

	if (o->state->numbering.bucket[bucket] != RING_NONE)
		return -1;
	o->state->numbering.bucket[bucket] = o->node;
	return 0;
}

static int remove_bucket(void *arg, uint32_t bucket)
{
	struct ring_state *s = arg;

	if (s->removed_n == s->buckets)
		return -1;
	s->removed[s->removed_n++] = bucket;
	return 0;
}

static int parse_head(struct state *s, struct reader *r)
{
	struct ring_state *n = &s->numbering;
	const char *word;
	char name[64], *stop;
	uint64_t v;
	size_t len;

	r->at += sizeof magic - 1;
	if (take_number(r, UINT32_MAX, &v) || take_space(r))
		return -1;
	if (v != 1)
		return fault(r, "version %" PRIu64 ": this hashring reads version 1", v);
	len = take_word(r, &word);
	snprintf(name, sizeof name, "%.*s", (int)(len < 63 ? len : 63), word);
	s->algo = ring_algo_find(name);
	if (!s->algo || !(ring_algo_traits(s->algo) & RING_NUMBERED))
		return fault(r, "'%s' is no algorithm that numbers its nodes", name);
	if (take_space(r) || take_number(r, RING_BUCKETS_MAX, &v) || take_space(r))
		return -1;
	if (!v)
		return fault(r, "no buckets");
	if (r->end - r->at != 16)
		return fault(r, "the key's print is not 16 hexadecimal digits");
	snprintf(name, sizeof name, "%.16s", r->at);
	s->key_print = strtoull(name, &stop, 16);
	if (*stop)
		return fault(r, "the key's print is not 16 hexadecimal digits");
	n->buckets = (uint32_t)v;
	n->bucket = malloc(v * sizeof *n->bucket);
	n->removed = malloc(v * sizeof *n->removed);
	if (!n->bucket || !n->removed)
		return fault(r, "no memory for %" PRIu64 " buckets", v);
	memset(n->bucket, 0xff, v * sizeof *n->bucket);
	return 0;
}

static int parse_node(struct state *s, struct reader *r)
{
	struct owning o = { s, s->nodes.n };
	const char *name, *zone;
	size_t name_len = take_word(r, &name), zone_len;
	uint64_t weight;

	if (take_space(r) || take_number(r, RING_WEIGHT_MAX, &weight) || take_space(r))
		return -1;
	zone_len = take_word(r, &zone);
	memcpy(r->name, name, name_len);
	name = r->name;
	r->name += name_len;
	return nodes_add(&s->nodes, name, name_len, weight, zone, zone_len, r->fault) || take_space(r)
	       || take_runs(r, s->numbering.buckets, own_bucket, &o) ? -1 : 0;
}

static int parse_line(struct state *s, struct reader *r)
{
	const char *word;
	size_t len;

	if (r->fault->line == 1)
		return parse_head(s, r);
	len = take_word(r, &word);
	if (take_space(r))
		return -1;
	if (len == 4 && !memcmp(word, "node", 4))
		return parse_node(s, r);
	if (len == 7 && !memcmp(word, "removed", 7))
		return take_runs(r, s->numbering.buckets, remove_bucket, &s->numbering);
	return fault(r, "neither a node nor the removed buckets");
}

static int parse_all(struct state *s, const char *text, size_t len, struct nodes_fault *f)
{
	struct reader r = { .name = s->nodes.text[0], .fault = f };
	const char *end = text + len - SUM_LINE, *why;
	char hex[2 * SUM_BYTES + 1];

	f->line = 0;
	if (len < sizeof magic + SUM_LINE || memcmp(end, "blake2b ", 8) || end[-1] != '\n' || text[len - 1] != '\n')
		return fault(&r, "the last line is no checksum: the file is cut off");
	sum_of(text, (size_t)(end - text), hex);
	if (memcmp(end + 8, hex, 2 * SUM_BYTES))
		return fault(&r, "the checksum does not match: the file was changed");
	for (f->line = 1; text < end; f->line++) {
		r.at = text;
		r.end = memchr(text, '\n', (size_t)(end - text));
		if (parse_line(s, &r))
			return -1;
		text = r.end + 1;
	}
	if (nodes_end(&s->nodes, f))
		return -1;
	s->numbering.removed = must_realloc(s->numbering.removed, (s->numbering.removed_n + (size_t)1) * sizeof(uint32_t));
	why = ring_state_fault(&s->numbering, s->algo, s->nodes.at, s->nodes.n);
	return why ? fault(&r, "%s", why) : 0;
}

int state_parse(struct state *s, const char *text, size_t len, struct nodes_fault *f)
{
	*s = (struct state){ 0 };
	s->nodes.text = must_malloc(sizeof *s->nodes.text);
	s->nodes.text[s->nodes.texts++] = must_malloc(len + NODES_SLACK);   /* all names; what they do not fill is not touched */
	if (!parse_all(s, text, len, f))
		return 0;
	state_release(s);
	return -1;
}

/* Appends to a string that grows. */
struct text {
	char *at;
	size_t len, cap;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	if (t->cap - t->len < 1024) {
		t->cap = 2 * t->cap + 4096;
		t->at = must_realloc(t->at, t->cap);
	}
	va_start(ap, fmt);
	t->len += (size_t)vsnprintf(t->at + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
}

/* Runs that rise or fall by one; next(arg) ends with RING_NONE. */
static void add_runs(struct text *t, const uint32_t *v, size_t n)
{
	if (!n)
		add(t, " -");
	for (size_t i = 0; i < n;) {
		size_t j = i;
		uint32_t step = i + 1 < n && v[i + 1] == v[i] - 1 ? (uint32_t)-1 : 1;

		while (j + 1 < n && v[j + 1] == v[j] + step)
			j++;
		if (j > i)
			add(t, "%c%u-%u", i ? ',' : ' ', v[i], v[j]);
		else
			add(t, "%c%u", i ? ',' : ' ', v[i]);
		i = j + 1;
	}
	add(t, "\n");
}

/* The buckets grouped by node, ascending: those of node i are list[start[i] .. start[i + 1]). */
static uint32_t *group_buckets(const struct state *s, uint32_t *start)
{
	const struct ring_state *n = &s->numbering;
	uint32_t *list = must_malloc((n->buckets + (size_t)1) * sizeof *list);

	for (uint32_t b = 0; b < n->buckets; b++)
		if (n->bucket[b] != RING_NONE)
			start[n->bucket[b] + 2]++;
	for (uint32_t i = 2; i < s->nodes.n + 2; i++)
		start[i] += start[i - 1];
	for (uint32_t b = 0; b < n->buckets; b++)
		if (n->bucket[b] != RING_NONE)
			list[start[n->bucket[b] + 1]++] = b;
	return list;
}

static void format_state(const struct state *s, struct text *t)
{
	uint32_t *start = must_calloc(s->nodes.n + (size_t)2, sizeof *start), *list = group_buckets(s, start);
	char hex[2 * SUM_BYTES + 1];

	add(t, "%s1 %s %u %016" PRIx64 "\n", magic, ring_algo_name(s->algo), s->numbering.buckets, s->key_print);
	for (uint32_t i = 0; i < s->nodes.n; i++) {
		const struct ring_node *node = &s->nodes.at[i];
		const char *zone = nodes_zone(&s->nodes, i);

		add(t, "node %.*s %u %s", (int)node->name_len, node->name, node->weight, *zone ? zone : "-");
		add_runs(t, list + start[i], start[i + 1] - start[i]);
	}
	if (s->numbering.removed_n) {
		add(t, "removed");
		add_runs(t, s->numbering.removed, s->numbering.removed_n);
	}
	sum_of(t->at, t->len, hex);
	add(t, "blake2b %s\n", hex);
	free(start);
	free(list);
}

static void write_whole(int fd, const char *path, const struct text *t)
{
	for (size_t done = 0; done < t->len;) {
		ssize_t n = write(fd, t->at + done, t->len - done);

		if (n < 0 && errno != EINTR)
			die(EXIT_SYSTEM, "cannot write '%s': %s", path, strerror(errno));
		done += n > 0 ? (size_t)n : 0;
	}
	if (fsync(fd))
		die(EXIT_SYSTEM, "cannot flush '%s': %s", path, strerror(errno));
}

/* A rename is on the disk when its directory is. */
static void flush_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == path ? 1 : slash ? (size_t)(slash - path) : 1;
	char *dir = must_malloc(len + 1);
	int fd;

	memcpy(dir, slash ? path : ".", len);
	dir[len] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (fsync(fd) && errno != EINVAL))
		die(EXIT_SYSTEM, "cannot flush the directory '%s': %s", dir, strerror(errno));
	close(fd);
	free(dir);
}

/* The state file itself, links followed, and the file beside it while that is ours. */
static char *target, *aside;

static void remove_aside(void)
{
	if (aside)
		unlink(aside);
}

/* Is the descriptor's file still the one of that name? */
static bool still_there(int fd, const char *path)
{
	struct stat mine, there;

	return !fstat(fd, &mine) && !stat(path, &there) && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

int state_begin(const char *path)
{
	size_t len;
	struct stat st;
	char *name;
	int fd;

	target = realpath(path, NULL);
	if (!target && !lstat(path, &st))
		die(EXIT_USAGE, "'%s' is a link to nothing", path);
	target = target ? target : must_strdup(path);
	len = strlen(target) + 8;
	name = must_malloc(len);
	snprintf(name, len, "%s.new", target);
	for (;;) {
		fd = open(name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
		if (fd < 0 || fstat(fd, &st))
			die(EXIT_SYSTEM, "cannot create '%s': %s", name, strerror(errno));
		if (!S_ISREG(st.st_mode))
			die(EXIT_SYSTEM, "cannot create '%s': something else is there", name);
		if (flock(fd, LOCK_EX))
			die(EXIT_SYSTEM, "cannot lock '%s': %s", name, strerror(errno));
		if (still_there(fd, name))
			break;
		close(fd);      /* another update has renamed it meanwhile */
	}
	aside = name;
	atexit(remove_aside);
	return fd;
}

void state_save(const struct state *s, int fd)
{
	struct text t = { 0 };
	struct stat old;

	format_state(s, &t);
	if (ftruncate(fd, 0))           /* a killed update may have left something */
		die(EXIT_SYSTEM, "cannot write '%s': %s", aside, strerror(errno));
	if (!stat(target, &old) && fchmod(fd, old.st_mode & 07777))
		die(EXIT_SYSTEM, "cannot give '%s' the mode of '%s': %s", aside, target, strerror(errno));
	write_whole(fd, aside, &t);
	if (rename(aside, target))
		die(EXIT_SYSTEM, "cannot rename '%s' to '%s': %s", aside, target, strerror(errno));
	free(aside);
	aside = NULL;
	flush_directory(target);
	free(target);
	close(fd);
	free(t.at);
}

void state_release(struct state *s)
{
	nodes_release(&s->nodes);
	ring_state_release(&s->numbering);
}
