/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both programs begin alike: a fork, the change of user, then a line in a pipe that
 * says how it went. The keeper goes on as this program. The door is another one, so
 * that nothing that this process has read, passwords above all, is in the memory where
 * strangers are spoken to; it gets by descriptors what it may know, its sockets as
 * systemd gives them, the counts of the door before it as standard input, and behind the
 * sockets a log that is a file.
 */
#include "daemon/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/as_user.h"
#include "base/background.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/log.h"
#include "base/self.h"
#include "base/text.h"
#include "daemon/beginning.h"
#include "daemon/confine.h"
#include "daemon/keeper.h"
#include "delivery/queue.h"

enum {
	FIRST_FD = 3,		/* of the door's sockets, as systemd has it */
};

static const char door_program[] = ACSMTP_HELPERS "/acsmtp-door";

/* --- the settings */

static bool find_user(const char *name, uid_t *uid, struct error *err)
{
	const struct passwd *user = getpwnam(name);

	if (user) {
		*uid = user->pw_uid;
		return true;
	}
	error_set(err, ERROR_CONFIG, "there is no user \"%s\"", name);
	return error_advise(err, "make one that cannot log in, as systemd-sysusers and `useradd "
			    "--system` do, or name another");
}

bool launch_read_settings(struct launch_plan *l, struct error *err)
{
	l->is_root = self_is_root();
	l->keeper_uid = l->door_uid = self_user();
	if (!config_load(&l->config, l->config_file, err))
		return false;
	if (l->is_root && !find_user(l->config.daemon.user, &l->keeper_uid, err))
		return daemon_settings_blame(&l->config.daemon, "user", err);
	if (l->is_root && !find_user(l->config.daemon.door_user, &l->door_uid, err))
		return daemon_settings_blame(&l->config.daemon, "door_user", err);
	l->spool = sockets_are_of_system() && !*l->config.delivery.spool ?
		   text_copy(QUEUE_OF_SYSTEM) : queue_spool_path(&l->config.delivery);
	return l->spool || error_set(err, ERROR_CONFIG, "there is no place for a queue");
}

void launch_forget_settings(struct launch_plan *l)
{
	free(l->spool);
	config_free(&l->config);
	*l = (struct launch_plan){ .config_file = l->config_file, .counts = l->counts };
}

/* For each directory on the way to `path`, from above; `path` is as it was afterwards. */
static void walk_to(char *path, void (*visit)(const char *directory))
{
	for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		visit(path);
		*slash = '/';
	}
}

static void make_passable(const char *directory)
{
	if (mkdir(directory, 0755) == 0)
		(void)chmod(directory, 0755);
}

static void sync_names(const char *directory)
{
	OWNED_FD fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)fsync(fd);
}

/*
 * The keeper cannot make it where only root may. Its mode says that it is not settled
 * (base/directory.h) until its name, and those on the way to it, are on the disk: whoever
 * finds that mode goes on, in the place of one that died.
 */
static void make_spool(const struct launch_plan *l)
{
	OWNED_TEXT path = text_copy(l->spool);
	struct stat st;
	bool is_there = lstat(path, &st) == 0;

	if (is_there && ((st.st_mode & 07777) != DIRECTORY_NEW ||
			 (!self_owns(&st) && st.st_uid != l->keeper_uid)))
		return;
	walk_to(path, make_passable);
	if ((!is_there && mkdir(path, DIRECTORY_NEW) < 0) ||
	    lchown(path, l->keeper_uid, (gid_t)-1) < 0)
		return;
	walk_to(path, sync_names);
	(void)chmod(path, 0700);
}

/* One that root has worked on by itself, say; what is in it is not to be lost. */
static bool is_keepers(const struct launch_plan *l, struct error *err)
{
	struct stat st;

	if (lstat(l->spool, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid == l->keeper_uid)
		return true;
	error_set(err, ERROR_CREATE, "the queue %s belongs to another user (uid %ld) than the daemon's, "
		  "%s", l->spool, (long)st.st_uid, l->config.daemon.user);
	return error_advise(err, "when nobody works on it, give it to the daemon with its mail "
			    "(`chown -R`), or name another `spool` in [delivery]");
}

/* --- a child */

static bool become(const struct launch_plan *l, uid_t uid)
{
	return !l->is_root || uid == 0 || as_user_become(uid);
}

static _Noreturn void fail_to_begin(int report, const char *what)
{
	struct error err;

	error_errno(&err, ERROR_SYSTEM, "%s", what);
	beginning_tell(report, &err);
	_exit(error_exit_status(&err));
}

/* The child goes on with *report; -1: the error. */
static pid_t fork_child(const struct launch_plan *l, uid_t uid, int *report, struct error *err)
{
	int ends[2];
	pid_t pid, parent = getpid();

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, ERROR_SYSTEM, "pipe"), -1;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		if (!become(l, uid))
			fail_to_begin(ends[1], "cannot become the user");
		/*
		 * Whatever ends us ends it. Said after become(), as the kernel forgets
		 * it when the user changes.
		 */
		self_end_with(parent, SIGTERM);
		*report = ends[1];
		return 0;
	}
	close(ends[1]);
	*report = ends[0];
	if (pid < 0) {
		close(ends[0]);
		error_errno(err, ERROR_SYSTEM, "fork");
	}
	return pid;
}

/* --- the keeper */

