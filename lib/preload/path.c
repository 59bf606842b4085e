#include "lib/preload/preload.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

int preload_path(struct buf *path, const char *name)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self));

	if (len < 0)
		return errno;
	if (len == (ssize_t)sizeof(self))
		return ENAMETOOLONG;
	/* Twice up: from the file to its folder, and from that. */
	for (int up = 0; up < 2; up++)
		while (len > 0 && self[--len] != '/')
			;
	path->len = 0;
	buf_add(path, self, (size_t)len);
	buf_printf(path, "/lib/faultline/%s.so", name);
	buf_putc(path, '\0');
	path->len--;
	return access(path->at, R_OK) ? errno : 0;
}
