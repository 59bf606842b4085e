/*
 * file: a segment while it is written.
 *
 * Its blocks hold newlines, flushed, before records are written over them: then a flush changes no metadata, and
 * what it did not get to is told from what was damaged later.
 */
#include "lib/store/inside.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

int file_open(struct store *s, struct file *f, uint32_t segment, struct store_report *report)
{
	char name[FOLDER_NAME_BYTES_MAX];
	struct stat st;

	assert(f->fd < 0);
	store_segment_name(name, segment);
	f->segment = segment;
	f->fd = folder_open(&s->folder, name, O_RDWR);
	if (f->fd < 0 && errno == ENOENT) {
		f->fd = folder_open(&s->folder, name, O_RDWR | O_CREAT | O_EXCL);
		if (f->fd >= 0 && folder_flush_names(&s->folder))
			return folder_fail(&s->folder, "flush", NULL, report);
	}
	if (f->fd < 0 || fstat(f->fd, &st))
		return folder_fail(&s->folder, "open", name, report);
	f->filled = (uint64_t)st.st_size;
	return 0;
}

void file_close(struct file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

int file_write(int fd, const char *p, size_t n, uint64_t offset)
{
	while (n) {
		ssize_t done = pwrite(fd, p, n, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		p += done;
		n -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

int file_write_newlines(int fd, uint64_t from, uint64_t to)
{
	enum { BLOCK_BYTES = 8 << 10, BLOCKS = 16 };
	char block[BLOCK_BYTES];
	struct iovec io[BLOCKS];

	memset(block, '\n', sizeof(block));
	while (from < to) {
		uint64_t left = to - from;
		ssize_t done;
		int n = 0;

		for (; n < BLOCKS && left; n++) {
			io[n] = (struct iovec){ block, left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES };
			left -= io[n].iov_len;
		}
		done = pwritev(fd, io, n, (off_t)from);
		if (done < 0 && errno != EINTR)
			return -1;
		from += done > 0 ? (uint64_t)done : 0;
	}
	return 0;
}

int file_fill(struct store *s, struct file *f, uint64_t target, struct store_report *report)
{
	char name[FOLDER_NAME_BYTES_MAX];

	if (f->filled >= target || s->folder.fd < 0)
		return 0;
	store_segment_name(name, f->segment);
	if (file_write_newlines(f->fd, f->filled, target))
		return folder_fail(&s->folder, "write", name, report);
	if (folder_flush(&s->folder, f->fd))
		return folder_fail(&s->folder, "flush", name, report);
	f->filled = target;
	return 0;
}
