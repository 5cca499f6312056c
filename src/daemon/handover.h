/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between a session of the door and the keeper: a stream on which messages go one way and what
 * became of them the other. The keeper trusts neither; it takes what is a message and an entry
 * of the queue by their sums, and sets itself what is not for others to say.
 *
 *	ADD ENTRY-BYTES MESSAGE-BYTES SUM	and those bytes; SUM of the message's
 *	ADDED ID				it is on the disk
 *	LATER WORDS				it is not, and may be another time
 *	NEVER WORDS				it is none
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

/* The door's end: a connected socket, or -1 where the keeper is not there. */
int handover_connect(const char *path, struct error *err);

/*
 * Gives it to the keeper. True: it is on the disk, and the entry has the id that it got there.
 * ERROR_LATER: the keeper could not be asked, or it said so; ERROR_DATA: it takes no such. What
 * was left without its answer ends the connection: it is closed, and *keeper -1. An answer that
 * came late would be taken for that to the next message.
 */
bool handover_add(int *keeper, struct entry *entry, const struct message *m,
		  struct error *err);

/* A line without its LF, of those that stand above; false: the end, or nothing in time. */
bool handover_read_line(int fd, char line[HANDOVER_LINE_MAX], int seconds);

/* So many bytes; false: the end, or nothing in time. */
bool handover_read(int fd, void *bytes, size_t len, int seconds);

#endif
