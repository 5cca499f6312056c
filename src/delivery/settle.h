/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an attempt that did not reach everybody means for the entry of a message. */
#ifndef DELIVERY_SETTLE_H
#define DELIVERY_SETTLE_H

#include "config/account.h"
#include "spool/entry.h"

struct settlement {
	const struct delivery_settings *settings;
	bool had_session;	/* the attempt came as far as a transaction */
	time_t account_until;	/* until when its account waits; 0: nobody keeps a pause of it */
	time_t now;
	uint32_t random;	/* for jitter */
};

/*
 * Sets when the entry is tried again, counts the attempt unless the account's pause is for
 * it, and by on_lost_reply holds it where an answer was lost. `why` is kept as its reason.
 */
void settle_schedule(const struct settlement *s, struct entry *e, const struct error *why);

#endif
