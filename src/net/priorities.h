/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which versions and algorithms TLS may use: what the account says, else what the
 * system's policy says, else what we hold safe; never less than TLS 1.2.
 */
#ifndef NET_PRIORITIES_H
#define NET_PRIORITIES_H

#include "base/error.h"

/*
 * Sets them for a gnutls_session_t; NULL or "": nothing was said. An error of GnuTLS's,
 * or 0.
 */
int priorities_use(void *session, const char *priorities);

/* What a session is bound to by them. */
const char *priorities_text(const char *priorities);

/*
 * Whether a text makes sense; ERROR_CONFIG names the setting, or ERROR_LATER of
 * library_load().
 */
bool priorities_check(const char *priorities, struct error *err);

#endif
