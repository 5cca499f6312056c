/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whoever sends, in this process: rounds through the queue, or one message of it. */
#ifndef DELIVERY_HAND_H
#define DELIVERY_HAND_H

#include "delivery/run.h"

struct hand {
	const struct run *run;
	struct worker worker;
	struct round *round;	/* has_only: nothing but one account's mail is seen */
};

void hand_begin(struct hand *h, const struct run *run);
void hand_end(struct hand *h);

/* What is due, or with the round's is_flush all. ERROR_IO: the spool cannot be listed. */
bool hand_do_round(struct hand *h, struct error *err);

/* One message, if it is due. */
void hand_do_one(struct hand *h, const char *id);

#endif
