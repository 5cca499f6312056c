/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Three walls; where the kernel lacks one the others stand. "No new privileges" comes
 * first, as without it the kernel gives neither of the other two to a process that is
 * not root's. Landlock has no functions in the C library, so its system calls are made
 * by number; the filter of seccomp is small enough to be written out, which saves a
 * library that would be in the process that it confines.
 */
#include "daemon/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

/* --- files: Landlock, as far as its version goes */

#define FIRST_RIGHTS	((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)	/* of version 1: all to there */

static int landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

/* Rights that a version knows; those of later ones are refused nowhere else. */
static uint64_t known_rights(int version)
{
	uint64_t rights = FIRST_RIGHTS;

	if (version >= 2)
		rights |= UINT64_C(1) << 13;	/* renaming between directories */
	if (version >= 3)
		rights |= UINT64_C(1) << 14;	/* cutting files */
	return rights;
}

static void allow_reading(int rules, const char *path)
{
	/* What is not there gets no rule, and so is not to be opened later either. */
	OWNED_FD fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = fd,
	};

	if (fd >= 0)
		(void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static bool confine_files(const char *const *files)
{
	int version = landlock_version();
	/*
	 * What is named there is refused unless a rule allows it; a right that the
	 * kernel does not know would make it refuse the whole set.
	 */
	struct landlock_ruleset_attr attr = { .handled_access_fs = known_rights(version) };
	OWNED_FD rules = -1;

	if (version == 0)
		return false;
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (rules < 0)
		return false;
	for (; *files; files++)
		allow_reading(rules, *files);
	return syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}

/* --- system calls: seccomp */

#if defined(__x86_64__)
#define OUR_ARCH	AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH	AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OUR_ARCH	AUDIT_ARCH_RISCV64
#endif

#ifdef OUR_ARCH
/*
 * What neither the door nor a session ever does: run a program, touch another process's
 * memory, change who it is, or reach the parts of the kernel that are none of its business.
 * It fails as if it had no right to, so that a library that tries goes on without.
 */
static const int never[] = {
	SYS_bind, SYS_listen, SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv,
	SYS_process_vm_writev, SYS_kcmp, SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid,
	SYS_setresuid, SYS_setresgid, SYS_setgroups, SYS_setfsuid, SYS_setfsgid, SYS_capset,
	SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot,
	SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_bpf, SYS_perf_event_open, SYS_keyctl,
	SYS_add_key, SYS_request_key, SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter,
	SYS_io_uring_register, SYS_pidfd_getfd, SYS_pidfd_open, SYS_init_module,
	SYS_finit_module, SYS_kexec_load, SYS_reboot, SYS_personality, SYS_mq_open, SYS_shmget,
	SYS_msgget, SYS_semget, SYS_inotify_init1, SYS_fanotify_init, SYS_pidfd_send_signal,
	SYS_process_madvise,
};
/* Nor, once it has its connections: begin another one, or a process, or signal one. */
static const int never_again[] = {
	SYS_socket, SYS_socketpair, SYS_connect, SYS_accept, SYS_accept4, SYS_clone, SYS_clone3,
#ifdef SYS_fork
	SYS_fork, SYS_vfork,
#endif
	SYS_kill, SYS_tkill, SYS_tgkill,
};

enum {
	MOST = COUNT_OF(never) > COUNT_OF(never_again) ? COUNT_OF(never) : COUNT_OF(never_again),
	HEAD = 6,
	/* A question for each of them and one for each two that stand side by side. */
	FILTER_MAX = HEAD + 2 * MOST - 1 + 2,
};

static int by_number(const void *one, const void *other)
{
	const int *a = one, *b = other;

	return (*a > *b) - (*a < *b);
}

/*
 * A tree, as the kernel asks it for every number that there is when it is installed: a
 * list would cost a session as much as its process does. Where a last question goes is
 * known when the whole is; `n` instructions stand there, and the new number is returned.
 */
static size_t add_questions(struct sock_filter *filter, size_t n, const int *numbers, size_t count)
{
	size_t half = count / 2, at = n++;

	if (count == 1) {
		filter[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							  (unsigned)*numbers, 0, 0);
		return n;
	}
	n = add_questions(filter, n, numbers, half);
	filter[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (unsigned)numbers[half],
						  (unsigned char)(n - at - 1), 0);
	return add_questions(filter, n, numbers + half, count - half);
}

static void answer(struct sock_filter *filter, size_t n)
{
	filter[n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	filter[n + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	for (size_t i = HEAD; i < n; i++)
		if (BPF_OP(filter[i].code) == BPF_JEQ) {
			filter[i].jt = (unsigned char)(n - i - 1);
			filter[i].jf = (unsigned char)(n - i);
		}
}

/* What an instruction can skip. */
_Static_assert(FILTER_MAX < 256, "the filter is small enough");

static bool refuse_calls(const int *refused, size_t count)
{
	/*
	 * A number means another call on another architecture, and a process can enter
	 * the kernel by the 32-bit one as well: what does not come by ours ends it. The
	 * other names of the same calls, of x32, are refused.
	 */
	struct sock_filter filter[FILTER_MAX] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog program = { .filter = filter };
	int numbers[MOST];
	size_t n;

	memcpy(numbers, refused, count * sizeof(*numbers));
	qsort(numbers, count, sizeof(*numbers), by_number);
	n = add_questions(filter, HEAD, numbers, count);
	answer(filter, n);
	program.len = (unsigned short)(n + 2);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

static bool refuse_always(void)
{
	return refuse_calls(never, COUNT_OF(never));
}

static bool refuse_from_now_on(void)
{
	return refuse_calls(never_again, COUNT_OF(never_again));
}
#else
static bool refuse_always(void)
{
	return false;
}

static bool refuse_from_now_on(void)
{
	return false;
}
#endif

/* --- both, and what needs no such kernel */

void confine_begin(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		(void)refuse_always();
}

unsigned confine(const char *const *files)
{
	unsigned confined = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		confined |= CONFINED_RIGHTS;
	if (confined && confine_files(files))
		confined |= CONFINED_FILES;
	if (confined && refuse_from_now_on())
		confined |= CONFINED_CALLS;
	return confined;
}

unsigned confine_look(void)
{
	unsigned confined = CONFINED_RIGHTS;

	if (landlock_version() > 0)
		confined |= CONFINED_FILES;
#ifdef OUR_ARCH
	/* EINVAL from a kernel that was built without. */
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0)
		confined |= CONFINED_CALLS;
#endif
	return confined;
}

const char *confine_words(unsigned confined)
{
	switch (confined & (CONFINED_FILES | CONFINED_CALLS)) {
	case CONFINED_FILES | CONFINED_CALLS:
		return "no new rights, Landlock, seccomp";
	case CONFINED_FILES:
		return "no new rights, Landlock";
	case CONFINED_CALLS:
		return "no new rights, seccomp";
	default:
		return confined ? "no new rights" : "";
	}
}
