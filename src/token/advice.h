/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the numbers of Entra's errors (AADSTSnnn) mean for whoever has to mend it. */
#ifndef TOKEN_ADVICE_H
#define TOKEN_ADVICE_H

#include "base/base.h"
#include "secret/token_helper.h"

struct token_advice {
	int64_t number;
	enum token_end end;
	const char *step, *what, *advice;
};

/* NULL: nothing is known of that number. */
const struct token_advice *token_advice_of(int64_t number);

/* The same for the words of RFC 6749 section 5.2 and RFC 8628 section 3.5. */
const struct token_advice *token_advice_of_word(const char *word);

#endif
