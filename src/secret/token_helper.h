/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the mailer and its helper for tokens agree on. The helper is a program of its own, so
 * that the mailer needs neither libcurl nor a parser of JSON:
 *
 *	token get|renew|look|forget|login SOURCE [stamp=N] [seconds=N] [KEY=VALUE]...
 *
 * SOURCE is a word of the setting `token`: managed-identity, workload-identity, client-secret,
 * client-certificate, refresh; for `login` it is how a person is asked: browser or device.
 * KEYs are those of struct token_settings; none of them is a secret, for everybody sees the
 * words of a command line. `seconds` is for who wants to wait less than the limits below.
 *
 * Standard input, to its end, holds the secret on its first line: that of the application
 * (client-secret), the refresh token (refresh), the passphrase of the key, if it has one
 * (client-certificate). A second line is the secret of the application where a provider wants
 * one besides (refresh; login has it on the first line, there is nothing else there).
 *
 * Standard output, all lines end with LF:
 *   get	the access token, then lines of facts: "stamp=N" names this very token,
 *		"expires=N" is when it ends, in seconds since 1970, and, if a new refresh token
 *		came with it, "refresh_token=...", to be stored where the old one stood
 *   renew	the same; the token whose stamp is N was refused: another one, unless somebody
 *		has fetched one since. Without stamp, another one
 *   look	facts of the token that is kept, never itself: "source=", "application=",
 *		"audience=", "expires=", "left=" (seconds), "renew=" (seconds until it is
 *		renewed; negative: since it should have been), each if it is known
 *   forget	nothing; what was kept is gone
 *   login	while it goes on, as soon as each is known: "open=ADDRESS" (browser) or
 *		"page=ADDRESS" and "code=CODE" (device), and "seconds=N", how long it waits; in
 *		the end "refresh_token=...". The access token that came with it is kept
 *
 * All of it fits into a struct secret. Any end but TOKEN_OK comes with one sentence on standard
 * error: "STEP: what is wrong (number): what to do", where STEP is endpoint, identity, role,
 * application, scope, clock, or what was asked for; and where the person's language is another
 * one, with the same in that on standard output, as "words=...".
 */
#ifndef SECRET_TOKEN_HELPER_H
#define SECRET_TOKEN_HELPER_H

#include "base/base.h"

enum token_end {
	TOKEN_OK = 0,
	TOKEN_FAILED = 1,	/* this machine let us down */
	TOKEN_LATER = 2,	/* an endpoint is absent, silent or busy: try again */
	TOKEN_REFUSED = 3,	/* it says no, and will say it again */
	TOKEN_CONFIG = 4,	/* a setting or a file makes no sense */
	TOKEN_CLOCK = 5,	/* the clock of this machine is wrong */
	TOKEN_UNTRUSTED = 6,	/* the authority's TLS does not verify */
	TOKEN_LOGIN = 7,	/* a person has to log in again: acsmtp login */
	TOKEN_DISMISSED = 8,	/* login: the person did not answer, or said no */
	TOKEN_NOTHING = 9,	/* look: no token is kept */
	TOKEN_USAGE = 64,
};

enum {
	TOKEN_SECONDS = 45,		/* get, renew: no longer, whatever happens */
	TOKEN_LATE_SECONDS = 5,		/* the same while an old token still lasts */
	TOKEN_PERSON_SECONDS = 600,	/* login: for the person */
	TOKEN_GRACE_SECONDS = 5,	/* after each, before the helper ends itself */
	TOKEN_ACCESS_MAX = 9200,	/* bytes; base64 of it fits into AUTH's line */
	TOKEN_REFRESH_MAX = 3000,
};

/* Borrowed; NULL and "": not set. */
struct token_settings {
	const char *tenant;		/* id or domain */
	const char *client_id;		/* the application */
	const char *identity;		/* client id of a user-assigned managed identity */
	const char *certificate_file;
	const char *scope;
	const char *authority;		/* https://HOST, default https://login.microsoftonline.com */
	const char *ca_file;
	const char *user;		/* of refresh and login: the person */
	const char *token_url;		/* of a provider that is not Entra */
	const char *authorize_url;	/* the same, for login in the browser */
	const char *device_url;		/* the same, for login by a code */
};

/* The KEYs, counted from 0; NULL: no more. */
const char *token_setting_key(size_t i);

/* Where the value of that KEY stands. */
const char **token_setting(struct token_settings *settings, size_t i);

#endif
