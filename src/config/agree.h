/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings of one account that only make sense together, or not together. */
#ifndef CONFIG_AGREE_H
#define CONFIG_AGREE_H

#include "config/account.h"

/*
 * Whether they do; ERROR_CONFIG says what not, and *name is the setting that is to blame.
 */
bool account_agrees(const struct account *account, const char **name, struct error *err);

#endif
