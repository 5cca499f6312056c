/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sender policy `rewrite` in the header: services take the account's own addresses in
 * the fields that say who sends, and no others.
 */
#ifndef MAIL_REWRITE_H
#define MAIL_REWRITE_H

#include "mail/qualify.h"

struct rewriter {
	const char *from;	/* the mailbox that takes the others' place */
	const char *name;	/* for an author who says none, or NULL */
	const char *allowed;	/* addresses and @domains that stay */
	const struct qualifier *bare_names;
};

/* From, Sender, Resent-From or Resent-Sender: what the policy is about. */
bool field_is_senders(const struct field *field);

/*
 * Appends a From, Sender, Resent-From or Resent-Sender field with `from` in the place of
 * its addresses if one of them is not allowed. The display name is the authors' own, or
 * r->name, or made of their addresses; of a bare name, user and host stay to be seen. The
 * authors' full addresses, and those that bare names stand for, are added to `answers`
 * (commas between them) unless that is NULL. False: the field stays as it is.
 */
bool field_rewrite(const struct field *field, const struct rewriter *r, struct buf *out,
		   struct buf *answers);

#endif
