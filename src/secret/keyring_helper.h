/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the mailer and its helper agree on. The helper is a program of its own, so that the
 * mailer needs neither libsecret nor GLib:
 *
 *	keyring lookup|store|clear [--no-prompt] [--patience=SECONDS]
 *		account=A host=H port=P user=U
 *
 * `lookup` prints the secret and nothing else; `store` reads it from standard input, all of
 * it. `--patience` is for who wants to wait less than the limits below. Any end but
 * KEYRING_OK comes with one sentence on standard error.
 */
#ifndef SECRET_KEYRING_HELPER_H
#define SECRET_KEYRING_HELPER_H

enum keyring_end {
	KEYRING_OK = 0,
	KEYRING_FAILED = 1,	/* something else went wrong */
	KEYRING_NO_BUS = 2,	/* there is no session bus */
	KEYRING_NO_SERVICE = 3, /* nothing on the bus keeps secrets */
	KEYRING_LOCKED = 4,	/* it has the secret, and is locked */
	KEYRING_DISMISSED = 5,	/* it is still locked: its prompt was not answered */
	KEYRING_CLOSED = 6,	/* it is locked, and shows nothing that fits */
	KEYRING_NO_MATCH = 7,	/* it is open, and has no such secret */
	KEYRING_SEVERAL = 8,	/* more than one secret fits */
	KEYRING_NO_ANSWER = 9,	/* bus or service did not answer in time */
	KEYRING_USAGE = 64,
};

enum {
	KEYRING_ANSWER_SECONDS = 10, /* for bus and service, before and after a prompt */
	KEYRING_PROMPT_SECONDS = 60, /* for the person who is asked to unlock it */
	KEYRING_GRACE_SECONDS = 5,   /* after each, before the helper ends itself */
	KEYRING_TOTAL_SECONDS = 2 * KEYRING_ANSWER_SECONDS + KEYRING_PROMPT_SECONDS +
				3 * KEYRING_GRACE_SECONDS,
};

#endif
