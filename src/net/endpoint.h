/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H

#include <stdbool.h>

#include "net/proxy.h"

/* Whom to connect to, and how to know them. The texts are borrowed until close(). */
struct endpoint {
	const char *host;	/* name (IDNA welcome) or address */
	long port;
	bool implicit_tls;	/* TLS from the first byte */
	long timeout;		/* seconds to find and connect, handshake included */
	const char *ca_file;	/* PEM; "": the system's trust store */
	/*
	 * Pin: SHA-256 of the server's certificate in hex, colons allowed, or "". Alone
	 * it is all that is asked of the server; with a CA file it is asked for besides.
	 */
	const char *fingerprint;
	/*
	 * What TLS may use, as GnuTLS writes it; NULL or "": by the policy of the system,
	 * or by ours where it has none. Never less than TLS 1.2.
	 */
	const char *priorities;
	/*
	 * The certificate that shows who we are, and its key: files in PEM; NULL or "":
	 * none.
	 */
	const char *client_cert, *client_key;
	const struct proxy *proxy;	/* that the server is reached by, until it is; NULL: none */
	const char *source;	/* address of this machine to connect from; NULL or "": any */
	int family;		/* AF_INET or AF_INET6 alone; AF_UNSPEC: either */
	/* Whose sessions are kept for resumption (the account), or NULL: none. */
	const char *cache_name;
};

#endif
