/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which account a message goes through. */
#ifndef DELIVERY_CHOOSE_H
#define DELIVERY_CHOOSE_H

#include "config/account.h"

/*
 * `name` (-a) if it is not NULL; else the first account whose `from` or
 * `allowed_senders` has the envelope sender (NULL: not given), then the author of the
 * From header (""); else the default account. *why says which of these it was.
 */
const struct account *choose_account(const struct config *config, const char *name,
				     const char *sender, const char *author,
				     const char **why, struct error *err);

/* That reason, where it is the default account. */
extern const char choose_by_default[];

/* Whether the account may send as this mailbox by its own settings. */
bool choose_allows(const struct account *account, const char *mailbox);

#endif
