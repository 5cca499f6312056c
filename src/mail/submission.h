/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Header work: what a submission program may and must do to a message before it
 * leaves (RFC 6409 section 8). Bytes that are not ours to change are not touched.
 */
#ifndef MAIL_SUBMISSION_H
#define MAIL_SUBMISSION_H

#include <time.h>

#include "mail/address.h"
#include "mail/message.h"
#include "mail/people.h"
#include "mail/qualify.h"

/*
 * Appends the recipients that the header names: To, Cc, Bcc of any number, or those of
 * the topmost Resent- block if there is one (RFC 5322 section 3.6.6). What is no address
 * goes to its faults, with the field ("Cc", or "Cc no. 2" where there are two), its place
 * in it, and the offending text. False, ERROR_DATA: there are too many (mail/address.h).
 */
bool submission_recipients(const struct message *m, struct people *to, struct error *err);

/* The first address of From (of Resent-From if there is a Resent- block): name NULL and
   mailbox "" when there is none that can be read. `aliases` as in struct people. The caller
   frees. */
void submission_author(const struct message *m, struct aliases *aliases,
		       struct address *author);

enum submission_part {
	/* From, Sender and their Resent- forms, and the Reply-To that comes with them */
	SUBMISSION_SENDER = 1,
	/*
	 * all that is the same whichever account sends; a From that is missing comes
	 * empty
	 */
	SUBMISSION_REST = 2,
	SUBMISSION_ALL = SUBMISSION_SENDER | SUBMISSION_REST,
};

struct submission {
	enum submission_part parts;	/* to be done; in two steps the rest comes first */
	const char *from;	/* mailbox for a From that is rewritten */
	const char *author;	/* mailbox for a From that we add */
	const char *from_name;	/* display name for a From that we add, or NULL */
	bool rewrite;		/* put `from` in the place of the From header's address */
	const char *allowed;	/* addresses that `rewrite` leaves alone, or NULL */
	time_t now;
	const char *id;		/* unique: for Message-ID and Resent-Message-ID */
	const char *id_domain;	/* right-hand side of them */
	bool keeps_answers;	/* no Reply-To is added: an answer is for `from` */
	struct qualifier bare_names;	/* what becomes of names without a domain */
	bool repairs;		/* add what is missing; -G switches it off */
};

/*
 * Bcc, Resent-Bcc, Return-Path and Content-Length leave; Date, Message-ID and From
 * (Resent- ones for a Resent- block that lacks them) come where they are missing or
 * empty; with `rewrite` From becomes `from`, its display name kept (or made of the old
 * address), and Reply-To: with the old address is added where that is a full address
 * and the message has no Reply-To. Names without a domain get one. Raw 8-bit text
 * without MIME header fields gets them. m->given_header keeps the header as it was.
 */
bool submission_prepare(struct message *m, const struct submission *s, struct error *err);

/* The Message-ID as it stands in the header, "" if none; the caller frees. */
char *submission_message_id(const struct message *m);

#endif
