/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names without a domain, as cron writes them: no server beyond this machine takes them. */
#ifndef MAIL_QUALIFY_H
#define MAIL_QUALIFY_H

#include "mail/header.h"

struct qualifier {
	const char *recipients;	/* what gets mail for such names, or "": they get the domain */
	const char *domain;	/* of this machine */
};

/*
 * Appends the field to `out` with its bare names replaced, those of recipients (To, Cc and
 * their Resent- forms) by q->recipients; all other bytes as they were. False: the field
 * has no such names, or is none of addresses, or cannot be read; nothing was appended.
 */
bool field_qualify(const struct field *field, const struct qualifier *q, struct buf *out);

#endif
