/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens from the token endpoint of Entra, or of another provider (RFC 6749). */
#ifndef TOKEN_APPLICATION_H
#define TOKEN_APPLICATION_H

#include "token/form.h"
#include "token/http.h"
#include "token/token.h"

/*
 * Where it is: the provider's own address, or tenant and authority of Entra.
 * TOKEN_CONFIG: a setting is missing, or makes no https address.
 */
enum application_endpoint {
	APPLICATION_TOKEN,
	APPLICATION_AUTHORIZE,
	APPLICATION_DEVICE
};
enum { APPLICATION_URL_MAX = 2048 };
bool application_url(const struct token_wish *wish, enum application_endpoint endpoint,
		     char url[APPLICATION_URL_MAX], struct token_failure *failure);

/* One question to such an endpoint, and what it answered. */
struct application_question {
	int64_t deadline;	/* clock_ms(), the asker's; the rest is filled */
	char url[APPLICATION_URL_MAX];
	struct http_request http;
	struct http_reply reply;
};
#define OWNED_QUESTION \
	__attribute__((cleanup(application_question_free))) struct application_question

/*
 * Adds who asks to a form, and sends it there. TOKEN_CONFIG: a setting is missing, is none
 * or is too long; else the errors of endpoint_ask().
 */
bool application_ask(const struct token_wish *wish, enum application_endpoint endpoint,
		     struct form *form, struct application_question *question,
		     struct token_failure *failure);
void application_question_free(struct application_question *question);

/* A token of the application itself, which proves who it is by one of these. */
bool application_by_secret(const struct token_wish *wish, struct token_grant *grant,
			   struct token_failure *failure);
bool application_by_certificate(const struct token_wish *wish, struct token_grant *grant,
				struct token_failure *failure);
bool application_by_assertion(const struct token_wish *wish,
			      const struct secret *assertion, struct token_grant *grant,
			      struct token_failure *failure);

/* What AZURE_FEDERATED_TOKEN_FILE holds just now, as the assertion. */
bool application_by_workload(const struct token_wish *wish, struct token_grant *grant,
			     struct token_failure *failure);

/* A token of the person. */
bool application_by_refresh(const struct token_wish *wish, struct token_grant *grant,
			    struct token_failure *failure);

/* application_ask() of the token endpoint, within the time of the wish. */
bool application_redeem(const struct token_wish *wish, struct form *form,
			struct token_grant *grant, struct token_failure *failure);

/*
 * The settings, or what the variables of Azure's tools say in their place; "" if neither.
 */
const char *application_id(const struct token_wish *wish);

/*
 * What a managed identity's token has to be for, to be an assertion in the authority's
 * cloud.
 */
const char *application_exchange(const struct token_wish *wish);

#endif
