/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is local to this machine: names without a domain, and domains that are none. */
#ifndef DELIVERY_LOCAL_H
#define DELIVERY_LOCAL_H

#include "config/account.h"
#include "mail/aliases.h"

/*
 * aliases_init() as the configuration, which is borrowed, says. No domain are localhost and
 * this machine's own names, but for one that an account sends from: that has mailboxes
 * elsewhere, whatever the machine is called.
 */
void local_init(struct aliases *a, const struct config *config);

#endif
