/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Access tokens that are kept until they end, in the directory of caches
 * (base/directory.h). The mailer reads them itself, so that a send starts no helper as
 * long as one is fresh; only the helper writes them. A cache, so nothing here is an
 * error: what cannot be read or written is not there.
 */
#ifndef SECRET_TOKEN_CACHE_H
#define SECRET_TOKEN_CACHE_H

#include "base/secret.h"
#include "secret/token_helper.h"

enum {
	TOKEN_MARGIN_SECONDS = 600,	/* it is renewed so long before its end ... */
	TOKEN_LONG_SECONDS = 7200,	/* ... or, if it lives longer, at half of its life */
	TOKEN_LAST_SECONDS = 60,	/* and not used at all so short before its end */
	TOKEN_PAUSE_SECONDS = 60,	/* after a renewal that failed while it lasts */
};

/* What it is for. A token that was fetched for anything else is never found. */
struct token_purpose {
	const char *source;		/* a word of the setting `token` */
	const struct token_settings *settings;
	/* What it is fetched with; NULL or not set: any. Of it nothing is kept but 32 bits of a
	   digest: enough to tell that it was changed, too few to tell a good guess. */
	const struct secret *secret;
};

struct token {
	struct secret access;
	int64_t stamp;			/* names this very token: when it came, in microseconds */
	int64_t renews, expires;	/* seconds since 1970 */
};
#define OWNED_TOKEN	__attribute__((cleanup(token_free))) struct token

enum token_age {
	TOKEN_IS_ABSENT,	/* there is none, or it has ended */
	TOKEN_IS_OLD,		/* it can be used; the helper would renew it now */
	TOKEN_IS_FRESH,
};

/*
 * The token that is kept, if the file is this user's own and nobody else can read it. It
 * is bound to the variables that sources look at (AZURE_CLIENT_ID, IDENTITY_ENDPOINT,
 * ...) too. Only if it is not absent it has to be freed.
 */
enum token_age token_cache_load(const struct token_purpose *purpose, struct token *token);

/*
 * Replaces it. `successor` is the secret that will be there from now on, for a refresh
 * token that changes as it is used; else NULL. Both are good for the new token.
 */
void token_cache_save(const struct token_purpose *purpose, const struct secret *successor,
		      const struct token *token);

void token_cache_forget(const struct token_purpose *purpose);

/*
 * The right to renew it, until *fd is closed. False: somebody else still has it at
 * `deadline` (clock_ms()). Where nothing can be kept everybody has it, and *fd is -1.
 */
bool token_cache_lock(const struct token_purpose *purpose, int64_t deadline, int *fd);

/* When a token that came at `now` and ends at `expires` is to be renewed. */
int64_t token_renewal(int64_t now, int64_t expires);

/* Wipes and releases; a zeroed one is fine. */
void token_free(struct token *token);

#endif
