/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What we know of the services that mail is submitted to. Tables only. */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "base/error.h"

/*
 * What the service says for a setting that the user left out ("host", "port",
 * "auth", "max_size", ...), in the words that a user would write; NULL: nothing.
 * `service` is one of service_name(0), service_name(1), ...; NULL ends.
 */
const char *service_setting(const char *service, const char *key);
const char *service_name(size_t i);

/* The service that a server is of, by its name in any case; "other" for all we do not know. */
const char *service_of_host(const char *host);

/* What a reply of the service means beyond its code. */
struct advice {
	/* overrules what the code alone says; ERROR_NONE: does not; ERROR_QUOTA: all mail of
	   the account has to wait, not this message alone */
	enum error_kind kind;
	const char *hint;	/* one sentence for the user, or NULL */
};

/*
 * The advice for a reply: `code` and the whole text, enhanced status code included.
 * Rows of the service first, then those for any server. NULL: none.
 */
const struct advice *service_advice(const char *service, int code, const char *text);

#endif
