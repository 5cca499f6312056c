/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why a login at Azure was refused: its 535 has one text for all causes. */
#include "check/step.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/language.h"
#include "base/text.h"
#include "service/login.h"
#include "delivery/account_secret.h"
#include "delivery/queue_ops.h"

static bool has_token(const struct check *c)
{
	return c->connection.options.secret_is_token;
}

static void look_at_user(const struct check *c, struct finding *f)
{
	const char *user = c->account.user, *fault;
	enum user_form form = login_user_form(user, &fault);
	size_t len = strlen(user);

	if (text_is_blank(user[0]) || text_is_blank(user[len - 1]))
		finding_advise(f, "user name: \"%s\" has a blank at an end, which counts",
			       user);
	else if (form == USER_BROKEN)
		finding_advise(f, "user name: %s is wrong: %s", user, tr(fault));
	else if (form == USER_COMPOSITE)
		finding_advise(
			f,
			"user name: %s has the old form, RESOURCE.APPLICATION-ID.TENANT-ID, and is "
			"whole; compare each part with the portal",
			user);
	else if (text_is(user, c->account.from))
		finding_advise(
			f,
			"user name: %s is the account's `from`. The user name is the \"SMTP "
			"username\" of the resource, another thing than the address that sends; it "
			"can be in the form of an address, but is rarely this one",
			user);
	else if (form == USER_ADDRESS)
		finding_advise(
			f,
			"user name: %s has the form of an address; that is right only if the SMTP "
			"username was made so, for it is no mailbox",
			user);
	else
		finding_advise(
			f,
			"user name: %s has the new form; it must be the SMTP username to the letter",
			user);
}

/*
 * What it is for, as a scope has it: "https://outlook.office.com/SMTP.Send
 * offline_access".
 */
static int first_scope(const char *scope)
{
	return (int)strcspn(scope, " ");
}

/* Whether it says of itself why it is refused. */
static bool look_at_token(const struct check *c, struct finding *f)
{
	const struct secret *token = &c->connection.secret;
	const struct login_wish wish = account_login_wish(&c->account);
	struct token_facts facts;
	char date[CLOCK_DATE_SIZE];
	const char *fault;

	if (!has_token(c) || !login_token_facts(token->bytes, token->len, &facts))
		return false;
	fault = login_token_fault(&facts, &wish);
	if (facts.expires && facts.expires <= wish.now) {
		clock_stamp((time_t)facts.expires, date);
		finding_advise(f, "token: it expired on %s: get a new one", date);
	} else if (fault && wish.scope && login_is_for_another(facts.audience, wish.scope)) {
		finding_advise(f, "token: it is for %s: ask for the scope %.*s",
			       facts.audience, first_scope(wish.scope), wish.scope);
	} else if (fault) {
		finding_advise(f, "token: %s", tr(fault));
	}
	return fault != NULL;
}

/* For comparison with the portal, whoever is wrong. */
static void tell_claims(const struct check *c, struct finding *f)
{
	const struct secret *token = &c->connection.secret;
	struct token_facts facts;
	char date[CLOCK_DATE_SIZE] = "?";

	if (!has_token(c) || !login_token_facts(token->bytes, token->len, &facts))
		return;
	if (facts.expires)
		clock_stamp((time_t)facts.expires, date);
	finding_advise(f, "token: it says that it is of application %s in tenant %s, for %s, "
			  "until %s", facts.application[0] ? facts.application : "?",
		       facts.tenant[0] ? facts.tenant : "?",
		       facts.audience[0] ? facts.audience : "?", date);
}

void check_token_causes(const struct check *c, struct finding *f)
{
	(void)look_at_token(c, f);
	tell_claims(c, f);
}

static void look_at_secret(const struct check *c, struct finding *f)
{
	const struct secret *secret = &c->connection.secret;
	const char *what = has_token(c) ? _("token") : _("secret"), *fault;

	if (look_at_token(c, f))
		return;
	fault = login_secret_fault(secret->bytes, secret->len);
	if (fault && login_is_guid(secret->bytes, secret->len))
		finding_advise(
			f,
			"%s: %s. The portal shows the value once, when the secret is made: make a "
			"new one and copy its value",
			what, tr(fault));
	else if (fault)
		finding_advise(f, "%s: %s (it came from %s)", what, tr(fault),
			       c->connection.origin.source);
	else
		finding_advise(
			f,
			"%s: %zu bytes from %s; it is no id and has no blanks at its ends",
			what, secret->len, c->connection.origin.source);
}

/* What worked before did not become wrong by itself. */
static void look_at_history(const struct check *c, struct finding *f)
{
	char date[CLOCK_DATE_SIZE];
	struct throttle_view view;

	if (!c->queue.is_on)
		return;
	c->queue.does->look_at_account(&c->queue, &c->account, time(NULL), &view);
	if (!view.last_success) {
		finding_advise(
			f,
			"history: this machine has not seen a message of the account accepted");
		return;
	}
	clock_stamp(view.last_success, date);
	if (has_token(c))
		finding_advise(
			f,
			"history: a message was accepted on %s; what changed since? a token that "
			"expired would fit",
			date);
	else
		finding_advise(
			f,
			"history: a message was accepted on %s; what changed since? a secret "
			"that expired would fit",
			date);
}

static void tell_portal(const struct check *c, struct finding *f)
{
	finding_advise(
		f,
		"in the portal, 1: Communication Services resource, Access control (IAM): the "
		"application has the role \"Communication and Email Service Owner\" there; a role "
		"given minutes ago may not count yet");
	finding_advise(
		f,
		"in the portal, 2: the same resource, Email, SMTP credentials: the user name "
		"stands there and is \"Ready to use\", which takes 60 to 90 seconds after it was "
		"made");
	if (has_token(c))
		finding_advise(
			f,
			"in the portal, 3: a token expires within hours; is it a new one?");
	else
		finding_advise(
			f,
			"in the portal, 3: Entra ID, App registrations, Certificates & secrets: the "
			"secret is not expired; an expired one is refused like a wrong one");
	if (has_token(c))
		finding_advise(
			f,
			"in the portal, 4: the token's scope is "
			"https://communication.azure.com/.default and not that of Office 365");
	else
		finding_advise(
			f,
			"in the portal, 4: the role's scope is this resource, or the group or "
			"subscription that it is in");
	if (has_token(c))
		finding_advise(
			f,
			"in the portal, 5: the token is of the same application, in the same "
			"tenant, that the SMTP username names");
	else
		finding_advise(
			f,
			"in the portal, 5: the secret is of the same application, in the same "
			"tenant, that the SMTP username names");
}

void check_login_causes(const struct check *c, struct finding *f)
{
	look_at_user(c, f);
	look_at_secret(c, f);
	tell_claims(c, f);
	look_at_history(c, f);
	tell_portal(c, f);
}
