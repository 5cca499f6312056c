/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TLS as a server: sessions with a certificate that was read once when the door began.
 * Clients show no certificates, as they log in by name and password. No tickets are
 * given: each session is a process of its own, which would have to share the key to them.
 */
#include "net/tls_server.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>

#include "net/priorities.h"
#include "net/tls_stream.h"

struct tls_server {
	struct tls_stream stream;
	gnutls_session_t session;	/* the stream's */
};

/* ---- a session ---------------------------------------------------------------- */

static int prepare(struct tls_server *tls, const struct tls_identity *identity)
{
	int result;

	/*
	 * As on the other side: no environment shows what is said, nor do GnuTLS's words.
	 */
	unsetenv("SSLKEYLOGFILE");
	gnutls_global_set_log_level(0);
	result = gnutls_init(&tls->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS);
	if (result >= 0)
		result = priorities_use(tls->session, NULL);
	if (result >= 0)
		result = gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE,
						tls_identity_credentials(identity));
	if (result < 0)
		return result;
	gnutls_certificate_server_set_request(tls->session, GNUTLS_CERT_IGNORE);
	tls->stream.session = tls->session;
	tls_stream_attach(&tls->stream);
	return 0;
}

static bool shake_hands(struct tls_server *tls, struct error *err)
{
	int result = tls_stream_shake_hands(&tls->stream);

	if (result >= 0)
		return true;
	/* The client's user learns the reason, if somebody listens. */
	if (gnutls_alert_send_appropriate(tls->session, result) >= 0)
		(void)wire_flush(tls->stream.wire);
	tls_stream_failed(&tls->stream, result, err);
	return error_context(err, "TLS handshake");
}

struct tls_server *tls_server_open(struct wire *wire, const struct tls_identity *identity,
				   struct error *err)
{
	struct tls_server *tls = xcalloc(1, sizeof(*tls));
	int result;

	tls->stream = (struct tls_stream){ .wire = wire, .is_server = true };
	result = prepare(tls, identity);
	if (result < 0)
		error_set(err, ERROR_TLS, "cannot prepare TLS: %s", gnutls_strerror(result));
	else if (shake_hands(tls, err))
		return tls;
	tls->stream.is_broken = true;
	tls_server_close(tls);
	return NULL;
}

ssize_t tls_server_read(struct tls_server *tls, void *bytes, size_t size, struct error *err)
{
	return tls_stream_read(&tls->stream, bytes, size, err);
}

bool tls_server_write(struct tls_server *tls, const void *bytes, size_t len,
		      struct error *err)
{
	return tls_stream_write(&tls->stream, bytes, len, err);
}

const char *tls_server_version(const struct tls_server *tls)
{
	return gnutls_protocol_get_name(gnutls_protocol_get_version(tls->session));
}

void tls_server_close(struct tls_server *tls)
{
	if (tls->session) {
		tls_stream_end(&tls->stream);
		gnutls_deinit(tls->session);
	}
	free(tls);
}
