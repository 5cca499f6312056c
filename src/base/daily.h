/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is worth saying once a day, and not with each message. */
#ifndef BASE_DAILY_H
#define BASE_DAILY_H

#include "base/base.h"

enum daily {
	DAILY_FIRST,	/* it was not said within a day; now it counts as said */
	DAILY_AGAIN,	/* it was */
	DAILY_UNKNOWN,	/* there is no place to remember it in */
};

/*
 * Whether a process of this user has said `words` within a day. That is remembered in the
 * user's state directory or, where that cannot be had, in one of ours below TMPDIR or
 * /tmp.
 */
enum daily daily_say(const char *words);

/* The same within so many days. */
enum daily daily_say_within(const char *words, int days);

#endif
