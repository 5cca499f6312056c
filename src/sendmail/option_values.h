/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the values of some options have to look like. */
#ifndef SENDMAIL_OPTION_VALUES_H
#define SENDMAIL_OPTION_VALUES_H

#include "base/base.h"

/*
 * "30m", "1h30m", "2d", "1h 30min", "90": seconds, up to a year. A number without a unit
 * counts minutes, as with sendmail; "" is 0.
 */
bool option_interval_read(const char *value, long *seconds);

/* -N, RFC 3461 section 4.1: NEVER alone, or a list of the others, in any case. */
bool option_notify_is_valid(const char *value);

/* -V, RFC 3461 section 4.4: xtext of at most 100 characters. */
bool option_envid_is_valid(const char *value);

#endif
