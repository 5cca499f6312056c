/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A directory that was just made is gone after a loss of power if the one above it was
 * not synced, and with it all that was synced in it. So it is made with a mode that
 * says "not settled yet"; whoever meets that mode syncs the parent and takes it away,
 * in the place of a maker that died.
 */
#include "base/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/home.h"
#include "base/path.h"
#include "base/self.h"

enum {
	PARENTS_MAX = 3,	/* directories to make on the way to another */
	FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW,
};

bool directory_settle(int dir, const struct stat *st)
{
	OWNED_FD parent = -1;
	struct stat above;

	if ((st->st_mode & (DIRECTORY_NEW | S_IRWXG | S_IRWXO)) != DIRECTORY_NEW ||
	    !self_owns(st))
		return true;
	parent = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Who may make it but not read where: then it cannot be had. */
	if (parent < 0 && errno != EACCES)
		return false;
	/* Its own maker may have died as early. */
	if (parent >= 0 && (fstat(parent, &above) < 0 || !directory_settle(parent, &above) ||
			    fsync(parent) < 0))
		return false;
	/*
	 * Where this fails, as on a disk that is read-only by now, it is synced once
	 * more.
	 */
	(void)!fchmod(dir, st->st_mode & 07777 & ~(mode_t)S_ISVTX);
	return true;
}

/* It may be there: another process was quicker. */
static bool make_one(const char *path)
{
	OWNED_FD fd = -1;
	struct stat st;

	if (mkdir(path, DIRECTORY_NEW) < 0 && errno != EEXIST)
		return false;
	fd = open(path, FLAGS & ~O_NOFOLLOW);
	return fd >= 0 && fstat(fd, &st) == 0 && directory_settle(fd, &st);
}

/* With as many missing parents as `parents` says. */
static bool make_directory(const char *path, int parents)
{
	OWNED_TEXT parent = path_directory(path);

	if (make_one(path))
		return true;
	return errno == ENOENT && parents > 0 && make_directory(parent, parents - 1) &&
	       make_one(path);
}

int directory_private(const char *path, struct error *err)
{
	OWNED_FD fd = open(path, FLAGS);
	struct stat st;

	if (fd < 0 && errno == ENOENT && make_directory(path, PARENTS_MAX))
		fd = open(path, FLAGS);
	if (fd < 0 || fstat(fd, &st) < 0) {
		error_errno(err, ERROR_CREATE, "%s", path);
		return -1;
	}
	if (!self_owns(&st)) {
		error_set(err, ERROR_CREATE, "%s: the directory belongs to another user (uid %ld)",
			  path, (long)st.st_uid);
		return -1;
	}
	if (st.st_mode & 077) {
		error_set(err, ERROR_CREATE, "%s: not a directory of this user alone", path);
		return -1;
	}
	if (directory_settle(fd, &st))
		return fd_take(&fd);
	error_errno(err, ERROR_CREATE, "sync the directory of %s", path);
	return -1;
}

int directory_of_caches(void)
{
	const char *cache = home_xdg("XDG_CACHE_HOME"), *home = home_own();
	OWNED_BUF path = BUF_INIT(4096);
	struct error unheard;

	if (cache)
		buf_addf(&path, "%s/acsmtp", cache);
	else if (home)
		buf_addf(&path, "%s/.cache/acsmtp", home);
	if (path.len == 0 || buf_is_full(&path))
		return -1;
	return directory_private(path.text, &unheard);
}
