/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a browser brings the answer of a login (RFC 8252 section 7.3): a port of this
 * machine's that is free, and enough of HTTP for one GET.
 */
#ifndef TOKEN_LOOPBACK_H
#define TOKEN_LOOPBACK_H

#include "token/token.h"

enum { LOOPBACK_CLIENTS = 16, LOOPBACK_REQUEST_MAX = 8192 };

struct loopback {
	int listeners[2]; /* IPv4, and IPv6 where there is one; -1: none */
	int port;
	struct loopback_client {
		int fd; /* -1: nobody */
		size_t len;
		char *request; /* LOOPBACK_REQUEST_MAX bytes */
	} clients[LOOPBACK_CLIENTS];
};

bool loopback_open(struct loopback *loopback, struct token_failure *failure);
void loopback_close(struct loopback *loopback);

/*
 * The next request's target ("/?code=..."), and whom to answer. It points into the
 * client, until loopback_answer(). NULL: nobody came until `deadline`.
 */
const char *loopback_wait(struct loopback *loopback, int64_t deadline,
			  struct loopback_client **client);

/* Shows a page with that text, in the person's language, and ends the connection. */
void loopback_answer(struct loopback_client *client, const char *status,
		     const char *text);

/*
 * The value of a name in the target's query, decoded; false: it has none, or too long a
 * one.
 */
bool loopback_value(const char *target, const char *name, char *value, size_t size);

#endif
