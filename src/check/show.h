/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Findings for people: a sign, a title, a line, and below it what to do. */
#ifndef CHECK_SHOW_H
#define CHECK_SHOW_H

#include "check/finding.h"

struct show {
	bool is_coloured, has_marks;
	int columns;		/* of the terminal; 0: lines are not broken */
};

/* Looks at standard output, NO_COLOR and the locale. */
void show_begin(struct show *show);
void show_finding(const struct show *show, const char *title, const struct finding *f);

/* "ok", "warning", "failed", "skipped": for machines. */
const char *show_state(enum finding_state state);

#endif
