/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * It runs where all else has failed, in a signal handler or without memory: plain
 * system calls, a buffer on the stack, and limits on time and amount, as a caller may
 * write for ever.
 */
#include "base/drain.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	SILENCE_MS = 10 * 1000,		/* of a caller who may never close his end */
	TOTAL_SECONDS = 60,
	CHUNK = 16 * 1024,
	CHUNKS_MAX = 64 * 1024,		/* 1 GiB */
};

/* Global, as what ends us for want of memory is given nothing to know it from. */
static int unread = -1;

void drain_expect(int fd)
{
	unread = fd;
}

/* Whether somebody is at the other end who notices that nobody reads. */
static bool has_writer(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	       (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* False at its end, and when nothing comes. */
static bool drop_some(int fd, int patience_ms)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	char chunk[CHUNK];
	ssize_t n;
	int ready = poll(&in, 1, patience_ms);

	if (ready <= 0)
		return ready < 0 && errno == EINTR;
	n = read(fd, chunk, sizeof(chunk));
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

void drain(void)
{
	int64_t deadline = clock_after(TOTAL_SECONDS);
	int fd = unread;

	unread = -1;	/* a signal meanwhile does not begin anew */
	if (fd < 0 || !has_writer(fd))
		return;
	for (int i = 0; i < CHUNKS_MAX; i++) {
		int left = clock_left(deadline);

		if (!drop_some(fd, left < SILENCE_MS ? left : SILENCE_MS))
			return;
	}
}
