/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When another account takes the mail of one: for what concerns the account, never for
 * what a server says of a message or a recipient, and never when it may have the message
 * already.
 */
#ifndef DELIVERY_FAILOVER_H
#define DELIVERY_FAILOVER_H

#include <time.h>

#include "config/account.h"
#include "delivery/throttle.h"
#include "mail/envelope.h"

/* Those to be asked, its own first; by whoever sends a message. */
struct failover {
	const struct account *list[FAILOVER_MAX + 1];
	size_t count, at;
};
void failover_begin(struct failover *f, const struct config *config,
		    const struct account *account);

/*
 * Whether the service of the account has ended, with the reason: then it is asked for
 * nothing, if there is another one.
 */
bool failover_has_ended(const struct account *account, time_t now, struct error *why);

/*
 * Whether `why` kept the account from sending now, so that another one may: no
 * connection, a login or a machine that is refused, a quota that is used up, a secret, a
 * certificate or another file of its own that cannot be had.
 * `in_transaction`: something had been said of the message.
 */
bool failover_concerns_account(const struct error *why, bool in_transaction);

/*
 * Whether it is time: for a quota not before failover_after. `spent`: since when it is
 * used up; `arrived`: since when the message waits; 0: not known. *due is when it will
 * be, if not now.
 */
bool failover_is_due(const struct account *account, enum error_kind kind, time_t spent,
		     time_t arrived, time_t *due);

/*
 * Who would be asked first now, and in `why` what keeps the account itself (ERROR_NONE:
 * nothing). `views`: of each in the list; NULL: nothing is known of them.
 */
const struct account *failover_now(const struct failover *f, const struct throttle_view *views,
				   time_t now, struct error *why);

/*
 * Recipients who wait for what concerns the account are to be tried, by the next one.
 * Returns how many are; 0 where an answer was lost: whoever may have it gets it from
 * nobody else.
 */
size_t failover_reopen(struct envelope *e, bool in_transaction);

#endif
