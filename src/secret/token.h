/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Access tokens, by the helper libexec/acsmtp/token (secret/token_helper.h), or as it has
 * kept them, which starts no program.
 */
#ifndef SECRET_TOKEN_H
#define SECRET_TOKEN_H

#include "base/error.h"
#include "secret/token_cache.h"

struct token_request {			/* borrowed */
	const char *source;		/* a word of the setting `token`; NULL: none */
	struct token_settings settings;
	const char *client_secret_file;	/* of an application that has a secret besides, or "" */
};

/* Whether it is fetched with a secret that stands where a password may. */
bool token_wants_password(const char *source);

/* Whether all is said that the source needs. ERROR_CONFIG names the setting. */
bool token_is_complete(const struct token_request *request, struct error *err);

/* The token that is kept for it. */
enum token_age token_kept(const struct token_request *request, struct token *token);

struct token_answer {
	struct secret access, refresh;	/* refresh: to be stored where the old one stood, if set */
};
#define OWNED_TOKEN_ANSWER	__attribute__((cleanup(token_answer_free))) struct token_answer
void token_answer_free(struct token_answer *answer);

/*
 * Asks the helper. `refused` is the stamp of a token that a server did not take, for
 * another one; 0: whatever is good. `credential` is the secret that the source needs, or
 * one not set. ERROR_NETWORK and ERROR_LATER when it may be had later, ERROR_AUTH when it
 * was refused, ERROR_TLS when the identity server cannot be trusted, ERROR_CONFIG for
 * what the account or a file says; ERROR_UNAVAILABLE when the helper is not there.
 */
bool token_fetch(const struct token_request *request, int64_t refused,
		 const struct secret *credential, struct token_answer *answer,
		 struct error *err);

/* What a person has to do, as the helper says it. */
struct token_question {
	char open[4096];		/* an address for a browser on this machine; "": none */
	char page[1024], code[128];	/* or a page for any browser, and what to type there */
	int64_t seconds;		/* that there are for it */
};
struct token_listener {			/* embedded first in what implements it */
	void (*tell)(const struct token_listener *listener, const struct token_question *question);
};

/*
 * A person logs in, in a browser here or, `by_code`, anywhere; the listener hears once
 * what is to be done. The refresh token that comes of it is to be stored; the access
 * token is kept. Errors as above; ERROR_AUTH too when the person does not answer or says
 * no.
 */
bool token_log_in(const struct token_request *request, bool by_code,
		  const struct token_listener *listener, struct secret *refresh,
		  struct error *err);

/* For tests: another helper than ours. */
void token_use_helper(const char *path);

#endif
