/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way back: a value as it must be written to be read as the same. */
#ifndef CONFIG_QUOTE_H
#define CONFIG_QUOTE_H

#include "base/secret.h"
#include "config/ini_text.h"
#include "config/settings.h"

/*
 * Adds "name = value" and a line feed, with the quotes that the value needs.
 * ERROR_CONFIG for a value that no quotes keep as it is, and for a line that would be
 * too long; nothing was added then. The value itself is not judged. "" is written as
 * nothing.
 */
bool quote_value(struct ini_text *out, const struct setting *row, const char *value,
		 struct error *err);

/* The same for a secret, which has no limit of its line but that of a secret. */
bool quote_secret(struct ini_text *out, const struct setting *row,
		  const struct secret *secret, struct error *err);

#endif
