/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is local to this machine: names without a domain, and domains that are none. */
#ifndef DELIVERY_LOCAL_H
#define DELIVERY_LOCAL_H

#include "config/account.h"
#include "mail/aliases.h"

/*
 * aliases_init() as the configuration, which is borrowed, says. No domain are localhost
 * and this machine's own names, but for one that an account sends from: that has
 * mailboxes elsewhere, whatever the machine is called.
 */
void local_init(struct aliases *a, const struct config *config);

/*
 * What sendmail would write to, run or read, which is never done here; and the
 * ERROR_DATA.
 */
bool local_is_no_mailbox(const char *name);
bool local_refuse_no_mailbox(const char *name, struct error *err);

/*
 * Appends where mail for a recipient goes: there, or where its aliases lead.
 * ERROR_NO_USER: a local name that leads nowhere; ERROR_CONFIG: its aliases make no
 * sense.
 */
bool local_resolve(struct aliases *aliases, const char *mailbox, struct address_list *list,
		   struct error *err);

#endif
