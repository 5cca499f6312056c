/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A spool opens, and the ways in which a message of its is taken, changes and leaves. In
 * every order of system calls here the question is: and if the power goes now? Before
 * ID.env appears there is litter, after that there is mail; it goes away by ID.env first.
 */
#include "spool/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/file.h"
#include "base/log.h"
#include "base/self.h"
#include "base/sum.h"
#include "spool/files.h"

enum { PIECE = 64 * 1024 };

bool spool_open(struct spool *s, const char *path, struct error *err)
{
	s->dir = directory_private(path, err);
	if (s->dir < 0)
		return false;
	s->path = text_copy(path);
	return true;
}

bool spool_open_existing(struct spool *s, const char *path, struct error *err)
{
	struct stat st;

	if (lstat(path, &st) < 0 && errno == ENOENT) {
		*s = (struct spool)SPOOL_CLOSED;
		s->path = text_copy(path);
		return true;
	}
	return spool_open(s, path, err);
}

void spool_close(struct spool *s)
{
	fd_cleanup(&s->dir);
	free(s->path);
	*s = (struct spool)SPOOL_CLOSED;
}

bool spool_is_gone(const struct spool *s)
{
	struct stat st;

	return fstat(s->dir, &st) == 0 && st.st_nlink == 0;
}

/* --- taking */

/* `writable` for who will lock it alone: over NFS flock(2) wants that. */
static enum taken open_message(int dir, const char *id, bool writable, int *fd,
			       struct error *err)
{
	char name[SPOOL_NAME_SIZE];
	struct stat st;

	spool_name(id, ".msg", name);
	*fd = writable ? openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) :
			 openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (*fd >= 0 && fstat(*fd, &st) == 0 && S_ISREG(st.st_mode) && self_owns(&st))
		return TAKEN;
	if (*fd < 0 && errno == ENOENT)
		error_errno(err, ERROR_DATA, "%s", name);
	else if (*fd < 0 && !spool_is_not_ours(errno))
		return error_errno(err, ERROR_IO, "%s", name), TAKEN_ERROR;
	else
		error_set(err, ERROR_DATA, "%s: not a regular file of this user", name);
	fd_cleanup(fd);
	return TAKEN_BROKEN;
}

bool spool_set_aside(const struct spool *s, const struct item *item, const char *why)
{
	/* An ID.msg that is left alone would be litter, so it goes first. */
	static const char *const suffixes[] = { ".msg", ".env" };
	const char *id = item->entry.id;
	struct error err;
	OWNED_FD to = spool_subdirectory(s, "damaged", true, &err);
	OWNED_FD owned = -1;
	int from = to < 0 ? -1 : spool_place(s, item->place, false, &owned, &err);
	bool ok = from >= 0;

	for (size_t i = 0; ok && i < COUNT_OF(suffixes); i++) {
		char name[SPOOL_NAME_SIZE];

		spool_name(id, suffixes[i], name);
		ok = renameat(from, name, to, name) == 0 || errno == ENOENT ||
		     error_errno(&err, ERROR_IO, "%s", name);
	}
	if (ok)
		log_problem_of(id, "set aside in %s/damaged: %s", s->path, why);
	else
		log_problem_of(id, "damaged, and cannot be set aside: %s: %s", why, err.text);
	return ok;
}

void item_release(struct item *item)
{
	fd_cleanup(&item->fd);
	entry_free(&item->entry);
	*item = (struct item)ITEM_NONE;
}

static void know(struct item *item)
{
	item->known = envelope_count(&item->entry.envelope, VERDICT_ACCEPTED);
}

/* With the lock: the entry cannot change any more, but it may have gone before. */
static enum taken take_entry(const struct spool *s, int dir, struct item *item,
			     struct error *err)
{
	const char *id = item->entry.id;
	struct entry entry = { .id = "" };
	enum taken taken = spool_read_entry(dir, id, &entry, err);

	memcpy(entry.id, id, ID_SIZE);
	item->entry = entry;
	if (taken == TAKEN) {
		know(item);
		item->was_interrupted = spool_is_marked(s, id, item->fd);
	}
	return taken;
}

/* There is no message to lock: what is left of it is known all the same. */
static enum taken take_rest(const struct spool *s, int dir, struct item *item)
{
	struct error unheard;
	enum taken taken = take_entry(s, dir, item, &unheard);

