/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What client and server have in common: GnuTLS on top of the wire, which never blocks
 * and knows the deadline; and what went wrong, in words for the person who reads the
 * log.
 */
#include "net/tls_stream.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <string.h>

enum { RECORD_SIZE = 16 * 1024 };	/* RFC 8446 section 5.1 */

/* ---- between GnuTLS and the wire ------------------------------------------ */

static ssize_t push(gnutls_transport_ptr_t pointer, const giovec_t *pieces, int count)
{
	struct tls_stream *s = pointer;
	ssize_t n = wire_push(s->wire, pieces, count);

	if (n < 0)
		s->reason = errno;
	return n;
}

static ssize_t pull(gnutls_transport_ptr_t pointer, void *bytes, size_t size)
{
	struct tls_stream *s = pointer;
	ssize_t n = wire_pull(s->wire, bytes, size);

	if (n < 0)
		s->reason = errno;
	/*
	 * Kept for the error: what speaks no TLS here has mostly said so in its first
	 * bytes.
	 */
	if (n > 0 && s->first_len == 0) {
		s->first_len = s->wire->end;
		if (s->first_len > TLS_FIRST_SIZE)
			s->first_len = TLS_FIRST_SIZE;
		memcpy(s->first, s->wire->in, s->first_len);
	}
	return n;
}

void tls_stream_attach(struct tls_stream *s)
{
	gnutls_transport_set_ptr(s->session, s);
	gnutls_transport_set_vec_push_function(s->session, push);
	gnutls_transport_set_pull_function(s->session, pull);
}

/* ---- failures -------------------------------------------------------------- */

bool tls_stream_too_old(const struct tls_stream *s, struct error *err)
{
	return s->is_server ?
	       error_set(err, ERROR_TLS, "the client has neither TLS 1.2 nor TLS 1.3") :
	       error_set(err, ERROR_TLS, "the server has neither TLS 1.2 nor TLS 1.3");
}

static bool refused_by_other(const struct tls_stream *s, struct error *err)
{
	gnutls_alert_description_t alert = gnutls_alert_get(s->session);
	const char *name = gnutls_alert_get_name(alert);

	if (s->is_server)
		return error_set(err, ERROR_TLS, "the client ended TLS: %s", name ? name : "?");
	if (alert == GNUTLS_A_PROTOCOL_VERSION)
		return tls_stream_too_old(s, err);
	if (alert == GNUTLS_A_HANDSHAKE_FAILURE ||
	    alert == GNUTLS_A_INSUFFICIENT_SECURITY)
		return error_set(err, ERROR_TLS,
				 "the server has neither TLS 1.2 nor TLS 1.3, or no cipher "
				 "that is safe enough");
	return error_set(err, ERROR_TLS, "the server ended TLS: %s", name ? name : "?");
}

static bool is_late(const struct tls_stream *s, struct error *err)
{
	return s->is_server ?
	       error_set(err, ERROR_NETWORK, "the client said nothing in time") :
	       error_set(err, ERROR_NETWORK, "the server did not answer in time");
}

bool tls_stream_failed(struct tls_stream *s, long result, struct error *err)
{
	s->is_broken = true;
	switch (result) {
	case GNUTLS_E_TIMEDOUT:
		return is_late(s, err);
	case GNUTLS_E_PREMATURE_TERMINATION:
		return error_set(err, ERROR_NETWORK, "the connection was lost");
	case GNUTLS_E_PUSH_ERROR:
	case GNUTLS_E_PULL_ERROR:
		errno = s->reason;
		return error_errno(err, ERROR_NETWORK, "the connection was lost");
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
		return refused_by_other(s, err);
	case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
		return tls_stream_too_old(s, err);
	default:
		return error_set(err, ERROR_TLS, "TLS failed: %s",
				 gnutls_strerror((int)result));
	}
}

/* ---- the way of the bytes --------------------------------------------------- */

int tls_stream_shake_hands(struct tls_stream *s)
{
	int result;

	s->wire->holds = true;
	while ((result = gnutls_handshake(s->session)) < 0) {
		bool writes = gnutls_record_get_direction(s->session);

		if (gnutls_error_is_fatal(result))
			return result;
		if (result == GNUTLS_E_AGAIN && !wire_wait(s->wire, writes ? POLLOUT : POLLIN))
			return GNUTLS_E_TIMEDOUT;
	}
	/* The last of it goes out with the first line, or before the first wait. */
	s->wire->holds = false;
	return 0;
}

ssize_t tls_stream_read(struct tls_stream *s, void *bytes, size_t size, struct error *err)
{
	for (;;) {
		ssize_t n = gnutls_record_recv(s->session, bytes, size);

		if (n >= 0)
			return n;
		if (n == GNUTLS_E_REHANDSHAKE) {
			/* RFC 5246 section 7.2.2: what was agreed stays. */
			(void)gnutls_alert_send(s->session, GNUTLS_AL_WARNING,
						GNUTLS_A_NO_RENEGOTIATION);
		} else if (gnutls_error_is_fatal((int)n)) {
			tls_stream_failed(s, n, err);
			return -1;
		} else if (n == GNUTLS_E_AGAIN && !wire_wait(s->wire, POLLIN)) {
			is_late(s, err);
			return -1;
		}
	}
}

static ssize_t send_record(struct tls_stream *s, const void *bytes, size_t len,
			   struct error *err)
{
	ssize_t n = gnutls_record_send(s->session, bytes, len);

	while (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED) {
		if (n == GNUTLS_E_AGAIN && !wire_wait(s->wire, POLLOUT)) {
			s->is_broken = true;
			(void)(s->is_server ?
			       error_set(err, ERROR_NETWORK, "the client stopped reading") :
			       error_set(err, ERROR_NETWORK, "the server stopped reading"));
			return -1;
		}
		n = gnutls_record_send(s->session, NULL, 0);	/* the rest of it */
	}
	if (n < 0)
		tls_stream_failed(s, n, err);
	return n;
}

bool tls_stream_write(struct tls_stream *s, const void *bytes, size_t len, struct error *err)
{
	const char *at = bytes;

	while (len > 0) {
		size_t piece = len < RECORD_SIZE ? len : RECORD_SIZE;
		ssize_t n;

		s->wire->more = len > piece;
		n = send_record(s, at, piece, err);
		s->wire->more = false;
		if (n < 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

void tls_stream_end(struct tls_stream *s)
{
	/* The other's goodbye is not waited for: how the mail stands was said in SMTP. */
	if (!s->is_broken)
		(void)gnutls_bye(s->session, GNUTLS_SHUT_WR);
	(void)wire_flush(s->wire);
}
