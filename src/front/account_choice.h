/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which account a command is about. */
#ifndef FRONT_ACCOUNT_CHOICE_H
#define FRONT_ACCOUNT_CHOICE_H

#include "config/account.h"
#include "front/command.h"

struct account_flags {
	const char *config_file;	/* NULL: the usual ones */
};
extern const struct flag account_flags[];

/*
 * Loads the configuration, from `file` alone unless it is NULL, and finds the account that
 * the command's first argument names, or the default one. NULL: no account, see `err`.
 */
const struct account *account_choose(const struct command_call *call, const char *file,
				     struct config *config, struct error *err);

#endif
