/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the certificates that a server shows are reason enough to trust it. */
#ifndef NET_TRUST_H
#define NET_TRUST_H

#include <time.h>

#include "net/endpoint.h"
#include "net/roots.h"

/*
 * Without a pin: the chain leads to a certificate of the CA file (or of the system's
 * trust store), now, by keys and signatures of at least 112 bits, for a TLS server of
 * the endpoint's name (ASCII) or address. With a pin: the server's own certificate is
 * the pinned one; nothing else is asked, neither name nor dates, unless a CA file is
 * set too: then both must be satisfied.
 *
 * *expires is the end of the server's own certificate. ERROR_TLS says in plain words
 * what is wrong; ERROR_CONFIG: pin or CA file make no sense.
 */
bool trust_verify(const struct endpoint *endpoint, const struct chain *chain,
		  time_t *expires, struct error *err);

/* Who issued a certificate, for people: printable, "" if it cannot be told. */
void trust_issuer(struct der certificate, char *text, size_t size);

#endif
