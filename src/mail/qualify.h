/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names without a domain, as cron writes them: no server beyond this machine takes them.
 */
#ifndef MAIL_QUALIFY_H
#define MAIL_QUALIFY_H

#include "mail/aliases.h"
#include "mail/header.h"

struct qualifier {
	struct aliases *aliases;	/* whom recipients of such names stand for, or NULL */
	/* of this machine, for what stands for nobody; NULL: bare names stay */
	const char *domain;
	/* A mailbox with its domain in ASCII, or NULL; NULL: domains stay as they are */
	char *(*to_ascii)(const char *mailbox, struct error *err);
	/* What has no ASCII even so is said in words, beside an address of nobody */
	bool in_words;
};

/*
 * Appends the field to `out` with its bare names replaced, those of recipients (To, Cc
 * and their Resent- forms) by what they stand for, domains beyond ASCII made ASCII, and a
 * dot at the end of a domain cut; all other bytes as they were. False: the field has no
 * such names, or is none of addresses, or cannot be read; nothing was appended.
 */
bool field_qualify(const struct field *field, const struct qualifier *q, struct buf *out);

#endif
