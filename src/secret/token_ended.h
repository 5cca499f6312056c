/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the end of the helper for tokens means. */
#ifndef SECRET_TOKEN_ENDED_H
#define SECRET_TOKEN_ENDED_H

#include "base/error.h"
#include "base/process.h"

/*
 * After process_run(): true: it has done what it was asked for. False: the error is the
 * sentence that it said, of the kind that its status stands for; `helper` is its path.
 */
bool token_ended(const struct process *p, const char *helper, struct error *err);

#endif
