/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Root walks a path by hand, a directory at a time, and looks at each that it stands in:
 * as long as root alone could have put things there the next name can be what it likes;
 * from the first directory on in which others can, no link is followed any more. To check
 * the path first and to open it then would leave a moment in which it can become another
 * one.
 */
#include "base/append.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/self.h"

enum {
	/* O_NONBLOCK: a pipe without a reader must not stop the mail. */
	FILE_FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
	DIRECTORY_FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC,
};

static bool is_roots(const struct stat *st)
{
	return st->st_uid == 0 && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* As /tmp: what is somebody's there stays his. */
static bool is_sticky(const struct stat *st)
{
	return st->st_uid == 0 && (st->st_mode & S_ISVTX);
}

static int fail(struct error *err)
{
	int number = errno;

	error_reason(err, ERROR_CREATE);
	if (number == ENXIO)
		error_advise(err, "a pipe needs somebody who reads it");
	return -1;
}

static int refuse(struct error *err)
{
	error_set(err, ERROR_CREATE, "others can write to its directory, and it is a link or "
		  "no plain file of root's");
	error_advise(err, "name a file in a directory that root alone can write to");
	return -1;
}

/* Below a directory whose links are not to be trusted. */
static int open_among_others(int dir, uid_t owner, const char *rest, struct error *err)
{
	struct open_how how = { .flags = FILE_FLAGS, .mode = 0600,
				.resolve = RESOLVE_NO_SYMLINKS };
	OWNED_FD fd = (int)syscall(SYS_openat2, dir, rest, &how, sizeof(how));
	struct stat st;

	/* A kernel or a sandbox without it: the last link at least. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM) && !strchr(rest, '/'))
		fd = openat(dir, rest, FILE_FLAGS | O_NOFOLLOW, 0600);
	if (fd < 0 && errno != ELOOP && errno != ENXIO)
		return fail(err);
	/*
	 * Opened is not yet written: a second name of a file elsewhere is refused in
	 * time.
	 */
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    (st.st_uid != 0 && st.st_uid != owner))
		return refuse(err);
	return fd_take(&fd);
}

/* The directory of that name, if who put it there can be trusted as far as `in` shows. */
static int enter(int dir, const struct stat *in, const char *name)
{
	OWNED_FD next = openat(dir, name, DIRECTORY_FLAGS | (is_roots(in) ? 0 : O_NOFOLLOW));
	struct stat st;

	if (is_roots(in) || (next >= 0 && fstat(next, &st) == 0 && st.st_uid == 0))
		return fd_take(&next);
	return -1;
}

static int open_as_root(const char *path, struct error *err)
{
	OWNED_FD dir = open(*path == '/' ? "/" : ".", DIRECTORY_FLAGS);
	struct stat st;

	for (const char *at = path; dir >= 0 && fstat(dir, &st) == 0;) {
		size_t len = strcspn(at += strspn(at, "/"), "/");
		OWNED_TEXT name = text_copy_n(at, len);
		int next;

		/*
		 * In a sticky one root's own directories stay root's, but a file may be
		 * planted.
		 */
		if (!is_roots(&st) && !(is_sticky(&st) && at[len]))
			return open_among_others(dir, st.st_uid, at, err);
		if (!at[len]) {
			next = openat(dir, at, FILE_FLAGS, 0600);
			return next < 0 ? fail(err) : next;
		}
		next = enter(dir, &st, name);
		if (next < 0 && !is_roots(&st))
			return open_among_others(dir, st.st_uid, at, err);
		fd_cleanup(&dir);
		dir = next;
		at += len;
	}
	return fail(err);
}

/*
 * The root of a namespace in which the machine's own files are nobody's is a user like
 * others.
 */
static bool is_root(void)
{
	struct stat st;

	return self_is_root() && stat("/", &st) == 0 && st.st_uid == 0;
}

int append_open(const char *path, struct error *err)
{
	int fd;

	if (is_root())
		return open_as_root(path, err);
	fd = open(path, FILE_FLAGS, 0600);
	return fd < 0 ? fail(err) : fd;
}

int append_open_for(const char *path, uid_t user, struct error *err)
{
	OWNED_FD fd = append_open(path, err);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_uid == 0 &&
	    st.st_size == 0 && fchown(fd, user, (gid_t)-1) < 0)
		return fail(err);
	return fd_take(&fd);
}
