/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The helper's sentence is English, as logs have to have it; what it says of an error of
 * Entra's is in our catalog, for people.
 */
#include "secret/token_ended.h"

#include <string.h>

#include "base/buf.h"
#include "base/language.h"
#include "base/text.h"
#include "secret/token_helper.h"

enum { NO_PROGRAM = 127 };	/* process_run()'s word for it */

/* What each end of the helper means, besides the sentence that it says. */
static const struct token_meaning {
	int end;
	enum error_kind kind;
	const char *advice;
} meanings[] = {
	{ TOKEN_FAILED, ERROR_SYSTEM, NULL },
	{ TOKEN_LATER, ERROR_NETWORK, NULL },
	{ TOKEN_REFUSED, ERROR_AUTH, NULL },
	{ TOKEN_CONFIG, ERROR_CONFIG, NULL },
	{ TOKEN_CLOCK, ERROR_LATER, NULL },
	{ TOKEN_UNTRUSTED, ERROR_TLS, NULL },
	{ TOKEN_LOGIN, ERROR_AUTH, N_("run `acsmtp login` again") },
	{ TOKEN_DISMISSED, ERROR_AUTH, NULL },
	{ NO_PROGRAM, ERROR_UNAVAILABLE,
	  N_("install it: it may come in a package of its own, acsmtp-token") },
};

/* Up to the next ": ", which is skipped; the rest if there is none. */
static char *next_part(const char **said)
{
	const char *end = strstr(*said, ": ");
	size_t len = end ? (size_t)(end - *said) : strlen(*said);
	char *part = text_copy_n(*said, len);

	*said += end ? len + strlen(": ") : len;
	return part;
}

/*
 * "STEP: NUMBER: WHAT: ADVICE", or with the server's own words in brackets behind WHAT: the
 * last two are of token/advice.c, and in our catalog.
 */
static void translate(const char *said, struct buf *out)
{
	OWNED_TEXT step = next_part(&said);
	OWNED_TEXT name = next_part(&said);
	OWNED_TEXT what = next_part(&said);
	char *quoted = strstr(what, " (");
	OWNED_TEXT words = text_copy(quoted ? quoted : "");

	if (quoted)
		*quoted = '\0';
	buf_addf(out, "%s%s%s%s%s%s%s%s", step, *name ? ": " : "", name, *what ? ": " : "",
		 tr(what), words, *said ? ": " : "", tr(said));
}

static bool complain(const struct process *p, enum error_kind kind, struct error *err)
{
	OWNED_BUF words = BUF_INIT(2 * ERROR_TEXT_MAX);

	translate(p->complaint, &words);
	return error_texts(err, kind, p->complaint, buf_text(&words));
}

bool token_ended(const struct process *p, const char *helper, struct error *err)
{
	for (size_t i = 0; i < COUNT_OF(meanings); i++) {
		const struct token_meaning *m = &meanings[i];

		if (m->end != p->status)
			continue;
		if (m->end == NO_PROGRAM)
			error_set(err, m->kind, "the helper for tokens is not installed: %s",
				  helper);
		else
			complain(p, m->kind, err);
		return m->advice ? error_advise(err, m->advice) : false;
	}
	return p->status == TOKEN_OK ||
	       error_set(err, ERROR_BUG, "the helper for tokens ended with status %d: %s",
			 p->status, p->complaint);
}
