/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TLS 1.2 or newer over a connected socket, as a server: who we are is a certificate with
 * its chain and its key. Clients are asked for none.
 */
#ifndef NET_TLS_SERVER_H
#define NET_TLS_SERVER_H

#include "net/tls_identity.h"
#include "net/wire.h"

struct tls_server;

/*
 * The handshake; `wire` and `identity` are borrowed until tls_server_close(). NULL:
 * ERROR_TLS, or ERROR_NETWORK when the connection is lost or the wire's deadline passes.
 */
struct tls_server *tls_server_open(struct wire *wire, const struct tls_identity *identity,
				   struct error *err);

/* Like the transport's. */
ssize_t tls_server_read(struct tls_server *tls, void *bytes, size_t size, struct error *err);
bool tls_server_write(struct tls_server *tls, const void *bytes, size_t len,
		      struct error *err);
const char *tls_server_version(const struct tls_server *tls);	/* "TLS1.3" */

/* Says goodbye without waiting, and frees. */
void tls_server_close(struct tls_server *tls);

#endif
