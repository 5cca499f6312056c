/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Domains in letters beyond ASCII: any server takes them as A-labels (RFC 5890). */
#ifndef SMTP_DOMAINS_H
#define SMTP_DOMAINS_H

#include "mail/envelope.h"

/*
 * Gives the envelope's sender and recipients A-labels, those that are the same then being
 * one. A recipient whose domain cannot be written so is REFUSED. False, ERROR_DATA: it is
 * the sender, or there is nobody left; ERROR_LATER of library_load().
 */
bool domains_to_ascii(struct envelope *e, struct error *err);

/* One mailbox; a new text, which the caller frees, or NULL with the same errors. */
char *domains_mailbox_to_ascii(const char *mailbox, struct error *err);

#endif
