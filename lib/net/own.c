/* own: see own.h */
#include "lib/net/own.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int own_descriptor(int fd)
{
	int flags = fcntl(fd, F_GETFL), own;
	struct stat st;
	char path[32];

	if (flags < 0 || fstat(fd, &st))
		return -1;
	if (S_ISFIFO(st.st_mode) || isatty(fd)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		own = open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (own >= 0)
			return own;
	}
	/* A socket cannot be opened anew, nor what another user owns. */
	own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (own >= 0 && !S_ISREG(st.st_mode))
		fcntl(own, F_SETFL, flags | O_NONBLOCK);
	return own;
}
