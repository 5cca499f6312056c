/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a server says in reply to EHLO that it can do (RFC 5321 section 4.1.1.1). */
#ifndef SMTP_EXTENSIONS_H
#define SMTP_EXTENSIONS_H

#include "base/base.h"

enum { AUTH_LIST_MAX = 512 };

struct extensions {
	bool starttls, pipelining, chunking, eightbitmime, smtputf8, dsn, size, has_auth, limits, along;
	uint64_t size_limit;		/* bytes of a message; 0: not said */
	long max_recipients;		/* LIMITS RCPTMAX, RFC 9422; 0: not said */
	char auth[AUTH_LIST_MAX];	/* mechanisms, blank-separated; "" when AUTH is not there */
};

/* Replaces what was known: `text` is the reply's lines, joined by "\n". */
void extensions_learn(struct extensions *can, const char *text);

/*
 * The keywords, counted from 0, and whether the server has it and it is to be told of:
 * not STARTTLS, AUTH and LIMITS, of which people hear otherwise. NULL ends.
 */
const char *extensions_word(const struct extensions *can, size_t i, bool *has);

/* Whether AUTH lists the mechanism. */
bool extensions_have_auth(const struct extensions *can, const char *mechanism);

#endif
