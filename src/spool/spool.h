/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The durable queue: a directory of this user alone. acsmtp-spool(5) is the contract of
 * its files and states.
 *
 *	ID.msg		the message, written once
 *	ID.env		its entry; appears by rename, and that is the commit: mail from then on
 *	ID.new		an ID.env that is being written, or room for one: litter when nobody
 *			holds ID.msg
 *	ID.try		somebody may be getting it now, or was when a process died
 *	failed/		ID.msg and ID.env of what nobody will try again by itself
 *	damaged/	what makes no sense; for people to look at
 *	accounts/	quota and pauses, a file for each account
 *	lock, resident	held by the runner
 *	probe		locked to see whether anything can be
 *	bell		a pipe that wakes it
 *	empty		nothing waits, for sure
 *
 * Whoever changes or sends a message holds flock(2) on its ID.msg, which is never replaced.
 */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include "mail/message.h"
#include "spool/queue_look.h"

struct spool {
	char *path;
	int dir;		/* -1: closed */
};
#define SPOOL_CLOSED	{ .dir = -1 }

/*
 * Opens the spool at `path`, a whole path, making what is missing of the last four
 * directories with mode 0700. ERROR_CREATE: it cannot be made, is a link, or is not this
 * user's alone.
 */
bool spool_open(struct spool *s, const char *path, struct error *err);

/* The same to look at it: where there is none it is not made, and s->dir stays -1. */
bool spool_open_existing(struct spool *s, const char *path, struct error *err);
void spool_close(struct spool *s);
#define OWNED_SPOOL	__attribute__((cleanup(spool_close))) struct spool

/* Whether its directory was removed, which does not pass. */
bool spool_is_gone(const struct spool *s);

/*
 * Whether its file system has locks, without which no message can be sent from it; one
 * that cannot be tried is logged and may have. False: ERROR_CREATE.
 */
bool spool_can_lock(const struct spool *s, struct error *err);

/* Whether anything can be written there now. False: ERROR_IO, its disk is full. */
bool spool_has_room(const struct spool *s, struct error *err);

/*
 * Takes a message in. True: it and its entry are on the disk, whatever fails from now on;
 * or they are there and nothing can take them away again, which is logged. False: there
 * is no trace of it. Fills the entry's facts about the message (header_len and what
 * follows it). ERROR_CREATE, ERROR_IO: with the reason of the system (ENOSPC, EDQUOT,
 * EIO...).
 */
bool spool_add(const struct spool *s, struct entry *e, const struct message *m,
	       struct error *err);

/* The same for who goes on with it: *lock is what an item of it has as its fd. */
bool spool_add_locked(const struct spool *s, struct entry *e, const struct message *m,
		      int *lock, struct error *err);

/* One message, locked for us. */
struct item {
	struct entry entry;
	int fd;			/* of its ID.msg; -1: nothing is held */
	enum spool_place place;
	bool was_interrupted;	/* a process died while somebody may have been getting it */
	bool is_marked;		/* by spool_begin_try() */
	size_t known;		/* recipients who have it by what the disk says */
	bool has_room;		/* by spool_reserve() */
};
#define ITEM_NONE	{ .fd = -1 }

/*
 * With TAKEN_BROKEN and TAKEN_FOREIGN the item has as much of its entry as can be
 * guessed, and is locked if there is something to lock: it may be removed.
 */
enum taken spool_take(const struct spool *s, const char *id, enum spool_place place,
		      struct item *item, struct error *err);
void item_release(struct item *item);
#define OWNED_ITEM	__attribute__((cleanup(item_release))) struct item

/*
 * The same without a lock, for lists: TAKEN_BUSY, for one that is being sent, comes with
 * its entry too.
 */
enum taken spool_look(const struct spool *s, const char *id, enum spool_place place,
		      struct entry *entry, struct error *err);

/*
 * Its message alone, for people who want to see it; and its file, however damaged; -1:
 * none.
 */
bool spool_look_message(const struct spool *s, const struct entry *entry,
			enum spool_place place, struct message *m, struct error *err);
int spool_look_file(const struct spool *s, const char *id, enum spool_place place,
		    struct error *err);

/*
 * The bytes of it, as message_get() and the SMTP client want them; an initialised
 * message. ERROR_DATA when they are not those that were written: spool_set_aside() it.
 */
bool item_message(const struct item *item, struct message *m, struct error *err);

