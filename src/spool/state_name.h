/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the file is called that keeps the pace of an account. */
#ifndef SPOOL_STATE_NAME_H
#define SPOOL_STATE_NAME_H

#include "base/base.h"

enum { STATE_NAME_SIZE = 256 };

struct state_place {
	const char *host, *user;
	long port;
	const char *account;	/* its name, for the log */
};

/*
 * HOST:PORT:USER, with %XX for all but letters a-z, digits, "_", "-",
 * "+", "@" and "."; a long one ends in a sum of the whole instead.
 */
void state_file_name(const struct state_place *place, char name[STATE_NAME_SIZE]);

/* What it was called before, by the account's name. False: it could not have been. */
bool state_file_name_before(const char *account, char name[STATE_NAME_SIZE]);

#endif
