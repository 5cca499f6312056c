/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFC 3164 as it is spoken on /dev/log: "<PRI>Nov 24 08:53:25 tag[pid]: text". */
#include "base/syslog_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum {
	LINE_LIMIT = 64 * 1024,
	PATIENCE_MS = 200,	/* the queue may hold as few as 10 lines of a burst */
};

static int new_socket(int type)
{
	return socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

static int connect_to(const char *path, int type)
{
	const struct sockaddr_un address = address_of(path);
	OWNED_FD fd = new_socket(type);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return fd_take(&fd);
}

/* Of a process that stays connected; -1: it connects for each line. */
static struct kept { int fd; bool is_stream; } kept = { .fd = -1 };

/* -1 with errno. */
static int find(const char *path, bool *is_stream)
{
	int fd = connect_to(path, SOCK_DGRAM);

	*is_stream = fd < 0 && errno == EPROTOTYPE;	/* as old loggers have it */
	return *is_stream ? connect_to(path, SOCK_STREAM) : fd;
}

void syslog_stay(const char *path)
{
	if (kept.fd < 0)
		kept.fd = find(path, &kept.is_stream);
	/* Who is not there may come. */
	if (kept.fd < 0)
		kept = (struct kept){ .fd = new_socket(SOCK_DGRAM) };
}

bool syslog_is_there(const char *path)
{
	bool is_stream;
	OWNED_FD fd = find(path, &is_stream);

	return fd >= 0;
}

static bool send_line(int fd, const struct buf *line)
{
	struct pollfd end = { .fd = fd, .events = POLLOUT };

	poll(&end, 1, PATIENCE_MS);
	return send(fd, buf_text(line), line->len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/*
 * By one that stays, when it is another who listens there now: an address needs no new
 * connection.
 */
static bool send_anew(const char *path, const struct buf *line)
{
	const struct sockaddr_un address = address_of(path);

	return sendto(kept.fd, buf_text(line), line->len, MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&address, sizeof(address)) >= 0 || errno == ENOENT;
}

bool syslog_send(const char *path, int priority, const char *tag, const char *text)
{
	bool is_stream = kept.is_stream;
	OWNED_FD fd = kept.fd >= 0 ? -1 : find(path, &is_stream);
	OWNED_BUF line = BUF_INIT(LINE_LIMIT);
	char date[CLOCK_DATE_SIZE];

	/*
	 * A machine without a system log is no trouble to be told of with each message.
	 */
	if (fd < 0 && kept.fd < 0)
		return errno == ENOENT;
	clock_syslog(time(NULL), date);
	buf_addf(&line, "<%d>%s %.100s[%ld]: %s", LOG_MAIL | priority, date, tag,
		 (long)getpid(), text);
	if (is_stream)		/* where a NUL ends a line */
		buf_add_char(&line, '\0');
	if (send_line(fd >= 0 ? fd : kept.fd, &line))
		return true;
	return kept.fd >= 0 && !is_stream && (errno == ECONNREFUSED || errno == ENOTCONN) &&
	       send_anew(path, &line);
}
