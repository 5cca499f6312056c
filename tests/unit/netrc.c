/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passwords in ~/.netrc: which entry is meant, and which file may be believed. */
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

#include "base/file.h"
#include "secret/netrc.h"
#include "unit/pki.h"

static void write_netrc(const char *text, size_t len, mode_t mode)
{
	OWNED_FD fd = open(scratch(".netrc"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_true(write_all(fd, text, len));
	assert_int_equal(fchmod(fd, mode), 0);
}

/* For user u at h. NULL: there is none. */
static const struct {
	const char *text, *password;
} entries[] = {
	{ "machine h login u password p\n", "p" },
	{ "machine h login u password p", "p" },
	{ "machine h\n\tlogin u\n\tpassword p\n", "p" },
	{ "machine h password p login u", "p" },
	{ "machine H login u password p", "p" },
	{ "machine h login u account x password p", "p" },
	{ "machine h login u password \"a b\\\"c\\\\\" machine x", "a b\"c\\" },
	{ "machine h login \"u\" password p", "p" },
	{ "machine h login u password #p", "#p" },
	{ "machine h login u password machine", "machine" },
	{ "machine other login u password q\nmachine h login u password p\n", "p" },
	{ "machine h login v password q\nmachine h login u password p\n", "p" },
	{ "machine h login u password p\nmachine h login u password q\n", "p" },
	{ "# machine h login u password q\nmachine h login u password p\n", "p" },
	{ "machine h #x\nlogin u # login v\npassword p # password q\n", "p" },
	{ "macdef m\nmachine h login u password q\n\nmachine h login u password p\n", "p" },
	{ "machine x macdef m\npassword q\n\nmachine h login u password p\n", "p" },
	{ "default login u password q\n", NULL },
	{ "machine h login u\ndefault password q\n", NULL },
	{ "machine h password q\n", NULL },
	{ "machine h login u\n", NULL },
	{ "machine h login U password q\n", NULL },
	{ "machine hh login u password q\n", NULL },
	{ "machine h login u password", NULL },
	{ "machine h login u password \"", "" },
	{ "macdef m\nmachine h login u password q\n", NULL },
	{ "login u password q machine h", NULL },
	{ "machine", NULL },
	{ "", NULL },
	{ "\n\n", NULL },
};

static void test_entries(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(entries); i++) {
		OWNED_SECRET password = { 0 };
		struct error err = { .text = "" };
		bool is_there, ok;

		write_netrc(entries[i].text, strlen(entries[i].text), 0600);
		ok = netrc_find("h", "u", &password, &is_there, &err);
		if (ok != (entries[i].password != NULL) || ok != is_there)
			fail_msg("row %zu: %s", i, err.text);
		assert_int_equal(secret_is_set(&password), ok);
		if (ok)
			assert_string_equal(password.bytes, entries[i].password);
		else
			assert_non_null(strstr(err.text, "no password for login u of machine h"));
	}
}

/* An entry over the ends of blocks, and words that no password can be. */
static void test_long_file(void **state)
{
	enum { SIZE = 3 * SECRET_MAX };
	static const char entry[] = " machine h login u password long-enough ";
	static char text[SIZE];
	struct error err;
	bool is_there;

	(void)state;
	for (size_t at = SECRET_MAX - sizeof(entry); at <= SECRET_MAX; at++) {
		OWNED_SECRET password = { 0 };

		memset(text, '\n', SIZE);
		memcpy(text + at, entry, sizeof(entry) - 1);
		write_netrc(text, SIZE, 0600);
		assert_true(netrc_find("h", "u", &password, &is_there, &err));
		assert_string_equal(password.bytes, "long-enough");
	}
	memset(text, 'x', SIZE);
	memcpy(text + SIZE - sizeof(entry), entry, sizeof(entry));
	write_netrc(text, SIZE, 0600);
	{
		OWNED_SECRET password = { 0 };

		assert_true(netrc_find("h", "u", &password, &is_there, &err));
	}
}

static void test_private(void **state)
{
	static const char text[] = "machine h login u password p\n";
	static const mode_t modes[] = { 0644, 0604, 0660, 0602 };
	OWNED_SECRET password = { 0 };
	struct error err;
	bool is_there;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		write_netrc(text, strlen(text), modes[i]);
		assert_false(netrc_find("h", "u", &password, &is_there, &err));
		assert_true(is_there);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_non_null(strstr(err.advice, "chmod 600"));
		assert_false(secret_is_set(&password));
		/* For others it is no matter of ours. */
		assert_false(netrc_find("h", "somebody", &password, &is_there, &err));
		assert_false(is_there);
		assert_null(strstr(err.text, "mode"));
	}
}

static void test_no_file(void **state)
{
	OWNED_SECRET password = { 0 };
	struct error err;
	bool is_there = true;

	(void)state;
	unlink(scratch(".netrc"));
	assert_false(netrc_find("h", "u", &password, &is_there, &err));
	assert_false(is_there);
	assert_non_null(strstr(err.text, "there is no ~/.netrc"));
	assert_int_equal(mkfifo(scratch(".netrc"), 0600), 0);
	assert_false(netrc_find("h", "u", &password, &is_there, &err));
	assert_non_null(strstr(err.text, "no regular file"));
	unlink(scratch(".netrc"));
}

static int begin(void **state)
{
	(void)state;
	return setenv("HOME", scratch_directory(), 1);
}

static int end(void **state)
{
	(void)state;
	scratch_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_long_file),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests_name("netrc", tests, begin, end);
}
