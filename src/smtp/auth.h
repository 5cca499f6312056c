/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logging in (RFC 4954): the mechanisms are rows of one table. */
#ifndef SMTP_AUTH_H
#define SMTP_AUTH_H

#include "smtp/session.h"

/*
 * Logs in as the session's options say. Without a forced mechanism: LOGIN, then PLAIN,
 * SCRAM-SHA-256 and CRAM-MD5, or with a token XOAUTH2, then OAUTHBEARER, as far as the
 * server lists them; the next one when it answers 504 or 534. LOGIN is said once more
 * without initial response where that may have been refused, and a token's mechanism once
 * more with the token that the renewal has, after a 535. ERROR_AUTH when the server does
 * not accept user and secret, ERROR_PROTOCOL when it does not know the secret itself,
 * ERROR_BARRED when it offers no mechanism of ours.
 */
bool auth_log_in(struct session *s, struct error *err);

#endif
