/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The spool as a whole: what is in it, what is litter, and who runs it. */
#include "spool/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

enum {
	LITTER_AGE = 36 * 3600,	/* seconds: longer than anybody takes to write a message */
};

struct scan {
	int dir;
	spool_see_fn *see;
	void *seer;
};

bool spool_look_start(const struct spool *s, const char *id, struct entry_start *start)
{
	if (!spool_has_file(s->dir, id, ".env"))
		return false;
	spool_read_start(s->dir, id, start);
	return true;
}

static bool see_name(void *seer, const char *name)
{
	struct scan *scan = seer;
	struct entry_start start;
	char id[ID_SIZE];

	if (!spool_name_is(name, ".env", id))
		return true;
	spool_read_start(scan->dir, id, &start);
	return scan->see(scan->seer, id, &start);
}

bool spool_scan(const struct spool *s, enum spool_place place, spool_see_fn *see,
		void *seer, struct error *err)
{
	OWNED_FD owned = -1;
	struct scan scan = { .dir = spool_place(s, place, false, &owned, err),
			     .see = see, .seer = seer };

	return (scan.dir < 0 && spool_has_no(s, place)) ||
	       (scan.dir >= 0 && spool_names(scan.dir, see_name, &scan, err)) ||
	       error_context(err, "%s", s->path);
}

/* --- litter */

struct sweep {
	const struct spool *spool;
	int dir;
	time_t now, keep;
};

static bool is_older(const struct sweep *sweep, const char *name, time_t age)
{
	struct stat st;

	return fstatat(sweep->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && st.st_mtime < sweep->now - age;
}

/* Whoever writes one of the files of a message holds its ID.msg. */
static bool is_held(const struct sweep *sweep, const char *id, int *lock)
{
	char name[SPOOL_NAME_SIZE];

	*lock = openat(sweep->dir, spool_name(id, ".msg", name),
		       O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return *lock < 0 ? errno != ENOENT : flock(*lock, LOCK_EX | LOCK_NB) < 0;
}

static void sweep_one(const struct sweep *sweep, const char *name, const char *id,
		      bool with_entry)
{
	OWNED_FD lock = -1;

	if (is_older(sweep, name, LITTER_AGE) && !is_held(sweep, id, &lock) &&
	    (with_entry || !spool_has_file(sweep->dir, id, ".env")))
		unlinkat(sweep->dir, name, 0);
}

static bool sweep_name(void *seer, const char *name)
{
	const struct sweep *sweep = seer;
	char id[ID_SIZE];

	if (spool_name_is(name, ".msg", id) || spool_name_is(name, ".try", id)) {
		if (!spool_has_file(sweep->dir, id, ".env"))
			sweep_one(sweep, name, id, false);
	} else if (spool_name_is(name, ".new", id)) {
		sweep_one(sweep, name, id, true);
	}
	return true;
}

/* An entry in failed/ was written when it came there. */
static bool sweep_failed(void *seer, const char *name)
{
	const struct sweep *sweep = seer;
	OWNED_ITEM item = ITEM_NONE;
	enum taken taken;
	struct error err;
	char id[ID_SIZE];

	if (!spool_name_is(name, ".env", id) || !is_older(sweep, name, sweep->keep))
		return true;
	taken = spool_take(sweep->spool, id, SPOOL_FAILED, &item, &err);
	if (taken == TAKEN_BROKEN)
		(void)spool_set_aside(sweep->spool, &item, err.text);
	if (taken != TAKEN)
		return true;
	if (spool_remove(sweep->spool, &item, &err))
		log_info_of(id, "removed: it has been in failed/ for longer than keep_failed");
	else
		log_problem_of(id, "cannot be removed: %s", err.text);
	return true;
}

void spool_sweep(const struct spool *s, time_t now, time_t keep)
{
	struct error unheard;
	OWNED_FD failed = spool_subdirectory(s, "failed", true, &unheard);
	struct sweep here = { .spool = s, .dir = s->dir, .now = now, .keep = keep };
	struct sweep there = { .spool = s, .dir = failed, .now = now, .keep = keep };

	(void)spool_names(s->dir, sweep_name, &here, &unheard);
	if (failed < 0)
		return;
	(void)spool_names(failed, sweep_failed, &there, &unheard);
	(void)spool_names(failed, sweep_name, &there, &unheard);
}

/* --- the runner */

/*
 * Where there is no room for the file of those who work the directory serves, so that
 * mail can leave a disk that is full. Who gets the file meanwhile is not in the way: each
 * message has a lock of its own.
 */
static int open_lock(const struct spool *s, const char *name)
{
	int fd = openat(s->dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && (errno == ENOSPC || errno == EDQUOT) && !strcmp(name, SPOOL_WORKING))
		fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

bool spool_lock(const struct spool *s, const char *name, int *fd, struct error *err)
{
	bool is_taken;

	*fd = open_lock(s, name);
	if (*fd < 0) {
		error_errno(err, ERROR_CREATE, "create %s", name);
		return error_context(err, "the spool %s", s->path);
	}
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	is_taken = errno == EWOULDBLOCK;
	if (!is_taken)
		error_errno(err, ERROR_CREATE, "the spool %s: %s", s->path, name);
	fd_cleanup(fd);
	*fd = -1;
	return is_taken;
}

static void ring(const struct spool *s, const char *words, size_t len)
{
	OWNED_FD fd = openat(s->dir, "bell", O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	int unheard;

	/* ENXIO: nobody listens. A full pipe has woken them already. */
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
		return;
	/* Since when nobody has listened. */
	if (ioctl(fd, FIONREAD, &unheard) == 0 && unheard == 0)
		(void)utimensat(s->dir, SPOOL_RESIDENT, NULL, AT_SYMLINK_NOFOLLOW);
	(void)!write(fd, words, len);
}

void spool_wake_runner(const struct spool *s)
{
	ring(s, "", 1);
}

void spool_announce(const struct spool *s, const char *id)
{
	char line[ID_SIZE + 1];
	int len = snprintf(line, sizeof(line), "%s\n", id);

	ring(s, line, (size_t)len);
}

void spool_announce_again(const struct spool *s, const char *id)
{
	char line[ID_SIZE + 2];
	int len = snprintf(line, sizeof(line), "%s%c\n", id, SPOOL_AGAIN);

	ring(s, line, (size_t)len);
}

int spool_open_bell(const struct spool *s)
{
	OWNED_FD fd = -1;
	struct stat st;

	if (mkfifoat(s->dir, "bell", 0600) < 0 && errno != EEXIST)
		return -1;
	/* O_RDWR: it must not be at its end when the last writer has gone. */
	fd = openat(s->dir, "bell", O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
		return -1;
	return fd_take(&fd);
}
