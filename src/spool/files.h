/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the spool share: names, directories, one entry on the disk. */
#ifndef SPOOL_FILES_H
#define SPOOL_FILES_H

#include "spool/spool.h"

enum { SPOOL_NAME_SIZE = ID_SIZE + 4 };

/* "ID.msg", "ID.env", ...; `suffix` with its dot. */
const char *spool_name(const char *id, const char *suffix, char name[SPOOL_NAME_SIZE]);

/* Whether the message has that file in `dir`, whatever it may be. */
bool spool_has_file(int dir, const char *id, const char *suffix);

/* Whether it is "ID" and the suffix; copies the ID. */
bool spool_name_is(const char *name, const char *suffix, char id[ID_SIZE]);

/* A directory of the spool, made durably if `make`; -1: it is not there. */
int spool_subdirectory(const struct spool *s, const char *name, bool make, struct error *err);

/* Whether nothing ever came there; false too if that cannot be said. */
bool spool_has_no(const struct spool *s, enum spool_place place);

/*
 * The place's directory, which *owned (-1 before) is for the caller to close; -1: none.
 */
int spool_place(const struct spool *s, enum spool_place place, bool make, int *owned,
		struct error *err);

/*
 * Locks a file that others lock for moments only: so many milliseconds, as a process that
 * was stopped must not stop the others. False: errno.
 */
bool spool_lock_file(int fd, int patience);

/* Every name in an open directory, until `see` says false. ERROR_IO. */
typedef bool name_fn(void *seer, const char *name);
bool spool_names(int dir, name_fn *see, void *seer, struct error *err);

/* Whether a file that open(2) refuses with this errno is none that the spool has made. */
bool spool_is_not_ours(int number);

/* What stands first in it; what cannot be read is due since ever. */
void spool_read_start(int dir, const char *id, struct entry_start *start);

/* There while nothing waits, and in the making; spool/emptiness.c has the rule. */
#define SPOOL_EMPTY	"empty"
#define SPOOL_EMPTYING	"emptying"

/*
 * Before an entry is written by which something may wait: nobody may think that nothing
 * does.
 */
bool spool_unmark_empty(int dir, struct error *err);

/*
 * Reads ID.env. TAKEN; TAKEN_GONE; with `err` TAKEN_ERROR, and TAKEN_BROKEN and
 * TAKEN_FOREIGN with as much of the entry as can be guessed.
 */
enum taken spool_read_entry(int dir, const char *id, struct entry *e, struct error *err);

/*
 * Puts it in the place of the one that is there, durably. In four steps, for who has more
 * to wait for at the same time: ID.new is written, and the disk is asked to begin (its
 * descriptor, -1 with `err`); it is on the disk; it is the entry; that is on the disk.
 * What fails leaves no ID.new, but for the last.
 */
bool spool_write_entry(int dir, const struct entry *e, struct error *err);
int spool_begin_entry(int dir, const struct entry *e, struct error *err);
bool spool_finish_entry(int dir, const struct entry *e, int fd, struct error *err);
bool spool_commit_entry(int dir, const struct entry *e, struct error *err);
bool spool_sync_entry(int dir, const struct entry *e, struct error *err);

/* Whether somebody was getting the message when a process died; `fd` is its ID.msg. */
bool spool_is_marked(const struct spool *s, const char *id, int fd);

/*
 * Room for that in `dir`, and the same with it, in `to`: without reasons where those are
 * more.
 */
bool spool_make_room(int dir, const struct entry *e, struct error *err);
bool spool_use_room(int dir, int to, const struct entry *e, struct error *err);

#endif
