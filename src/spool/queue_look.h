/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A message of the queue as a list shows it: whole, or as much as can be told. Values
 * alone.
 */
#ifndef SPOOL_QUEUE_LOOK_H
#define SPOOL_QUEUE_LOOK_H

#include "spool/entry.h"

enum spool_place {
	SPOOL_QUEUE,		/* what waits */
	SPOOL_FAILED,		/* failed/ */
	SPOOL_DAMAGED,		/* damaged/ */
};

enum taken {
	TAKEN,			/* or looked at */
	TAKEN_BUSY,		/* somebody else holds it */
	TAKEN_GONE,		/* there is no such message (any more) */
	TAKEN_BROKEN,		/* it makes no sense, says `err`: for spool_set_aside() */
	TAKEN_FOREIGN,		/* it is whole and of another version; it stays where it is */
	TAKEN_ERROR,		/* `err`: the system failed */
};

/* What is known of one message without holding it. */
struct queue_look {
	enum taken taken;	/* in damaged/ TAKEN: it is whole now */
	enum spool_place place;
	bool is_afar;		/* the daemon said so */
	struct entry entry;	/* with TAKEN and TAKEN_BUSY; else a guess, but for its id */
	struct error err;	/* else what is wrong */
};

/* Its entry is what was written, and not a guess. */
bool queue_look_is_whole(const struct queue_look *look);
void queue_look_free(struct queue_look *look);
#define OWNED_LOOK	__attribute__((cleanup(queue_look_free))) struct queue_look

/* Bytes of the message as they go over the wire. */
uint64_t entry_size(const struct entry *e);

/*
 * The last reason why it waits or has failed: of the message while somebody waits, else
 * of its first recipient with a reason. False: there is none.
 */
bool entry_reason(const struct entry *e, struct error *why);

#endif
