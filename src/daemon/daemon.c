/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acsmtp daemon [status | reload | stop] */
#include "daemon/commands.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/language.h"
#include "daemon/launch.h"
#include "daemon/status.h"
#include "daemon/supervise.h"
#include "daemon/units.h"
#include "delivery/daemon_socket.h"
#include "delivery/queue.h"
#include "talk/say.h"

enum {			/* seconds */
	ASK_PATIENCE = 5,	/* until a crowded daemon has taken the connection */
	STOP_PATIENCE = 10,	/* that it may take to end */
};

struct daemon_flags {
	const char *config;
	bool in_background, is_keeper, json, prometheus;
};

#define IN(field)	offsetof(struct daemon_flags, field)
#define CONFIG_FLAG \
	{ "config", FLAG_TEXT, IN(config), "FILE", N_("configuration file, as sendmail -C") }

/* --- acsmtp daemon */

static const struct flag run_flags[] = {
	CONFIG_FLAG,
	{ "background", FLAG_SWITCH, IN(in_background), NULL,
	  N_("go into the background when all has begun") },
	{ "keeper", FLAG_SWITCH, IN(is_keeper), NULL,
	  N_("only the part that sends; acsmtp-door is started apart") },
	{ .name = NULL },
};

static int run_keeper(const struct daemon_flags *flags)
{
	OWNED_TEXT config = flags->config ? queue_config_path(flags->config) : NULL;
	struct error err;
	int status;

	if (flags->in_background)
		error_set(&err, ERROR_USAGE, "--keeper is for a service manager, and not for the "
			  "background");
	else if (launch_keeper_alone(config, &status, &err))
		return status;
	return say_error(&err);
}

static int run(struct command_call *call)
{
	struct daemon_flags flags = { .config = NULL };
	struct error err;
	int status;

	if (!command_parse(call, &flags, &status))
		return status;
	if (flags.is_keeper)
		return run_keeper(&flags);
	return supervise(flags.config, flags.in_background, &err) ? EX_OK :
	       say_error(&err);
}

/* --- those who ask it */

/* The settings say where; a user who may not read them asks at the usual places. */
struct daemon_found {
	struct config config;
	int fd;			/* connected to the keeper; -1: not */
	char *door;		/* where its other socket should be; NULL: nowhere */
	bool is_refused;	/* the settings of now have a mistake, */
	struct error refusal;	/* this one */
};

static void lose_it(struct daemon_found *it)
{
	fd_cleanup(&it->fd);
	free(it->door);
	config_free(&it->config);
}
#define OWNED_FOUND	__attribute__((cleanup(lose_it))) struct daemon_found

static bool connect_it(struct daemon_found *it, struct error *err)
{
	OWNED_TEXT keeper = NULL;

	keeper = daemon_socket_find(&it->config.daemon, DAEMON_KEEPER);
	it->door = daemon_socket_beside(&it->config.daemon, keeper);
	it->fd = daemon_socket_connect(&it->config.daemon, keeper, ASK_PATIENCE, err);
	return it->fd >= 0;
}

static bool find_it_by(const char *config_file, struct daemon_found *it, struct error *err)
{
	it->fd = -1;
	return config_load_any(&it->config, config_file, err) && connect_it(it, err);
}

/* It may run on with what it read before somebody made a mistake in the files. */
static bool find_it_anyway(const char *config_file, struct daemon_found *it, struct error *err)
{
	struct error unheard;

	it->fd = -1;
	if (config_load_any(&it->config, config_file, err))
		return connect_it(it, err);
	it->is_refused = true;
	it->refusal = *err;
	config_salvage(&it->config, config_file);
	return connect_it(it, &unheard);
}

static void warn_of_refusal(struct daemon_found *it)
{
	error_context(&it->refusal, "the daemon runs on with other settings than those of now, which "
		      "have a mistake");
	error_advise(&it->refusal, "mend it: neither `acsmtp daemon reload` nor a start takes them");
	say_warning(&it->refusal);
}

static const struct flag status_flags[] = {
	CONFIG_FLAG,
	{ "json", FLAG_SWITCH, IN(json), NULL, N_("output for programs") },
	{ "prometheus", FLAG_SWITCH, IN(prometheus), NULL, N_("output for Prometheus") },
	{ .name = NULL },
};

