/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A message and its envelope made ready for one account: sender policy, header work,
 * limits. Contacts nobody.
 */
#ifndef DELIVERY_PREPARE_H
#define DELIVERY_PREPARE_H

#include <time.h>

#include "config/account.h"
#include "mail/aliases.h"
#include "mail/envelope.h"
#include "mail/message.h"

struct preparation {
	const struct account *account;
	const char *sender;	/* of -f: a mailbox, "" for the null sender; NULL: not given */
	const struct error *sender_fault;	/* what was given is no address; NULL: it is */
	struct aliases *aliases;	/* whom names without a domain stand for */
	const struct address_list *joined;	/* to log: names with commas (mail/people.h), or NULL */
	const char *full_name;	/* of -F; NULL: not given */
	const char **why_sender;	/* NULL, or where the reason for the envelope's goes */
	bool repairs;		/* -G switches it off */
	const char *id;
	time_t now;
};

/*
 * Sets the envelope's sender and origin and does the header work. ERROR_SENDER when the policy is
 * `refuse`, with the addresses that would do; ERROR_CONFIG when `from` is needed and
 * missing; ERROR_DATA when the message is over max_size, with both figures.
 */
bool prepare(const struct preparation *p, struct message *m, struct envelope *e,
	     struct error *err);

#endif
