/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A token that is kept costs no program and asks for no password; it is as good as one
 * that comes straight from its source until a server says otherwise.
 */
#include "secret/find.h"

#include <stdio.h>
#include <string.h>

static bool has_text(const char *text)
{
	return text && *text;
}

/*
 * What a token is fetched with. A key need not have a passphrase, and nobody is asked for
 * one.
 */
static bool find_credential(const struct secret_request *request, struct secret *credential,
			    struct secret_origin *origin, struct error *err)
{
	struct secret_request plain = *request;
	bool is_said = request->password || has_text(request->password_file) ||
		       has_text(request->password_command);

	plain.wants_token = false;
	if (!token_wants_password(request->token.source) &&
	    !(is_said && !strcmp(request->token.source, "client-certificate")))
		return true;
	return source_find(&plain, credential, &origin->source, err) ||
	       error_context(err, "token = %s", request->token.source);
}

/* Who fetches the next token has the old one, which some providers take only once. */
static void keep_successor(const struct secret_request *request,
			   const struct secret *successor, struct secret_origin *origin)
{
	struct error err;

	if (secret_is_set(successor) && !source_keep(request, origin->source, successor, &err))
		snprintf(origin->trouble, sizeof(origin->trouble), "%.*s",
			 (int)sizeof(origin->trouble) - 1, err.text);
}

static bool fetch(const struct secret_request *request, struct secret *secret,
		  struct secret_origin *origin, struct error *err)
{
	OWNED_SECRET credential = { 0 };
	OWNED_TOKEN_ANSWER answer = { 0 };
	struct secret_origin of_credential = { .source = NULL };
	int64_t refused = origin->stamp;

	origin->stamp = 0;
	if (!token_is_complete(&request->token, err) ||
	    !find_credential(request, &credential, &of_credential, err) ||
	    (!token_fetch(&request->token, refused, &credential, &answer, err) &&
	     !error_context(err, "token = %s", request->token.source)))
		return false;
	keep_successor(request, &answer.refresh, &of_credential);
	memcpy(origin->trouble, of_credential.trouble, sizeof(origin->trouble));
	return secret_set(secret, answer.access.bytes, answer.access.len);
}

/* While the old one lasts, a renewal that fails stops nobody. */
static bool find_token(const struct secret_request *request, struct secret *secret,
		       struct secret_origin *origin, struct error *err)
{
	OWNED_TOKEN kept = { .stamp = 0 };
	enum token_age age = token_kept(&request->token, &kept);

	if (age != TOKEN_IS_FRESH && fetch(request, secret, origin, err))
		return true;
	if (age == TOKEN_IS_ABSENT)
		return false;
	origin->stamp = kept.stamp;
	return secret_set(secret, kept.access.bytes, kept.access.len);
}

bool secret_renew(const struct secret_request *request, struct secret *secret,
		  struct secret_origin *origin, struct error *err)
{
	return origin->stamp ? fetch(request, secret, origin, err)
			     : error_set(err, ERROR_AUTH, "the token was a new one");
}

bool secret_find(const struct secret_request *request, struct secret *secret,
		 struct secret_origin *origin, struct error *err)
{
	*origin = (struct secret_origin){ .source = "token" };
	return request->wants_token && request->token.source
		       ? find_token(request, secret, origin, err)
		       : source_find(request, secret, &origin->source, err);
}
