/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the disk would not take: entries as they have been since a dialogue, while those
 * in the spool still say that everybody is to be tried. Whoever keeps these sends nothing
 * twice because of a full disk.
 */
#ifndef DELIVERY_OWED_H
#define DELIVERY_OWED_H

#include "spool/entry.h"

enum { OWED_MAX = 4096 };	/* messages */

struct owed {
	struct entry *entries;
	size_t count;
};

void owed_free(struct owed *o);

/* No more can be kept, so nothing more may be sent. */
bool owed_is_full(const struct owed *o);

/*
 * Takes the entry over; what stays is its id. One more than can be kept is forgotten:
 * that is none that was sent, but one that cannot leave, of which the disk knows all that
 * matters.
 */
void owed_keep(struct owed *o, struct entry *e);

/*
 * Gives it back in the place of what the disk has; false: nothing is owed of it. If it
 * was held meanwhile it stays held.
 */
bool owed_restore(struct owed *o, struct entry *e);

#endif
