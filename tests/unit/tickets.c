/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cache of sessions: what it gives back, and to whom. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/tickets.h"
#include "unit/pki.h"

#define NAME "0123456789abcdef0123456789abcdef"

static const unsigned char binding[TICKET_BINDING_SIZE] = "bound to this";
static const unsigned char other_binding[TICKET_BINDING_SIZE] = "bound to that";
static const char *file;		/* where NAME is */

static void save(time_t verified, time_t expires, const char *session)
{
	struct ticket ticket = {
		.verified = verified,
		.expires = expires,
		.session = (unsigned char *)session,
		.len = strlen(session),
	};

	ticket_save(NAME, binding, &ticket);
}

static bool load(const unsigned char *bound)
{
	struct ticket ticket = { 0 };
	bool ok = ticket_load(NAME, bound, &ticket);

	if (ok)
		assert_memory_equal(ticket.session, "session", ticket.len);
	ticket_free(&ticket);
	assert_null(ticket.session);
	return ok;
}

static void test_there_and_back(void **state)
{
	time_t now = time(NULL);
	struct ticket ticket;
	struct stat st;

	(void)state;
	assert_false(load(binding));
	save(now - 5, now + 5, "session");
	assert_true(ticket_load(NAME, binding, &ticket));
	assert_int_equal(ticket.verified, now - 5);
	assert_int_equal(ticket.expires, now + 5);
	assert_int_equal(ticket.len, 7);
	ticket_free(&ticket);
	assert_return_code(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_false(load(other_binding));
	assert_true(load(binding));
}

static void test_age(void **state)
{
	time_t now = time(NULL);

	(void)state;
	save(now - TICKET_AGE_MAX + 60, now + 60, "session");
	assert_true(load(binding));
	save(now - TICKET_AGE_MAX, now + 60, "session");
	assert_false(load(binding));
	save(now - 60, now, "session");		/* the certificate ends now */
	assert_false(load(binding));
	save(now + 3600, now + 7200, "session"); /* the clock was wrong, then or now */
	assert_false(load(binding));
}

static void test_files_of_others(void **state)
{
	time_t now = time(NULL);
	const char *elsewhere = scratch("elsewhere");

	(void)state;
	save(now, now + 60, "session");
	assert_return_code(chmod(file, 0640), 0);
	assert_false(load(binding));
	assert_return_code(chmod(file, 0600), 0);
	assert_true(load(binding));
	assert_return_code(rename(file, elsewhere), 0);
	assert_return_code(symlink(elsewhere, file), 0);
	assert_false(load(binding));
	assert_return_code(unlink(file), 0);
	assert_return_code(mkfifo(file, 0600), 0);
	assert_false(load(binding));
	/* Saving replaces whatever stands there. */
	save(now, now + 60, "session");
	assert_true(load(binding));
	if (geteuid() != 0)
		return;
	assert_return_code(chown(file, 65534, 65534), 0);
	assert_false(load(binding));
	assert_return_code(unlink(file), 0);
}

static void test_broken_files(void **state)
{
	time_t now = time(NULL);
	off_t size;

	(void)state;
	save(now, now + 60, "session");
	{
		struct stat st;

		assert_return_code(stat(file, &st), 0);
		size = st.st_size;
	}
	for (off_t len = size - 7; len >= 0; len -= 8) {
		assert_return_code(truncate(file, len), 0);
		assert_false(load(binding));
	}
	assert_return_code(truncate(file, TICKET_MAX + 4096), 0);
	assert_false(load(binding));
	save(now, now + 60, "session");
	assert_true(load(binding));
	{
		int fd = open(file, O_WRONLY | O_CLOEXEC);

		assert_int_equal(pwrite(fd, "X", 1, 6), 1);	/* another version */
		close(fd);
	}
	assert_false(load(binding));
}

static void test_directories(void **state)
{
	time_t now = time(NULL);
	const char *cache = scratch("open"), *home = scratch("home");

	(void)state;
	/* One that others may look into is no place. */
	assert_return_code(mkdir(cache, 0755), 0);
	assert_return_code(setenv("XDG_CACHE_HOME", cache, 1), 0);
	save(now, now + 60, "session");
	assert_true(load(binding));
	assert_return_code(chmod(scratch("open/acsmtp"), 0750), 0);
	assert_false(load(binding));
	/* A relative one counts for nothing, and the home directory is taken. */
	assert_return_code(mkdir(home, 0755), 0);
	assert_return_code(setenv("XDG_CACHE_HOME", "relative", 1), 0);
	assert_return_code(setenv("HOME", home, 1), 0);
	assert_false(load(binding));
	save(now, now + 60, "session");
	assert_true(load(binding));
	assert_int_equal(access(scratch("home/.cache/acsmtp/" NAME), F_OK), 0);
	assert_int_equal(access("relative", F_OK), -1);
	/* No home, or one where nothing can be made. */
	assert_return_code(setenv("HOME", "/nonexistent", 1), 0);
	save(now, now + 60, "session");
	assert_false(load(binding));
	assert_return_code(unsetenv("HOME"), 0);
	save(now, now + 60, "session");
	assert_false(load(binding));
	if (geteuid() == 0) {		/* sudo keeps HOME */
		const char *theirs = scratch("theirs");

		assert_return_code(mkdir(theirs, 0755), 0);
		assert_return_code(chown(theirs, 65534, 65534), 0);
		assert_return_code(setenv("HOME", theirs, 1), 0);
		save(now, now + 60, "session");
		assert_int_equal(access(scratch("theirs/.cache"), F_OK), -1);
	}
	assert_return_code(setenv("XDG_CACHE_HOME", scratch_directory(), 1), 0);
}

static int set_up(void **state)
{
	(void)state;
	file = scratch("acsmtp/" NAME);
	return setenv("XDG_CACHE_HOME", scratch_directory(), 1);
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove();
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_files_of_others),
		cmocka_unit_test(test_broken_files),
		cmocka_unit_test(test_directories),
	};

	return cmocka_run_group_tests_name("tickets", tests, set_up, tear_down);
}
