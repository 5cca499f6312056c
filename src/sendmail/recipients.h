/* SPDX-License-Identifier: GPL-3.0-or-later */
/* To whom: the command line, the header, and what local names stand for. */
#ifndef SENDMAIL_RECIPIENTS_H
#define SENDMAIL_RECIPIENTS_H

#include "config/account.h"
#include "mail/aliases.h"
#include "mail/envelope.h"
#include "mail/message.h"
#include "mail/people.h"
#include "sendmail/options.h"

struct recipient_sources {
	const struct options *options;
	const struct delivery_settings *settings;
	struct aliases *aliases;
	struct address_list *joined;	/* where those go whose names had commas, or NULL */
};

/*
 * Fills the envelope's recipients (and what -N, -R, -V say) as sendmail's -t and
 * arguments mean. ERROR_USAGE when there is none. One that is no address, or is a file,
 * program or list (ERROR_DATA), a local name that leads nowhere (ERROR_NO_USER) or whose
 * aliases make no sense (ERROR_CONFIG) is REFUSED in the envelope, and is the error only
 * when nobody else is left. ERROR_DATA too for more addresses than a list may have, and
 * for one that is no address among those that are to be left out.
 */
bool recipients_gather(const struct recipient_sources *from, const struct message *m,
		       struct envelope *e, struct error *err);

/*
 * Whether the command line names somebody or says -t, and the ERROR_USAGE if it does not.
 */
bool recipients_are_told(const struct options *options);
bool recipients_refuse_none(struct error *err);

/*
 * Appends the addresses of one argument, and to the faults what is none. False: too many.
 */
bool recipients_parse(const char *argument, struct people *to, struct error *err);

#endif
