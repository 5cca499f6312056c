/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"

enum { TRACE_LINE_MAX = 16 * 1024 };

void trace_line(struct trace *trace, const char *who, const char *text)
{
	OWNED_BUF line = BUF_INIT(TRACE_LINE_MAX);

	if (!trace)
		return;
	buf_addf(&line, "%s %.*s\n", who, TRACE_LINE_MAX / 2, text);
	for (size_t i = 0; i < COUNT_OF(trace->fds); i++) {
		if (trace->fds[i] < 0 ||
		    write_all(trace->fds[i], buf_text(&line), line.len))
			continue;
		/* A full disk under a transcript must not stop the mail. */
		fprintf(stderr, "acsmtp: warning: the dialogue cannot be written: %s\n",
			strerror(errno));
		trace->fds[i] = -1;
	}
}
