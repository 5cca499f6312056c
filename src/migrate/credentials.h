/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of passwords by the server: auth.conf, sasl_passwd, netrc. */
#ifndef MIGRATE_CREDENTIALS_H
#define MIGRATE_CREDENTIALS_H

#include "migrate/foreign.h"

struct credential {
	char *path;
	unsigned line;
	char *host;
	long port;		/* 0: any */
	char *user;		/* NULL: not said */
	struct secret password;
	bool is_used;
	bool may_be_other;	/* the file holds logins of other kinds of servers, too */
};

/* Texts are copied; the secret is moved. ERROR_CONFIG for too many. */
bool credential_add(struct import *import, const struct input *lines,
		    struct credential *credential, struct error *err);

/*
 * Gives passwords to the accounts that have none, by server, port and user; without any
 * account each becomes one. Notes the rest.
 */
bool credentials_apply(struct import *import, struct error *err);
void credentials_free(struct import *import);

#endif
