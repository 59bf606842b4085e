/* damage: see damage.h */
#include "lib/store/damage.h"
#include "lib/store/inside.h"

#include <string.h>
#include <unistd.h>

enum { SECTOR_BYTES = 512 };

static int64_t find(int fd, uint64_t from, uint64_t to, bool zeros_too)
{
	char block[16 << 10];

	while (from < to) {
		size_t left = (size_t)(to - from);
		ssize_t n = pread(fd, block, left < sizeof(block) ? left : sizeof(block), (off_t)from);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		if (block[0] == '\n' && !memcmp(block, block + 1, (size_t)n - 1)) {
			from += (uint64_t)n;
			continue;
		}
		for (ssize_t i = 0; i < n; i++, from++)
			if (block[i] != '\n' && !(zeros_too && !block[i]))
				return (int64_t)from;
	}
	return (int64_t)to;
}

int64_t damage_find_written(int fd, uint64_t from, uint64_t to)
{
	return find(fd, from, to, true);
}

int64_t damage_find_other(int fd, uint64_t from, uint64_t to)
{
	return find(fd, from, to, false);
}

/* The first byte from `from` on that was not written, or where the file ends. */
static int64_t find_blank(int fd, uint64_t from)
{
	char block[4 << 10];
	ssize_t n;

	while ((n = pread(fd, block, sizeof(block), (off_t)from)) > 0)
		for (ssize_t i = 0; i < n; i++, from++)
			if (block[i] == '\n' || !block[i])
				return (int64_t)from;
	return n < 0 ? -1 : (int64_t)from;
}

static int is_hole(int fd, uint64_t at, uint64_t size)
{
	int64_t start = find_blank(fd, at), end, written;

	if (start < 0)
		return -1;
	if (start != (int64_t)at && start % SECTOR_BYTES != 0)
		return false;
	end = (start / SECTOR_BYTES + 1) * SECTOR_BYTES;
	if (end > (int64_t)size)
		end = (int64_t)size;
	written = damage_find_written(fd, (uint64_t)start, (uint64_t)end);
	return written < 0 ? -1 : written == end;
}

/* Is there a whole record from the place on, is there one that begins a flush? */
static int look_beyond(int fd, uint64_t at, struct line_reader *lines, bool *good, bool *flush)
{
	ssize_t n = 1;
	char *line;
	size_t len;

	*good = *flush = false;
	line_release(lines);
	if (lseek(fd, (off_t)at, SEEK_SET) < 0)
		return -1;
	do {
		enum line_status status = line_next(lines, &line, &len);

		if (status == LINE_NONE)
			n = line_read(lines, fd);
		if (status != LINE_WHOLE || !record_whole(line, len))
			continue;
		*good = true;
		line += RECORD_HEAD_BYTES;
		len -= RECORD_HEAD_BYTES;
		*flush |= own_is_flush(line, len) || own_is_header(line, len);
	} while (n > 0 && !*flush);
	return n < 0 ? -1 : 0;
}

int damage_judge(int fd, uint64_t at, uint64_t size, struct line_reader *lines)
{
	int64_t written = damage_find_written(fd, at, size);
	bool good, flush;
	int hole;

	if (written < 0)
		return -1;
	if (written == (int64_t)size)
		return DAMAGE_NONE;
	/* Not the newlines between: there may be megabytes of them. */
	if (look_beyond(fd, (uint64_t)written, lines, &good, &flush))
		return -1;
	hole = is_hole(fd, at, size);
	if (hole < 0)
		return -1;
	if (!good)
		return DAMAGE_TORN_RECORD;
	if (hole && !flush)
		return DAMAGE_TORN_FLUSH;
	return written > (int64_t)at ? DAMAGE_MISSING : DAMAGE_WRONG;
}
