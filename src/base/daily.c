/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An empty file for each thing that was said, with the time when it was. */
#include "base/daily.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/directory.h"
#include "base/file.h"
#include "base/home.h"
#include "base/self.h"
#include "base/sum.h"

enum { DAY = 24 * 3600, PATH_BYTES = 4096, NAME_SIZE = 32 };

static int open_at(struct buf *path)
{
	struct error unheard;
	int dir = path->len > 0 && !buf_is_full(path) ?
		  directory_private(buf_text(path), &unheard) : -1;

	buf_clear(path);
	return dir;
}

/* A user of services alone may have no home. */
static int open_place(void)
{
	const char *state = home_xdg("XDG_STATE_HOME"), *home = home_own();
	const char *temp = getenv("TMPDIR");
	OWNED_BUF path = BUF_INIT(PATH_BYTES);
	int dir;

	if (state)
		buf_addf(&path, "%s/acsmtp/said", state);
	else if (home)
		buf_addf(&path, "%s/.local/state/acsmtp/said", home);
	dir = open_at(&path);
	if (dir >= 0)
		return dir;
	buf_addf(&path, "%s/acsmtp-%ld", temp && *temp == '/' ? temp : "/tmp", (long)self_user());
	return open_at(&path);
}

enum daily daily_say_within(const char *words, int days)
{
	OWNED_FD dir = open_place();
	OWNED_FD fd = -1;
	time_t now = time(NULL);
	const struct timespec times[2] = { { .tv_sec = now }, { .tv_sec = now } };
	char name[NAME_SIZE];
	struct stat st;

	if (dir < 0)
		return DAILY_UNKNOWN;
	snprintf(name, sizeof(name), "said-%016" PRIx64, sum_add(SUM_INIT, words, strlen(words)));
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		return futimens(fd, times) == 0 ? DAILY_FIRST : DAILY_UNKNOWN;
	if (errno != EEXIST || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return DAILY_UNKNOWN;
	if (st.st_mtime <= now && now - st.st_mtime < (time_t)days * DAY)
		return DAILY_AGAIN;
	return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) == 0 ? DAILY_FIRST : DAILY_UNKNOWN;
}

enum daily daily_say(const char *words)
{
	return daily_say_within(words, 1);
}
