/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What stands beside a message while it is being sent: its mark, and room for its
 * verdicts.
 */
#include "spool/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A bit that means nothing for a file: the mark of a dialogue on a disk without room for
 * it.
 */
static bool has_bit(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_ISVTX);
}

bool spool_is_marked(const struct spool *s, const char *id, int fd)
{
	return spool_has_file(s->dir, id, ".try") || has_bit(fd);
}

bool spool_reserve(const struct spool *s, struct item *item, struct error *err)
{
	item->has_room = item->has_room || spool_make_room(s->dir, &item->entry, err);
	return item->has_room || error_context(err, "the spool %s", s->path);
}

static bool mark(const struct spool *s, struct item *item, struct error *err)
{
	char name[SPOOL_NAME_SIZE];
	OWNED_FD fd = openat(s->dir, spool_name(item->entry.id, ".try", name),
			     O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd >= 0)
		return true;
	error_errno(err, ERROR_IO, "create %s", name);
	if (error_is_no_room(err) && fchmod(item->fd, S_ISVTX | 0600) == 0 && has_bit(item->fd))
		return true;
	/* That it is there, as whatever it may be, is all it says. */
	return spool_has_file(s->dir, item->entry.id, ".try");
}

bool spool_begin_try(const struct spool *s, struct item *item, bool is_durable,
		     struct error *err)
{
	char name[SPOOL_NAME_SIZE];

	if (!mark(s, item, err))
		return error_context(err, "the spool %s", s->path);
	item->is_marked = true;
	if (!is_durable || fsync(has_bit(item->fd) ? item->fd : s->dir) == 0)
		return true;
	error_errno(err, ERROR_IO, "sync the directory of %s",
		    spool_name(item->entry.id, ".try", name));
	return error_context(err, "the spool %s", s->path);
}

void spool_end_try(const struct spool *s, struct item *item)
{
	char name[SPOOL_NAME_SIZE];

	if (item->has_room)
		unlinkat(s->dir, spool_name(item->entry.id, ".new", name), 0);
	item->has_room = false;
	if (!item->is_marked && !item->was_interrupted)
		return;
	unlinkat(s->dir, spool_name(item->entry.id, ".try", name), 0);
	if (has_bit(item->fd))
		(void)fchmod(item->fd, 0600);
	item->is_marked = item->was_interrupted = false;
}
