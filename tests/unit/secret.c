/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The place where a secret lives: its room, its limit, its privacy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"

static void test_set(void **state)
{
	OWNED_SECRET secret = { 0 };

	(void)state;
	assert_false(secret_is_set(&secret));
	assert_true(secret_set(&secret, "pass\0word", 9));
	assert_true(secret_is_set(&secret));
	assert_int_equal(secret.len, 9);
	assert_memory_equal(secret.bytes, "pass\0word", 9);
	/* A shorter one leaves nothing of the longer one behind. */
	assert_true(secret_set(&secret, "new", 3));
	assert_memory_equal(secret.bytes, "new\0\0\0\0\0\0", 9);
	assert_true(secret_set(&secret, "", 0));
	assert_true(secret_is_set(&secret));
	assert_int_equal(secret.len, 0);
}

static void test_limit(void **state)
{
	static char long_one[SECRET_MAX + 1];
	OWNED_SECRET secret = { 0 };

	(void)state;
	memset(long_one, 'x', sizeof(long_one));
	assert_true(secret_set(&secret, "kept", 4));
	assert_false(secret_set(&secret, long_one, SECRET_MAX + 1));
	assert_int_equal(secret.len, 4);
	assert_memory_equal(secret.bytes, "kept", 4);
	assert_true(secret_set(&secret, long_one, SECRET_MAX));
	assert_int_equal(secret.len, SECRET_MAX);
	assert_memory_equal(secret.bytes, long_one, SECRET_MAX);
}

static void test_room(void **state)
{
	OWNED_SECRET secret = { 0 };

	(void)state;
	secret_make_room(&secret);
	assert_true(secret_is_set(&secret));
	assert_int_equal(secret.len, 0);
	memset(secret.bytes, 'x', SECRET_MAX + 1);
	secret.len = SECRET_MAX;
	secret_make_room(&secret);
	assert_int_equal(secret.len, 0);
	for (size_t i = 0; i <= SECRET_MAX; i++)
		assert_int_equal(secret.bytes[i], 0);
}

static void test_release(void **state)
{
	struct secret secret = { 0 };

	(void)state;
	secret_free(&secret);
	assert_true(secret_set(&secret, "pass", 4));
	secret_free(&secret);
	assert_false(secret_is_set(&secret));
	assert_null(secret.bytes);
	assert_int_equal(secret.len, 0);
	secret_free(&secret);
}

static void test_wipe(void **state)
{
	char bytes[] = "password";

	(void)state;
	wipe(bytes + 4, 4);
	assert_memory_equal(bytes, "pass\0\0\0\0", 9);
	wipe(bytes, 0);
	assert_string_equal(bytes, "pass");
	wipe(NULL, 0);
}

/* The flags that the kernel has for the memory at `place`: "rd wr mr mw me ac dd ". */
static void memory_flags(const void *place, char flags[200])
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	char line[500];
	bool here = false;

	assert_non_null(maps);
	*flags = '\0';
	while (!*flags && fgets(line, sizeof(line), maps)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (uintptr_t)place >= from && (uintptr_t)place < to;
		else if (here && !strncmp(line, "VmFlags:", 8))
			snprintf(flags, 200, "%.150s", line + 8);
	}
	fclose(maps);
}

/* "dd": not in a dump. That it is locked as well is up to RLIMIT_MEMLOCK. */
static void test_not_in_core_dumps(void **state)
{
	OWNED_SECRET secret = { 0 };
	char flags[200];

	(void)state;
	assert_true(secret_set(&secret, "pass", 4));
	memory_flags(secret.bytes, flags);
	if (!strstr(flags, " dd"))
		fail_msg("flags:%s", flags);
	memory_flags(secret.bytes + SECRET_MAX, flags);
	if (!strstr(flags, " dd"))
		fail_msg("flags at the end:%s", flags);
}

/* In a process of its own: there is no way back, and the leak checker is a debugger. */
static void test_guard(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit core = { 1, 1 };

		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		secret_guard_process();
		getrlimit(RLIMIT_CORE, &core);
		_exit(core.rlim_cur || core.rlim_max ? 1 :
		      prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) ? 2 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_not_in_core_dumps),
		cmocka_unit_test(test_guard),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
