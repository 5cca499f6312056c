/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many messages changed at once, for people: ten thousand that are held or removed should not
 * cost ten thousand waits for a disk. What makes one change durable is done for all in the same
 * order, step by step, so that a crash leaves for each of them what it would leave for one:
 *
 *	link ID.msg, write ID.new	litter so far; the entry is the old one
 *	fsync ID.new			of all of them, before the first
	rename it to ID.env		the new entry is whole, or the old one is there
 *	fsync of the queue		now it is the new one, for sure
 *	unlink ID.env			of what leaves a place; in both places for a moment, if moved
 *	fsync of that place		only now nobody can find it there any more
 *	unlink ID.msg			before, it would have been an entry without its message
 *
 * The kernel is asked to begin with all writes before the first is waited for: the first fsync
 * of a journal then takes the others with it, and those after it have little to do, as long as
 * no rename comes in between. They are asked for all the same: each tells of its own file.
 */
#include "spool/files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

struct together {
	const struct spool *spool;
	struct spool_change *changes;
	size_t count;
	int dirs[SPOOL_DAMAGED + 1], owned[SPOOL_DAMAGED + 1];	/* -1: not opened (yet) */
	int entries[SPOOL_TOGETHER_MAX];	/* being written; -1: none */
};

static bool leaves_its_place(const struct spool_change *c)
{
	return c->what != SPOOL_UPDATE;
}

static bool is_written(const struct spool_change *c)
{
	return c->what != SPOOL_REMOVE;
}

static int directory(struct together *t, enum spool_place place, struct error *err)
{
	if (t->dirs[place] < 0)
		t->dirs[place] = spool_place(t->spool, place, false, &t->owned[place], err);
	return t->dirs[place];
}

/* --- each for itself */

static bool begin(struct together *t, struct spool_change *c, int *entry)
{
	const char *id = c->item->entry.id;
	char name[SPOOL_NAME_SIZE];
	int from = directory(t, c->item->place, &c->err);

	assert(leaves_its_place(c) || c->item->place == SPOOL_QUEUE);
	if (from < 0)
		return false;
	if (c->what == SPOOL_BRING_BACK &&
	    linkat(from, spool_name(id, ".msg", name), t->spool->dir, name, 0) < 0 &&
	    errno != EEXIST)
		return error_errno(&c->err, ERROR_CREATE, "link %s", name);
	if (!is_written(c))
		return true;
	*entry = spool_begin_entry(t->spool->dir, &c->item->entry, &c->err);
	return *entry >= 0;
}

static bool remove_entry(const struct together *t, struct spool_change *c)
{
	char name[SPOOL_NAME_SIZE];

	return unlinkat(t->dirs[c->item->place], spool_name(c->item->entry.id, ".env", name),
			0) == 0 || errno == ENOENT ||
	       error_errno(&c->err, ERROR_IO, "remove %s", name);
}

/* --- for all */

/* One that is well so far, and whose entry there is new, or (`leaving`) has gone. */
static bool waits_for(const struct spool_change *c, enum spool_place place, bool leaving)
{
	return c->ok && (leaving ? leaves_its_place(c) && c->item->place == place :
				   is_written(c));
}

static void sync_place(struct together *t, enum spool_place place, bool leaving)
{
	char name[SPOOL_NAME_SIZE];
	bool is_needed = false;
	int number;

	for (size_t i = 0; i < t->count; i++)
		is_needed = is_needed || waits_for(&t->changes[i], place, leaving);
	if (!is_needed || fsync(t->dirs[place]) == 0)
		return;
	number = errno;
	for (size_t i = 0; i < t->count; i++) {
		struct spool_change *c = &t->changes[i];

		if (!waits_for(c, place, leaving))
			continue;
		errno = number;
		c->ok = error_errno(&c->err, ERROR_IO, "sync the directory of %s",
				    spool_name(c->item->entry.id, ".env", name));
	}
}

static void write_entries(struct together *t)
{
	for (size_t i = 0; i < t->count; i++)
		t->changes[i].ok = begin(t, &t->changes[i], &t->entries[i]);
	for (size_t i = 0; i < t->count; i++) {
		struct spool_change *c = &t->changes[i];

		if (t->entries[i] >= 0)
			c->ok = spool_finish_entry(t->spool->dir, &c->item->entry, t->entries[i],
						   &c->err);
		fd_cleanup(&t->entries[i]);
	}
	for (size_t i = 0; i < t->count; i++) {
		struct spool_change *c = &t->changes[i];

		if (c->ok && is_written(c))
			c->ok = spool_commit_entry(t->spool->dir, &c->item->entry, &c->err);
	}
	sync_place(t, SPOOL_QUEUE, false);
}

static void leave_places(struct together *t)
{
	char name[SPOOL_NAME_SIZE];

	for (size_t i = 0; i < t->count; i++) {
		struct spool_change *c = &t->changes[i];

		if (c->ok && leaves_its_place(c))
			c->ok = remove_entry(t, c);
	}
	for (enum spool_place place = SPOOL_QUEUE; place <= SPOOL_DAMAGED; place++)
		sync_place(t, place, true);
	for (size_t i = 0; i < t->count; i++) {
		const struct item *item = t->changes[i].item;

		if (t->changes[i].ok && leaves_its_place(&t->changes[i]))
			unlinkat(t->dirs[item->place], spool_name(item->entry.id, ".msg", name), 0);
	}
}

void spool_change_together(const struct spool *s, struct spool_change *changes, size_t count)
{
	struct together t = { .spool = s, .changes = changes, .count = count };

	assert(count <= SPOOL_TOGETHER_MAX);
	for (size_t i = 0; i <= SPOOL_DAMAGED; i++)
		t.dirs[i] = t.owned[i] = -1;
	for (size_t i = 0; i < count; i++)
		t.entries[i] = -1;
	t.dirs[SPOOL_QUEUE] = s->dir;
	write_entries(&t);
	leave_places(&t);
	for (size_t i = 0; i <= SPOOL_DAMAGED; i++)
		fd_cleanup(&t.owned[i]);
	for (size_t i = 0; i < count; i++)
		if (!changes[i].ok)
			error_context(&changes[i].err, "the spool %s", s->path);
}
