/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What may happen so and so often in an hour, by all processes of a spool together. */
#ifndef SPOOL_HOURLY_H
#define SPOOL_HOURLY_H

#include <time.h>

#include "base/error.h"

enum { HOURLY_MAX = 1000 };

/*
 * Whether it may happen once more now: less than `most` (up to HOURLY_MAX) times within
 * the hour before. Then it is counted in the file `name` of the directory, which need not
 * outlive a power failure. What a clock that was set has left there, a day from now,
 * counts for nothing. False with ERROR_CREATE or ERROR_IO: not known, and so no.
 */
bool hourly_take(int dir, const char *name, long most, time_t now, bool *may,
		 struct error *err);

#endif
