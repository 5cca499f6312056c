/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file "empty" is there only while nothing waits, so that one look tells it. Whoever
 * adds a message makes and locks ID.msg, then removes "emptying", then "empty", and then
 * commits. Whoever holds the runner's place makes "emptying", looks at all, and renames
 * it to "empty": a message whose ID.msg came too late to be seen has removed "emptying",
 * so that the rename fails, or removes "empty" after it. After any crash it is there
 * rightly or not at all.
 *
 * Others know nothing of that: whoever restores a copy, or a version of before. So it
 * counts only while nothing has come into the directory after it, or left.
 */
#include "spool/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MARK_SLACK = 1 };	/* seconds */

bool spool_is_empty(const struct spool *s)
{
	struct stat here, made;

	/* Making it changes the directory too, at the same time as the kernel sees it. */
	return fstatat(s->dir, SPOOL_EMPTY, &made, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(s->dir, &here) == 0 && here.st_mtime <= made.st_ctime + MARK_SLACK;
}

struct search {
	int dir;
	bool counts_foreign;
	bool has_found;
};

/* Litter is what nobody holds, and what has no entry even after that. */
static bool is_coming(int dir, const char *id)
{
	char name[SPOOL_NAME_SIZE];
	OWNED_FD fd = openat(dir, spool_name(id, ".msg", name),
			     O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return (fd < 0 && errno != ENOENT) ||
	       (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0) ||
	       spool_has_file(dir, id, ".env");
}

/* A message that a person holds waits for him, who sees to it when he releases it. */
static bool search_name(void *seer, const char *name)
{
	struct search *search = seer;
	struct entry_start start;
	char id[ID_SIZE];

	if (spool_name_is(name, ".env", id)) {
		spool_read_start(search->dir, id, &start);
		search->has_found = start.is_foreign ? search->counts_foreign :
				    !start.is_held || start.is_held_by_us;
	} else if (spool_name_is(name, ".msg", id)) {
		search->has_found = !spool_has_file(search->dir, id, ".env") &&
				    is_coming(search->dir, id);
	}
	return !search->has_found;
}

static bool finds(const struct spool *s, bool counts_foreign)
{
	struct search search = { .dir = s->dir, .counts_foreign = counts_foreign };
	struct error unheard;

	return !spool_names(s->dir, search_name, &search, &unheard) || search.has_found;
}

/* Mail of another version is nothing that we could send. */
bool spool_has_waiting(const struct spool *s)
{
	return finds(s, false);
}

bool spool_mark_empty(const struct spool *s)
{
	OWNED_FD fd = -1;

	/* That other version must not think so when it comes back. */
	if (finds(s, true))
		return false;
	fd = openat(s->dir, SPOOL_EMPTYING, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	if (!finds(s, true) && renameat(s->dir, SPOOL_EMPTYING, s->dir, SPOOL_EMPTY) == 0)
		return true;
	(void)unlinkat(s->dir, SPOOL_EMPTYING, 0);
	return false;
}
