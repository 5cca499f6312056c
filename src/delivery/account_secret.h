/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an account says about where its secret comes from, for secret/source.h. */
#ifndef DELIVERY_ACCOUNT_SECRET_H
#define DELIVERY_ACCOUNT_SECRET_H

#include <time.h>

#include "base/clock.h"
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

/*
 * Whether what an account that logs in does it with can be had, as far as that costs
 * nothing: no command is run, no token fetched, and a keyring is asked only for an
 * account of variables. False: the error is what mail would wait for.
 */
bool account_secret_is_there(const struct account *account, struct error *err);

enum { SECRET_ENDS_DAYS = 30 };	/* before its end it is warned of it */

struct secret_end {
	const char *certificate;	/* whose own end it is: its file, borrowed; NULL: the
					   account's `password_expires` */
	char day[CLOCK_DAY_SIZE];	/* "2027-03-01" */
	long days;			/* whole ones until then, negative behind that day */
};

/*
 * The first end among what the account logs in with, and what it gets tokens by. False:
 * none is known, or none is near.
 */
bool account_secret_ends(const struct account *account, time_t now, struct secret_end *end);

/*
 * Whether what `auth = external` logs in with can be shown: the certificate and its key
 * are there, fit, and it is valid now, until `day`. False: ERROR_CONFIG.
 */
bool account_certificate(const struct account *account, time_t now, char day[CLOCK_DAY_SIZE],
			 struct error *err);

#endif
