/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The little of DER (X.690) that finds the names in a certificate (RFC 5280). */
#ifndef NET_DER_H
#define NET_DER_H

#include "base/base.h"

struct der {			/* borrowed bytes */
	const unsigned char *bytes;
	size_t len;
};

/*
 * Points `issuer` and `subject` at the certificate's two names, as they stand encoded.
 * The certificate may be cut off behind the subject. False: it is cut off before, or
 * no certificate.
 */
bool der_names(struct der certificate, struct der *issuer, struct der *subject);

bool der_equal(struct der a, struct der b);

#endif
