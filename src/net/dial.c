/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who has called listen(2) is asked of the kernel and not of the file system: a path can
 * be anybody's link, and a socket that systemd has opened is root's, whoever serves it.
 */
#include "net/dial.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* What errno says of a socket in a path tells people little. */
static int fail(int fd, const char *path, struct error *err)
{
	error_errno(err, ERROR_LATER, "%s", path);
	/* Whatever errno makes of it: somebody may be there in a moment. */
	err->kind = ERROR_LATER;
	fd_cleanup(&fd);
	return -1;
}

int dial_local(const char *path, int seconds, uid_t *owner, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = seconds };
	struct ucred user;
	socklen_t len = sizeof(user);
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return fail(-1, path, err);
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* With many before us connect(2) waits, and else for ever: unix(7). */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &len) < 0)
		return fail(fd, path, err);
	*owner = user.uid;
	return fd;
}
