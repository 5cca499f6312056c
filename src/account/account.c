/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acsmtp account: which there are, and what each comes to. Secrets are never shown. */
#include "account/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/language.h"
#include "base/text.h"
#include "delivery/account_secret.h"
#include "talk/ask.h"
#include "talk/say.h"
#include "account/choice.h"

static int list(struct command_call *call)
{
	struct account_flags given = { 0 };
	OWNED_CONFIG config = { 0 };
	const struct account *usual;
	struct error err;
	int status;
	bool ok;

	if (!command_parse(call, &given, &status))
		return status;
	ok = config_load(&config, given.config_file, &err);
	say_warning(config.passed_over);
	if (!ok)
		return say_error(&err);
	usual = config_default(&config, &err);
	for (size_t i = 0; i < config.count; i++) {
		const struct account *a = &config.accounts[i];
		OWNED_TEXT server = account_server(a);

		printf("%s\t%s%s%s\t%s\t%s\n", a->name, a->user,
		       *a->user ? _(" at ") : "", server, a->from,
		       a == usual ? _("default") : "");
	}
	return say_finish();
}

/* As it may stand in a file: in quotes where a comment or blanks would cut it. */
static void print_setting(const char *name, const char *value)
{
	size_t len = strlen(value);
	bool is_plain = !len || (!strpbrk(value, ";#\"'") && !text_is_blank(value[0]) &&
				 !text_is_blank(value[len - 1]));
	const char *quote = is_plain ? "" : strchr(value, '"') ? "'" : "\"";

	printf("%s =%s%s%s%s\n", name, len ? " " : "", quote, value, quote);
}

static void print_settings(const struct account *account)
{
	struct setting_help row;

	for (size_t i = 0; setting_help(i, &row); i++) {
		OWNED_TEXT value = setting_text(i, account);

		if (value)
			print_setting(row.name, value);
		else if (!strcmp(row.name, "password"))
			puts(account->has_password
				     ? _("; password is set, and not shown")
				     : _("; password is not set"));
	}
}

static void print_sources(const struct account *account)
{
	const struct secret_request request =
		account_secret_request(account, account_wants_token(account),
				       &ask_at_terminal);
	static const char *const states[] = {
		[SOURCE_NOT_SET] = N_("no"),
		[SOURCE_SET] = N_("yes"),
		[SOURCE_IS_ASKED] = N_("asked if nothing before it is set"),
	};
	struct source_line line;

	puts(_("\n; where its secret may come from, in this order:"));
	for (size_t i = 0; source_at(&request, i, &line); i++) {
		text_make_printable(line.detail);
		printf(";   %-17s %s%s%s\n", line.name, tr(states[line.state]),
		       *line.detail ? ": " : "", tr(line.detail));
	}
}

static bool print_account(const struct config *config, const struct account *account,
			  struct error *err)
{
	(void)config;
	(void)err;
	printf("[account %s]\n", account->name);
	print_settings(account);
	if (account->auth != AUTH_OFF && account->auth != AUTH_EXTERNAL)
		print_sources(account);
	return true;
}

static int show(struct command_call *call)
{
	return account_run(call, print_account);
}

const struct command account_list_command = {
	.word = "account", .sub = "list", .arguments = "", .most = 0,
	.help = N_("accounts, a line each: name, server, sender"),
	.flags = account_flags, .run = list,
};
const struct command account_show_command = {
	.word = "account", .sub = "show", .arguments = "[ACCOUNT]", .most = 1,
	.help = N_("an account's settings, without secrets"),
	.flags = account_flags, .run = show,
};
