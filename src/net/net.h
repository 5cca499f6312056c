/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections to a server by its name. */
#ifndef NET_NET_H
#define NET_NET_H

#include "net/endpoint.h"
#include "net/transport.h"

/*
 * Connects to the first address of the host that answers (RFC 8305), with TCP_NODELAY.
 * ERROR_NO_HOST: the name does not exist; ERROR_NETWORK: it could not be looked up now,
 * or no address answered, with each one's reason; ERROR_CONFIG: the host is no name, or a
 * TLS setting makes no sense; ERROR_TLS. By a proxy also what proxy_ask() has, and the
 * peer is "proxy-" and the proxy's address: nobody here knows the server's.
 */
struct transport *net_open(const struct endpoint *endpoint, struct error *err);

/*
 * The same over a stream socket of this machine that is connected already and its own
 * from now on: no TLS. `peer` is who it is, for errors.
 */
struct transport *net_over(int fd, const char *peer);

struct tls_identity;	/* net/tls_identity.h */

/*
 * The same of a connection that somebody else has opened to us: a stream socket, which is
 * its own from now on. start_tls() is the server's side then, with that identity
 * (borrowed; NULL: no TLS). `peer` is who it is, for errors.
 */
struct transport *net_serve(int fd, const struct tls_identity *identity, const char *peer);

/*
 * Reading from that one fails at once and from now on, ERROR_NETWORK; a last word can
 * still be written. Safe in signal handlers.
 */
void net_stop_reading(struct transport *t);

/*
 * A domain in letters beyond ASCII as A-labels (RFC 5890), as tls_ascii_name() has it. The
 * caller frees.
 */
char *net_ascii_name(const char *domain, struct error *err);

/* This machine's full name, as for EHLO; the caller frees. */
char *net_host_name(void);

/*
 * What follows the @ of this machine's users: the name in /etc/mailname, or, where that has
 * no full one, net_host_name(). The caller frees.
 */
char *net_mail_name(void);

/*
 * Whether that is this machine: its name, with or without what follows the first dot, or
 * its full one by /etc/hosts, /etc/mailname or the search list of /etc/resolv.conf. Nobody
 * is asked.
 */
bool net_is_this_host(const char *name);

#endif
