/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passwords in ~/.netrc, as ftp(1), curl and msmtp read it. */
#ifndef SECRET_NETRC_H
#define SECRET_NETRC_H

#include "base/error.h"
#include "base/secret.h"

/*
 * The password of the first entry `machine HOST login USER password P`. A `default` entry
 * and one without a login are for any server and any user, and so not for us. False with
 * *is_there false: there is no such entry, and `err` says why; else ERROR_CONFIG: others
 * can read or change the file.
 */
bool netrc_find(const char *host, const char *user, struct secret *password,
		bool *is_there, struct error *err);

#endif
