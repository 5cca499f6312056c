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

#endif
