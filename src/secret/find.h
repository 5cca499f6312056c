/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The secret to log in with: a password from its source, or a token, kept or fetched. */
#ifndef SECRET_FIND_H
#define SECRET_FIND_H

#include "secret/source.h"

enum { SECRET_TROUBLE_SIZE = 400 };

struct secret_origin {
	const char *source;	/* what it came from, in words for people ("password_file") */
	int64_t stamp;		/* of a token that was kept, for secret_renew(); 0: it is none */
	/* Why a refresh token that came with it is not where the old one stands; "": nothing
	   was wrong. The next one may then be refused. */
	char trouble[SECRET_TROUBLE_SIZE];
};

/* Errors are those of source_find(), and for a token what secret/token.h says. */
bool secret_find(const struct secret_request *request, struct secret *secret,
		 struct secret_origin *origin, struct error *err);

/*
 * Another token in place of one that was kept and that a server has refused; once, for
 * origin->stamp is 0 then. Errors as above, and the old one stays.
 */
bool secret_renew(const struct secret_request *request, struct secret *secret,
		  struct secret_origin *origin, struct error *err);

#endif
