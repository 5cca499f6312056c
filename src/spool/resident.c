/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One runner stays with a queue: whoever has the lock of the file "resident". The file
 * says in which network that is, and since when it reaches no server. One that cannot
 * be of use is replaced by removing its file: the next one locks a new one, and the old
 * one sees that its own has gone.
 */
#include "spool/resident.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "spool/codec.h"

enum { TEXT_SIZE = 80, TRIES = 10 };

/* Written over the old one, so it has always the same length. */
static const char text_format[] = "network %020" PRIu64 "\ncut-off %020lld\n";

/* The namespace of this process's network; 0: not known. */
static uint64_t network(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* --- taking it */

bool resident_is_displaced(const struct spool *s, int fd)
{
	struct stat ours, theirs;

	return fstat(fd, &ours) == 0 &&
	       (fstatat(s->dir, SPOOL_RESIDENT, &theirs, AT_SYMLINK_NOFOLLOW) < 0 ||
		ours.st_ino != theirs.st_ino);
}

void resident_tell(int fd, time_t cut_off)
{
	char text[TEXT_SIZE];
	int len = snprintf(text, sizeof(text), text_format, network(),
			   (long long)cut_off);

	/* Where it cannot be written, nothing is known. */
	(void)!pwrite(fd, text, (size_t)len, 0);
}

bool resident_take(const struct spool *s, int *fd, struct error *err)
{
	for (int i = 0; i < TRIES; i++) {
		if (!spool_lock(s, SPOOL_RESIDENT, fd, err))
			return false;
		if (*fd < 0)
			return true;
		if (!resident_is_displaced(s, *fd)) {
			resident_tell(*fd, 0);
			return true;
		}
		fd_cleanup(fd);	/* the file was removed between open and lock */
		*fd = -1;
	}
	return true;
}

/* --- looking at it */

static void read_words(int fd, struct resident *resident)
{
	char text[TEXT_SIZE + 1];
	ssize_t n = pread(fd, text, TEXT_SIZE, 0);
	struct scanner s = { text, n > 0 };
	uint64_t space, cut_off;

	text[n > 0 ? n : 0] = '\0';
	scanner_words(&s, "network");
	space = scanner_next(&s, 0, UINT64_MAX);
	scanner_words(&s, "\ncut-off");
	cut_off = scanner_next(&s, 0, INT64_MAX);
	if (!s.ok)
		return;
	resident->network = space;
	resident->cut_off = (time_t)cut_off;
}

/* Who rings where nothing lies unheard sets the time of the file: the first that does. */
static bool is_deaf(const struct spool *s, int resident)
{
	OWNED_FD fd = openat(s->dir, "bell", O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	time_t now = time(NULL);
	struct stat st;
	int unheard = 0;

	return fd >= 0 && ioctl(fd, FIONREAD, &unheard) == 0 && unheard > 0 &&
	       fstat(resident, &st) == 0 &&
	       (st.st_mtime < now - RESIDENT_PATIENCE || st.st_mtime > now + RESIDENT_PATIENCE);
}

bool resident_look(const struct spool *s, struct resident *resident, struct error *err)
{
	OWNED_FD fd = openat(s->dir, SPOOL_RESIDENT,
			     O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	*resident = (struct resident){ .is_there = false };
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0) {
		error_errno(err, ERROR_CREATE, "create %s", SPOOL_RESIDENT);
		return error_context(err, "the spool %s", s->path);
	}
	/*
	 * A shared lock is in nobody's way but for this moment, which who takes it waits
	 * for.
	 */
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return true;
	resident->is_there = true;
	read_words(fd, resident);
	resident->is_deaf = is_deaf(s, fd);
	return true;
}

bool resident_is_reliable(const struct resident *resident)
{
	return resident->is_there && !resident->is_deaf;
}

/* --- taking it away */

static const char *reason(const struct resident *resident, bool reaches)
{
	time_t now = time(NULL);
	uint64_t here;

	if (resident->is_deaf)
		return "it does not listen";
	if (!resident->cut_off)
		return NULL;
	here = network();
	if (resident->network && here && resident->network != here)
		return "it has no way to a server, and lives in another network";
	if (reaches || resident->cut_off < now - RESIDENT_PATIENCE || resident->cut_off > now)
		return "it has no way to a server";
	return NULL;
}

bool resident_displace(const struct spool *s, const struct resident *resident, bool reaches)
{
	const char *why = resident->is_there ? reason(resident, reaches) : NULL;

	if (!resident->is_there)
		return true;
	if (!why || (unlinkat(s->dir, SPOOL_RESIDENT, 0) < 0 && errno != ENOENT))
		return false;
	log_info("the runner of the queue %s is replaced: %s", s->path, why);
	/* It learns of it, and hears nothing that is meant for the other one. */
	spool_wake_runner(s);
	(void)unlinkat(s->dir, "bell", 0);
	return true;
}
