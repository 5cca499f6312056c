/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quotes and comments: where a value begins and ends. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config/settings.h"

struct span {			/* bytes of a line, borrowed */
	const char *at;
	size_t len;
};

/* Without the blanks (tabs and carriage returns too) at both ends. */
struct span span_trim(struct span s);

/*
 * What stands after the "=" becomes what iniparser may be given for it, still with its
 * quotes, and without a comment. ERROR_CONFIG for what it would cut or join.
 */
bool value_lint(const struct setting *row, struct span *value, struct error *err);

/* What iniparser makes of what value_lint() leaves: the outer quotes go. */
struct span value_bare(struct span value);

/*
 * The same for a secret, but quotes are taken off: it is what was meant, byte for byte.
 */
bool value_lint_secret(struct span *value, struct error *err);

#endif
