/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * To look and not to send: -bv shows where recipients go, -bi what the aliases file says.
 */
#ifndef SENDMAIL_LOOK_H
#define SENDMAIL_LOOK_H

#include "config/account.h"
#include "mail/aliases.h"
#include "sendmail/options.h"

/*
 * Prints a line for each recipient of the arguments: the addresses that its mail goes to,
 * through `account` and why that one; or the reason why it goes nowhere, and then it
 * ends with ERROR_NO_USER. ERROR_USAGE: no recipients. ERROR_IO.
 */
bool look_at_recipients(const struct options *options, struct aliases *aliases,
			const struct account *account, const char *why, struct error *err);

/*
 * Prints how much the file of aliases holds. Its faults go to standard error, a line
 * each, and ERROR_CONFIG tells their number; names that lead nowhere are no faults but
 * told as well. ERROR_IO.
 */
bool look_at_aliases(struct aliases *aliases, struct error *err);

#endif
