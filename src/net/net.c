/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One transport for three ways: clear text, TLS as a client, TLS as a server. What is
 * read ahead stands in the wire alone, below all of them: so it can be seen whether
 * anything was there before a handshake, which somebody else must have put there.
 */
#include "net/net.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/language.h"
#include "base/text.h"
#include "net/priorities.h"
#include "net/proxy.h"
#include "net/tcp.h"
#include "net/tls.h"
#include "net/tls_server.h"
#include "net/wire.h"

struct net_connection {
	struct transport transport;	/* first */
	struct tls *tls;		/* NULL: clear text, or: */
	struct tls_server *tls_server;	/* where we are the server */
	const struct tls_identity *identity;
	bool is_server, is_local;
	struct endpoint endpoint;	/* its host is `host` */
	char *host;			/* in ASCII, without a dot at its end */
	char peer[ADDRESS_TEXT_SIZE];
	bool has_heard;			/* anything in clear text */
	struct wire wire;		/* last: new_connection() */
};

enum { HOST_MAX = 253 };	/* RFC 1035 section 2.3.4, as text */
enum { PORT_RELAY = 25, PORT_IMPLICIT_TLS = 465, PORT_SUBMISSION = 587 };

static struct net_connection *use(struct transport *t)
{
	struct net_connection *c = (struct net_connection *)t;

	c->wire.deadline = t->deadline;
	return c;
}

/* On a port for implicit TLS the server waits for us to begin. */
static ssize_t heard_nothing(const struct net_connection *c, const char *text,
			     struct error *err)
{
	long port = c->endpoint.port;

	error_text(err, ERROR_NETWORK, text);
	if (c->is_server || c->is_local)
		return -1;
	if (!c->has_heard && port == PORT_IMPLICIT_TLS)
		error_advise(err, "port 465 wants `tls = implicit`");
	else if (!c->has_heard && port != PORT_RELAY && port != PORT_SUBMISSION)
		error_advise(err, "if the server wants TLS from the first byte, set "
				  "`tls = implicit`");
	return -1;
}

static ssize_t read_plain(struct net_connection *c, void *bytes, size_t size,
			  struct error *err)
{
	ssize_t n;

	while ((n = wire_pull(&c->wire, bytes, size)) < 0 && errno == EAGAIN)
		if (!wire_wait(&c->wire, POLLIN))
			return heard_nothing(c, c->is_server ?
					     N_("the client said nothing in time") :
					     N_("the server did not answer in time"), err);
	if (n < 0)
		error_errno(err, ERROR_NETWORK, "the connection was lost");
	if (n == 0 && !c->has_heard && !c->is_server)
		return heard_nothing(c, N_("the server closed the connection without a word"),
				     err);
	c->has_heard = true;
	return n;
}

static bool write_plain(struct net_connection *c, const void *bytes, size_t len,
			struct error *err)
{
	struct iovec rest = { (void *)bytes, len };

	while (rest.iov_len > 0) {
		ssize_t n = wire_push(&c->wire, &rest, 1);

		if (n < 0 && errno != EAGAIN)
			return error_errno(err, ERROR_NETWORK, "the connection was lost");
		if (n < 0 && !wire_wait(&c->wire, POLLOUT))
			return c->is_server ?
			       error_set(err, ERROR_NETWORK, "the client stopped reading") :
			       error_set(err, ERROR_NETWORK, "the server stopped reading");
		if (n < 0)
			continue;
		rest.iov_base = (char *)rest.iov_base + n;
		rest.iov_len -= (size_t)n;
	}
	return true;
}

static ssize_t read_from(struct transport *t, void *bytes, size_t size, struct error *err)
{
	struct net_connection *c = use(t);

	if (c->tls_server)
		return tls_server_read(c->tls_server, bytes, size, err);
	return c->tls ? tls_read(c->tls, bytes, size, err)
		      : read_plain(c, bytes, size, err);
}

static bool write_to(struct transport *t, const void *bytes, size_t len,
		     struct error *err)
{
	struct net_connection *c = use(t);

	if (c->tls_server)
		return tls_server_write(c->tls_server, bytes, len, err);
	return c->tls ? tls_write(c->tls, bytes, len, err)
		      : write_plain(c, bytes, len, err);
}

static bool begin_tls(struct transport *t, struct error *err)
{
	struct net_connection *c = use(t);

	if (c->is_local)
		return error_set(err, ERROR_TLS, "there is no TLS between two programs");
	/* Read ahead of the handshake: somebody put it there. */
	if (c->wire.start != c->wire.end)
		return error_set(err, ERROR_TLS,
				 "the server sent text where TLS must begin");
	c->tls = tls_open(&c->wire, &c->endpoint, err);
	if (!c->tls)
		return false;
	t->is_secret = true;
	t->tls = tls_version(c->tls);
	t->tls_is_resumed = tls_is_resumed(c->tls);
	return true;
}

static void describe(const struct transport *t, struct tls_facts *facts)
{
	tls_describe(((const struct net_connection *)t)->tls, facts);
}

/*
 * Without reading it: over TLS that may be a ticket, and then a connection is made anew
 * for nothing.
 */
static bool has_news(struct transport *t)
{
	struct net_connection *c = use(t);
	struct pollfd fd = { .fd = c->wire.fd, .events = POLLIN };

	return c->wire.start != c->wire.end || poll(&fd, 1, 0) > 0;
}

static void hang_up(struct transport *t)
{
	struct net_connection *c = use(t);

	if (c->tls)
		tls_close(c->tls);
	if (c->tls_server)
		tls_server_close(c->tls_server);
	if (c->wire.fd >= 0)
		close(c->wire.fd);
	free(c->host);
	free(c);
}

