/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The program is executed anew and not merely forked: what stays for hours should hold no
 * secret, message or descriptor of the call that happened to start it, and should be
 * today's program after an upgrade.
 */
#include "base/background.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum {
	REPORT = 3,		/* the descriptor that tells our caller of a failure */
	DESCRIPTORS = 1024,	/* no more than select(2) knows */
	PROGRAMS = 3,
};

/* --- what was inherited */

void descriptors_close(int least)
{
	long most = sysconf(_SC_OPEN_MAX);

	if (close_range((unsigned)least, UINT_MAX, 0) < 0)
		for (int fd = least; fd < (most > 0 && most < 65536 ? most : 65536); fd++)
			close(fd);
}

int descriptor_of_nothing(int flags)
{
	int fd = open("/dev/null", flags);

	/* Without /dev: it can neither be read nor written, and that is no signal. */
	return fd >= 0 ? fd : open("/", O_PATH | O_DIRECTORY);
}

/*
 * Never left closed: the next file that is opened would be standard error, and get
 * complaints.
 */
static void leave_standard_descriptors(void)
{
	int nothing = descriptor_of_nothing(O_RDWR);

	for (int fd = 0; fd <= 2; fd++)
		if (nothing >= 0)
			dup2(nothing, fd);
		else
			close(fd);
	if (nothing > 2)
		close(nothing);
}

/* As far as a limit may be raised: by root beyond the hard one. */
static void raise_limit(__rlimit_resource_t resource, rlim_t wanted)
{
	struct rlimit now, more;

	if (getrlimit(resource, &now) < 0 || now.rlim_cur >= wanted)
		return;
	more = (struct rlimit){ wanted, now.rlim_max < wanted ? wanted : now.rlim_max };
	if (setrlimit(resource, &more) == 0)
		return;
	more = (struct rlimit){ now.rlim_max < wanted ? now.rlim_max : wanted, now.rlim_max };
	(void)setrlimit(resource, &more);
}

void limits_raise(void)
{
	raise_limit(RLIMIT_NOFILE, DESCRIPTORS);
	/*
	 * Each of these ends a process by a signal, or in the middle of a message, hours
	 * later.
	 */
	raise_limit(RLIMIT_FSIZE, RLIM_INFINITY);
	raise_limit(RLIMIT_CPU, RLIM_INFINITY);
	raise_limit(RLIMIT_AS, RLIM_INFINITY);
	raise_limit(RLIMIT_DATA, RLIM_INFINITY);
	raise_limit(RLIMIT_NPROC, RLIM_INFINITY);
}

/*
 * The words of the command line lie behind each other, and the environment behind them.
 */
void background_set_title(const char *title)
{
	char *start = program_invocation_name;
	ptrdiff_t room = environ && environ[0] ? environ[0] - start : 0;

	prctl(PR_SET_NAME, "acsmtp");
	if (room <= 0 || room > PATH_MAX * 4)
		return;
	memset(start, 0, (size_t)room);
	snprintf(start, (size_t)room, "%s", title);
}

/* Taken and given back, as the limit alone tells nothing of the machine's own. */
/* Whether so many copies can be had of one that we have. */
static bool copies_suffice(int fd, int count)
{
	OWNED_FD copy = -1;

	if (count == 0)
		return true;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy >= 0 && copies_suffice(fd, count - 1);
}

bool descriptors_suffice(int count)
{
	OWNED_FD fd = descriptor_of_nothing(O_RDONLY | O_CLOEXEC);

	return fd >= 0 && copies_suffice(fd, count - 1);
}

/* --- another process */

struct launch {
	const char *const *argv;
	char *programs[PROGRAMS];	/* where we are, best first; NULL: not known */
	int report;
};

/*
 * /proc says it, unless the program was replaced since; how we were called, if that was a
 * whole path; and where it was installed.
 */
static void find_programs(struct launch *launch)
{
	static const char deleted[] = " (deleted)";
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): so it is given */
	const char *called = (const char *)getauxval(AT_EXECFN);
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len > 0) {
		path[len] = '\0';
		if ((size_t)len < sizeof(deleted) ||
		    strcmp(path + len - (sizeof(deleted) - 1), deleted) != 0)
			launch->programs[0] = text_copy(path);
	}
	if (called && *called == '/')
		launch->programs[1] = text_copy(called);
	launch->programs[2] = text_copy(ACSMTP_BINDIR "/acsmtp");
}

static _Noreturn void give_up(int number)
{
	(void)write_all(REPORT, &number, sizeof(number));
	_exit(1);
}

static _Noreturn void become(const struct launch *launch)
{
	int number = ENOENT;
	sigset_t none;
	pid_t child;

	if (launch->report != REPORT)
		dup3(launch->report, REPORT, O_CLOEXEC);
	/* A lock or a pipe of the caller's would be held as long as we live. */
	descriptors_close(REPORT + 1);
	limits_raise();
	leave_standard_descriptors();
	setsid();
	(void)!chdir("/");
	/* What is blocked stays blocked over execve(2): nobody could end us any more. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Twice, so that it is nobody's child and gets no terminal again. */
	child = fork();
	if (child < 0)
		give_up(errno);
	if (child > 0)
		_exit(0);
	for (int i = 0; i < PROGRAMS; i++) {
		if (!launch->programs[i])
			continue;
		execv(launch->programs[i], (char *const *)launch->argv);
		number = errno;
	}
	give_up(number);
}

/* The end of the pipe is closed by what has begun; a number in it is why nobody has. */
static int wait_for_report(int fd)
{
	int number;

	return read_some(fd, &number, sizeof(number)) == sizeof(number) ? number : 0;
}

static void reap(pid_t child)
{
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static bool launch_and_wait(struct launch *launch, struct error *err)
{
	int ends[2], number;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, ERROR_SYSTEM, "pipe");
	launch->report = ends[1];
	child = fork();
	number = errno;
	if (child == 0)
		become(launch);
	close(ends[1]);
	if (child > 0) {
		number = wait_for_report(ends[0]);
		reap(child);
	}
	close(ends[0]);
	errno = number;
	if (child < 0)
		return error_errno(err, ERROR_SYSTEM, "fork");
	return number == 0 ||
	       error_errno(err, ERROR_SYSTEM, "the program cannot be started");
}

bool background_start(const char *const *argv, struct error *err)
{
	struct launch launch = { .argv = argv };
	bool ok;

	find_programs(&launch);
	ok = launch_and_wait(&launch, err);
	for (int i = 0; i < PROGRAMS; i++)
		free(launch.programs[i]);
	return ok;
}

void background_detach(void)
{
	(void)!chdir("/");
	leave_standard_descriptors();
}

bool background_enter(struct error *err)
{
	pid_t child = fork();

	if (child < 0)
		return error_errno(err, ERROR_SYSTEM, "fork");
	if (child > 0)
		_exit(0);
	setsid();
	background_detach();
	return true;
}
