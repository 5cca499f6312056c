/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first pass over a message: what each of its parts needs. For mail/mime_convert.c
 * alone.
 */
#ifndef MAIL_MIME_SURVEY_H
#define MAIL_MIME_SURVEY_H

#include "mail/mime.h"
#include "mail/transfer.h"

struct mime_plan {
	enum transfer how;	/* what becomes of the content */
	bool is_8bit, is_utf8;	/* what it is */
	bool is_signed;		/* a block of text signed with PGP is in it */
	bool is_impossible;	/* it needs a change, and its kind allows none */
};

/* Plans by the number of the part, packed. */
struct mime_survey {
	struct buf plans;
};

/* ERROR_DATA, ERROR_IO as mime_parts_walk(). */
bool mime_survey_make(struct mime_survey *survey, const struct message *m,
		      const struct mime_limits *limits, struct error *err);

struct mime_plan mime_survey_plan(const struct mime_survey *survey, size_t part);

void mime_survey_free(struct mime_survey *survey);

#endif
