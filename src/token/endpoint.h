/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Endpoints that give tokens: asking them until they are not busy, and what they answer.
 */
#ifndef TOKEN_ENDPOINT_H
#define TOKEN_ENDPOINT_H

#include "token/fields.h"
#include "token/http.h"

enum endpoint_kind {
	ENDPOINT_WEB,	      /* Entra, or another provider */
	ENDPOINT_OF_PLATFORM, /* App Service, Arc and their like */
	ENDPOINT_IMDS,	      /* which is also busy with a 404 or a 410 */
};

/*
 * Asks anew, after pauses, while it is busy and there is time. TOKEN_LATER: it still was.
 */
bool endpoint_ask(enum endpoint_kind kind, const struct http_request *request,
		  struct http_reply *reply, struct token_failure *failure);

/* The object that it answered; NULL: it did not speak JSON. */
struct fields *endpoint_fields(const struct http_request *request,
			       const struct http_reply *reply,
			       struct token_failure *failure);

/*
 * What its refusal means: AADSTS number, the word of the standard, or the status alone.
 */
bool endpoint_refused(const struct http_request *request, const struct http_reply *reply,
		      const struct fields *fields, struct token_failure *failure);

/* The tokens that it gave; or why there are none. */
bool endpoint_grant(const struct http_request *request, const struct http_reply *reply,
		    struct token_grant *grant, struct token_failure *failure);

#endif
