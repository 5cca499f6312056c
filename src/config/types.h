/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of settings: from the words of a file to a field of a struct. */
#ifndef CONFIG_TYPES_H
#define CONFIG_TYPES_H

#include "config/settings.h"

/*
 * Puts a value, as a user writes it, into the target of the row's section: a struct
 * account, or else the struct config. ERROR_CONFIG: what is wrong with the value,
 * without where; the target is as it was.
 */
bool setting_apply(const struct setting *row, void *target, const char *value,
		   struct error *err);

/*
 * The same of what a file says: empty it is as if it were not said, but a mistake where it
 * is about who may come.
 */
bool setting_take(const struct setting *row, void *target, const char *value, struct error *err);

/*
 * What it is in the target of the row's section, as a user writes it; the caller frees.
 * NULL: a secret.
 */
char *setting_value(const struct setting *row, const void *target);

/* Gives each setting of a section its standard value; the target's texts are new. */
void settings_init(enum section_kind section, void *target);
void settings_free(enum section_kind section, void *target);

#endif
