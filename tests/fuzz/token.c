/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what an endpoint answers, as what a browser or somebody else asks of the port that
 * waits for a login, and as a challenge of Arc: tokens come out that can be used, or a
 * sentence that can be shown.
 */
#include "fuzz.h"

#include <time.h>

#include "secret/token_cache.h"
#include "token/endpoint.h"
#include "token/form.h"
#include "token/identity.h"
#include "token/loopback.h"

static const char url[] = "https://login.example.org/contoso/oauth2/v2.0/token";

static void must_say_why(const struct token_failure *failure)
{
	MUST(failure->end != TOKEN_OK && failure->text[0]);
	fuzz_must_be_printable(failure->text);
}

static void must_be_a_token(const struct secret *token, size_t most)
{
	MUST(token->len > 0 && token->len <= most);
	for (size_t i = 0; i < token->len; i++)
		MUST(token->bytes[i] > ' ' && token->bytes[i] <= '~');
}

static void check_answer(const uint8_t *data, size_t size, long status)
{
	const struct http_request request = { .url = url };
	struct token_failure failure = { TOKEN_OK, "", "" };
	OWNED_GRANT grant = { { 0 }, { 0 }, 0 };
	struct http_reply reply = { .status = status, .len = size };

	if (size > HTTP_BODY_MAX)
		return;
	reply.body = xcalloc(1, HTTP_BODY_MAX + 1);
	if (size > 0)
		memcpy(reply.body, data, size);
	if (endpoint_grant(&request, &reply, &grant, &failure)) {
		must_be_a_token(&grant.access, TOKEN_ACCESS_MAX);
		MUST(grant.expires > time(NULL));
		if (secret_is_set(&grant.refresh))
			must_be_a_token(&grant.refresh, TOKEN_REFRESH_MAX);
	} else {
		must_say_why(&failure);
	}
	http_reply_free(&reply);
}

static void check_target(const char *text)
{
	char value[64];

	if (loopback_value(text, "state", value, sizeof(value)))
		MUST(value[0] && strlen(value) < sizeof(value));
}

/* Nothing is there, so no key is ever read. */
static void check_challenge(const char *text)
{
	struct token_failure failure = { TOKEN_OK, "", "" };
	OWNED_SECRET key = { 0 };

	MUST(!identity_challenge(text, "/nonexistent/tokens", &key, &failure));
	must_say_why(&failure);
}

static void check_form(const char *text)
{
	OWNED_FORM form = { 0 };

	form_add(&form, text, text);
	form_add(&form, "more", text);
	MUST(strlen(form_text(&form)) == form.len && form.len < FORM_MAX);
	MUST(!strpbrk(form_text(&form), " \r\n?#/+"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_TEXT text = text_copy_n((const char *)data, size);

	check_answer(data, size, 200);
	check_answer(data, size, 400);
	check_target(text);
	check_challenge(text);
	check_form(text);
	return 0;
}
