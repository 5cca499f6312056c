/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The secret: asked for, and put where it is to be kept and nowhere else. */
#include "setup/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string.h>
#include <unistd.h>

#include "base/language.h"
#include "service/login.h"
#include "service/service.h"
#include "secret/file.h"
#include "secret/token.h"
#include "talk/ask.h"

enum { ANSWER_SECONDS = 600 };

bool setup_has_password(const struct setup *s)
{
	const char *token = draft_value(&s->draft, "token");

	if (token)
		return token_wants_password(token);
	return !draft_value(&s->draft, "token_command") &&
	       !draft_value(&s->draft, "auth");
}

bool setup_is_for_login(const struct setup *s)
{
	const char *token = draft_value(&s->draft, "token");

	return token && !strcmp(token, account_token_word(TOKEN_REFRESH));
}

static const char *value_or_usual(const struct setup *s, const char *setting)
{
	const char *value = draft_value(&s->draft, setting);

	if (!value && !strcmp(setting, "host"))
		value = s->region_host;
	if (!value)
		value = service_setting(draft_value(&s->draft, "service"), setting);
	return value ? value : "";
}

struct secret_place setup_place(const struct setup *s)
{
	return (struct secret_place){
		.account = s->draft.name,
		.host = value_or_usual(s, "host"),
		.port = strtol(value_or_usual(s, "port"), NULL, 10),
		.user = value_or_usual(s, "user"),
	};
}

/* --- asking */

/* On a terminal the person is asked whether it is right, else --yes says so. */
static bool check_secret(struct setup *s, struct error *err)
{
	const char *fault = login_secret_fault(s->secret.bytes, s->secret.len);

	if (!fault || s->flags.yes)
		return true;
	if (s->is_attended) {
		printf("! %s\n", tr(fault));
		return setup_confirm(s, N_("Take it all the same?"));
	}
	error_text(err, ERROR_CONFIG, fault);
	error_context(err, "standard input: the secret");
	return error_advise(err, "--yes takes it all the same");
}

static bool ask_secret_once(struct setup *s, struct error *err)
{
	if (ask_secret_again(_("Secret: "), ANSWER_SECONDS, &s->secret, &s->has_ended,
			       err))
		return true;
	if (!s->has_ended)
		setup_say(err);
	return false;
}

static bool is_wanted(const struct setup *s)
{
	if (!setup_has_password(s) || setup_is_for_login(s) || secret_is_set(&s->secret))
		return false;
	return s->keep == KEEP_KEYRING || s->keep == KEEP_INI ||
	       (s->keep == KEEP_FILE &&
		access(draft_value(&s->draft, "password_file"), F_OK) != 0);
}

bool setup_ask_secret(struct setup *s, struct error *err)
{
	const char *where = setup_service(s)->secret;

	if (!is_wanted(s))
		return true;
	if (!s->is_attended)
		return secret_read_input(STDIN_FILENO, &s->secret, err) && check_secret(s, err);
	printf("\n%s\n", tr(where ? where : N_("The password, or the API key. What you type is not shown.")));
	fflush(stdout);
	while (!s->has_ended) {
		if (ask_secret_once(s, err) && check_secret(s, err))
			return true;
		secret_free(&s->secret);
	}
	return error_set(err, ERROR_UNAVAILABLE, "not finished: the answers ended");
}

/* --- keeping */

bool setup_store_secret(struct setup *s, struct error *err)
{
	const struct secret_place place = setup_place(s);

	if (!secret_is_set(&s->secret))
		return true;
	switch (s->keep) {
	case KEEP_KEYRING:
		return keyring_store(&place, &s->secret, err);
	case KEEP_INI:
		return draft_set_password(&s->draft, &s->secret, err);
	case KEEP_FILE:
		s->made_file = secret_write_file(draft_value(&s->draft, "password_file"),
						 &s->secret, err);
		return s->made_file;
	case KEEP_COMMAND:
	case KEEP_NOWHERE:
		break;
	}
	return true;
}

void setup_forget_place(struct setup *s)
{
	draft_unset(&s->draft, "password_file");
	draft_unset(&s->draft, "password_command");
	secret_free(&s->draft.password);
}
