/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an account logs in with: where it comes from, and what it says of itself. */
#include "check/step.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/language.h"
#include "service/login.h"
#include "service/service.h"
#include "secret/token.h"
#include "delivery/account_secret.h"
#include "talk/ask.h"

enum { TOKEN_TEXT_MAX = 1000 };

/* The places that are asked, in their order; `f`: where to tell of each, or NULL. */
static void tell_sources(struct check *c, struct finding *f)
{
	static const char *const states[] = {
		[SOURCE_NOT_SET] = N_("not set"), [SOURCE_SET] = N_("set"),
		[SOURCE_IS_ASKED] = N_("only asking tells"),
	};
	const struct secret_request request =
		account_secret_request(&c->account,
				       c->connection.options.secret_is_token,
				       c->connection.asker);
	struct source_line line;

	json_array(&c->json, "sources");
	for (size_t i = 0; source_at(&request, i, &line); i++) {
		if (line.is_command)
			line.detail[0] = '\0';
		json_object(&c->json, NULL);
		json_text(&c->json, "name", line.name);
		json_text(&c->json, "state", states[line.state]);
		json_text(&c->json, "detail", line.detail);
		json_end(&c->json);
		if (f)
			finding_advise(f, "place %zu: %s: %s%s%s", i + 1, line.name,
				       tr(states[line.state]), line.detail[0] ? ", " : "",
				       tr(line.detail));
	}
	json_end(&c->json);
}

/* --- a token */

/* What is left of it, whether it says so itself or whoever fetched it did. */
static void add_time_left(struct check *c, struct buf *text, int64_t expires)
{
	const struct secret_request request =
		account_secret_request(&c->account, true, NULL);
	OWNED_TOKEN kept = { .stamp = 0 };
	long minutes;

	if (!expires && request.token.source &&
	    token_kept(&request.token, &kept) != TOKEN_IS_ABSENT)
		expires = kept.expires;
	if (!expires)
		return;
	minutes = (long)(expires - time(NULL)) / 60;
	json_number(&c->json, "expires", expires);
	json_number(&c->json, "seconds_left", expires - time(NULL));
	buf_addf(text, tr_n(", for %ld more minute", ", for %ld more minutes",
			    (unsigned long)(minutes < 0 ? 0 : minutes)), minutes);
}

static void show_token(struct check *c, struct finding *f)
{
	const struct secret *token = &c->connection.secret;
	const struct login_wish wish = account_login_wish(&c->account);
	OWNED_BUF text = BUF_INIT(TOKEN_TEXT_MAX);
	struct token_facts facts;
	bool has_facts = login_token_facts(token->bytes, token->len, &facts);
	const char *application = facts.application, *fault;

	if (!*application && c->account.token != TOKEN_NONE)
		application = c->account.client_id[0] ? c->account.client_id :
							c->account.identity;
	json_text(&c->json, "token", account_token_word(c->account.token));
	json_text(&c->json, "application", application);
	json_text(&c->json, "audience", facts.audience);
	json_text(&c->json, "tenant", facts.tenant);
	if (c->account.token != TOKEN_NONE)
		buf_addf(&text, " (%s)", account_token_word(c->account.token));
	if (*application)
		buf_addf(&text, _(", application %s"), application);
	if (facts.audience[0])
		buf_addf(&text, _(", for %s"), facts.audience);
	add_time_left(c, &text, facts.expires);
	finding_set(f, FINDING_OK, "from %s%s, %zu bytes", c->connection.origin.source,
		    buf_text(&text), token->len);
	fault = has_facts ? login_token_fault(&facts, &wish) : NULL;
	if (!fault)
		return;
	f->state = FINDING_WARNING;
	finding_advise(f, "%s", tr(fault));
}

/* --- a password */

static void show_password(struct check *c, struct finding *f)
{
	const struct secret *secret = &c->connection.secret;
	const char *fault = login_secret_fault(secret->bytes, secret->len);

	finding_set(f, FINDING_OK, "from %s, %zu bytes", c->connection.origin.source,
		    secret->len);
	if (!fault || !service_named(c->account.service)->is_azure)
		return;
	f->state = FINDING_WARNING;
	finding_advise(f, "%s", tr(fault));
}

/* A client secret ends in silence, and looks like a wrong one from then on. */
static void warn_of_end(struct check *c, struct finding *f)
{
	struct secret_end end;

	if (c->account.password_expires[0])
		json_text(&c->json, "password_expires", c->account.password_expires);
	if (!account_secret_ends(&c->account, time(NULL), &end))
		return;
	json_number(&c->json, "days_left", end.days);
	if (f->state == FINDING_OK)
		f->state = FINDING_WARNING;
	if (end.certificate)
		finding_advise(f, end.days < 0 ?
			       N_("the certificate %s ended on %s: put a new one in its place") :
			       N_("the certificate %s ends on %s: put a new one in its place"),
			       end.certificate, end.day);
	else if (end.days < 0)
		finding_advise(f, "the secret ended on %s: make a new one, and say its end in "
				  "password_expires", end.day);
	else
		finding_advise(f, "the secret ends on %s, in %ld days: make a new one, and say "
				  "its end in password_expires", end.day, end.days);
}

static void show_certificate(struct check *c, struct finding *f)
{
	char day[CLOCK_DAY_SIZE];
	struct error err;

	if (!account_certificate(&c->account, time(NULL), day, &err)) {
		finding_fail(f, &err);
		return;
	}
	json_text(&c->json, "certificate_expires", day);
	finding_set(f, FINDING_OK, "none is needed: the certificate %s is shown, until %s",
		    c->account.tls_client_cert, day);
	warn_of_end(c, f);
}

void check_secret(struct check *c, struct finding *f)
{
	struct error err;
	bool ok;

	c->connection.asker = &ask_at_terminal;
	ok = connection_prepare(&c->connection, &c->account, NULL, &err);
	if (!ok)
		finding_fail(f, &err);
	if (c->connection.options.auth == AUTH_EXTERNAL || c->connection.options.auth == AUTH_OFF) {
		if (ok && c->connection.options.auth == AUTH_EXTERNAL)
			show_certificate(c, f);
		else if (ok)
			finding_set(f, FINDING_OK, "none is needed: nobody logs in");
		return;
	}
	tell_sources(c, ok ? NULL : f);
	if (ok) {
		json_text(&c->json, "source", c->connection.origin.source);
		json_number(&c->json, "bytes", (int64_t)c->connection.secret.len);
	}
	if (ok && c->connection.options.secret_is_token)
		show_token(c, f);
	else if (ok)
		show_password(c, f);
	warn_of_end(c, f);
	if (ok && c->connection.origin.trouble[0]) {
		f->state = FINDING_WARNING;
		finding_advise(f, "the new refresh token was not kept: %s",
			       c->connection.origin.trouble);
	}
}
