/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A message that is sent while its caller waits. One transaction touches no disk. Before
 * a second one begins the spool has the message and knows who got it, so that whatever
 * ends us then the queue goes on with the others; without a queue the log knows, and the
 * fate.
 */
#ifndef DELIVERY_DIRECT_H
#define DELIVERY_DIRECT_H

#include "delivery/queue.h"
#include "delivery/record.h"

struct direct {
	struct witness witness;
	const struct queue *queue;
	const struct intake_facts *facts;	/* why it waits is not known yet */
	struct envelope *envelope;
	const struct message *message;
	struct item item;	/* fd -1: the spool does not have it */
	struct record record;	/* of that */
	bool *is_told;		/* for each recipient: the log says who has it */
};

/* All is borrowed until direct_end(), which lets go of what is in the spool. */
void direct_begin(struct direct *d, const struct queue *queue,
		  const struct intake_facts *facts, struct envelope *e,
		  const struct message *m);
void direct_end(struct direct *d);

bool direct_is_stored(const struct direct *d);

/* The caller has all that is left of it, or nothing is left: it leaves the spool. */
void direct_remove(struct direct *d);

/*
 * It stays in the spool for those who wait, and for those who were refused if the facts
 * say that they are kept. The facts also say why by now. *next: when they are tried.
 */
void direct_keep(struct direct *d, const struct intake_facts *facts, time_t *next);

#endif
