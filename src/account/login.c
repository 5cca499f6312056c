/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * acsmtp login: a person lets acsmtp send as himself. What comes of it lasts, and goes
 * where the account's password would stand; whether it can go there is found out before
 * anybody has typed anything.
 */
#include "account/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/background.h"
#include "base/buf.h"
#include "base/language.h"
#include "base/path.h"
#include "base/text.h"
#include "config/write.h"
#include "delivery/account_secret.h"
#include "talk/say.h"
#include "account/choice.h"

struct login_flags {
	const char *config_file;	/* NULL: the usual ones */
	bool device;
};

/* --- where it goes */

/* Whether a file can be made, or replaced, in its directory. */
static bool can_be_written(const char *path, struct error *err)
{
	OWNED_TEXT directory = path_directory(path);

	return faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0 ||
	       error_errno(err, ERROR_CREATE, "%s", directory);
}

/* NULL: nowhere, and why. */
static const char *find_home(const struct account *account,
			     const struct secret_request *request, struct error *err)
{
	char detail[SOURCE_DETAIL_SIZE];
	const char *home = source_home(request, detail, err);
	const char *file = home && !strcmp(home, "password")	    ? account->file
			   : home && !strcmp(home, "password_file") ? account->password_file
								    : NULL;

	if (file && !can_be_written(file, err)) {
		error_context(err, "%s", home);
		error_advise(err, "set password_file to a file that you can write");
		return NULL;
	}
	return home;
}

/* --- telling the person */

struct login_words {
	struct token_listener listener;	/* first: it is what secret/token.h knows */
	bool is_attended;
};

static bool has_desktop(void)
{
	const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");

	return (x && *x) || (wayland && *wayland);
}

/* A child of nobody, so that it need not be waited for; what it says is for nobody. */
static _Noreturn void become_browser(const char *address)
{
	const char *const argv[] = { "xdg-open", address, NULL };
	int nothing;

	if (fork() != 0)
		_exit(0);
	setsid();
	background_detach();
	nothing = descriptor_of_nothing(O_RDWR);
	for (int fd = 0; nothing >= 0 && fd <= 2; fd++)
		dup2(nothing, fd);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static void open_browser(const char *address)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		become_browser(address);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void tell(const struct token_listener *listener, const struct token_question *q)
{
	const struct login_words *words = (const struct login_words *)(const void *)listener;
	long minutes = (long)(q->seconds + 59) / 60;

	if (*q->open) {
		printf(_("Log in with this page, in a browser on this machine:\n\n    %s\n\n"),
		       q->open);
		if (words->is_attended && has_desktop())
			open_browser(q->open);
	} else {
		printf(_("Open this page in any browser:\n\n    %s\n\nand type there: %s\n\n"),
		       q->page, q->code);
	}
	printf(tr_n("Waiting for %ld minute.\n", "Waiting for %ld minutes.\n",
		    (unsigned long)minutes), minutes);
	fflush(stdout);
}

/* --- the account afterwards */

static bool use_refresh(const struct account *account, struct error *err)
{
	struct draft draft = { .kind = SECTION_ACCOUNT, .name = text_copy(account->name) };
	const struct write_job job = {
		.path = account->file, .drafts = &draft, .count = 1, .mode = WRITE_UPDATE,
	};
	bool ok = draft_set(&draft, "token", "refresh", err) && settings_write(&job, err);

	draft_free(&draft);
	return ok;
}

/* An account that has no other way to log in becomes one of tokens by this. */
static bool may_log_in(const struct account *account, struct error *err)
{
	bool has_other = account->has_password || account->password_file[0] ||
			 account->password_command[0] || account->token_command[0];

	if (account->token == TOKEN_REFRESH)
		return true;
	if (account->token != TOKEN_NONE)
		return error_set(err, ERROR_CONFIG, "with `token = %s` nobody logs in: it is "
				 "for `token = refresh`", account_token_word(account->token));
	if (!has_other)
		return true;
	error_set(err, ERROR_CONFIG, "it logs in with a password, or a token_command");
	return error_advise(err, "set `token = refresh`; what a person's login brings then "
				 "goes where the password stands");
}

static void tell_home(const struct account *account, const char *home)
{
	if (!strcmp(home, "keyring"))
		printf(_("account %s: logged in; that is kept in the keyring\n"), account->name);
	else
		printf(_("account %s: logged in; that is kept in %s\n"), account->name,
		       !strcmp(home, "password") ? account->file : account->password_file);
}

static bool log_in(const struct account *account, bool by_code, struct error *err)
{
	struct account person = *account;	/* borrows from it */
	struct login_words words = {
		.listener = { tell }, .is_attended = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
	};
	OWNED_SECRET refresh = { 0 };
	struct secret_request request;
	const char *home;

	if (!may_log_in(account, err))
		return false;
	person.token = TOKEN_REFRESH;
	request = account_secret_request(&person, true, NULL);
	if (!token_is_complete(&request.token, err))
		return false;
	home = find_home(&person, &request, err);
	if (!home || !token_log_in(&request.token, by_code || !words.is_attended,
				   &words.listener, &refresh, err) ||
	    !source_keep(&request, home, &refresh, err) ||
	    (account->token == TOKEN_NONE && !use_refresh(account, err)))
		return false;
	tell_home(account, home);
	return true;
}

static int run_login(struct command_call *call)
{
	struct login_flags given = { .device = false };
	OWNED_CONFIG config = { 0 };
	const struct account *account;
	struct error err;
	int status;

	if (!command_parse(call, &given, &status))
		return status;
	account = account_choose(call, given.config_file, &config, &err);
	if (!account)
		return say_error(&err);
	if (!log_in(account, given.device, &err)) {
		error_context(&err, "account %s", account->name);
		return say_error(&err);
	}
	account_end_pause(&config, account);
	return say_finish();
}

static const struct flag flags[] = {
	{ "config", FLAG_TEXT, offsetof(struct login_flags, config_file), "FILE",
	  N_("read the accounts from this file alone") },
	{ "device", FLAG_SWITCH, offsetof(struct login_flags, device), NULL,
	  N_("by a code that is typed in a browser anywhere") },
	{ .name = NULL },
};

const struct command login_command = {
	.word = "login", .arguments = "[ACCOUNT]", .most = 1,
	.help = N_("log in as a person, for an account that sends with tokens"),
	.flags = flags, .run = run_login,
};
