/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Formats are translated here, so that steps are written in English and found by
 * xgettext.
 */
#include "check/finding.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/language.h"

void finding_set(struct finding *f, enum finding_state state, const char *fmt, ...)
{
	char text[2 * ERROR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), tr(fmt), args);
	va_end(args);
	f->state = state;
	buf_clear(&f->text);
	buf_add(&f->text, text);
}

void finding_advise(struct finding *f, const char *fmt, ...)
{
	char text[2 * ERROR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), tr(fmt), args);
	va_end(args);
	buf_addf(&f->advice, "%s%s", f->advice.len > 0 ? "\n" : "", text);
}

void finding_fail(struct finding *f, const struct error *err)
{
	finding_set(f, FINDING_FAILED, "%s", error_words(err));
	f->kind = err->kind;
	if (err->advice)
		finding_advise(f, "%s", tr(err->advice));
}
