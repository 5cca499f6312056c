/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Secrets in the desktop's keyring, by the helper libexec/acsmtp/keyring. */
#ifndef SECRET_KEYRING_H
#define SECRET_KEYRING_H

#include "base/error.h"
#include "base/secret.h"

struct secret_place { /* what a secret is for */
	const char *account, *host;
	long port;
	const char *user;
};

/* Whether this acsmtp was built with it. */
bool keyring_is_built(void);

/*
 * What was stored for this place; or for another account or port with the same host and
 * user; or by msmtp's users for this host and user. A locked keyring is unlocked by a
 * prompt if `may_prompt` and there is a display or a terminal; all of it has a limit of
 * time (KEYRING_TOTAL_SECONDS). ERROR_SECRET when the keyring cannot be asked now: no
 * bus, no service, locked, no answer. ERROR_CONFIG when it has no such secret or several,
 * ERROR_UNAVAILABLE when the helper was not built or not installed; with *passes, other
 * sources may well have it.
 */
bool keyring_lookup(const struct secret_place *place, bool may_prompt,
		    struct secret *secret, bool *passes, struct error *err);

/*
 * Whether there is a keyring to put such a secret into, locked or not. Nobody is asked.
 * If not, the error says why.
 */
bool keyring_is_there(const struct secret_place *place, struct error *err);

/* Puts it there, in place of what was stored for exactly this place. Errors as above. */
bool keyring_store(const struct secret_place *place, const struct secret *secret,
		   struct error *err);

/* Removes what was stored for exactly this place. Errors as above. */
bool keyring_clear(const struct secret_place *place, struct error *err);

/* For tests: another helper than ours, wherever it was built. */
void keyring_use_helper(const char *path);

#endif
