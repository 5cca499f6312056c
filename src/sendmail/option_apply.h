/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an option does with its value. */
#ifndef SENDMAIL_OPTION_APPLY_H
#define SENDMAIL_OPTION_APPLY_H

#include "sendmail/option_table.h"
#include "sendmail/options.h"

/*
 * As the row says, but for AS_LETTER and BY_NAME, which are another row's; `value` is ""
 * if there is none. ERROR_USAGE, and ERROR_UNAVAILABLE of TO_COME.
 */
bool option_apply(struct options *o, const struct option *row, const char *value,
		  struct error *err);

#endif
