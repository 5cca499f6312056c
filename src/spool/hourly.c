/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file holds the moments of the last hour, a line each. It is changed in place under
 * its lock; cut short by a failure it is a file of fewer moments.
 */
#include "spool/hourly.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/self.h"
#include "spool/codec.h"
#include "spool/files.h"

enum {
	HOUR = 60 * 60,
	LINE_SIZE = 24, /* a moment in digits, and what a file may have besides */
	LOCK_PATIENCE = 1000, /* ms: others hold it for a moment; one may have been stopped */
};

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
	if (!spool_lock_file(fd, LOCK_PATIENCE)) {
		error_errno(err, ERROR_IO, "lock %s", name);
		return -1;
	}
	return fd_take(&fd);
}

/* Appends the moments that are less than an hour away, before or after. */
static long keep_recent(const char *text, time_t now, struct buf *kept)
{
	uint64_t latest = (uint64_t)now + HOUR;
	long count = 0;

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		struct scanner s = { text, true };
		uint64_t moment = scanner_number(&s, 0, INT64_MAX);

		scanner_words(&s, "\n");
		if (!s.ok || moment + HOUR <= (uint64_t)now || moment >= latest)
			continue;
		buf_addf(kept, "%" PRIu64 "\n", moment);
		count++;
	}
	return count;
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