/* What the endpoint calls its host, as the name system and certificates know it. */
static char *canonical_name(const char *host, struct error *err)
{
	char *name = tls_ascii_name(host, err);
	size_t len;

	if (!name)
		return NULL;
	len = strlen(name);
	/* Resolvers know what a dot at the end means, certificates have none. */
	if (len > 0 && name[len - 1] == '.')
		name[--len] = '\0';
	if (len > 0 && len <= HOST_MAX)
		return name;
	error_set(err, ERROR_CONFIG, "a host name cannot have %zu characters", len);
	free(name);
	return NULL;
}

static bool dial(struct net_connection *c, const char *host, long port, struct error *err)
{
	int64_t deadline = c->transport.deadline;
	struct addresses addresses;
	const struct ip_address *winner;

	if (!resolve(host, port, deadline, &addresses, err) ||
	    !addresses_narrow(&addresses, c->endpoint.family, c->endpoint.source, err))
		return false;
	c->wire.fd = tcp_connect(&addresses, deadline, &winner, err);
	if (c->wire.fd < 0) {
		if (port == PORT_RELAY)
			error_advise(err,
				     "port 25 is closed on many lines: try `port = 587`");
		return false;
	}
	ip_address_text(winner, c->peer);
	return true;
}

static bool dial_proxy(struct net_connection *c, const char *host, struct error *err)
{
	const struct proxy *proxy = c->endpoint.proxy;

	if (dial(c, host, proxy->port, err))
		return true;
	/* Whatever there is to mend, it is not the server's name. */
	if (err->kind == ERROR_NO_HOST)
		err->advice = N_("check the account's `proxy`");
	return error_advise(err, "the account's `proxy` must be there: nothing goes around it");
}

/* Where the server is only the proxy knows. */
static bool connect_by_proxy(struct net_connection *c, struct error *err)
{
	const struct proxy *proxy = c->endpoint.proxy;
	OWNED_TEXT host = canonical_name(proxy->host, err);
	OWNED_TEXT server = text_server(proxy->host, proxy->port);
	char address[ADDRESS_TEXT_SIZE];

	if (host && dial_proxy(c, host, err)) {
		c->wire.deadline = c->transport.deadline;
		if (proxy_ask(&c->wire, proxy, c->host, c->endpoint.port, err)) {
			memcpy(address, c->peer, sizeof(address));
			snprintf(c->peer, sizeof(c->peer), "proxy-%.*s",
				 (int)sizeof(c->peer) - 7, address);
			return true;
		}
	}
	return error_context(err, "proxy %s://%s",
			     proxy->kind == PROXY_SOCKS5 ? "socks5" : "http", server);
}

static bool connect_to(struct net_connection *c, struct error *err)
{
	return c->endpoint.proxy ? connect_by_proxy(c, err) :
				   dial(c, c->host, c->endpoint.port, err);
}

/* Its buffers are not cleared: they take no memory until they are used. */
static struct net_connection *new_connection(int fd)
{
	struct net_connection *c = xmalloc(sizeof(*c));

	memset(c, 0, offsetof(struct net_connection, wire.in));
	c->wire.fd = fd;
	return c;
}

struct transport *net_open(const struct endpoint *endpoint, struct error *err)
{
	bool makes_sense = !endpoint->priorities || !endpoint->priorities[0] ||
			   priorities_check(endpoint->priorities, err);
	char *host = makes_sense ? canonical_name(endpoint->host, err) : NULL;
	struct net_connection *c;

	if (!host)
		return NULL;
	c = new_connection(-1);
	c->host = host;
	c->endpoint = *endpoint;
	c->endpoint.host = host;
	c->transport = (struct transport){
		.read = read_from,
		.write = write_to,
		.start_tls = begin_tls,
		.describe_tls = describe,
		.has_news = has_news,
		.close = hang_up,
		.deadline = clock_after(endpoint->timeout),
		.peer = c->peer,
	};
	if (connect_to(c, err) &&
	    (!endpoint->implicit_tls || begin_tls(&c->transport, err)))
		return &c->transport;
	hang_up(&c->transport);
	return NULL;
}

struct transport *net_over(int fd, const char *peer)
{
	struct net_connection *c = new_connection(fd);

	c->is_local = true;
	snprintf(c->peer, sizeof(c->peer), "%s", peer);
	c->transport = (struct transport){
		.read = read_from,
		.write = write_to,
		.start_tls = begin_tls,
		.has_news = has_news,
		.close = hang_up,
		.peer = c->peer,
	};
	return &c->transport;
}

/* --- as a server */

static bool begin_tls_server(struct transport *t, struct error *err)
{
	struct net_connection *c = use(t);

	if (!c->identity)
		return error_set(err, ERROR_TLS, "there is no certificate for TLS");
	if (c->wire.start != c->wire.end)
		return error_set(err, ERROR_TLS,
				 "the client sent text where TLS must begin");
	c->tls_server = tls_server_open(&c->wire, c->identity, err);
	if (!c->tls_server)
		return false;
	t->is_secret = true;
	t->tls = tls_server_version(c->tls_server);
	return true;
}

struct transport *net_serve(int fd, const struct tls_identity *identity, const char *peer)
{
	struct net_connection *c = new_connection(fd);

	c->identity = identity;
	c->is_server = true;
	snprintf(c->peer, sizeof(c->peer), "%s", peer);
	c->transport = (struct transport){
		.read = read_from,
		.write = write_to,
		.start_tls = begin_tls_server,
		.has_news = has_news,
		.close = hang_up,
		.peer = c->peer,
	};
	return &c->transport;
}

void net_stop_reading(struct transport *t)
{
	wire_stop_reading(&((struct net_connection *)t)->wire);
}

char *net_ascii_name(const char *domain, struct error *err)
{
	return tls_ascii_name(domain, err);
}
