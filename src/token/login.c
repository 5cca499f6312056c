/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a person gives leave: in a browser on this machine (authorization code with PKCE,
 * RFC 7636 and 8252), or by a code that is typed anywhere else (RFC 8628). Whoever
 * started us shows what we print; the browser is not our affair.
 */
#include "token/token.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/language.h"
#include "base/text.h"
#include "token/advice.h"
#include "token/application.h"
#include "token/encode.h"
#include "token/endpoint.h"
#include "token/loopback.h"

enum {
	REDIRECT_SIZE = 64,
	CODE_MAX = 4096,
	WORD_MAX = 512,
	REDEEM_SECONDS = 30,
	FOREIGN_SECONDS = 10, /* for the right answer, after one that is not ours */
	POLL_SECONDS = 5,     /* RFC 8628 section 3.2, where the provider does not say */
	POLL_MAX = 60,
};

/* For the person: what comes of it has to be redeemed in what is left. */
static long patience(const struct token_wish *wish)
{
	long seconds = wish->seconds;

	return seconds > 2 * REDEEM_SECONDS ? seconds - REDEEM_SECONDS : seconds;
}

/* --- in the browser */

struct browser {
	char state[ENCODED_CHANCE_SIZE], verifier[ENCODED_CHANCE_SIZE];
	char redirect[REDIRECT_SIZE];
	struct loopback loopback;
};

static bool say_address(const struct token_wish *wish, struct browser *browser,
			struct token_failure *failure)
{
	const struct token_settings *set = &wish->settings;
	char url[APPLICATION_URL_MAX], challenge[ENCODED_SIZE(DIGEST_SIZE)];
	unsigned char digest[DIGEST_SIZE];
	OWNED_FORM form = { 0 };

	if (!application_url(wish, APPLICATION_AUTHORIZE, url, failure))
		return false;
	if (!digest_of(browser->verifier, strlen(browser->verifier), digest))
		return token_fail(failure, TOKEN_FAILED,
				  "identity: there is no SHA-256 here");
	(void)encode_base64url(digest, sizeof(digest), challenge);
	form_add(&form, "client_id", application_id(wish));
	form_add(&form, "response_type", "code");
	form_add(&form, "redirect_uri", browser->redirect);
	form_add(&form, "scope", set->scope);
	form_add(&form, "state", browser->state);
	form_add(&form, "code_challenge", challenge);
	form_add(&form, "code_challenge_method", "S256");
	form_add(&form, "login_hint", set->user);
	/*
	 * Google gives a refresh token for these alone; others ignore what they do not
	 * know.
	 */
	if (set->token_url && *set->token_url)
		form_add(&form, "access_type", "offline");
	form_add(&form, "prompt",
		 set->token_url && *set->token_url ? "consent" : "select_account");
	printf("open=%s%c%s\nseconds=%ld\n", url, strchr(url, '?') ? '&' : '?',
	       form_text(&form), patience(wish));
	return fflush(stdout) == 0 ||
	       token_fail(failure, TOKEN_FAILED, "identity: nobody reads the address");
}

static bool refused_by_person(const char *target, struct token_failure *failure)
{
	char word[WORD_MAX] = "", words[WORD_MAX] = "";
	const struct token_advice *advice;
	const char *why;

	(void)loopback_value(target, "error", word, sizeof(word));
	(void)loopback_value(target, "error_description", words, sizeof(words));
	advice = token_advice_of_word(word);
	why = advice ? advice->what : *word ? word : N_("no code came with the answer");
	token_fail(failure, advice ? advice->end : TOKEN_REFUSED, "identity: %s: %.200s", why,
		   words);
	return token_fail_words(failure, "identity: %s: %.200s", tr(why), words);
}

static bool redeem_code(const struct token_wish *wish, const struct browser *browser,
			const char *code, struct token_grant *grant,
			struct token_failure *failure)
{
	struct token_wish now = *wish;
	OWNED_FORM form = { 0 };