	/* Somebody may have removed it in between, ID.env first. */
	return taken == TAKEN_GONE || taken == TAKEN_ERROR ? taken : TAKEN_BROKEN;
}

static enum taken take(const struct spool *s, int dir, struct item *item, struct error *err)
{
	const char *id = item->entry.id;
	enum taken taken;

	if (!spool_has_file(dir, id, ".env"))
		return TAKEN_GONE;
	taken = open_message(dir, id, true, &item->fd, err);
	if (taken == TAKEN_BROKEN)
		return take_rest(s, dir, item);
	if (taken != TAKEN)
		return taken;
	if (flock(item->fd, LOCK_EX | LOCK_NB) == 0)
		return take_entry(s, dir, item, err);
	taken = errno == EWOULDBLOCK ? TAKEN_BUSY : TAKEN_ERROR;
	error_errno(err, ERROR_IO, "lock %s.msg", id);
	return taken;
}

enum taken spool_take(const struct spool *s, const char *id, enum spool_place place,
		      struct item *item, struct error *err)
{
	OWNED_FD owned = -1;
	int dir = spool_place(s, place, false, &owned, err);
	enum taken taken;

	*item = (struct item){ .fd = -1, .place = place };
	if (dir < 0)
		return spool_has_no(s, place) ? TAKEN_GONE : TAKEN_ERROR;
	snprintf(item->entry.id, ID_SIZE, "%s", id);
	taken = take(s, dir, item, err);
	if (taken != TAKEN && taken != TAKEN_BROKEN && taken != TAKEN_FOREIGN)
		item_release(item);
	return taken;
}

enum taken spool_look(const struct spool *s, const char *id, enum spool_place place,
		      struct entry *entry, struct error *err)
{
	OWNED_FD owned = -1, fd = -1;
	int dir = spool_place(s, place, false, &owned, err);
	enum taken taken;

