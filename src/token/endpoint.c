/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The answer of an endpoint says how long a token lasts, in one of three ways: seconds
 * (as a number or as a text), the moment of its end, or both. Seconds are believed first,
 * for they mean the same whatever the clocks of both machines say; a moment is told by
 * the endpoint's clock, which is that of its Date header.
 */
#include "token/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/language.h"
#include "base/text.h"
#include "service/login.h"
#include "token/advice.h"

enum {
	CLOCK_SKEW_SECONDS = 300, /* that nobody minds */
	LIFE_MAX = 30 * SECONDS_OF_DAY,
	WORDS_MAX = 160, /* of what an endpoint says, in an error */
	NUMBER_SIZE = 32,
};

static const int pauses[] = { 1, 2, 4, 0 }, short_pauses[] = { 1, 1, 0 };

/* --- asking */

static bool is_busy(enum endpoint_kind kind, long status)
{
	switch (status) {
	case 404:
	case 410:
		return kind == ENDPOINT_IMDS;
	case 408:
	case 429:
		return true;
	default:
		return status >= 500 && status <= 599;
	}
}

/* False: there is no time for it. */
static bool pause_for(int seconds, int64_t deadline)
{
	struct timespec time = { .tv_sec = seconds };

	if (seconds == 0 || clock_left(deadline) < (seconds + 1) * 1000)
		return false;
	(void)nanosleep(&time, NULL);
	return true;
}

bool endpoint_ask(enum endpoint_kind kind, const struct http_request *request,
		  struct http_reply *reply, struct token_failure *failure)
{
	const int *pause = kind == ENDPOINT_IMDS ? pauses : short_pauses;
	char host[HTTP_HOST_SIZE];

	do {
		if (!http_ask(request, reply, failure))
			return false;
		if (!is_busy(kind, reply->status))
			return true;
	} while (pause_for(*pause++, request->deadline));
	return token_fail(failure, TOKEN_LATER,
			  "endpoint: %s is busy or not ready (HTTP %ld): try again later",
			  http_host(request->url, host), reply->status);
}

struct fields *endpoint_fields(const struct http_request *request,
			       const struct http_reply *reply,
			       struct token_failure *failure)
{
	struct fields *fields = fields_parse(reply->body, reply->len);
	char host[HTTP_HOST_SIZE];

	if (fields)
		return fields;
	http_host(request->url, host);
	if (reply->status >= 300 && reply->status <= 399)
		token_fail(failure, TOKEN_LATER,
			   "endpoint: %s sends us elsewhere (HTTP %ld), which is not followed: "
			   "is it the right address?",
			   host, reply->status);
	else if (reply->status >= 400)
		token_fail(failure, TOKEN_REFUSED, reply->status == 404 ?
			   N_("endpoint: %s refuses (HTTP %ld): is it the right address?") :
			   N_("endpoint: %s refuses (HTTP %ld)"), host, reply->status);
	else
		token_fail(failure, TOKEN_LATER,
			   "endpoint: what %s sends is no JSON (HTTP %ld): is something between "
			   "it and us, or is it another address?",
			   host, reply->status);
	return NULL;
}

/* --- refusals */

/* In the list of numbers, or, as it is from older ones, in front of the text. */
static int64_t number_of(const struct fields *fields)
{
	const char *text = fields_text(fields, "error_description");
	const char *at = text ? strstr(text, "AADSTS") : NULL;
	int64_t number = 0;

	if (!fields_first_number(fields, "error_codes", &number) && at)
		number = strtoll(at + strlen("AADSTS"), NULL, 10);
	return number;
}

/* Its first sentence: behind that are ids of the request. */
static void first_words(const char *text, char words[WORDS_MAX])
{
	const char *end;

	if (!text)
		text = "";
	end = strpbrk(text, "\r\n");
	snprintf(words, WORDS_MAX, "%.*s", end ? (int)(end - text) : WORDS_MAX, text);
}

static int64_t skew_of(const struct http_reply *reply)
{
	return reply->date ? time(NULL) - reply->date : 0;
}

static bool clock_is_wrong(const char *number, int64_t skew,
			   struct token_failure *failure)
{
	return token_fail(
		failure, TOKEN_CLOCK, skew > 0 ?
		N_("clock: %s: the clock of this machine is %lld minutes ahead of that of the "
		   "endpoint: set it") :
		N_("clock: %s: the clock of this machine is %lld minutes behind that of the "
		   "endpoint: set it"),
		number, (long long)(llabs(skew) + 30) / 60);
}

