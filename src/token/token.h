/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The helper for tokens; secret/token_helper.h has its contract. */
#ifndef TOKEN_TOKEN_H
#define TOKEN_TOKEN_H

#include "base/base.h"
#include "base/secret.h"
#include "secret/token_cache.h"
#include "secret/token_helper.h"

struct token_wish {
	const char *source;
	struct token_settings settings;
	struct secret secret; /* the first line of standard input */
	struct secret second; /* the other one */
	int64_t stamp;	      /* of the token that was refused; 0: it is not known */
	long seconds;	      /* that it may take, with the person or without */
	int64_t deadline;     /* clock_ms() */
};

struct token_grant { /* what an endpoint gave */
	struct secret access;
	struct secret refresh; /* not set: none came with it */
	int64_t expires;       /* seconds since 1970, by the clock of this machine */
};
#define OWNED_GRANT __attribute__((cleanup(token_grant_free))) struct token_grant

void token_grant_free(struct token_grant *grant);

struct token_failure {
	enum token_end end;
	char text[512]; /* "STEP: what is wrong: what to do" */
	char words[512]; /* the same for a person, where the language is another; or "" */
};

/*
 * Returns false, and makes what came from outside harmless. The format is said in both
 * languages, its arguments are not.
 */
bool token_fail(struct token_failure *failure, enum token_end end, const char *fmt, ...)
	PRINTF(3, 4);

/*
 * The words anew, behind token_fail(): in the format of that, which is in the catalog, with
 * arguments that are in the person's language.
 */
bool token_fail_words(struct token_failure *failure, const char *fmt, ...) PRINTF(2, 3);

/* Another token from the wish's source. */
bool token_obtain(const struct token_wish *wish, struct token_grant *grant,
		  struct token_failure *failure);

/* A person gives leave; what the person has to know is printed, see the contract. */
bool token_login(const struct token_wish *wish, struct token_grant *grant,
		 struct token_failure *failure);

/* Whatever hangs from now on: the process ends so many seconds later, and a bit. */
void token_watch(unsigned seconds);

#endif
