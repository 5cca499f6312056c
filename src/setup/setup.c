/* SPDX-License-Identifier: GPL-3.0-or-later */
/* First all answers, then all writing, then the check. */
#include "setup/setup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/language.h"
#include "base/path.h"
#include "base/self.h"
#include "service/service.h"
#include "config/write.h"
#include "talk/say.h"
#include "setup/answers.h"
#include "setup/daemon.h"

static void setup_free(struct setup *s)
{
	free(s->path);
	free(s->region_host);
	config_free(&s->there);
	draft_free(&s->draft);
	secret_free(&s->secret);
}
#define OWNED_SETUP __attribute__((cleanup(setup_free))) struct setup

/* --- before the first question */

/* What cannot be written is said before anybody has typed anything. */
static bool check_directory(const struct setup *s, struct error *err)
{
	OWNED_TEXT directory = path_directory(s->path);

	return access(directory, F_OK) != 0 ||
	       faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0 ||
	       error_errno(err, ERROR_CREATE, "%s", directory);
}

static bool begin(struct setup *s, struct error *err)
{
	s->is_attended = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	s->draft.kind = SECTION_ACCOUNT;
	s->draft.name = text_copy("default");
	s->path = s->flags.config ? text_copy(s->flags.config) : config_own_file();
	if (!s->path) {
		error_set(err, ERROR_CONFIG,
			  "there is no home directory for the file of accounts");
		return error_advise(err, "--config FILE says where it is to be");
	}
	if (!check_directory(s, err))
		return false;
	return access(s->path, F_OK) != 0 ||
	       config_read(&s->there, s->path, err);
}

/* --- the answers */

/* From the first question about `first` on. */
static bool ask_from(struct setup *s, enum answer first, struct error *err)
{
	const struct question *q;

	for (size_t i = 0; (q = setup_question(i)); i++)
		if (q->answer >= first && !setup_ask(s, q, err))
			return false;
	return setup_ask_secret(s, err);
}

/* What [defaults] say is for others: the secret is stored for this server. */
static bool settle_server(struct setup *s, struct error *err)
{
	static const char *const settings[] = { "host", "port" };
	const char *service = draft_value(&s->draft, "service");

	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		const char *usual = service_setting(service, settings[i]);

		if (usual && !draft_value(&s->draft, settings[i]) &&
		    !draft_set(&s->draft, settings[i], usual, err))
			return false;
	}
	return true;
}

/* The place may turn out to take nothing: then a person can name another one. */
static bool store(struct setup *s, struct error *err)
{
	while (!setup_store_secret(s, err)) {
		if (!s->is_attended || s->flags.answers[ANSWER_KEEP] || s->flags.yes)
			return false;
		setup_say(err);
		setup_forget_place(s);
		if (!ask_from(s, ANSWER_KEEP, err))
			return false;
	}
	return true;
}

/* --- writing */

static bool write_account(struct setup *s, struct error *err)
{
	const struct write_job job = {
		.path = s->path,
		.drafts = &s->draft,
		.count = 1,
		.mode = s->replaces ? WRITE_REPLACE : WRITE_NEW,
		.advice = N_("--replace puts the new one in its place"),
	};

	if (settings_write(&job, err))
		return true;
	if (s->made_file)
		unlink(draft_value(&s->draft, "password_file"));
	if (s->keep == KEEP_KEYRING && secret_is_set(&s->secret))
		return error_context(
			err, "the secret is in the keyring, but no account was written");
	return error_context(err, "nothing was written");
}

/* Who sets up the machine's mail means others to send it, too. */
static void tell_closed(const char *path)
{
	struct stat st;

	if (geteuid() == 0 && stat(path, &st) == 0 && !(st.st_mode & 077))
		printf(_("Only root can read it. For what sends as other users (PHP, cron jobs), give it\n"
		       "to a group of theirs: chgrp GROUP %s && chmod 640 %s\n"),
		       path, path);
}

/* Of a user's own account, or one in another file, nothing is the daemon's business. */
static bool is_of_system(const struct setup *s)
{
	return self_is_root() && !s->flags.config;
}

/* As the settings name it now; "": that is not known. */
static char *daemon_user(const struct setup *s)
{
	OWNED_CONFIG config = { 0 };
	struct error unheard;

	return text_copy(config_read(&config, s->path, &unheard) ? config.daemon.user : "");
}

