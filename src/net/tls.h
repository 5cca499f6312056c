/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TLS 1.2 or newer over a connected socket, as a client. The other side is verified
 * in every full handshake (net/trust.h); a resumed session was verified when it began,
 * with the same settings, at most a day ago, and its certificate is still valid.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/endpoint.h"
#include "net/transport.h"
#include "net/wire.h"

struct tls;

/*
 * The handshake. `wire` and `endpoint`, whose host must be in ASCII, are borrowed until
 * tls_close(). NULL: ERROR_TLS, ERROR_CONFIG, ERROR_LATER of library_load(), or
 * ERROR_NETWORK when the connection is lost or the wire's deadline passes.
 */
struct tls *tls_open(struct wire *wire, const struct endpoint *endpoint,
		     struct error *err);

/* Like the transport's, until the wire's deadline. A lost connection is no end. */
ssize_t tls_read(struct tls *tls, void *bytes, size_t size, struct error *err);
bool tls_write(struct tls *tls, const void *bytes, size_t len, struct error *err);

const char *tls_version(const struct tls *tls);		/* "TLS1.3"; lives for ever */
bool tls_is_resumed(const struct tls *tls);
void tls_describe(const struct tls *tls, struct tls_facts *facts);

/* Says goodbye without waiting, keeps the newest session for the next time, and frees. */
void tls_close(struct tls *tls);

/*
 * The name in ASCII (IDNA 2008), which the caller frees; NULL: ERROR_CONFIG, or
 * ERROR_LATER of library_load().
 */
char *tls_ascii_name(const char *name, struct error *err);

#endif
