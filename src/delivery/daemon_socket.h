/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way to the daemon, for whoever is not it: where its sockets are, and that who
 * listens there is the daemon and nobody else.
 */
#ifndef DELIVERY_DAEMON_SOCKET_H
#define DELIVERY_DAEMON_SOCKET_H

#include "config/account.h"

enum daemon_end {
	DAEMON_DOOR,		/* "socket": takes mail, and speaks SMTP */
	DAEMON_KEEPER,		/* "keeper", beside it: answers for the queue */
};

/* The daemon of the system has its sockets there. */
extern const char daemon_system_directory[];
/* And a user's own; NULL: nowhere. The caller frees. */
char *daemon_socket_own_directory(void);

/*
 * Where [daemon] socket says that this end is, or else in `directory`; NULL: neither says
 * so. The caller frees.
 */
char *daemon_socket_in(const struct daemon_settings *settings, const char *directory,
		       enum daemon_end end);

/*
 * Where that end may be, counted from 0, the likeliest first: where [daemon] socket says,
 * or else this user's own ($XDG_RUNTIME_DIR/acsmtp/), then the system's (/run/acsmtp/).
 * NULL: nowhere else. The caller frees.
 */
char *daemon_socket_path(const struct daemon_settings *settings, enum daemon_end end, size_t i);

/*
 * The first of them where there is anything; else the last. NULL: [daemon] socket is off.
 */
char *daemon_socket_find(const struct daemon_settings *settings, enum daemon_end end);

/*
 * Where clients come to the daemon whose keeper is at `keeper`, as the settings have it;
 * NULL: nowhere, [daemon] socket is off. The caller frees.
 */
char *daemon_socket_beside(const struct daemon_settings *settings, const char *keeper);

/* What a user is advised whom the kernel does not let connect. */
extern const char daemon_socket_not_for_user[];

enum { DAEMON_SOCKET_PATIENCE = 30 };	/* seconds, of who has mail to give */

/*
 * A connection to the one at `path`, waited for as many seconds where it is crowded; the
 * caller closes it. -1: ERROR_LATER, nobody is
 * there, or this user may not go there, with what to do; ERROR_REFUSED, who listens there
 * is neither root, nor this user, nor one of the daemon's two: nothing was said to him.
 */
int daemon_socket_connect(const struct daemon_settings *settings, const char *path, int seconds,
			  struct error *err);

#endif
