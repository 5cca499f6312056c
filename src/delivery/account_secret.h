/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an account says about where its secret comes from, for secret/source.h. */
#ifndef DELIVERY_ACCOUNT_SECRET_H
#define DELIVERY_ACCOUNT_SECRET_H

#include <time.h>

#include "config/account.h"
#include "secret/source.h"
#include "service/login.h"

/* Whether its secret is an access token, whatever the server may offer. */
bool account_wants_token(const struct account *account);

/* Borrows from the account. `asker`: as in the request. */
struct secret_request account_secret_request(const struct account *account,
					     bool wants_token,
					     const struct asker *asker);

/* What its token should say of itself; borrows from the account. */
struct login_wish account_login_wish(const struct account *account);

enum { SECRET_ENDS_DAYS = 30 };	/* before its end it is warned of it */

/*
 * Whole days until the secret ends, as `password_expires` says, negative behind that day.
 * False: it is not said, or further away than that.
 */
bool account_secret_ends(const struct account *account, time_t now, long *days);

#endif
