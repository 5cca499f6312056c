/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes to and from the other side, whatever carries them: TCP, TLS over it, or a
 * test's script. A transport is embedded first in what implements it.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <sys/types.h>

#include "base/error.h"

struct transport {
	/* Bytes read, at least one; 0: the other side closed; -1: error, ERROR_LATER */
	ssize_t (*read)(struct transport *t, void *bytes, size_t size, struct error *err);
	/* All of it, or false */
	bool (*write)(struct transport *t, const void *bytes, size_t len, struct error *err);
	/* TLS from here on, verified; ERROR_TLS or ERROR_LATER */
	bool (*start_tls)(struct transport *t, struct error *err);
	/* Ends and frees it; says nothing more than TLS needs, never waits */
	void (*close)(struct transport *t);
	int64_t deadline;	/* clock_ms(): reading and writing fail after it */
	bool is_secret;		/* under TLS, and the other side is who it should be */
	const char *tls;	/* "TLS1.3", ...; NULL in clear text */
	bool tls_is_resumed;
	const char *peer;	/* numeric address of the other side, for log and errors */
};

#endif
