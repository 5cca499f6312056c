/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What both sides of TLS share: bytes between a session of GnuTLS's and the wire, within
 * the wire's deadline, and what is said when that fails.
 */
#ifndef NET_TLS_STREAM_H
#define NET_TLS_STREAM_H

#include "net/wire.h"

enum { TLS_FIRST_SIZE = 64 };

struct tls_stream {		/* zeroed, with a wire and a session */
	struct wire *wire;
	void *session;		/* gnutls_session_t; its owner frees it */
	bool is_server;
	bool is_broken;		/* nothing more can be said */
	int reason;		/* errno of the last failure of the wire */
	/* What the other side says first: is it TLS? */
	unsigned char first[TLS_FIRST_SIZE];
	size_t first_len;
};

/* The session reads and writes here from now on. */
void tls_stream_attach(struct tls_stream *s);

/* The handshake: 0, or GnuTLS's error; GNUTLS_E_TIMEDOUT at the wire's deadline. */
int tls_stream_shake_hands(struct tls_stream *s);

/* Like the transport's. A lost connection is no end. */
ssize_t tls_stream_read(struct tls_stream *s, void *bytes, size_t size, struct error *err);
bool tls_stream_write(struct tls_stream *s, const void *bytes, size_t len, struct error *err);

/* Says goodbye without waiting. */
void tls_stream_end(struct tls_stream *s);

/*
 * For what can go wrong at any time: `result` is GnuTLS's error. ERROR_NETWORK,
 * ERROR_TLS.
 */
bool tls_stream_failed(struct tls_stream *s, long result, struct error *err);

/* Where the other side has nothing that we take: versions, ciphers. ERROR_TLS. */
bool tls_stream_too_old(const struct tls_stream *s, struct error *err);

#endif
