/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the settings of [daemon] stand, for daemon_settings_blame() of config/account.h.
 */
#ifndef CONFIG_PLACES_H
#define CONFIG_PLACES_H

#include "config/account.h"
#include "config/lint.h"

/* Notes which of them the file says, or which variables do, and where. */
void daemon_settings_note(const struct ini *ini, struct daemon_settings *settings);

#endif
