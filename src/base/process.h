/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Another program, run for what it prints. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/error.h"

enum {
	PROCESS_COMPLAINT_MAX = 600,
	PROCESS_DROP_MAX = 16 * 1024 * 1024,	/* bytes beyond its output's room */
};

struct process {
	const char *const *argv;	/* NULL ends; argv[0] is the path of the program */
	const char *input;	/* for its standard input; it need not read it */
	size_t input_len;
	char *output;	/* the first `size` bytes of what it prints, or all: `len` of them */
	size_t size, len;
	/* Called when more of the output has come; NULL: the end is soon enough. */
	void (*heard)(struct process *process);
	int seconds;		/* that it may take */
	int status;		/* its exit status */
	char complaint[PROCESS_COMPLAINT_MAX + 1];	/* its standard error, on one line */
};

/*
 * Runs it to its end. True: it ended by itself, and `status`, `output` and `complaint`
 * say how (status 127: there is no such program). ERROR_SECRET when it was killed, took
 * too long or printed far too much (PROCESS_DROP_MAX), ERROR_SYSTEM when it could not be
 * started. It is killed with all of its process group then, or when a signal ends us; one
 * that we may not kill is left behind after a moment. A pipe that nobody reads is no
 * signal for us from now on.
 */
bool process_run(struct process *process, struct error *err);

/*
 * Runs `command` with /bin/sh and puts the beginning of what it prints into `out` (up to
 * `size` bytes, *len of them), as process_run() does. Its standard input is empty, not
 * ours; what it says on standard error is shown in the error. Any end but exit status 0
 * is an error: ERROR_SECRET for each failure of the command, ERROR_SYSTEM when it could
 * not be started.
 */
bool process_output(const char *command, char *out, size_t size, size_t *len,
		    int seconds, struct error *err);

#endif
