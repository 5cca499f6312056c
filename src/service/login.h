/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the looks of a user name and a secret say about a login at Azure (ACS). */
#ifndef SERVICE_LOGIN_H
#define SERVICE_LOGIN_H

#include "base/base.h"

enum user_form {
	USER_FREE,		/* an "SMTP Username" resource: any text */
	USER_ADDRESS,		/* the same, in the form of an address */
	USER_COMPOSITE,		/* the old: RESOURCE.APPLICATION-ID.TENANT-ID, or with "|" */
	USER_BROKEN,		/* meant as that, or an id: *fault says what is wrong */
};

/* *fault is one clause about "it", which lives for ever; NULL but for USER_BROKEN. */
enum user_form login_user_form(const char *user, const char **fault);

/* Why these bytes are hardly the value of a secret: a clause about "it", or NULL. */
const char *login_secret_fault(const char *bytes, size_t len);

/* 8-4-4-4-12 hexadecimal digits. */
bool login_is_guid(const char *bytes, size_t len);

/*
 * GUID.azurecomm.net: a domain that Azure manages, with a small quota and records of its
 * own.
 */
bool login_is_managed_domain(const char *domain);

/*
 * What an access token says of itself (RFC 7519). Nobody verifies it here; "" and 0: not
 * said.
 */
struct token_facts {
	char audience[128];	/* whom it is for, cut where it is long */
	char application[64];	/* the id of the application that it is of */
	char tenant[64];
	int64_t expires;	/* seconds since 1970 */
};

/* False: it is no such token, or says none of that. */
bool login_token_facts(const char *bytes, size_t len, struct token_facts *facts);

/* What it should say; "" and NULL: anything will do. */
struct login_wish {
	const char *scope, *application, *tenant;
	int64_t now;
};

/* Why a server refuses it by what it says of itself: one clause, or NULL. */
const char *login_token_fault(const struct token_facts *facts,
			      const struct login_wish *wish);

/* Whether that is an address, and of another server than the scope's. */
bool login_is_for_another(const char *audience, const char *scope);

#endif
