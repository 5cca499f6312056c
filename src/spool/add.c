/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way in. In every order of system calls here the question is: and if the power goes
 * now? Before ID.env appears there is litter, after that there is mail.
 */
#include "spool/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sum.h"
#include "spool/files.h"

enum {
	PIECE = 64 * 1024,
	NEW_PATIENCE = 1000,	/* ms until the lock of a file that is ours alone is free */
};

static bool copy_message(int fd, const struct message *m, struct entry *e, struct error *err)
{
	OWNED_TEXT piece = xmalloc(PIECE);
	uint64_t at = 0;
	ssize_t n;

	e->sum = SUM_INIT;
	while ((n = message_get(m, &at, piece, PIECE, err)) > 0) {
		e->sum = sum_add(e->sum, piece, (size_t)n);
		if (!write_all(fd, piece, (size_t)n))
			return error_errno(err, ERROR_IO, "write %s.msg", e->id);
	}
	return n == 0;
}

static void note_facts(const struct message *m, struct entry *e)
{
	e->header_len = m->header.len;
	e->body_len = m->body_len;
	e->longest_line = m->longest_line;
	e->header_is_8bit = m->header_is_8bit;
	e->body_is_8bit = m->body_is_8bit;
	e->has_nul = m->has_nul;
}

static bool refuse_lock(const char *name, struct error *err)
{
	return error_errno(err, ERROR_CREATE, "a queue needs a file system with locks, and "
			   "flock(2) of %s fails", name);
}

/*
 * Held until both files are there, so that no sweep takes one away and nobody thinks that
 * nothing comes; who looks whether something does may be at it for a moment. What nobody
 * can lock nobody could ever send, so it is not taken.
 */
static bool lock_new(int fd, const char *name, struct error *err)
{
	if (spool_lock_file(fd, NEW_PATIENCE))
		return true;
	return errno == EWOULDBLOCK ? error_errno(err, ERROR_CREATE, "lock %s", name) :
				      refuse_lock(name, err);
}

bool spool_can_lock(const struct spool *s, struct error *err)
{
	static const char name[] = "probe";
	OWNED_FD fd = openat(s->dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* A full disk need not stop the mail. */
	if (fd < 0)
		log_problem("the spool %s: create %s: %s", s->path, name, strerror(errno));
	return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno == EWOULDBLOCK ||
	       refuse_lock(name, err) || error_context(err, "the spool %s", s->path);
}

bool spool_has_room(const struct spool *s, struct error *err)
{
	struct statvfs fs;

	/* A file system that counts no files has none to count. */
	if (fstatvfs(s->dir, &fs) < 0 || (fs.f_bavail > 0 && (fs.f_files == 0 || fs.f_favail > 0)))
		return true;
	errno = ENOSPC;
	error_errno(err, ERROR_IO, "the spool %s", s->path);
	return error_advise(err, "no more mail can be taken in until there is room");
}

/*
 * What could not be finished: false, nothing is left of it. The entry may have appeared
 * and only its directory not been synced: one that cannot be taken back will be sent from
 * here, and must not be by others as well.
 */
static bool is_there_to_stay(const struct spool *s, const char *id, const struct error *err)
{
	char name[SPOOL_NAME_SIZE];

	if (unlinkat(s->dir, spool_name(id, ".env", name), 0) == 0)
		(void)fsync(s->dir);
	else if (errno != ENOENT && spool_has_file(s->dir, id, ".env")) {
		log_problem_of(id, "queued, but it may not outlive a loss of power: %s", err->text);
		return true;
	}
	unlinkat(s->dir, spool_name(id, ".new", name), 0);
	unlinkat(s->dir, spool_name(id, ".msg", name), 0);
	return false;
}

/*
 * Both are written before the first is waited for: one transaction of a journal takes them,
 * which is a third of the time that a disk takes for a message.
 */
static bool write_both(int dir, int fd, struct entry *e, const struct message *m,
		       struct error *err)
{
	OWNED_FD entry = copy_message(fd, m, e, err) ? spool_begin_entry(dir, e, err) : -1;

	return entry >= 0 &&
	       (fsync(fd) == 0 || error_errno(err, ERROR_IO, "write %s.msg", e->id)) &&
	       spool_finish_entry(dir, e, entry, err) && spool_commit_entry(dir, e, err) &&
	       spool_sync_entry(dir, e, err);
}

bool spool_add_locked(const struct spool *s, struct entry *e, const struct message *m,
		      int *lock, struct error *err)
{
	char msg[SPOOL_NAME_SIZE];
	OWNED_FD fd = openat(s->dir, spool_name(e->id, ".msg", msg),
			     O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		error_errno(err, ERROR_CREATE, "create %s", msg);
		return error_context(err, "the spool %s", s->path);
	}
	note_facts(m, e);
	if ((lock_new(fd, msg, err) && write_both(s->dir, fd, e, m, err)) ||
	    is_there_to_stay(s, e->id, err)) {
		*lock = fd_take(&fd);
		return true;
	}
	return error_context(err, "the spool %s", s->path);
}

bool spool_add(const struct spool *s, struct entry *e, const struct message *m,
	       struct error *err)
{
	OWNED_FD lock = -1;

	return spool_add_locked(s, e, m, &lock, err);
}
