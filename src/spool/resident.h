/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The place of the runner that stays until nothing waits: the file "resident", which it
 * holds with flock(2) and in which it says what others should know. Who holds it is
 * relied on by all; so one who cannot be relied on, as it was stopped or has no way to
 * any server, loses it: the file is removed, and another one makes its own.
 */
#ifndef SPOOL_RESIDENT_H
#define SPOOL_RESIDENT_H

#include "spool/spool.h"

enum { RESIDENT_PATIENCE = 60 };	/* seconds without an answer to the bell */

struct resident {
	bool is_there;
	uint64_t network;	/* the namespace it lives in; 0: not known */
	time_t cut_off;		/* since when it has reached no server at all; 0: it has */
	bool is_deaf;		/* it has not listened to the bell for longer than the patience */
};

/* What is known of it, without a wait. False: ERROR_CREATE, it cannot be known. */
bool resident_look(const struct spool *s, struct resident *resident, struct error *err);

/*
 * Whether a message that is due has somebody who will send it by himself, as far as is
 * known.
 */
bool resident_is_reliable(const struct resident *resident);

/*
 * Takes the place: *fd holds it until that is closed; -1: somebody else does. False:
 * ERROR_CREATE.
 */
bool resident_take(const struct spool *s, int *fd, struct error *err);

/* Since when no server was reached, for those who look. */
void resident_tell(int fd, time_t cut_off);

/* Somebody has taken the place away from whoever holds it by `fd`. */
bool resident_is_displaced(const struct spool *s, int fd);

/*
 * The place becomes free where its holder cannot be relied on: it is deaf; or it is cut
 * off, and we live in another network, or `reaches`: we have spoken to a server just now;
 * or it has been cut off for a while already. True: it is free.
 */
bool resident_displace(const struct spool *s, const struct resident *resident, bool reaches);

#endif