static int show_status(struct command_call *call)
{
	struct daemon_flags flags = { .config = NULL };
	OWNED_FOUND it = { .fd = -1 };
	enum status_format format;
	struct error err;
	bool ok = false;
	int status;

	if (!command_parse(call, &flags, &status))
		return status;
	format = flags.json ? STATUS_JSON : flags.prometheus ? STATUS_PROMETHEUS : STATUS_WORDS;
	if (find_it_anyway(flags.config, &it, &err))
		ok = status_show(&(struct status_place){ it.fd, it.door, &it.config.daemon,
							 it.is_refused ? it.refusal.text : NULL },
				 format, stdout, &err);
	else
		status_show_absence(format, &err, stdout);
	status = say_finish();
	if (it.fd >= 0 && it.is_refused)
		warn_of_refusal(&it);
	return ok ? status : say_error(&err);
}

/*
 * Who listens there is who has begun it all, says the kernel; whether we may send it a
 * signal is for the kernel to know as well. *fd stays connected while the keeper lives.
 */
static bool find_supervisor(const char *config_file, int *fd, pid_t *pid, struct error *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	OWNED_FOUND it = { .fd = -1 };

	if (!find_it_by(config_file, &it, err))
		return false;
	*fd = fd_take(&it.fd);
	*pid = getsockopt(*fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? peer.pid : 0;
	return *pid > 1 || error_set(err, ERROR_SYSTEM, "the daemon's process is not known");
}

static bool find_it(struct command_call *call, int *fd, pid_t *pid, int *status)
{
	struct daemon_flags flags = { .config = NULL };
	struct error err;

	if (!command_parse(call, &flags, status))
		return false;
	if (find_supervisor(flags.config, fd, pid, &err))
		return true;
	*status = say_error(&err);
	return false;
}

static bool signal_it(pid_t pid, int signal, struct error *err)
{
	if (kill(pid, signal) == 0)
		return true;
	error_errno(err, errno == EPERM ? ERROR_AUTH : ERROR_SYSTEM, "the daemon, process %ld",
		    (long)pid);
	return err->kind == ERROR_AUTH ?
	       error_advise(err, "it is another user's: call this as root, or as the user who "
			    "has started it") : false;
}

static const struct flag signal_flags[] = {
	CONFIG_FLAG,
	{ .name = NULL },
};

/* Also of one whose parent has not asked yet how it ended. */
static bool has_ended(int process, pid_t pid, int ms)
{
	struct pollfd fd = { .fd = process, .events = POLLIN };

	if (process >= 0)
		return poll(&fd, 1, ms) > 0;
	(void)poll(NULL, 0, 50);
	return kill(pid, 0) < 0 && errno == ESRCH;
}

static bool stop_process(pid_t pid, struct error *err)
{
	int64_t deadline = clock_after(STOP_PATIENCE);
	/*
	 * A number may soon be another process's; a descriptor stays this one's.
	 * Kernels before 5.3 have none: then the number is asked.
	 */
	OWNED_FD process = (int)syscall(SYS_pidfd_open, pid, 0);

	if (!signal_it(pid, SIGTERM, err))
		return false;
	while (!has_ended(process, pid, clock_left(deadline)))
		if (clock_left(deadline) == 0)
			return error_set(err, ERROR_LATER, "the daemon, process %ld, has not ended "
					 "yet", (long)pid);
	return true;
}

static bool reload_process(pid_t pid, struct error *err)
{
	return signal_it(pid, SIGHUP, err);
}

/* What is a unit's is told by its manager, so that he knows. */
static int tell_it(struct command_call *call, bool (*units)(struct error *err),
		   bool (*process)(pid_t pid, struct error *err))
{
	OWNED_FD fd = -1;
	struct error err;
	pid_t pid;
	int status;

	if (!find_it(call, &fd, &pid, &status))
		return status;
	return (units_have(pid) ? units(&err) : process(pid, &err)) ? EX_OK : say_error(&err);
}

static int reload(struct command_call *call)
{
	return tell_it(call, units_reload, reload_process);
}

static int stop(struct command_call *call)
{
	return tell_it(call, units_stop, stop_process);
}

const struct command daemon_command = {
	.word = "daemon", .arguments = "", .help = N_("take mail of all users in, and send it"),
	.flags = run_flags, .run = run,
};
const struct command daemon_status_command = {
	.word = "daemon", .sub = "status", .arguments = "",
	.help = N_("how the daemon does"), .flags = status_flags, .run = show_status,
};
const struct command daemon_reload_command = {
	.word = "daemon", .sub = "reload", .arguments = "",
	.help = N_("let it read its settings again"), .flags = signal_flags, .run = reload,
};
const struct command daemon_stop_command = {
	.word = "daemon", .sub = "stop", .arguments = "",
	.help = N_("end it"), .flags = signal_flags, .run = stop,
};
