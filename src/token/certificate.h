/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Assertions of an application, signed with its certificate; certificate.c alone knows
 * GnuTLS.
 */
#ifndef TOKEN_CERTIFICATE_H
#define TOKEN_CERTIFICATE_H

#include "token/token.h"

struct assertion {
	const char *file;		 /* PEM: the certificate and its key */
	const struct secret *passphrase; /* of the key; not set: it has none */
	const char *client_id;		 /* who asserts it */
	const char *audience;		 /* to whom: the token endpoint */
};

/*
 * The JSON Web Token (RFC 7523) of it, good for ten minutes. TOKEN_CONFIG: the file
 * cannot be read or others can read it, has no certificate, not its key, or is of another
 * kind than RSA.
 */
bool certificate_assert(const struct assertion *assertion, struct secret *token,
			struct token_failure *failure);

#endif
