/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A server that is reached through another one: SOCKS5 (RFC 1928, with user and password
 * of RFC 1929) and HTTP CONNECT (RFC 9110 section 9.3.6). The proxy resolves the name.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "base/secret.h"
#include "net/wire.h"

enum proxy_kind { PROXY_SOCKS5, PROXY_HTTP };

struct proxy {			/* all of it borrowed */
	enum proxy_kind kind;
	const char *host;	/* of the proxy itself, in ASCII */
	long port;
	const char *user;	/* "": it wants no login */
	const struct secret *password;	/* of the user; may be an empty one */
};

/*
 * Asks over a wire to the proxy for a connection to the server, whose name is in ASCII.
 * True: what the wire carries from now on is the server's; bytes of its own may have been
 * read ahead. Within the wire's deadline, and no more of an answer is taken than the
 * longest has. ERROR_NETWORK: the proxy is gone, too slow, or cannot reach the server;
 * ERROR_AUTH: it wants a login, or refuses this one; ERROR_PROTOCOL: what answers is no
 * such proxy; ERROR_CONFIG: user or password is nothing that could be said to it. The
 * error names the setting, and no password.
 */
bool proxy_ask(struct wire *wire, const struct proxy *proxy, const char *host, long port,
	       struct error *err);

#endif
