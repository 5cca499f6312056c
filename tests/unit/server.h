/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A real server on a free port of loopback for one connection at a time: a thread
 * that plays a function. It is GnuTLS's server side. It never fails the test by
 * itself (cmocka wants that in its own thread): it keeps quiet and hangs up, and
 * server_stop() says whether the play came to its end.
 */
#ifndef TESTS_SERVER_H
#define TESTS_SERVER_H

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "unit/pki.h"

struct peer {
	int fd;
	gnutls_session_t tls;		/* NULL: clear text */
	gnutls_certificate_credentials_t credentials;
	const struct setting *setting;
	unsigned char ahead[32 * 1024];	/* read, but not yet asked for by TLS */
	size_t start, end;
	unsigned char behind[32 * 1024];	/* a flight of the handshake */
	size_t held;
	bool is_shaken;
};

struct setting {
	bool (*play)(struct peer *peer);
	const struct identity *chain[4];	/* the server's own first; NULL ends */
	const char *priorities;		/* NULL: GnuTLS's own */
	const gnutls_datum_t *ticket_key;	/* NULL: no tickets */
};

struct server {
	int listener;
	long port;
	const struct setting *setting;
	pthread_t thread;
	bool went_well;
};

/* Listens, on the port of the one before if `port` is not 0. */
void server_start(struct server *server, const struct setting *setting, long port);

/* Waits for the end of the play; whether all went well in it. */
bool server_stop(struct server *server);

/* For plays; each gives up after a few seconds. */
bool peer_say(struct peer *peer, const char *text);
bool peer_hears(struct peer *peer, const char *text);	/* exactly these bytes */
bool peer_hears_bytes(struct peer *peer, size_t count);	/* any */
bool peer_start_tls(struct peer *peer);
bool peer_sees_end(struct peer *peer);

#endif
