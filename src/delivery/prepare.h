/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A message and its envelope made ready for one account: sender policy, header work,
 * limits. Contacts nobody. The queue keeps a message without what the account has to say
 * of it, and that is done anew whenever it is sent.
 */
#ifndef DELIVERY_PREPARE_H
#define DELIVERY_PREPARE_H

#include <time.h>

#include "config/account.h"
#include "delivery/caller.h"
#include "mail/aliases.h"
#include "mail/envelope.h"
#include "mail/message.h"

struct preparation {
	const struct account *account;
	const struct caller *caller;	/* who sends it */
	const char *sender;	/* of -f: a mailbox, "" for the null sender; NULL: not given */
	const struct error *sender_fault;	/* what was given is no address; NULL: it is */
	struct aliases *aliases;	/* whom names without a domain stand for */
	const struct address_list *joined;	/* to log: names with commas (mail/people.h), or NULL */
	const char *full_name;	/* of -F; NULL: not given */
	bool is_by_default;	/* nobody named the account, and no address did */
	bool is_report;		/* of ours */
	const char **why_sender;	/* NULL, or where the reason for the envelope's goes */
	bool repairs;		/* -G switches it off */
	bool leaves_domains;	/* beyond ASCII: who gets the message next makes them so */
	const char *id;
	time_t now;
};

/*
 * Sets the envelope's sender and origin and does the header work. ERROR_SENDER when the
 * policy is `refuse`, with the addresses that would do; ERROR_CONFIG when `from` is
 * needed and missing; ERROR_DATA when the message is over max_size, with both figures.
 */
bool prepare(const struct preparation *p, struct message *m, struct envelope *e,
	     struct error *err);

/*
 * The message as the queue keeps it, from one that was prepared: all header work is done
 * but what the sender policy asks for. The body is lent; prepare_forget() ends it.
 */
bool prepare_for_queue(const struct preparation *p, const struct message *m,
		       const char *sender, struct message *kept, struct error *err);
void prepare_forget(struct message *kept);

/* The rest, for such a message: replaces *sender. The errors of prepare(). */
bool prepare_from_queue(const struct preparation *p, struct message *m, char **sender,
			struct error *err);

/* Whether a From has to be added. */
bool prepare_lacks_from(const struct message *m);

#endif