/* Whether the daemon may read the account now. */
static bool share(const struct setup *s)
{
	OWNED_TEXT user = is_of_system(s) ? daemon_user(s) : NULL;

	if (!user || !setup_share(s->path, user))
		return false;
	if (s->made_file)
		(void)setup_share(draft_value(&s->draft, "password_file"), user);
	return true;
}

/* What was set up will not do for ever. */
static void tell_end(const struct setup *s)
{
	const struct service *service = setup_service(s);
	char day[SERVICE_DAY_SIZE];

	if (!service->end.year || (service->end.is_of_passwords && !setup_has_password(s)))
		return;
	service_last_day(service, day);
	printf(service->end.is_of_passwords ? _("%s takes passwords until %s; %s\n") :
					      _("%s ends on %s; %s\n"),
	       tr(service->what), day, tr(service->end.advice));
}

static void tell_written(const struct setup *s)
{
	const char *file = draft_value(&s->draft, "password_file");

	printf(_("\nAccount %s is in %s.\n"), s->draft.name, s->path);
	tell_closed(s->path);
	if (s->keep == KEEP_KEYRING && secret_is_set(&s->secret))
		puts(_("Its secret is in the keyring."));
	if (s->made_file) {
		printf(_("Its secret is in %s.\n"), file);
		tell_closed(file);
	}
	if (s->keep == KEEP_NOWHERE)
		printf(_("Its secret is for you to provide, for example to a service of systemd by\n"
		       "LoadCredential=acsmtp.%s:FILE; acsmtp.ini(5) has the other places.\n"),
		       s->draft.name);
	tell_end(s);
	fflush(stdout);
}

/* --- afterwards */

/* What a call needs to use this account: nothing if it is the default one. */
static char *options_for(const struct setup *s)
{
	OWNED_CONFIG config = { 0 };
	OWNED_BUF options = BUF_INIT(8192);
	struct error ignored;
	const struct account *usual;

	if (!config_load(&config, s->flags.config, &ignored))
		return text_copy("");
	usual = config_default(&config, &ignored);
	if (s->flags.config)
		buf_addf(&options, " -C %s", s->flags.config);
	if (!usual || strcmp(usual->name, s->draft.name) != 0)
		buf_addf(&options, " -a %s", s->draft.name);
	return buf_take(&options);
}

/* As `acsmtp WORD NAME` does it. */
static int go_on(const struct command_call *call, const struct setup *s, const char *word)
{
	const char *arguments[] = { "--", s->draft.name, NULL, NULL, NULL };

	if (s->flags.config) {
		arguments[0] = "--config";
		arguments[1] = s->flags.config;
		arguments[2] = "--";
		arguments[3] = s->draft.name;
	}
	return command_go_on(call, word, (char **)arguments);
}

static void tell_how_to_send(const struct setup *s)
{
	OWNED_TEXT options = options_for(s);

	puts(_("\nNow send a message:\n"));
	printf("    printf 'To: you@example.org\\nSubject: test\\n\\nHello\\n' | acsmtp%s -t\n",
	       options);
}

static int finish(const struct command_call *call, const struct setup *s)
{
	bool is_for_login = setup_is_for_login(s);
	int status = EX_OK;

	if (is_for_login && !s->is_attended) {
		printf(_("\nNow a person has to log in: acsmtp login %s\n"), s->draft.name);
		return EX_OK;
	}
	if (is_for_login) {
		putchar('\n');
		status = go_on(call, s, "login");
	}
	if (status == EX_OK && !s->flags.no_check) {
		puts(_("\nDoes it work?\n"));
		status = go_on(call, s, "check");
	}
	if (status == EX_OK)
		tell_how_to_send(s);
	else
		printf(_("\nThe account is written, and does not work yet. Mend what is said above, then\n"
		       "try again with `acsmtp check %s`, or `acsmtp setup` to answer anew.\n"),
		       s->draft.name);
	return status;
}

static int run(struct command_call *call)
{
	OWNED_SETUP s = { .flag_rows = call->command->flags };
	struct error err;
	int status, written;
	bool is_shared;

	if (!command_parse(call, &s.flags, &status))
		return status;
	if (!begin(&s, &err))
		return say_error(&err);
	if (s.is_attended)
		printf(_("This makes an account in %s.\n"
		       "Enter takes what stands in brackets. Nothing is written before the last answer;\n"
		       "Ctrl-C leaves everything as it was.\n"),
		       s.path);
	if (!ask_from(&s, ANSWER_SERVICE, &err) || !settle_server(&s, &err) ||
	    !store(&s, &err)) {
		error_context(&err, "nothing was written");
		return say_error(&err);
	}
	if (!write_account(&s, &err))
		return say_error(&err);
	is_shared = share(&s);
	tell_written(&s);
	if (is_shared) {
		setup_start_daemon();
		setup_tell_of_names(s.path);
	}
	status = finish(call, &s);
	written = say_finish();
	return status == EX_OK ? written : status;
}