	now.deadline = clock_after(REDEEM_SECONDS);
	form_add(&form, "grant_type", "authorization_code");
	form_add(&form, "code", code);
	form_add(&form, "redirect_uri", browser->redirect);
	form_add(&form, "code_verifier", browser->verifier);
	form_add_secret(&form, "client_secret", &wish->secret);
	return application_redeem(&now, &form, grant, failure);
}

/*
 * The first answer that has our state: what others bring is never redeemed (RFC 6749,
 * 10.12).
 */
static const char *our_answer(struct browser *browser, int64_t deadline,
			      struct loopback_client **client,
			      struct token_failure *failure)
{
	char state[CODE_MAX];
	const char *target;

	token_fail(failure, TOKEN_DISMISSED,
		   "identity: nobody logged in in the browser in time: "
		   "try again, or log in with --device");
	while ((target = loopback_wait(&browser->loopback, deadline, client))) {
		if (loopback_value(target, "state", state, sizeof(state))) {
			if (!strcmp(state, browser->state))
				return target;
			token_fail(failure, TOKEN_DISMISSED,
				   "identity: an answer came that is not of this login (its state "
				   "is another one), and was not used: try again");
			if (clock_left(deadline) > FOREIGN_SECONDS * 1000)
				deadline = clock_after(FOREIGN_SECONDS);
			loopback_answer(
				*client, "400 Bad Request",
				N_("This answer is not of this login. It was not used."));
			continue;
		}
		loopback_answer(*client, "404 Not Found", N_("There is nothing here."));
	}
	return NULL;
}

static bool take_answer(const struct token_wish *wish, struct browser *browser,
			struct token_grant *grant, struct token_failure *failure)
{
	struct loopback_client *client;
	char code[CODE_MAX];
	const char *target =
		our_answer(browser, clock_after(patience(wish)), &client, failure);
	bool ok;

	if (!target)
		return false;
	ok = loopback_value(target, "code", code, sizeof(code))
		     ? redeem_code(wish, browser, code, grant, failure)
		     : refused_by_person(target, failure);
	wipe(code, sizeof(code));
	loopback_answer(client, "200 OK",
			ok ? N_("You are logged in. You can close this page.")
			   : N_("The login failed. What is wrong is said where it was begun."));
	return ok;
}

static bool by_browser(const struct token_wish *wish, struct token_grant *grant,
		       struct token_failure *failure)
{
	struct browser browser;
	bool ok;

	if (!loopback_open(&browser.loopback, failure))
		return false;
	encode_chance(browser.state);
	encode_chance(browser.verifier);
	/* Entra takes any port of "localhost", and others do as well. */
	snprintf(browser.redirect, sizeof(browser.redirect), "http://localhost:%d/",
		 browser.loopback.port);
	ok = say_address(wish, &browser, failure) &&
	     take_answer(wish, &browser, grant, failure);
	loopback_close(&browser.loopback);
	wipe(&browser, sizeof(browser));
	return ok;
}

/* --- by a code that is typed elsewhere */

struct device {
	struct secret code;
	int64_t interval; /* seconds between two questions */
	int64_t deadline; /* clock_ms() */
};

static bool say_code(const struct token_wish *wish, const struct fields *fields,
		     struct device *device, struct token_failure *failure)
{
	const char *page = fields_text(fields, "verification_uri");
	const char *code = fields_text(fields, "user_code");
	const char *secret = fields_text(fields, "device_code");
	int64_t seconds = patience(wish);

	if (!page)
		page = fields_text(fields, "verification_url"); /* as Google has it */
	if (!page || !code || !secret || text_has_control(page) ||
	    text_has_control(code) || !secret_set(&device->code, secret, strlen(secret)))
		return token_fail(
			failure, TOKEN_LATER,
			"endpoint: the answer has no page and no code in it: is it the "
			"right address?");
	if (!fields_number(fields, "interval", &device->interval))
		device->interval = POLL_SECONDS;
	if (fields_number(fields, "expires_in", &seconds) && seconds > patience(wish))
		seconds = patience(wish);
	device->deadline = clock_after((long)seconds);
	printf("page=%s\ncode=%s\nseconds=%lld\n", page, code, (long long)seconds);
	return fflush(stdout) == 0 ||
	       token_fail(failure, TOKEN_FAILED, "identity: nobody reads the code");
}

