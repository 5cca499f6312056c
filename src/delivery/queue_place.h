/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the queue is, whether or not anything is there. */
#ifndef DELIVERY_QUEUE_PLACE_H
#define DELIVERY_QUEUE_PLACE_H

#include "config/account.h"

/* Root's, and the daemon's of the system. */
#define QUEUE_OF_SYSTEM	ACSMTP_LOCALSTATEDIR "/spool/acsmtp"

/*
 * Where the spool is by the settings: `spool`, or for root localstatedir/spool/acsmtp,
 * else $XDG_STATE_HOME/acsmtp/spool (~/.local/state/acsmtp/spool). NULL: there is no such
 * place, for the user has no home. The caller frees.
 */
char *queue_spool_path(const struct delivery_settings *settings);

#endif