/* clang-format off */
#define ANSWER(which)	offsetof(struct setup_flags, answers[ANSWER_##which])
#define IN(field)	offsetof(struct setup_flags, field)
static const struct flag flags[] = {
	[ANSWER_SERVICE] = { "service", FLAG_SERVICE, ANSWER(SERVICE), NULL,
	  N_("what sends your mail") },
	[ANSWER_REGION] = { "region", FLAG_TEXT, ANSWER(REGION), "REGION",
	  N_("where its server is, if it has several") },
	[ANSWER_HOST] = { "host", FLAG_TEXT, ANSWER(HOST), "HOST", N_("the server, if it is another") },
	[ANSWER_PORT] = { "port", FLAG_TEXT, ANSWER(PORT), "PORT", N_("its port") },
	[ANSWER_USER] = { "user", FLAG_TEXT, ANSWER(USER), "USER", N_("the SMTP username") },
	[ANSWER_FROM] = { "from", FLAG_TEXT, ANSWER(FROM), "ADDRESS|DOMAIN", N_("address to send as") },
	[ANSWER_FROM_NAME] = { "from-name", FLAG_TEXT, ANSWER(FROM_NAME), "TEXT",
	  N_("name before that address") },
	[ANSWER_ACCOUNT] = { "account", FLAG_TEXT, ANSWER(ACCOUNT), "NAME", N_("name of the account") },
	[ANSWER_TOKEN] = { "token", FLAG_TEXT, ANSWER(TOKEN), "SOURCE",
	  N_("where access tokens come from, see `token` in acsmtp.ini(5)") },
	[ANSWER_CLIENT_ID] = { "client-id", FLAG_TEXT, ANSWER(CLIENT_ID), "ID",
	  N_("the application that tokens are for") },
	[ANSWER_TENANT] = { "tenant", FLAG_TEXT, ANSWER(TENANT), "ID|DOMAIN", N_("its Entra tenant") },
	[ANSWER_IDENTITY] = { "identity", FLAG_TEXT, ANSWER(IDENTITY), "ID",
	  N_("a user-assigned managed identity") },
	[ANSWER_CERTIFICATE_FILE] = { "certificate-file", FLAG_TEXT, ANSWER(CERTIFICATE_FILE), "FILE",
	  N_("the application's certificate, with its key") },
	[ANSWER_CLIENT_SECRET_FILE] = { "client-secret-file", FLAG_TEXT, ANSWER(CLIENT_SECRET_FILE),
	  "FILE", N_("the application's secret, for a person's token") },
	[ANSWER_TOKEN_COMMAND] = { "token-command", FLAG_TEXT, ANSWER(TOKEN_COMMAND), "COMMAND",
	  N_("it prints an access token, instead of a secret") },
	[ANSWER_KEEP] = { "keep-secret", FLAG_TEXT, ANSWER(KEEP), "keyring|ini|file|command|none",
	  N_("where the secret is kept") },
	[ANSWER_PASSWORD_FILE] = { "password-file", FLAG_TEXT, ANSWER(PASSWORD_FILE), "FILE",
	  N_("file for the secret, or that has it") },
	[ANSWER_PASSWORD_COMMAND] = { "password-command", FLAG_TEXT, ANSWER(PASSWORD_COMMAND),
	  "COMMAND", N_("it prints the secret") },
	[ANSWER_PASSWORD_EXPIRES] = { "password-expires", FLAG_TEXT, ANSWER(PASSWORD_EXPIRES), "DAY",
	  N_("the day on which the secret ends, as 2027-03-01") },
	{ "config", FLAG_TEXT, IN(config), "FILE", N_("file to write the account to") },
	{ "replace", FLAG_SWITCH, IN(replace), NULL, N_("an account of that name may be replaced") },
	{ "yes", FLAG_SWITCH, IN(yes), NULL, N_("take what is proposed, and what looks wrong") },
	{ "no-check", FLAG_SWITCH, IN(no_check), NULL, N_("do not try whether it works") },
	{ .name = NULL },
};
/* clang-format on */

const struct command setup_command = {
	.word = "setup",
	.arguments = "",
	.help = N_("make an account, question by question"),
	.flags = flags,
	.run = run,
};
