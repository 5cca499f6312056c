/* SPDX-License-Identifier: GPL-3.0-or-later */
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
static bool is_expected;

void drain_expect(bool is_unread)
{
	is_expected = is_unread;
}

/* Whether somebody is at the other end who notices that nobody reads. */
static bool has_writer(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) == 0 &&
	       (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* False at its end, and when nothing comes. */
static bool drop_some(int patience_ms)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char chunk[CHUNK];
	ssize_t n;
	int ready = poll(&in, 1, patience_ms);

	if (ready <= 0)
		return ready < 0 && errno == EINTR;
	n = read(STDIN_FILENO, chunk, sizeof(chunk));
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

void drain(void)
{
	int64_t deadline = clock_after(TOTAL_SECONDS);

	if (!is_expected || !has_writer())
		return;
	is_expected = false;
	for (int i = 0; i < CHUNKS_MAX; i++) {
		int left = clock_left(deadline);

		if (!drop_some(left < SILENCE_MS ? left : SILENCE_MS))
			return;
	}
}
