/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which account a command is about. */
#ifndef ACCOUNT_CHOICE_H
#define ACCOUNT_CHOICE_H

#include "config/account.h"
#include "talk/command.h"

struct account_flags {
	const char *config_file;	/* NULL: the usual ones */
};
extern const struct flag account_flags[];

/*
 * The one that the call's first argument names, or the default one, of the file or of the
 * usual ones; borrowed from the configuration. NULL: there is none.
 */
const struct account *account_choose(const struct command_call *call, const char *file,
				     struct config *config, struct error *err);

/*
 * Its secret is another one: what failed with the old one may work now, as is found out.
 */
void account_end_pause(const struct config *config, const struct account *account);

typedef bool account_fn(const struct config *config, const struct account *account,
			struct error *err);
/*
 * Parses the command's flags, loads the configuration, finds the account that the
 * command's first argument names, or the default one, and does the work. Returns the exit
 * status.
 */
int account_run(struct command_call *call, account_fn *work);

#endif
