/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/confine.h"

/* Nothing that is asked for with -1 everywhere can do any harm where it is not refused. */
static const int shut[] = {
	SYS_socket, SYS_connect, SYS_accept, SYS_bind, SYS_listen, SYS_socketpair, SYS_accept4,
	SYS_clone, SYS_clone3, SYS_execve, SYS_execveat, SYS_kill, SYS_tkill, SYS_tgkill,
	SYS_ptrace, SYS_setuid, SYS_setresgid, SYS_setgroups, SYS_setns, SYS_unshare, SYS_bpf,
	SYS_keyctl, SYS_mount, SYS_umount2, SYS_semget, SYS_msgget, SYS_shmget, SYS_mq_open,
	SYS_process_vm_readv, SYS_pidfd_open, SYS_pidfd_getfd, SYS_io_uring_setup,
	SYS_process_madvise,
};
static const int open_to_all[] = {
	SYS_read, SYS_write, SYS_close, SYS_fstat, SYS_lseek, SYS_ppoll, SYS_openat, SYS_dup,
	SYS_getpid, SYS_getppid, SYS_getuid, SYS_getgid, SYS_geteuid, SYS_sendto, SYS_recvfrom,
	SYS_sendmsg, SYS_recvmsg, SYS_shutdown, SYS_getsockname, SYS_getpeername,
	SYS_getsockopt, SYS_setsockopt, SYS_uname, SYS_getrandom, SYS_mprotect, SYS_wait4,
	SYS_fcntl, SYS_rt_sigprocmask, SYS_clock_gettime, SYS_semop, SYS_madvise,
};

/* The exit status is the number of the first one that is not as it should be. */
static int try_all(void)
{
	const char *const none[] = { NULL };

	confine_begin();
	/* The door still lets clients in; the descriptor is none. */
	if (syscall(SYS_accept4, -1L, 0L, 0L, 0L) != -1 || errno != EBADF)
		return 1;
	if (!(confine(none) & CONFINED_CALLS))
		return 1;
	for (size_t i = 0; i < COUNT_OF(shut); i++)
		if (syscall(shut[i], -1L, -1L, -1L, -1L, -1L, -1L) != -1 || errno != EPERM)
			return 2 + (int)i;
	for (size_t i = 0; i < COUNT_OF(open_to_all); i++) {
		errno = 0;
		(void)syscall(open_to_all[i], -1L, -1L, -1L, -1L, -1L, -1L);
		if (errno == EPERM)
			return 100 + (int)i;
	}
	return 0;
}

static void test_calls(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(try_all());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_calls) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
