/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cache of TLS sessions to resume: $XDG_CACHE_HOME/acsmtp, else ~/.cache/acsmtp,
 * a directory of this user alone. A cache, so nothing here is an error: what cannot
 * be read or written is not there.
 */
#ifndef NET_TICKETS_H
#define NET_TICKETS_H

#include <time.h>

#include "base/base.h"

enum {
	TICKET_BINDING_SIZE = 32,
	TICKET_MAX = 64 * 1024,		/* bytes of the session */
	TICKET_AGE_MAX = 24 * 3600	/* seconds that a verification counts */
};

struct ticket {
	time_t verified;	/* when the server's certificates were last checked */
	time_t expires;		/* the server's certificate */
	unsigned char *session;	/* what TLS needs to resume it */
	size_t len;
};

/*
 * The session stored as `name`, if it is bound to just this, its certificate is still
 * valid and was verified within TICKET_AGE_MAX, and the file is this user's own and
 * nobody else can read it. ticket_free() it.
 */
bool ticket_load(const char *name, const unsigned char binding[TICKET_BINDING_SIZE],
		 struct ticket *ticket);

/* Replaces it. */
void ticket_save(const char *name, const unsigned char binding[TICKET_BINDING_SIZE],
		 const struct ticket *ticket);

/* Removes it: the handshake that it was offered in failed. */
void ticket_forget(const char *name);

/* Wipes and releases; a zeroed one is fine. */
void ticket_free(struct ticket *ticket);

#endif
