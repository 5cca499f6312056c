/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the door has to know before the first client comes: the settings, which the keeper
 * gives it without what is secret, and from files of its own the certificate with its key and
 * who may log in.
 *
 *	SETTINGS			the door asks at the keeper's socket (daemon/handover.h)
 *	SETTINGS BYTES BYTES		and those bytes: a file of settings, and where they stand
 *	LATER WORDS, NEVER WORDS	there are none
 */
#ifndef DAEMON_PROVISION_H
#define DAEMON_PROVISION_H

#include "daemon/session.h"

enum { PROVISION_MAX = 1024 * 1024 };	/* bytes of settings */

/*
 * Asks the keeper, which is waited for that many seconds, and reads the files.
 * ERROR_LATER: it is not there; ERROR_CONFIG: what is wrong with the settings, or a file.
 */
bool provision_get(struct door *door, int seconds, struct error *err);
void provision_free(struct door *door);

/*
 * The keeper's side, to the door: the settings of now; `config` is that of -C, or NULL.
 */
void provision_give(int door, const char *config);

#endif
