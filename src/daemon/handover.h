/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between a session of the door and the keeper: a stream on which messages go one way and what
 * became of them the other. The keeper trusts neither; it takes what is a message and an entry
 * of the queue by their sums, and sets itself what is not for others to say.
 *
 *	GIVE					a session begins: nothing but these two follow
 *	ADD ENTRY-BYTES MESSAGE-BYTES SUM	and those bytes; SUM of the message's
 *	LEAVE the same				and it is not sent before the queue is run
 *	ADDED ID				it is on the disk
 *	LATER WORDS				it is not, and may be another time
 *	FULL WORDS				the same, when the disk has room again
 *	NEVER WORDS				it is none
 *	LARGE WORDS				the same, and not even read: nothing follows
 *
 * Each line ends in LF.
 */
#ifndef DAEMON_HANDOVER_H
#define DAEMON_HANDOVER_H

#include "spool/entry.h"
#include "mail/message.h"

enum {
	HANDOVER_LINE_MAX = 600,
	HANDOVER_PATIENCE = 120,	/* seconds that a disk may take */
};

#define HANDOVER_BEGIN	"GIVE"

/*
 * The door's end: a connected socket; -1 with ERROR_LATER where the keeper is not there,
 * or whoever is there is neither root nor this user nor the one whose directory it is.
 */
int handover_connect(const char *path, struct error *err);

/* Says what the connection is for, once and for all; ERROR_LATER. */
bool handover_begin(int keeper, struct error *err);

/* The same of a keeper that is about to begin: it is waited for that many seconds. */
int handover_await(const char *path, int seconds, struct error *err);

/*
 * Gives it to the keeper, who sends it now or (`is_left`) when the queue is run. True: it
 * is on the disk, and the entry has the id that it got there. ERROR_LATER: the keeper could
 * not be asked, or it said so; error_is_no_room(): its disk is full; ERROR_DATA: it takes
 * no such. What was left without its answer ends
 * the connection: it is closed, and *keeper -1. An answer that came late would be taken
 * for that to the next message.
 */
bool handover_add(int *keeper, struct entry *entry, const struct message *m, bool is_left,
		  struct error *err);

/*
 * The line, with its LF, of what was not done; and back: ERROR_LATER, ERROR_DATA for
 * NEVER, error_is_no_room() for FULL.
 */
void handover_refusal(char line[HANDOVER_LINE_MAX], const struct error *why);
void handover_read_refusal(const char *line, struct error *err);

/*
 * A line without its LF, of those that stand above; false: the end, or nothing in time.
 */
bool handover_read_line(int fd, char line[HANDOVER_LINE_MAX], int seconds);

/* So many bytes; false: the end, or nothing in time. */
bool handover_read(int fd, void *bytes, size_t len, int seconds);

#endif