/* Moves what is there of it to damaged/. Logged; false: it could not be moved. */
bool spool_set_aside(const struct spool *s, const struct item *item, const char *why);

/*
 * Replaces the entry on the disk by item->entry; removes the message; moves it to
 * failed/. Durable when true. When false the entry on the disk is the old one or the new
 * one, whole, and the message is still there. ERROR_CREATE, ERROR_IO.
 */
bool spool_update(const struct spool *s, struct item *item, struct error *err);
bool spool_remove(const struct spool *s, struct item *item, struct error *err);
bool spool_fail(const struct spool *s, struct item *item, struct error *err);

/*
 * The same for many at once, each with what is to become of it: as durable, but with one
 * wait for a directory for all of them. Of those whose `ok` is false `err` says why.
 */
enum { SPOOL_TOGETHER_MAX = 128 };	/* at once: each needs two descriptors */
struct spool_change {
	struct item *item;
	enum { SPOOL_UPDATE, SPOOL_REMOVE, SPOOL_BRING_BACK } what;	/* UPDATE: of SPOOL_QUEUE */
	/* Filled: */
	bool ok;
	struct error err;
};
void spool_change_together(const struct spool *s, struct spool_change *changes, size_t count);

/*
 * Room for the next spool_update() or spool_fail() of this item, which then succeeds on a
 * disk that is full, without the reasons of recipients if need be. ERROR_CREATE,
 * ERROR_IO; error_is_no_room(): there is none.
 */
bool spool_reserve(const struct spool *s, struct item *item, struct error *err);

/*
 * Before somebody can get it, and when the disk knows what became of that: whoever takes
 * the item after a process died in between sees was_interrupted. Over a loss of power
 * only if `is_durable`. A disk that is full stops it no more than it stops a message from
 * leaving. False with ERROR_IO: the spool cannot be written. The end gives room back that
 * was reserved.
 */
bool spool_begin_try(const struct spool *s, struct item *item, bool is_durable,
		     struct error *err);
void spool_end_try(const struct spool *s, struct item *item);

/*
 * Calls `see` for each message, in no order, until it returns false; entries that cannot
 * be read are passed over. Costs the memory of one. ERROR_IO.
 */
typedef bool spool_see_fn(void *seer, const char *id, const struct entry_start *start);
bool spool_scan(const struct spool *s, enum spool_place place, spool_see_fn *see,
		void *seer, struct error *err);

/* The same of one message; false: it is not there. */
bool spool_look_start(const struct spool *s, const char *id, struct entry_start *start);

/*
 * Removes litter older than 36 hours, and what is in failed/ for longer than `keep`
 * seconds.
 */
void spool_sweep(const struct spool *s, time_t now, time_t keep);

/*
 * Whether nothing waits, but what is held: spool_is_empty() is one look, and false where
 * that is not known. spool_mark_empty() is for whoever holds SPOOL_RESIDENT: true when
 * nothing waits, and spool_is_empty() says so until something does. spool_has_waiting()
 * looks for it.
 */
bool spool_is_empty(const struct spool *s);
bool spool_mark_empty(const struct spool *s);
bool spool_has_waiting(const struct spool *s);

/*
 * Wakes a runner that sleeps, if there is one: there is something new, or this message is
 * new, or (SPOOL_FLUSH) all should be tried now, or this message, which somebody has in
 * hand still: when he has let it go, due or not. What it hears are lines: an ID,
 * SPOOL_FLUSH, or an ID and SPOOL_AGAIN; anything else means that it has to look. The
 * other end is for the runner to poll(2), and to drain; -1: it cannot be had, so look
 * again now and then.
 */
#define SPOOL_FLUSH	"all"
#define SPOOL_AGAIN	'!'
void spool_wake_runner(const struct spool *s);
void spool_announce(const struct spool *s, const char *id);
void spool_announce_again(const struct spool *s, const char *id);
int spool_open_bell(const struct spool *s);

/*
 * SPOOL_WORKING: whoever works on the queue, one at a time. SPOOL_RESIDENT: whoever stays
 * until it is empty, working or asleep. Held until the descriptor is closed; *fd -1:
 * somebody else holds it. False: ERROR_CREATE.
 */
#define SPOOL_WORKING	"lock"
#define SPOOL_RESIDENT	"resident"
bool spool_lock(const struct spool *s, const char *name, int *fd, struct error *err);

#endif
