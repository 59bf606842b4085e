/* A plan's file. */
#include "lib/plan/inside.h"
#include "lib/base/err.h"
#include "lib/base/line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { PLAN_LINE_BYTES_MAX = 1 << 20 };

struct reading {
	struct fault_order *orders;
	size_t count, room, line;
	struct plan_error *error;
};

/* Nothing but white space, or a comment. */
static bool says_nothing(const char *p, size_t len)
{
	while (len && (*p == ' ' || *p == '\t' || *p == '\r')) {
		p++;
		len--;
	}
	return !len || *p == '#';
}

static int take_line(struct reading *r, enum line_status status, const char *line, size_t len)
{
	r->line++;
	if (status == LINE_TOO_LONG)
		return plan_wrong(r->error, "longer than %d MiB", PLAN_LINE_BYTES_MAX >> 20);
	if (says_nothing(line, len))
		return 0;
	if (r->count == FAULT_ORDERS_MAX)
		return plan_wrong(r->error, "more than %d orders", FAULT_ORDERS_MAX);
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 16;
		r->orders = must_realloc(r->orders, r->room * sizeof(*r->orders));
	}
	if (plan_parse(&r->orders[r->count], line, len, false, r->error))
		return -1;
	r->orders[r->count++].line = r->line;
	return 0;
}

/* 0, or -1: where r->line is 0, errno. */
static int read_lines(struct reading *r, int fd)
{
	struct line_reader lines;
	enum line_status status;
	ssize_t n = 1;
	char *line;
	size_t len;
	int rc = 0;

	line_init(&lines, PLAN_LINE_BYTES_MAX);
	while (!rc && n > 0) {
		n = line_read(&lines, fd);
		while (!rc && n >= 0 && (status = line_next(&lines, &line, &len)) != LINE_NONE)
			rc = take_line(r, status, line, len);
	}
	if (n < 0) {
		r->line = 0;
		rc = -1;
	}
	line_release(&lines);
	return rc;
}

int plan_read(const char *path, struct fault_order **orders, size_t *count, size_t *line, struct plan_error *e)
{
	struct reading r = { .error = e };
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO, rc, saved;

	*orders = NULL;
	*count = *line = 0;
	if (fd < 0)
		return -1;
	rc = read_lines(&r, fd);
	saved = errno;
	if (fd != STDIN_FILENO)
		close(fd);
	*line = r.line;
	if (!rc) {
		*orders = r.orders;
		*count = r.count;
		return 0;
	}
	for (size_t i = 0; i < r.count; i++)
		fault_order_release(&r.orders[i]);
	free(r.orders);
	errno = saved;
	return -1;
}
