/* SPDX-License-Identifier: GPL-3.0-or-later */
/* To whom: the command line, the header, and what local names stand for. */
#ifndef FRONT_RECIPIENTS_H
#define FRONT_RECIPIENTS_H

#include "config/account.h"
#include "front/options.h"
#include "mail/envelope.h"
#include "mail/message.h"

/*
 * Fills the envelope's recipients (and what -N, -R, -V say) as sendmail's -t and arguments
 * mean. ERROR_USAGE when there is none, ERROR_DATA for one that is no address or is a
 * file, program or list, ERROR_NO_USER for a local name that leads nowhere.
 */
bool recipients_gather(const struct options *options,
		       const struct delivery_settings *settings, const struct message *m,
		       struct envelope *e, struct error *err);

#endif