static bool explain(const struct token_advice *advice, const char *number,
		    const struct http_reply *reply, struct token_failure *failure)
{
	static const char rightly[] = N_("identity: %s: %s, though the clock is right: is the "
					 "token file renewed by its platform?");
	int64_t skew = skew_of(reply);

	if (advice->end != TOKEN_CLOCK) {
		token_fail(failure, advice->end, "%s: %s: %s: %s", advice->step, number,
			   advice->what, advice->advice);
		return token_fail_words(failure, "%s: %s: %s: %s", advice->step, number,
					tr(advice->what), tr(advice->advice));
	}
	if (llabs(skew) > CLOCK_SKEW_SECONDS)
		return clock_is_wrong(number, skew, failure);
	token_fail(failure, TOKEN_REFUSED, rightly, number, advice->what);
	return token_fail_words(failure, rightly, number, tr(advice->what));
}

bool endpoint_refused(const struct http_request *request, const struct http_reply *reply,
		      const struct fields *fields, struct token_failure *failure)
{
	const char *error = fields_text(fields, "error");
	int64_t number = number_of(fields);
	const struct token_advice *advice = token_advice_of(number);
	char host[HTTP_HOST_SIZE], words[WORDS_MAX], name[NUMBER_SIZE];

	first_words(fields_text(fields, "error_description"), words);
	if (number)
		snprintf(name, sizeof(name), "AADSTS%lld", (long long)number);
	else
		snprintf(name, sizeof(name), "HTTP %ld", reply->status);
	if (advice)
		return explain(advice, name, reply, failure);
	advice = token_advice_of_word(error);
	if (advice) {
		const char *said = *words ? words : error;

		token_fail(failure, advice->end, "%s: %s: %s (%s): %s", advice->step, name,
			   advice->what, said, advice->advice);
		return token_fail_words(failure, "%s: %s: %s (%s): %s", advice->step, name,
					tr(advice->what), said, tr(advice->advice));
	}
	return token_fail(failure, TOKEN_REFUSED, "endpoint: %s refuses (%s): %s %s",
			  http_host(request->url, host), name, error ? error : "", words);
}

/* --- tokens */

/*
 * By our clock. An older form has the moment as a date for people; then the token may say
 * it itself, and if nobody does it is taken for an hour.
 */
static int64_t end_of(const struct http_reply *reply, const struct fields *fields,
		      const struct secret *access)
{
	int64_t now = time(NULL), seconds = SECONDS_OF_HOUR, moment = 0;
	struct token_facts facts;

	if (fields_number(fields, "expires_in", &seconds))
		return now + (seconds < LIFE_MAX ? seconds : LIFE_MAX);
	if (!fields_number(fields, "expires_on", &moment) &&
	    login_token_facts(access->bytes, access->len, &facts))
		moment = facts.expires;
	if (moment)
		seconds = moment - (reply->date ? reply->date : now);
	return now + (seconds < LIFE_MAX ? seconds : LIFE_MAX);
}

static bool is_token(const char *text, size_t most)
{
	size_t len = text ? strlen(text) : 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0 && len <= most;
}

static bool take_tokens(const struct http_request *request, const struct fields *fields,
			struct token_grant *grant, struct token_failure *failure)
{
	const char *access = fields_text(fields, "access_token");
	const char *refresh = fields_text(fields, "refresh_token");
	char host[HTTP_HOST_SIZE];

	if (!is_token(access, TOKEN_ACCESS_MAX))
		return token_fail(
			failure, TOKEN_LATER,
			"endpoint: the answer of %s has no access token of up to %d bytes "
			"in it: is it the right address?",
			http_host(request->url, host), TOKEN_ACCESS_MAX);
	(void)secret_set(&grant->access, access, strlen(access));
	secret_free(&grant->refresh);
	if (is_token(refresh, TOKEN_REFRESH_MAX))
		(void)secret_set(&grant->refresh, refresh, strlen(refresh));
	return true;
}

bool endpoint_grant(const struct http_request *request, const struct http_reply *reply,
		    struct token_grant *grant, struct token_failure *failure)
{
	OWNED_FIELDS *fields = endpoint_fields(request, reply, failure);

	if (!fields)
		return false;
	if (reply->status != 200)
		return endpoint_refused(request, reply, fields, failure);
	if (!take_tokens(request, fields, grant, failure))
		return false;
	grant->expires = end_of(reply, fields, &grant->access);
	return grant->expires > time(NULL) + TOKEN_LAST_SECONDS ||
	       token_fail(failure, TOKEN_CLOCK,
			  "clock: the token that just came has ended already: set the clock of "
			  "this machine");
}