bool launch_keeper(const struct launch_plan *l, const struct sockets *sockets, pid_t *pid,
		   struct error *err)
{
	struct keeper_job job = {
		.control = sockets->control.list[0].fd, .config = l->config_file, .spool = l->spool,
		.door_uid = l->door_uid, .confined = confine_words(confine_look()),
	};
	int report;

	if (l->is_root) {
		make_spool(l);
		if (!is_keepers(l, err))
			return false;
	}
	*pid = fork_child(l, l->keeper_uid, &report, err);
	if (*pid == 0) {
		background_set_title("acsmtp: keeper");
		/*
		 * They are the door's: kept here, and by whoever still sends a message when
		 * the daemon has ended, they would be in the way of the next one.
		 */
		for (size_t i = 0; i < sockets->open.count; i++)
			close(sockets->open.list[i].fd);
		if (l->counts >= 0)
			close(l->counts);
		job.report = report;
		_exit(keeper_run(&job));
	}
	if (*pid > 0 && beginning_hear(report, *pid, err))
		return true;
	*pid = 0;
	return false;
}

/* The user who gives us mail; the door of a user's own daemon is that user's. */
static uid_t door_user(const struct config *config)
{
	struct error unheard;
	uid_t uid = self_user();

	(void)find_user(config->daemon.door_user, &uid, &unheard);
	return uid;
}

/* It has no account of its own: what others are told would lead astray. */
static bool read_settings_alone(struct launch_plan *l, struct error *err)
{
	if (launch_read_settings(l, err))
		return true;
	if (!l->config.is_closed)
		return false;
	error_set(err, ERROR_CONFIG, "the keeper's user may not read the system's settings");
	return error_advise(err, "let its group read acsmtp.ini, as `acsmtp setup` does: chgrp "
			    "acsmtp, and chmod 640");
}

bool launch_keeper_alone(const char *config_file, int *status, struct error *err)
{
	struct launch_plan l = { .config_file = config_file, .counts = -1 };
	struct sockets sockets = { .control_path = NULL };
	bool ok = read_settings_alone(&l, err) &&
		  sockets_open_control(&sockets, &l.config.daemon, err);

	if (ok) {
		struct keeper_job job = {
			.control = sockets.control.list[0].fd, .config = l.config_file,
			.spool = l.spool, .door_uid = door_user(&l.config),
			.confined = confine_words(confine_look()), .report = -1,
		};

		/* Whoever has made it need not have seen to that. */
		walk_to(l.spool, sync_names);
		*status = keeper_run(&job);
	}
	sockets_close(&sockets);
	launch_forget_settings(&l);
	return ok;
}

/* --- the door */

/* Where none is that a socket is to get. */
static int out_of_the_way(const struct listeners *open, int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD + (int)open->count);

	/* EINVAL: not even the first of these is one that it may have. */
	errno = moved < 0 && errno == EINVAL ? EMFILE : errno;
	return moved;
}

/* As systemd hands sockets over, so that it may do it itself; false: with errno. */
static bool lay_out(const struct listeners *open, int counts, int report)
{
	int moved[LISTENERS_MAX];
	char text[32];
	OWNED_BUF names = BUF_INIT(1024);

	for (size_t i = 0; i < open->count; i++) {
		moved[i] = out_of_the_way(open, open->list[i].fd);
		if (moved[i] < 0)
			return false;
		buf_addf(&names, "%s%s", i ? ":" : "", open->list[i].is_local ? "socket" : "listen");
	}
	report = out_of_the_way(open, report);
	/* What dup2(2) makes is kept by exec; all else is closed. */
	if (report < 0 || (counts >= 0 && dup2(counts, STDIN_FILENO) < 0) ||
	    dup2(report, STDOUT_FILENO) < 0)
		return false;
	for (size_t i = 0; i < open->count; i++)
		if (dup2(moved[i], FIRST_FD + (int)i) < 0)
			return false;
	snprintf(text, sizeof(text), "%ld", (long)getpid());
	setenv("LISTEN_PID", text, 1);
	snprintf(text, sizeof(text), "%zu", open->count);
	setenv("LISTEN_FDS", text, 1);
	setenv("LISTEN_FDNAMES", buf_text(&names), 1);
	/* Only the leader speaks to systemd. */
	unsetenv("NOTIFY_SOCKET");
	return true;
}

static _Noreturn void be_door(const struct launch_plan *l, const struct sockets *sockets,
			      int report)
{
	const char *argv[] = { "acsmtp-door", sockets->control_path, NULL, NULL };
	int last = FIRST_FD + (int)sockets->open.count;
	/* Where a socket will stand it cannot stay. */
	int log = fcntl(log_descriptor(), F_DUPFD_CLOEXEC, last + 1);
	char number[16];
	sigset_t none;

	if (!lay_out(&sockets->open, l->counts, report))
		fail_to_begin(report, "its sockets");
	if (log >= 0 && dup2(log, last) >= 0) {
		snprintf(number, sizeof(number), "%d", last++);
		argv[2] = number;
	}
	descriptors_close(last);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(door_program, (char *const *)argv);
	fail_to_begin(STDOUT_FILENO, door_program);
}

bool launch_door(const struct launch_plan *l, const struct sockets *sockets, pid_t *pid,
		 struct error *err)
{
	int report;
	pid_t child = fork_child(l, l->door_uid, &report, err);

	if (child == 0)
		be_door(l, sockets, report);
	if (child < 0 || !beginning_hear(report, child, err))
		return false;
	*pid = child;
	return true;
}
