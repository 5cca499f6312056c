/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the name system says of a domain; libresolv is behind this only. */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "net/dns_answer.h"
#include "net/resolve.h"

/*
 * Asks for records of a name in ASCII, which is taken as it is: no search list. `server`
 * is the one to ask, NULL: those of the system. True: there was an answer, which may be
 * that there is nothing. ERROR_NETWORK: no server answered until clock_ms() is past the
 * deadline; ERROR_REFUSED: it answered that it cannot (SERVFAIL, REFUSED, or what makes
 * no sense); ERROR_SYSTEM; ERROR_CONFIG: no such name can be. `answer` must be zeroed.
 */
bool dns_ask(const struct ip_address *server, const char *name, enum dns_type type,
	     int64_t deadline, struct dns_answer *answer, struct error *err);

/* "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT"; else port 53. ERROR_USAGE. */
bool dns_server_parse(const char *text, struct ip_address *server, struct error *err);


#endif
