/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A server that plays a written dialogue: what the SMTP engine is tested against
 * without sockets. The dialogue is one text of lines:
 *
 *	S: 250 what the server says, CRLF is added
 *	C: EXACTLY what the client must say, CRLF is added
 *	TLS		the client starts TLS here
 *	CLOSE		the server closes the connection here
 *	FAIL		the client's next write fails
 *
 * Any departure from it fails the running test.
 */
#ifndef TESTS_SCRIPT_H
#define TESTS_SCRIPT_H

#include "net/transport.h"

struct script {
	struct transport transport;	/* first */
	const char *at;			/* in the dialogue */
	size_t within;			/* bytes of the line at `at` that are through */
	size_t step;			/* bytes that one read gives at most */
	unsigned waits;			/* reads that followed a write: round trips */
	bool wrote, fails_to_write, is_closed, starts_resumed;
};

void script_init(struct script *script, const char *dialogue, size_t step);

/* Whether the dialogue was played to its end. */
bool script_is_over(const struct script *script);

#endif
