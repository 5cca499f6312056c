/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --dry-run: what would be sent, to whom, through which account. */
#ifndef SENDMAIL_DRY_RUN_H
#define SENDMAIL_DRY_RUN_H

#include "config/account.h"
#include "mail/envelope.h"
#include "mail/message.h"

/* The first lines of it: which account and why, and its server. */
void dry_run_show_account(const struct account *account, const char *why);

/* Prints it to standard output, the message with LF line ends. ERROR_IO. */
bool dry_run_show(const struct account *account, const char *why,
		  const struct envelope *e, const struct message *m, struct error *err);

#endif
