/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a step of acsmtp check has to say: how it stands, one line, and what to do. */
#ifndef CHECK_FINDING_H
#define CHECK_FINDING_H

#include "base/buf.h"
#include "base/error.h"

enum finding_state {
	FINDING_OK,
	FINDING_WARNING,		/* works, but somebody should look at it */
	FINDING_FAILED,
	FINDING_SKIPPED,		/* not tried, or does not apply; the text says why */
};

enum { FINDING_MAX = 16 * 1024 };	/* bytes of its text, and of its advice */

struct finding {
	enum finding_state state;
	enum error_kind kind;	/* of FAILED: decides the exit status */
	struct buf text;	/* one line */
	struct buf advice;	/* what to do, a line for each thing */
};
#define FINDING_INIT	{ .text = BUF_INIT(FINDING_MAX), .advice = BUF_INIT(FINDING_MAX) }

/* State and text of a finding; the advice grows by a line. Both translate the format. */
void finding_set(struct finding *f, enum finding_state state, const char *fmt, ...) PRINTF(3, 4);
void finding_advise(struct finding *f, const char *fmt, ...) PRINTF(2, 3);
void finding_fail(struct finding *f, const struct error *err);	/* FAILED */

#endif
