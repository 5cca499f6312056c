/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dialogue for people: -v and -X. It never holds a secret. */
#ifndef SMTP_TRACE_H
#define SMTP_TRACE_H

#include "base/base.h"

struct trace {
	int fds[2];		/* standard output (-v) and the file of -X; -1: none */
};
#define TRACE_NONE	{ .fds = { -1, -1 } }

/* One line of the dialogue: who is ">>>" (we) or "<<<" (the server) or "***" (events). */
void trace_line(struct trace *trace, const char *who, const char *text);

#endif
