/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mailer's side of the keyring: what it makes of each end of the helper. */
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
#include "secret/keyring.h"
#include "secret/source.h"
#include "unit/pki.h"

static const struct secret_place place = { "work", "h.example", 587, "u ser" };

/* A helper that runs this text, and is called as ours is. */
static void make_helper(const char *script)
{
	OWNED_BUF text = BUF_INIT(4096);
	int fd = open(scratch("helper"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	buf_addf(&text, "#!/bin/sh\nprintf '%%s\\n' \"$@\" > '%s'\n%s\n", scratch("arguments"),
		 script);
	assert_true(fd >= 0);
	assert_true(write_all(fd, buf_text(&text), text.len));
	close(fd);
	keyring_use_helper(scratch("helper"));
}

static void expect_content(const char *name, const char *expected)
{
	OWNED_FD fd = open(scratch(name), O_RDONLY | O_CLOEXEC);
	OWNED_BUF text = BUF_INIT(4096);
	struct error err;

	assert_true(file_read(fd, &text, &err));
	assert_string_equal(buf_text(&text), expected);
}

#define ARGUMENTS "account=work\nhost=h.example\nport=587\nuser=u ser\n"

static void test_lookup(void **state)
{
	OWNED_SECRET secret = { 0 };
	struct error err;
	bool passes;

	(void)state;
	make_helper("printf 'hunter2\\nmore'");
	assert_true(keyring_lookup(&place, true, &secret, &passes, &err));
	assert_string_equal(secret.bytes, "hunter2");
	expect_content("arguments", "lookup\n" ARGUMENTS);
	assert_true(keyring_lookup(&place, false, &secret, &passes, &err));
	expect_content("arguments", "lookup\n" ARGUMENTS "--no-prompt\n");
}

static void test_store_and_clear(void **state)
{
	OWNED_SECRET secret = { 0 };
	OWNED_BUF script = BUF_INIT(4096);
	struct error err;

	(void)state;
	assert_true(secret_set(&secret, "hunter2", 7));
	buf_addf(&script, "cat > '%s'", scratch("stored"));
	make_helper(buf_text(&script));
	assert_true(keyring_store(&place, &secret, &err));
	expect_content("arguments", "store\n" ARGUMENTS);
	expect_content("stored", "hunter2");
	assert_true(keyring_clear(&place, &err));
	expect_content("arguments", "clear\n" ARGUMENTS);
}

static const struct {
	int status;
	enum error_kind kind;
	bool passes;
	const char *advice;	/* a word of it */
} ends[] = {
	{ 1, ERROR_SECRET, true, NULL },
	{ 2, ERROR_SECRET, true, "log in" },
	{ 3, ERROR_SECRET, true, "start one" },
	{ 4, ERROR_SECRET, false, "unlock" },
	{ 5, ERROR_SECRET, false, "unlock" },
	{ 6, ERROR_SECRET, true, "unlock" },
	{ 7, ERROR_CONFIG, true, "password set" },
	{ 8, ERROR_CONFIG, false, "password set" },
	{ 9, ERROR_SECRET, true, "again" },
	{ 64, ERROR_BUG, true, NULL },
	{ 99, ERROR_BUG, true, NULL },
};

static void test_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		OWNED_SECRET secret = { 0 };
		char script[100];
		struct error err;
		bool passes;

		snprintf(script, sizeof(script), "echo hunter2; echo why not >&2; exit %d",
			 ends[i].status);
		make_helper(script);
		assert_false(keyring_lookup(&place, true, &secret, &passes, &err));
		assert_false(secret_is_set(&secret));
		if (err.kind != ends[i].kind || passes != ends[i].passes)
			fail_msg("status %d: kind %d, passes %d", ends[i].status, err.kind, passes);
		assert_non_null(strstr(err.text, "why not"));
		assert_null(strstr(err.text, "hunter2"));
		assert_true(ends[i].advice ? strstr(err.advice, ends[i].advice) != NULL :
					     err.advice == NULL);
	}
}

static void test_no_helper(void **state)
{
	OWNED_SECRET secret = { 0 };
	struct error err;
	bool passes;

	(void)state;
	keyring_use_helper("/nowhere/keyring");
	assert_false(keyring_lookup(&place, true, &secret, &passes, &err));
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_true(passes);
	assert_non_null(strstr(err.text, "not installed: /nowhere/keyring"));
	keyring_use_helper(NULL);
	assert_false(keyring_is_built());
	assert_false(keyring_lookup(&place, true, &secret, &passes, &err));
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_true(passes);
	assert_non_null(strstr(err.text, "built without"));
	assert_false(keyring_clear(&place, &err));
	assert_non_null(strstr(err.text, "built without"));
}

static int remove_scratch(void **state)
{
	(void)state;
	scratch_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_store_and_clear),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_no_helper),
	};

	return cmocka_run_group_tests_name("keyring", tests, NULL, remove_scratch);
}
