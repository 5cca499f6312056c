/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A person watches: one question of many is not worth the time that a message would wait.
 */
#include "check/step.h"

#include "base/clock.h"

enum { QUESTION_SECONDS = 10 };

int64_t check_deadline(const struct check *c)
{
	long most = c->account.timeout;

	return clock_after(most < QUESTION_SECONDS ? most : QUESTION_SECONDS);
}
