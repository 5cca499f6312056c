/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file holds the moments of the last hour, a line each. It is changed in place under
 * its lock; cut short by a failure it is a file of fewer moments.
 */
#include "spool/hourly.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/self.h"

enum {
	HOUR = 60 * 60,
	LINE_SIZE = 24, /* a moment in digits, and what a file may have besides */
	LOCK_TRIES = 100,
};

/* Others hold it for a moment; one that was stopped must not stop us. */
static bool lock(int fd)
{
	static const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		nanosleep(&pause, NULL);
	}
	errno = EWOULDBLOCK;
	return false;
}

static int open_locked(int dir, const char *name, struct error *err)
{
	OWNED_FD fd =
		openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		       0600);
	struct stat st;

	if (fd < 0) {
		error_errno(err, ERROR_CREATE, "open %s", name);
		return -1;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !self_owns(&st)) {
		error_set(err, ERROR_CREATE, "%s is no file of this user", name);
		return -1;
	}
	if (!lock(fd)) {
		error_errno(err, ERROR_IO, "lock %s", name);
		return -1;
	}
	return fd_take(&fd);
}

/* Appends the moments that are less than an hour away, before or after. */
static long keep_recent(const char *text, time_t now, struct buf *kept)
{
	long count = 0;
	char *end;

	for (;; text = end) {
		long long moment = strtoll(text, &end, 10);

		if (end == text)
			return count;
		if (moment <= (long long)now - HOUR || moment >= (long long)now + HOUR)
			continue;
		buf_addf(kept, "%lld\n", moment);
		count++;
	}
}

static bool rewrite(int fd, const struct buf *text)
{
	return lseek(fd, 0, SEEK_SET) == 0 && ftruncate(fd, 0) == 0 &&
	       write_all(fd, text->text, text->len);
}

bool hourly_take(int dir, const char *name, long most, time_t now, bool *may,
		 struct error *err)
{
	OWNED_BUF old = BUF_INIT((size_t)(HOURLY_MAX + 1) * LINE_SIZE);
	OWNED_BUF kept = BUF_INIT((size_t)(HOURLY_MAX + 1) * LINE_SIZE);
	OWNED_FD fd = open_locked(dir, name, err);
	struct error unread;

	*may = false;
	if (fd < 0)
		return false;
	if (!file_read(fd, &old, &unread) && unread.kind != ERROR_DATA) {
		*err = unread;
		return error_context(err, "%s", name);
	}
	*may = keep_recent(buf_text(&old), now, &kept) < most;
	if (!*may)
		return true;
	buf_addf(&kept, "%lld\n", (long long)now);
	if (rewrite(fd, &kept))
		return true;
	*may = false;
	return error_errno(err, ERROR_IO, "write %s", name);
}
