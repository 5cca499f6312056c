/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialogue for people: -v and -X. It never holds a secret. */
#ifndef SMTP_TRACE_H
#define SMTP_TRACE_H

#include "base/base.h"

struct trace {
	const char *name;	/* what we are called in a warning */
	int fds[2];		/* standard output (-v) and the file of -X; -1: none */
};
#define TRACE_NONE	{ .name = "acsmtp", .fds = { -1, -1 } }

/*
 * One line of the dialogue: who is ">>>" (we) or "<<<" (the server) or "***" (events).
 * What takes no more is given up with a warning: the mail is what counts.
 */
void trace_line(struct trace *trace, const char *who, const char *text);

#endif
