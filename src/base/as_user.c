/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/as_user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"

bool as_user_become(uid_t uid)
{
	const struct passwd *user = getpwuid(uid);

	return user && initgroups(user->pw_name, user->pw_gid) == 0 &&
	       setgid(user->pw_gid) == 0 && setuid(uid) == 0 && setuid(0) < 0;
}

static _Noreturn void ask(uid_t uid, bool (*try)(const char *what, struct error *err),
			  const char *what, int answer)
{
	struct error its = { .kind = ERROR_NONE };

	if (!as_user_become(uid))
		error_errno(&its, ERROR_SYSTEM, "cannot become the user");
	else if (try(what, &its))
		its.kind = ERROR_NONE;
	_exit(write_all(answer, &its, sizeof(its)) ? 0 : 1);
}

bool as_user_try(uid_t uid, bool (*try)(const char *what, struct error *err), const char *what,
		 struct error *err)
{
	int ends[2];
	bool is_heard;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, ERROR_SYSTEM, "pipe");
	pid = fork();
	if (pid == 0)
		ask(uid, try, what, ends[1]);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return error_errno(err, ERROR_SYSTEM, "fork");
	}
	/* What it points to is the program's own, and so the same in both processes. */
	is_heard = read_some(ends[0], err, sizeof(*err)) == sizeof(*err);
	close(ends[0]);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return is_heard ? err->kind == ERROR_NONE :
	       error_set(err, ERROR_SYSTEM, "a child that was asked has not answered");
}
