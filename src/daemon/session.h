/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One client of the door, in a process that ends with it. */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include <signal.h>

#include "config/account.h"
#include "daemon/admission.h"
#include "net/networks.h"

/* What the door knows, and its sessions after it. */
struct door {
	const char *keeper;		/* path of its socket */
	struct config config;		/* without secrets */
	struct allowed_users users;
	struct networks networks;	/* allow_from */
	struct tls_identity *identity;	/* or NULL */
	struct users *logins;		/* or NULL */
	struct admission_counts *counts;	/* or NULL: nobody counts */
	char *name;			/* ours, in the greeting */
};

/*
 * A signal that ends a session when the message that it is at, or its first one, has been
 * answered. SIGTERM ends it at once, but for the moment in which the keeper is asked. The
 * client is told, and has two seconds to hear it.
 */
enum { SESSION_LAST_CALL = SIGUSR1 };

/*
 * How it exits where its client has given no message, or where the door has been told of
 * that already (daemon/again.h); else with EX_OK.
 */
enum { SESSION_IN_VAIN = 10, SESSION_KNOWN = 11 };

/*
 * Who it is, whether it may, and its mail; then the same for its next connection, if one
 * comes by `line` (daemon/again.h; -1: there is none). Both descriptors become the
 * session's.
 */
_Noreturn void session_run(const struct door *door, int client, const struct visitor *who,
			   int line);

#endif