static bool begin_device(const struct token_wish *wish, struct device *device,
			 struct token_failure *failure)
{
	OWNED_QUESTION q = { .deadline = clock_after(REDEEM_SECONDS) };
	OWNED_FIELDS *fields = NULL;
	OWNED_FORM form = { 0 };

	form_add(&form, "scope", wish->settings.scope);
	if (!application_ask(wish, APPLICATION_DEVICE, &form, &q, failure))
		return false;
	fields = endpoint_fields(&q.http, &q.reply, failure);
	if (!fields)
		return false;
	if (q.reply.status != 200)
		return endpoint_refused(&q.http, &q.reply, fields, failure);
	return say_code(wish, fields, device, failure);
}

enum asked { ASKED_GRANTED, ASKED_PENDING, ASKED_REFUSED };

/* The words of RFC 8628 section 3.5; a question that got lost is asked again. */
static enum asked ask_once(const struct token_wish *wish, struct device *device,
			   struct token_grant *grant, struct token_failure *failure)
{
	OWNED_QUESTION q = { .deadline = clock_after(REDEEM_SECONDS) };
	OWNED_FIELDS *fields = NULL;
	OWNED_FORM form = { 0 };
	const char *error;

	form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:device_code");
	form_add_secret(&form, "device_code", &device->code);
	form_add_secret(&form, "client_secret", &wish->secret);
	if (!application_ask(wish, APPLICATION_TOKEN, &form, &q, failure))
		return failure->end == TOKEN_LATER ? ASKED_PENDING : ASKED_REFUSED;
	fields = endpoint_fields(&q.http, &q.reply, failure);
	error = fields ? fields_text(fields, "error") : NULL;
	if (error && !strcmp(error, "slow_down") && device->interval < POLL_MAX)
		device->interval += POLL_SECONDS;
	if (error &&
	    (!strcmp(error, "slow_down") || !strcmp(error, "authorization_pending")))
		return ASKED_PENDING;
	return fields && endpoint_grant(&q.http, &q.reply, grant, failure) ? ASKED_GRANTED
								       : ASKED_REFUSED;
}

static bool by_device(const struct token_wish *wish, struct token_grant *grant,
		      struct token_failure *failure)
{
	struct device device = { .interval = POLL_SECONDS };
	enum asked asked = ASKED_PENDING;
	bool ok = begin_device(wish, &device, failure);

	while (ok && asked == ASKED_PENDING && clock_left(device.deadline) > 0) {
		struct timespec pause = { .tv_sec = device.interval < 1 ? 1
						    : device.interval > POLL_MAX
							    ? POLL_MAX
							    : device.interval };

		(void)nanosleep(&pause, NULL);
		asked = ask_once(wish, &device, grant, failure);
	}
	secret_free(&device.code);
	if (ok && asked == ASKED_PENDING)
		return token_fail(failure, TOKEN_DISMISSED,
				  "identity: nobody entered the code in time: try again");
	return ok && asked == ASKED_GRANTED;
}

bool token_login(const struct token_wish *wish, struct token_grant *grant,
		 struct token_failure *failure)
{
	bool ok;

	if (!*application_id(wish))
		return token_fail(failure, TOKEN_CONFIG,
				  "application: client_id is missing: set it to the "
				  "application's id");
	if (!wish->settings.scope || !*wish->settings.scope)
		return token_fail(failure, TOKEN_CONFIG,
				  "scope: token_scope is missing: what is the login for?");
	ok = !strcmp(wish->source, "device") ? by_device(wish, grant, failure)
					     : by_browser(wish, grant, failure);
	return ok &&
	       (secret_is_set(&grant->refresh) ||
		token_fail(failure, TOKEN_REFUSED,
			   "scope: no refresh token came with the login: token_scope has to "
			   "have offline_access in it"));
}
