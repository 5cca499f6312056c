/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The dialogue, for people who look for a mistake. The mail does not wait for them:
 * where nobody reads any more, the trace ends and the sending goes on.
 */
#include "smtp/trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/self.h"
#include "base/text.h"

enum {
	TRACE_LINE_MAX = 16 * 1024,
	PATIENCE_MS = 3000,	/* with a reader who has stopped reading */
};

/* Complaints may go into the same pipe as the one that nobody reads. */
static void warn(const struct trace *trace, int reason)
{
	OWNED_BUF line = BUF_INIT(TRACE_LINE_MAX);

	buf_addf(&line, "%s: warning: the dialogue cannot be written: %s\n", trace->name,
		 reason == EAGAIN ? "nobody reads it" : strerror(reason));
	(void)write_patiently(self_complaints(), buf_text(&line), line.len, 0);
}

void trace_line(struct trace *trace, const char *who, const char *text)
{
	OWNED_BUF line = BUF_INIT(TRACE_LINE_MAX);

	if (!trace)
		return;
	buf_addf(&line, "%s %.*s", who, TRACE_LINE_MAX / 2, text);
	if (line.text)
		text_make_printable(line.text);
	buf_add_char(&line, '\n');
	for (size_t i = 0; i < COUNT_OF(trace->fds); i++) {
		if (trace->fds[i] < 0 || write_patiently(trace->fds[i], buf_text(&line),
							 line.len, PATIENCE_MS))
			continue;
		warn(trace, errno);
		trace->fds[i] = -1;
	}
}
