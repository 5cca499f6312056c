/* SPDX-License-Identifier: GPL-3.0-or-later */
/* After the account is written nothing here may fail it: what does not work is said. */
#include "setup/daemon.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/language.h"
#include "base/process.h"
#include "base/text.h"
#include "config/account.h"
#include "delivery/local.h"
#include "talk/say.h"

enum { PATIENCE = 60 };		/* seconds that a command may take */

static const char program[] = ACSMTP_BINDIR "/acsmtp";

bool setup_share(const char *path, const char *daemon)
{
	const struct passwd *user = getpwnam(daemon);
	OWNED_FD fd = user ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != 0)
		return false;
	/* Who has opened it to others has thought about it. */
	if (st.st_mode & 077)
		return st.st_gid == user->pw_gid && (st.st_mode & S_IRGRP);
	return fchown(fd, (uid_t)-1, user->pw_gid) == 0 && fchmod(fd, 0640) == 0;
}

/* -1: it could not be run. */
static int run(const char *const *argv, struct error *err)
{
	struct process process = { .argv = argv, .seconds = PATIENCE };

	if (!process_run(&process, err))
		return -1;
	if (process.status != 0)
		error_set(err, ERROR_SYSTEM, "%s", process.complaint);
	return process.status;
}

static void tell(bool ok, struct error *err)
{
	if (ok) {
		puts(_("The daemon runs, and takes mail of all users of this machine."));
		return;
	}
	error_context(err, "the daemon could not be started");
	(void)say_error(err);
}

static const char *systemctl(void)
{
	return access("/usr/bin/systemctl", X_OK) == 0 ? "/usr/bin/systemctl" : "/bin/systemctl";
}

/* Of units that are not there systemctl says neither. */
static bool is_enabled(bool *is_disabled)
{
	const char *const argv[] = { systemctl(), "is-enabled", "acsmtp.socket", NULL };
	char word[16] = "";
	struct process process = { .argv = argv, .seconds = PATIENCE, .output = word,
				   .size = sizeof(word) - 1 };
	struct error unheard;
	bool ok = process_run(&process, &unheard);

	*is_disabled = ok && text_after(word, "disabled");
	return ok && process.status == 0;
}

static bool is_running(void)
{
	const char *const argv[] = { systemctl(), "--quiet", "is-active", "acsmtp.service", NULL };
	struct error unheard;

	return run(argv, &unheard) == 0;
}

/* Before there was an account their condition kept them from starting. */
static void start_units(void)
{
	const char *const start[] = { systemctl(), "--quiet", "start", "acsmtp.socket", NULL };
	const char *const reload[] = { systemctl(), "--quiet", "reload-or-restart",
				       "acsmtp.service", NULL };
	struct error err;

	tell(run(start, &err) == 0 && run(reload, &err) == 0, &err);
}

/* Nobody will start it at the next boot: that is said, too. */
static void start_by_itself(void)
{
	const char *const reload[] = { program, "daemon", "reload", NULL };
	const char *const start[] = { program, "daemon", "--background", NULL };
	struct error err;
	bool ok = run(reload, &err) == 0 || run(start, &err) == 0;

	tell(ok, &err);
	if (ok)
		printf(_("There is no systemd here: at each boot start it with `%s daemon "
			 "--background`.\n"), program);
}

static void see_to_units(void)
{
	bool is_disabled;

	if (is_enabled(&is_disabled) || is_running())
		start_units();
	if (is_disabled)
		puts(_("The daemon is not enabled: `systemctl enable --now acsmtp.socket "
		       "acsmtp.service` starts it, at each boot, too."));
}

void setup_start_daemon(void)
{
	if (access("/run/systemd/system", F_OK) == 0)
		see_to_units();
	else
		start_by_itself();
}

void setup_tell_of_names(const char *path)
{
	OWNED_CONFIG config = { 0 };
	OWNED_ALIASES aliases = { 0 };
	OWNED_ADDRESSES list = { 0 };
	struct error err;

	if (!config_load(&config, path, &err))
		return;
	local_init(&aliases, &config);
	if (local_resolve(&aliases, "root", &list, &err) || err.kind != ERROR_NO_USER)
		return;
	puts(_("Mail to names without a domain, such as what cron sends to root, has nobody to go to:\n"
	       "write `root: you@example.org` into /etc/aliases, or set local_recipients."));
}
