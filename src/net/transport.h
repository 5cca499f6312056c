/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes to and from the other side, whatever carries them: TCP, TLS over it, or a
 * test's script. A transport is embedded first in what implements it.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <sys/types.h>
#include <time.h>

#include "base/error.h"

struct tls_facts {
	const char *cipher;	/* "AES-256-GCM", ...; lives for ever */
	char issuer[128];	/* of the server's certificate, printable, cut where it is long */
	time_t expires;		/* the certificate */
};

struct transport {
	/*
	 * Bytes read, at least one; 0: the other side said that it closes; -1: error,
	 * ERROR_NETWORK, or ERROR_TLS. A connection that is merely lost is an error under
	 * TLS. Works also after a failed write: the other side may have said why.
	 */
	ssize_t (*read)(struct transport *t, void *bytes, size_t size, struct error *err);
	/* All of it, or false, and no more can be written: ERROR_NETWORK, ERROR_TLS */
	bool (*write)(struct transport *t, const void *bytes, size_t len,
		      struct error *err);
	/*
	 * TLS from here on, the other side verified: ERROR_TLS, ERROR_NETWORK, or
	 * ERROR_CONFIG for settings that make no sense. After a failure only close()
	 * makes sense.
	 */
	bool (*start_tls)(struct transport *t, struct error *err);
	/* For people who look; NULL where TLS is not known of. Asked under TLS only. */
	void (*describe_tls)(const struct transport *t, struct tls_facts *facts);
	/* Whether something came unasked, such as the end; NULL: it cannot be known */
	bool (*has_news)(struct transport *t);
	/* Ends and frees it; says nothing more than TLS needs, never waits */
	void (*close)(struct transport *t);

	int64_t deadline;	/* clock_ms(), set by the caller: all above fails after it */
	bool is_secret;		/* under TLS, and the other side is who it should be */
	const char *tls;	/* "TLS1.3", ...; NULL in clear text */
	bool tls_is_resumed;
	const char *peer;	/* the other side's numeric address, for log and errors */
};

#endif
