/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mail that others send: where a user may not read the accounts, or `mode = daemon`, the
 * daemon has all of it. It looks like an account whose server is the daemon's socket, so
 * that what sends, waits and tells is the same; but nothing is done to the message, as
 * that is the daemon's.
 */
#ifndef DELIVERY_BY_DAEMON_H
#define DELIVERY_BY_DAEMON_H

#include "config/account.h"
#include "delivery/along.h"
#include "mail/aliases.h"
#include "mail/envelope.h"
#include "spool/entry.h"

/*
 * config_load() for whoever sends. Where the daemon sends, config->by_daemon is its
 * account and there need be no other. The config stays where it is.
 */
bool by_daemon_load(struct config *config, const char *path, struct error *err);

/*
 * Whether the spool that the settings name is the daemon's own, and so not ours: as root
 * finds it where the daemon has a user of its own.
 */
bool by_daemon_has_queue(const struct config *config);

/* Why it is so, in the words of a person, marked with N_(). */
const char *by_daemon_why(const struct config *config);

/* The error is that it is not there, and why it is needed goes before it. */
void by_daemon_blame(const struct config *config, struct error *err);

/* Names without a domain stay as they are, if the daemon knows what they stand for. */
void by_daemon_leave_names(const struct config *config, struct aliases *aliases);

/* The envelope's sender (NULL: none was given) and what goes along with it. */
void by_daemon_address(struct envelope *e, const char *sender, const struct along *along);

/*
 * The same for an entry of this user's own queue, while it is handed over; and then its sender,
 * which was returned and is taken back (NULL: nothing is done), is again who is told if the
 * daemon does not take it.
 */
char *by_daemon_address_entry(struct entry *e);
void by_daemon_leave_entry(struct entry *e, char *sender);

#endif
