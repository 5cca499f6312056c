/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading and writing that an interruption does not break, and one way to write that
 * does not wait for ever for a reader.
 */
#include "base/io.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"

bool write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/*
 * The descriptor may be shared, so O_NONBLOCK is not ours to set. A pipe that poll(2)
 * calls writable has room for PIPE_BUF bytes: as much at a time does not block.
 */
bool write_patiently(int fd, const void *bytes, size_t len, int patience_ms)
{
	int64_t deadline = clock_ms() + patience_ms;
	struct pollfd end = { .fd = fd, .events = POLLOUT };
	const char *at = bytes;

	while (len > 0) {
		int left = clock_left(deadline);
		ssize_t n = 0;

		if (poll(&end, 1, left) > 0) {
			n = write(fd, at, len < PIPE_BUF ? len : PIPE_BUF);
		} else if (left == 0) {
			errno = EAGAIN;
			return false;
		}
		if (n < 0 && errno != EINTR)
			return false;
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

ssize_t read_some(int fd, void *bytes, size_t size)
{
	ssize_t n;

	do
		n = read(fd, bytes, size);
	while (n < 0 && errno == EINTR);
	return n;
}

bool read_exactly(int fd, void *bytes, size_t len)
{
	char *at = bytes;
	ssize_t n = 1;

	while (len > 0 && (n = read_some(fd, at, len)) > 0) {
		at += n;
		len -= (size_t)n;
	}
	return len == 0;
}
