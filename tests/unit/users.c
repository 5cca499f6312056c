/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of those who may log in: what it may be, and who gets in. */
#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "secret/users.h"

/* Of "right", by SHA-512 with few rounds, and of "other" by bcrypt. */
#define SHA512	"$6$rounds=1000$saltsalt$"
#define BCRYPT	"$2b$04$abcdefghijklmnopqrstuu"

static char path[64];
static size_t hashed;

/* What users_fit() asks for goes on to the library, and is counted. */
char *__real_crypt_r(const char *password, const char *setting, struct crypt_data *data);
char *__wrap_crypt_r(const char *password, const char *setting, struct crypt_data *data);
char *__wrap_crypt_r(const char *password, const char *setting, struct crypt_data *data)
{
	hashed++;
	return __real_crypt_r(password, setting, data);
}

static void write_file(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static int set_up(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/users.XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static char *hash(const char *password, const char *setting)
{
	static struct crypt_data data;

	return __real_crypt_r(password, setting, &data);
}

static struct users *load_two(void)
{
	char text[512], first[200];
	struct users *users;
	struct error err;

	snprintf(first, sizeof(first), "%s", hash("right", SHA512));
	snprintf(text, sizeof(text), "# who may\n\nweb:%s\r\nother user:%s", first,
		 hash("other", BCRYPT));
	write_file(text, strlen(text));
	users = users_load(path, &err);
	if (!users)
		fail_msg("%s", err.text);
	return users;
}

static void test_fit(void **state)
{
	static const struct { const char *name, *password; bool fits; } cases[] = {
		{ "web", "right", true }, { "other user", "other", true },
		{ "web", "wrong", false }, { "web", "", false }, { "web", "right ", false },
		{ "Web", "right", false }, { "we", "right", false }, { "webb", "right", false },
		{ "", "", false }, { "nobody", "right", false }, { "nobody", "other", false },
		{ "other user", "right", false }, { "# who may", "right", false },
	};
	struct users *users = load_two();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		hashed = 0;
		if (users_fit(users, cases[i].name, cases[i].password) != cases[i].fits)
			fail_msg("%s with %s", cases[i].name, cases[i].password);
		/* Whoever it is, it costs one hash. */
		assert_int_equal(hashed, 1);
	}
	users_free(users);
	users_free(NULL);
}

/* 600 bytes are more than crypt(3) takes: they are nobody's password. */
static void test_long(void **state)
{
	struct users *users = load_two();
	char password[601];

	(void)state;
	memset(password, 'x', 600);
	password[600] = '\0';
	assert_false(users_fit(users, "web", password));
	users_free(users);
}

static void test_files(void **state)
{
	static const struct { const char *text, *words; } cases[] = {
		{ "", "there is no user in it" },
		{ "# nobody\n", "there is no user in it" },
		{ "\n\nweb\n", "line 3: it is not NAME:HASH" },
		{ ":" BCRYPT "\n", "line 1: it is not NAME:HASH" },
		{ "web:\n", "line 1: what \"web\" has is no hash" },
		{ "web:secret\n", "line 1: what \"web\" has is no hash" },
		{ "web:!\n", "line 1: what \"web\" has is no hash" },
		{ "web:$apr1$x$y\n", "line 1: what \"web\" has is no hash" },
		{ "web:" BCRYPT ":1000\n", "line 1: it is not NAME:HASH" },
		{ "w\033b:" BCRYPT "\n", "line 1: a control character" },
		{ "web:" SHA512 "x\nweb:" SHA512 "x\n", "line 2: \"web\" stands there twice" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err;

		write_file(cases[i].text, strlen(cases[i].text));
		if (users_load(path, &err))
			fail_msg("%s", cases[i].text);
		assert_int_equal(err.kind, ERROR_CONFIG);
		if (!strstr(err.text, cases[i].words) || strncmp(err.text, path, strlen(path)) != 0)
			fail_msg("%s", err.text);
		assert_null(strstr(err.text, "secret"));
	}
	write_file("a:b\0c", 5);
	assert_null(users_load(path, &(struct error){ 0 }));
}

static void test_modes(void **state)
{
	struct users *users = load_two();
	struct error err;

	(void)state;
	users_free(users);
	assert_int_equal(chmod(path, 0604), 0);
	assert_null(users_load(path, &err));
	assert_non_null(strstr(err.text, "it holds a secret and others can read it"));
	assert_null(users_load("/nowhere/users", &err));
	assert_non_null(strstr(err.text, "/nowhere/users: cannot read"));
	assert_null(users_load("/dev/null", &err));
	assert_non_null(strstr(err.text, "/dev/null: it is no file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_modes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
