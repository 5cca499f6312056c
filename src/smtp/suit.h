/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A message made to suit what the server takes, as EHLO told. */
#ifndef SMTP_SUIT_H
#define SMTP_SUIT_H

#include "mail/message.h"
#include "smtp/extensions.h"

/*
 * *suitable is `m` where nothing has to be changed, else `changed`, which the caller has
 * initialised and frees: 8-bit text, long lines and NUL encoded, domains in the header
 * made ASCII for a server without SMTPUTF8. ERROR_DATA says why that cannot be.
 */
bool message_suit(const struct message *m, const struct extensions *can,
		  struct message *changed, const struct message **suitable,
		  struct error *err);

#endif
