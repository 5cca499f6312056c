/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Another program, run for what it prints. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/error.h"

/*
 * Runs `command` with /bin/sh and puts what it prints into `out` (up to `size`
 * bytes, *len of them). Its standard input is empty, not ours; what it says on
 * standard error is kept and shown in the error. It is killed with all of its
 * process group after `seconds`, when it prints more, or when a signal ends us; one
 * that we may not kill is left behind after a moment. Any end but exit status 0 is an
 * error. ERROR_SECRET for each failure of the command, ERROR_SYSTEM when it could not
 * be started.
 */
bool process_output(const char *command, char *out, size_t size, size_t *len,
		    int seconds, struct error *err);

#endif