	if (dir < 0)
		return spool_has_no(s, place) ? TAKEN_GONE : TAKEN_ERROR;
	taken = spool_read_entry(dir, id, entry, err);
	if (taken == TAKEN)
		taken = open_message(dir, id, false, &fd, err);
	/* Somebody may have removed it in between. */
	if (taken == TAKEN_BROKEN && !spool_has_file(dir, id, ".env"))
		taken = TAKEN_GONE;
	/* A shared lock is in nobody's way but for this moment. */
	if (taken == TAKEN && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return TAKEN_BUSY;
	return taken;
}

/* --- the message of an item */

static bool check_bytes(int fd, const struct entry *e, struct error *err)
{
	OWNED_TEXT piece = xmalloc(PIECE);
	uint64_t sum = SUM_INIT, len = 0;
	ssize_t n;

	while ((n = pread(fd, piece, PIECE, (off_t)len)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		sum = sum_add(sum, piece, (size_t)n);
		len += (uint64_t)n;
	}
	if (n < 0)
		return error_errno(err, ERROR_IO, "%s.msg", e->id);
	if (len != e->header_len + 2 + e->body_len)
		return error_set(err, ERROR_DATA, "%s.msg has %" PRIu64 " bytes instead of %"
				 PRIu64, e->id, len, e->header_len + 2 + e->body_len);
	return sum == e->sum ||
	       error_set(err, ERROR_DATA, "%s.msg is damaged: its checksum is wrong", e->id);
}

static bool read_part(int fd, uint64_t at, uint64_t len, struct buf *part, struct error *err)
{
	while (len > 0) {
		size_t want = len < PIECE ? (size_t)len : PIECE;
		char *room = buf_reserve(part, want);
		ssize_t n = room ? pread(fd, room, want, (off_t)at) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, ERROR_IO, "cannot read the message");
		if (n == 0)
			return error_set(err, ERROR_DATA, "the message is shorter, or its header "
					 "longer, than it can be");
		part->len += (size_t)n;
		part->text[part->len] = '\0';
		at += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return true;
}

static bool fill_message(int fd, const struct entry *e, struct message *m, struct error *err)
{
	uint64_t body_at = e->header_len + 2;

	/* All of it before a byte is sent: what was said cannot be taken back. */
	if (!check_bytes(fd, e, err) || !read_part(fd, 0, e->header_len, &m->header, err))
		return false;
	m->body_len = e->body_len;
	m->longest_line = e->longest_line;
	m->header_is_8bit = e->header_is_8bit;
	m->body_is_8bit = e->body_is_8bit;
	m->has_nul = e->has_nul;
	if (e->body_len <= BODY_MEMORY_MAX)
		return read_part(fd, body_at, e->body_len, &m->body, err);
	m->body_at = body_at;
	/* The lock is the open file's, so it stays until both descriptors are closed. */
	m->body_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return m->body_fd >= 0 || error_errno(err, ERROR_IO, "cannot read the message");
}

bool item_message(const struct item *item, struct message *m, struct error *err)
{
	return fill_message(item->fd, &item->entry, m, err);
}

int spool_look_file(const struct spool *s, const char *id, enum spool_place place,
		    struct error *err)
{
	OWNED_FD owned = -1, fd = -1;
	int dir = spool_place(s, place, false, &owned, err);

	return dir >= 0 && open_message(dir, id, false, &fd, err) == TAKEN ? fd_take(&fd) : -1;
}

bool spool_look_message(const struct spool *s, const struct entry *entry,
			enum spool_place place, struct message *m, struct error *err)
{
	OWNED_FD fd = spool_look_file(s, entry->id, place, err);

	return fd >= 0 && fill_message(fd, entry, m, err);
}

/* --- changes, and out */

/* Into the room that is reserved for it, if there is one. */
static bool write_entry(const struct spool *s, struct item *item, int dir, struct error *err)
{
	if (!item->has_room)
		return spool_write_entry(dir, &item->entry, err);
	item->has_room = false;
	return spool_use_room(s->dir, dir, &item->entry, err);
}

bool spool_update(const struct spool *s, struct item *item, struct error *err)
{
	OWNED_FD owned = -1;
	int dir = spool_place(s, item->place, false, &owned, err);

	if (dir < 0 || !write_entry(s, item, dir, err))
		return error_context(err, "the spool %s", s->path);
	know(item);
	return true;
}

/*
 * The entry first, and durably: without it ID.msg is litter, but an entry that came
 * back after a loss of power and had no ID.msg would be damaged mail.
 */
static bool remove_from(int dir, const char *id, struct error *err)
{
	char name[SPOOL_NAME_SIZE];

	if (unlinkat(dir, spool_name(id, ".env", name), 0) < 0 && errno != ENOENT)
		return error_errno(err, ERROR_IO, "remove %s", name);
	if (fsync(dir) < 0)
		return error_errno(err, ERROR_IO, "sync the directory of %s", name);
	unlinkat(dir, spool_name(id, ".msg", name), 0);
	return true;
}

bool spool_remove(const struct spool *s, struct item *item, struct error *err)
{
	OWNED_FD owned = -1;
	int dir = spool_place(s, item->place, false, &owned, err);

	return (dir >= 0 && remove_from(dir, item->entry.id, err)) ||
	       error_context(err, "the spool %s", s->path);
}

/*
 * In both directories for a moment rather than in none: the entry that is left is done
 * again.
 */
static bool move(const struct spool *s, struct item *item, int from, int to,
		 struct error *err)
{
	const char *id = item->entry.id;
	char name[SPOOL_NAME_SIZE];

	spool_name(id, ".msg", name);
	if (linkat(from, name, to, name, 0) < 0 && errno != EEXIST)
		return error_errno(err, ERROR_CREATE, "link %s", name);
	return write_entry(s, item, to, err) && remove_from(from, id, err);
}

static bool move_item(const struct spool *s, struct item *item, enum spool_place place,
		      struct error *err)
{
	OWNED_FD owned_from = -1, owned_to = -1;
	int from = spool_place(s, item->place, false, &owned_from, err);
	int to = from < 0 ? -1 : spool_place(s, place, true, &owned_to, err);

	if (to < 0 || !move(s, item, from, to, err))
		return error_context(err, "the spool %s", s->path);
	item->place = place;
	return true;
}

bool spool_fail(const struct spool *s, struct item *item, struct error *err)
{
	return move_item(s, item, SPOOL_FAILED, err);
}
