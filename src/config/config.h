/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the files of settings (config/load.c) and the accounts (config/config.c). */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "config/account.h"
#include "config/lint.h"

void account_free(struct account *account);

/* Puts what a file says over what `config` holds. ERROR_CONFIG for a wrong value. */
bool config_merge(struct config *config, const struct ini *ini, struct error *err);

#define CONFIG_SEPARATORS	", \t"	/* between names in a list of accounts */

/*
 * When all files are read. ERROR_CONFIG for a `failover` that names no account, its own,
 * or one whose mail comes back to it; with file and line.
 */
bool config_check_failover(const struct config *config, struct error *err);

#endif
