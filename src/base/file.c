/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that are replaced, and files that must be nobody else's. Facts about a file are
 * always those of the open one.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/self.h"
#include "base/sum.h"

bool file_read(int fd, struct buf *b, struct error *err)
{
	char block[4096];
	ssize_t n;

	while ((n = read_some(fd, block, sizeof(block))) > 0) {
		buf_add_bytes(b, block, (size_t)n);
		if (buf_is_full(b))
			return error_set(err, ERROR_DATA, "more than %zu bytes", b->limit);
	}
	return n == 0 || error_errno(err, ERROR_IO, "read");
}

bool file_replace(int dir, const char *name, const void *bytes, size_t len,
		  struct error *err)
{
	char temp[NAME_MAX + 1];
	OWNED_FD fd = -1;

	if (snprintf(temp, sizeof(temp), ".%s.%ld", name, (long)getpid()) >=
	    (int)sizeof(temp))
		return error_set(err, ERROR_CREATE, "file name too long: %s", name);
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(err, ERROR_CREATE, "create %s", name);
	if (!write_all(fd, bytes, len) || renameat(dir, temp, dir, name) < 0) {
		error_errno(err, ERROR_IO, "write %s", name);
		unlinkat(dir, temp, 0);
		return false;
	}
	return true;
}

int file_create_anew(int dir, const char *name)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(dir, name, flags, 0600);

	/* Left by one that was killed. O_EXCL stays, so that no link is ever followed. */
	if (fd < 0 && errno == EEXIST && unlinkat(dir, name, 0) == 0)
		fd = openat(dir, name, flags, 0600);
	return fd;
}

bool file_read_named(const char *path, bool is_secret, struct buf *text, struct error *err)
{
	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		error_errno(err, ERROR_CONFIG, "cannot read");
	} else if (!S_ISREG(st.st_mode)) {
		error_set(err, ERROR_CONFIG, "it is no file");
	} else if (!is_secret || file_is_private(fd, &st, err)) {
		if (file_read(fd, text, err))
			return true;
		err->kind = ERROR_CONFIG;
	}
	return error_context(err, "%s", path);
}

uint64_t file_sum(uint64_t sum, const struct stat *st)
{
	const int64_t facts[] = {
		(int64_t)st->st_dev, (int64_t)st->st_ino, (int64_t)st->st_size,
		(int64_t)st->st_mtim.tv_sec, (int64_t)st->st_mtim.tv_nsec,
	};

	return sum_add(sum, facts, sizeof(facts));
}

int file_unnamed(struct error *err)
{
	const char *places[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
	int fd = -1;

	for (size_t i = 0; i < COUNT_OF(places); i++) {
		char name[PATH_MAX];

		if (!places[i] || places[i][0] != '/')
			continue;
		fd = open(places[i], O_RDWR | O_TMPFILE | O_CLOEXEC | O_EXCL, 0600);
		if (fd >= 0)
			return fd;
		/* File systems without O_TMPFILE: a name for a moment. */
		if (snprintf(name, sizeof(name), "%s/acsmtp.XXXXXX", places[i]) >=
		    (int)sizeof(name))
			continue;
		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0) {
			unlink(name);
			return fd;
		}
	}
	/*
	 * Nothing can be made on any disk, or may be: the system pages it out, at worst.
	 */
	if (!errno_is_lack(errno) && errno != ENOSPC && errno != EDQUOT)
		fd = memfd_create("acsmtp", MFD_CLOEXEC);
	if (fd < 0)
		error_errno(err, ERROR_CREATE, "no temporary file in TMPDIR, /var/tmp or /tmp");
	return fd;
}

bool file_is_ours(const struct stat *st, struct error *err)
{
	if (!S_ISREG(st->st_mode))
		return error_set(err, ERROR_CONFIG, "not a regular file");
	if (!self_owns(st) && st->st_uid != 0) {
		error_set(err, ERROR_CONFIG, "the file belongs neither to this user nor "
			  "to root (uid %ld)", (long)st->st_uid);
		return error_advise(err, "chown the file; a container can mount it with the uid, "
				    "gid and mode 0400 that it is to have");
	}
	if (!(st->st_mode & (S_IWGRP | S_IWOTH)))
		return true;
	error_set(err, ERROR_CONFIG, "others can write it (mode %04o)",
		  (unsigned)(st->st_mode & 07777));
	return error_advise(err, "chmod 600 the file");
}

/*
 * The memory that everybody may put files into is no place that somebody mounted for us.
 */
static bool is_everybodys(dev_t device)
{
	static const char *const places[] = { "/tmp", "/var/tmp", "/dev/shm" };
	struct stat st;

	for (size_t i = 0; i < COUNT_OF(places); i++)
		if (stat(places[i], &st) == 0 && st.st_dev == device)
			return true;
	return false;
}

/*
 * Docker, Kubernetes and systemd mount secrets that root owns and all of a container can
 * read: who is in there is meant to.
 */
static bool is_mounted_secret(int fd, const struct stat *st)
{
	struct statfs fs;

	if (st->st_uid != 0 || (st->st_mode & (S_IWGRP | S_IWOTH)) || fstatfs(fd, &fs) < 0)
		return false;
	if (fs.f_flags & ST_RDONLY)
		return true;
	return (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC) &&
	       !is_everybodys(st->st_dev);
}

bool file_is_private(int fd, const struct stat *st, struct error *err)
{
	mode_t others = st->st_uid == 0 ? S_IRWXO : S_IRWXG | S_IRWXO;

	if (!(st->st_mode & others) || is_mounted_secret(fd, st))
		return true;
	error_set(err, ERROR_CONFIG, "it holds a secret and others can read it (mode %04o)",
		  (unsigned)(st->st_mode & 07777));
	return error_advise(err, "chmod 600 the file, and change the secret if others may have "
			    "seen it");
}
