/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keyring helper; secret/keyring_helper.h has its contract. */
#ifndef KEYRING_KEYRING_H
#define KEYRING_KEYRING_H

#include "base/base.h"
#include "base/secret.h"
#include "secret/keyring_helper.h"

struct keyring_item { /* what a secret is for; "" is a value like others */
	const char *account, *host, *port, *user;
};

struct keyring_result {
	enum keyring_end end;
	char text[512]; /* what is wrong, unless it is KEYRING_OK */
};

/* One try at the Secret Service of the bus that DBUS_SESSION_BUS_ADDRESS names. */
struct keyring_request {
	enum { KEYRING_LOOKUP, KEYRING_STORE, KEYRING_CLEAR } what;
	struct keyring_item item;
	bool may_prompt;
	long patience;	       /* seconds, where they are less than the helper's limits */
	struct secret *secret; /* found, or to be stored */
};
void keyring_do(const struct keyring_request *request, struct keyring_result *result);

/*
 * Sees to it that DBUS_SESSION_BUS_ADDRESS names a bus: without it (cron, ssh, services)
 * that of this user in $XDG_RUNTIME_DIR or /run/user/UID. False: there is none.
 */
bool keyring_bus_find(void);

/*
 * Whatever hangs from now on, be it in a library: the process ends so many seconds later,
 * and a bit, with a word and KEYRING_NO_ANSWER; KEYRING_DISMISSED if a prompt was shown.
 */
void keyring_watch(unsigned seconds, bool is_prompt);

/* Ends the process with that sentence, wherever it is; safe in signal handlers. */
_Noreturn void keyring_give_up(enum keyring_end end, const char *text);

/* Whether somebody may be there to answer a prompt: a display, or a terminal. */
bool keyring_person_is_there(void);

#endif
