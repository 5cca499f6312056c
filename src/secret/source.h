/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a password or a token comes from: one table, in order. */
#ifndef SECRET_SOURCE_H
#define SECRET_SOURCE_H

#include "base/error.h"
#include "base/secret.h"

struct secret_request {		/* "" or NULL: not set */
	const struct secret *password;
	const char *password_file, *password_command, *token_command;
	bool wants_token;	/* XOAUTH2: token_command first */
};

/*
 * Finds the secret: its first line, without line end. *source is what it came from, in
 * words for people ("password_file"). ERROR_CONFIG when no source is set or the file is
 * readable by others; ERROR_SECRET when the command fails, takes over 30 seconds, prints
 * nothing or more than SECRET_MAX.
 */
bool secret_find(const struct secret_request *request, struct secret *secret,
		 const char **source, struct error *err);

#endif
