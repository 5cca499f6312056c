/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The helper says each sentence in English, as logs have to have it, and in the language
 * of the person.
 */
#include "secret/token_ended.h"

#include <string.h>

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

/* The helper's words for a person; what hangs and is ended has none. */
static char *words_of(const struct process *p)
{
	static const char key[] = "words=";
	const char *at = p->output, *end = p->output + p->len, *lf;

	for (; (lf = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL); at = lf + 1)
		if ((size_t)(lf - at) >= strlen(key) && !memcmp(at, key, strlen(key)))
			return text_copy_n(at + strlen(key), (size_t)(lf - at) - strlen(key));
	return text_copy(tr(p->complaint));
}

static bool complain(const struct process *p, enum error_kind kind, struct error *err)
{
	OWNED_TEXT words = words_of(p);

	text_make_printable(words);
	return error_texts(err, kind, p->complaint, words);
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
