/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an account says about where its secret comes from, for secret/source.h. */
#ifndef DELIVERY_ACCOUNT_SECRET_H
#define DELIVERY_ACCOUNT_SECRET_H

#include "config/account.h"
#include "secret/source.h"

/* Whether its secret is an access token, whatever the server may offer. */
bool account_wants_token(const struct account *account);

/* Borrows from the account. `asker`: as in the request. */
struct secret_request account_secret_request(const struct account *account,
					     bool wants_token,
					     const struct asker *asker);

#endif
