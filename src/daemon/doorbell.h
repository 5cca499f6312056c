/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether clients are served where they come to the daemon. The keeper may live while its
 * door does not, and a socket may be open with nobody behind it: so each place is called,
 * and what counts is that it says hello as SMTP has it.
 */
#ifndef DAEMON_DOORBELL_H
#define DAEMON_DOORBELL_H

#include "config/account.h"
#include "net/listen.h"

enum { DOORBELLS_MAX = LISTENERS_MAX };

struct doorbell {
	char where[sizeof(((struct listener *)0)->name)];	/* path, ADDRESS:PORT */
	bool is_answered;
	/* Why nobody serves there; or, answered, why not this user now. Kind NONE: neither. */
	struct error why;
};

struct doorbells {		/* zeroed: none */
	struct doorbell list[DOORBELLS_MAX];
	size_t count;
};

/*
 * Rings at the socket `path` (NULL: there is none) and at the addresses of `listen`, and
 * hangs up; at all of them at once. It costs each place one client for a moment, and five
 * seconds at most in all.
 */
void doorbells_ring(struct doorbells *bells, const struct daemon_settings *settings,
		    const char *path, const char *listen);

/* False: ERROR_LATER, at which of them nobody serves, and what to do. */
bool doorbells_are_answered(const struct doorbells *bells, struct error *err);

#endif
