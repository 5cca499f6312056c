/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings from variables: ACSMTP_<KEY> for each row of the table, or ACSMTP_<KEY>_FILE,
 * which names a file that has the value; and the five names that other programs have for
 * an account.
 */
#ifndef CONFIG_ENVIRONMENT_H
#define CONFIG_ENVIRONMENT_H

#include "base/secret.h"
#include "config/lint.h"

/* The account that variables make. */
#define ENVIRONMENT_ACCOUNT	"environment"

/*
 * Takes a password that stands in a variable of ours out of the environment, for the
 * whole process: what it starts inherits none, and /proc shows none. Called before
 * anything is started.
 */
void environment_guard(void);

/*
 * What variables say, as if it stood in a file. Those of accounts are one account's, if
 * they tell where it is or who logs in; else they are nobody's. Other programs' names
 * count where `may_be_common`. No file that holds a secret is read. ERROR_CONFIG names
 * the variable, and its file: two that say the same, a file that cannot be read, or a
 * name that is nearly a known one.
 */
bool environment_read(struct ini *ini, bool may_be_common, struct error *err);

/* The password of that account, if a variable has it. ERROR_CONFIG. */
bool environment_password(struct secret *password, struct error *err);

#endif
