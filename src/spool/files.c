/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names, places and locks, the same for all who work in the spool. All is opened below
 * the spool's own descriptor and follows no link, so that nobody can lead it elsewhere.
 */
#include "spool/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/self.h"

const char *spool_name(const char *id, const char *suffix, char name[SPOOL_NAME_SIZE])
{
	snprintf(name, SPOOL_NAME_SIZE, "%.*s%.4s", ID_SIZE - 1, id, suffix);
	return name;
}

bool spool_has_file(int dir, const char *id, const char *suffix)
{
	char name[SPOOL_NAME_SIZE];

	return faccessat(dir, spool_name(id, suffix, name), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool spool_name_is(const char *name, const char *suffix, char id[ID_SIZE])
{
	size_t len = strspn(name, "0123456789abcdefghijklmnopqrstuv");

	if (len != ID_SIZE - 1 || strcmp(name + len, suffix) != 0)
		return false;
	memcpy(id, name, len);
	id[len] = '\0';
	return true;
}

int spool_subdirectory(const struct spool *s, const char *name, bool make, struct error *err)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
	OWNED_FD fd = openat(s->dir, name, flags);
	struct stat st;

	/* What comes into it must not be gone with it when the power fails. */
	if (fd < 0 && errno == ENOENT && make &&
	    (mkdirat(s->dir, name, DIRECTORY_NEW) == 0 || errno == EEXIST))
		fd = openat(s->dir, name, flags);
	if (fd < 0 || fstat(fd, &st) < 0 || !directory_settle(fd, &st)) {
		error_errno(err, ERROR_CREATE, "%s/%s", s->path, name);
		return -1;
	}
	if (!self_owns(&st)) {
		error_set(err, ERROR_CREATE, "%s/%s: not this user's", s->path, name);
		return -1;
	}
	return fd_take(&fd);
}

static const char *const places[] = {
	[SPOOL_QUEUE] = ".",
	[SPOOL_FAILED] = "failed",
	[SPOOL_DAMAGED] = "damaged",
};

bool spool_has_no(const struct spool *s, enum spool_place place)
{
	return faccessat(s->dir, places[place], F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	       errno == ENOENT;
}

int spool_place(const struct spool *s, enum spool_place place, bool make, int *owned,
		struct error *err)
{
	if (place == SPOOL_QUEUE)
		return s->dir;
	*owned = spool_subdirectory(s, places[place], make, err);
	return *owned;
}

bool spool_lock_file(int fd, int patience)
{
	const struct timespec moment = { 0, 2000000 };
	int64_t deadline = clock_ms() + patience;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || clock_left(deadline) == 0)
			return false;
		nanosleep(&moment, NULL);
	}
	return true;
}

bool spool_names(int dir, name_fn *see, void *seer, struct error *err)
{
	/* A descriptor of its own: the place in the directory is the descriptor's. */
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *file;

	if (!stream) {
		error_errno(err, ERROR_IO, "cannot list the spool");
		fd_cleanup(&fd);
		return false;
	}
	while (errno = 0, (file = readdir(stream)))
		if (!see(seer, file->d_name))
			break;
	if (!file && errno)
		error_errno(err, ERROR_IO, "cannot list the spool");
	fd = !file && errno ? -1 : 0;
	closedir(stream);
	return fd == 0;
}

/* A link, a socket, another user's file: none of them becomes ours by waiting. */
bool spool_is_not_ours(int number)
{
	return number == ELOOP || number == ENXIO || number == EACCES || number == EISDIR;
}

/* Whoever makes it after we have not found it sees our ID.msg. */
static bool remove_mark(int dir, const char *name, struct error *err)
{
	if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return true;
	return unlinkat(dir, name, 0) == 0 || errno == ENOENT ||
	       error_errno(err, ERROR_IO, "remove %s", name);
}

bool spool_unmark_empty(int dir, struct error *err)
{
	return remove_mark(dir, SPOOL_EMPTYING, err) && remove_mark(dir, SPOOL_EMPTY, err);
}
