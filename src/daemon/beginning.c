/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leader, keeper and door begin alike. Signals are read and not caught, so that each is
 * met between two steps and never within one. The word of how it went is one line in a
 * pipe, as the door is another program than the one that waits for it.
 */
#include "daemon/beginning.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/handover.h"

enum { PATIENCE = 30 };		/* seconds until a child that says nothing is ended */

int beginning_signals(const char *whose, struct error *err)
{
	static const int heard[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < COUNT_OF(heard); i++)
		sigaddset(&set, heard[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		error_errno(err, ERROR_SYSTEM, "%s", whose);
	return fd;
}

void beginning_tell(int fd, const struct error *err)
{
	dprintf(fd, "%s%s%s\n", err ? err->text : "ok", err && err->advice ? "; " : "",
		err && err->advice ? err->advice : "");
}

/*
 * The line has the words of the error and the exit status its kind, so that the caller
 * ends with the same status as the child.
 */
static bool kind_of_status(int status, enum error_kind *kind)
{
	for (int k = ERROR_NONE + 1; k < ERROR_KINDS; k++)
		if (error_exit_status(&(struct error){ .kind = (enum error_kind)k }) == status) {
			*kind = (enum error_kind)k;
			return true;
		}
	return false;
}

bool beginning_hear(int fd, pid_t pid, struct error *err)
{
	char line[HANDOVER_LINE_MAX] = "";
	bool is_heard = handover_read_line(fd, line, PATIENCE);
	enum error_kind kind = ERROR_SYSTEM;
	int status = 0;

	close(fd);
	if (is_heard && !strcmp(line, "ok"))
		return true;
	if (!is_heard)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status))
		(void)kind_of_status(WEXITSTATUS(status), &kind);
	return error_set(err, kind, "%s", is_heard ? line : "it did not begin");
}
