/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mailq, sendmail -bp: the queue in Postfix's layout, which monitors parse. And -bP. */
#ifndef SENDMAIL_MAILQ_H
#define SENDMAIL_MAILQ_H

#include "sendmail/options.h"

/*
 * Lists this user's queue on standard output: the messages that wait, as far as -qI, -qR,
 * -qS and -qQ select them, and of those the recipients that still wait. With
 * MODE_COUNT_QUEUE it prints how many there are. Returns the exit status.
 */
int mailq_show(const struct options *options);

#endif
