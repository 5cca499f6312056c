/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens by their helper, in whose place a script stands: what it is told, and what its ends
   and words become. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "secret/file.h"
#include "secret/find.h"
#include "secret/token.h"
#include "unit/pki.h"

static void write_file(const char *path, const char *text, mode_t mode)
{
	OWNED_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_true(write_all(fd, text, strlen(text)));
	assert_int_equal(fchmod(fd, mode), 0);
}

/* The helper does this; what it was told is in files beside it. */
static void set_helper(const char *does)
{
	OWNED_BUF script = BUF_INIT(4000);

	buf_addf(&script, "#!/bin/sh\necho \"$@\" > %s/told\ncat > %s/input\n%s\n",
		 scratch_directory(), scratch_directory(), does);
	write_file(scratch("helper"), buf_text(&script), 0700);
	token_use_helper(scratch("helper"));
}

static void assert_file(const char *name, const char *expected)
{
	OWNED_BUF text = BUF_INIT(4000);
	OWNED_FD fd = open(scratch(name), O_RDONLY | O_CLOEXEC);
	struct error err;

	assert_true(fd >= 0);
	assert_true(file_read(fd, &text, &err));
	assert_string_equal(buf_text(&text), expected);
}

static struct secret_request request_of(const char *source)
{
	return (struct secret_request){
		.wants_token = true,
		.password_file = scratch("secret"),
		.token = { source, { .tenant = "t", .client_id = "c", .scope = "s",
				     .certificate_file = "/pem", .user = "me" }, "" },
	};
}

static bool find(const struct secret_request *request, const char *expected,
		 struct secret_origin *origin, struct error *err)
{
	OWNED_SECRET secret = { 0 };
	bool ok = secret_find(request, &secret, origin, err);

	assert_int_equal(ok, secret_is_set(&secret));
	if (!ok)
		return false;
	assert_int_equal(secret.len, strlen(expected));
	assert_memory_equal(secret.bytes, expected, secret.len);
	return true;
}

static void test_what_it_is_told(void **state)
{
	static const struct {
		const char *source, *input;
	} cases[] = {
		{ "client-secret", "the secret\n" },
		{ "refresh", "the secret\n" },
		{ "client-certificate", "the secret\n" },
		{ "managed-identity", "" },
		{ "workload-identity", "" },
	};

	(void)state;
	write_file(scratch("secret"), "the secret\n", 0600);
	set_helper("echo the-token; echo expires=5");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct secret_request request = request_of(cases[i].source);
		struct secret_origin origin;
		struct error err;
		OWNED_BUF told = BUF_INIT(1000);

		if (!find(&request, "the-token", &origin, &err))
			fail_msg("%s: %s", cases[i].source, err.text);
		assert_string_equal(origin.source, "token");
		assert_int_equal(origin.stamp, 0);
		assert_string_equal(origin.trouble, "");
		buf_addf(&told, "get %s tenant=t client_id=c certificate_file=/pem scope=s "
			 "user=me\n", cases[i].source);
		assert_file("told", buf_text(&told));
		assert_file("input", cases[i].input);
	}
}

/* Google's applications have a secret even on a person's machine. */
static void test_two_secrets(void **state)
{
	struct secret_request request = request_of("refresh");
	struct secret_origin origin;
	struct error err;

	(void)state;
	write_file(scratch("application"), "of the application\n", 0600);
	request.token.client_secret_file = scratch("application");
	set_helper("echo the-token");
	assert_true(find(&request, "the-token", &origin, &err));
	assert_file("input", "the secret\nof the application\n");
	assert_int_equal(chmod(scratch("application"), 0666), 0);
	assert_false(find(&request, "", &origin, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "client_secret_file"));
}

static void test_its_ends(void **state)
{
	static const struct {
		int end;
		enum error_kind kind;
		int status;
	} cases[] = {
		{ TOKEN_FAILED, ERROR_SYSTEM, 71 },
		{ TOKEN_LATER, ERROR_NETWORK, 75 },
		{ TOKEN_REFUSED, ERROR_AUTH, 77 },
		{ TOKEN_CONFIG, ERROR_CONFIG, 78 },
		{ TOKEN_CLOCK, ERROR_LATER, 75 },
		{ TOKEN_UNTRUSTED, ERROR_TLS, 76 },
		{ TOKEN_LOGIN, ERROR_AUTH, 77 },
		{ 99, ERROR_BUG, 70 },
	};
	const struct secret_request request = request_of("client-secret");
	struct secret_origin origin;
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		OWNED_BUF does = BUF_INIT(1000);

		buf_addf(&does, "echo 'STEP: what (7)' >&2; exit %d", cases[i].end);
		set_helper(buf_text(&does));
		assert_false(find(&request, "", &origin, &err));
		assert_int_equal(err.kind, cases[i].kind);
		assert_int_equal(error_exit_status(&err), cases[i].status);
		assert_non_null(strstr(err.text, "token = client-secret: "));
		assert_non_null(strstr(err.text, "STEP: what (7)"));
	}
	set_helper("exit 0");
	assert_false(find(&request, "", &origin, &err));
	assert_int_equal(err.kind, ERROR_BUG);
	token_use_helper("/nonexistent/helper");
	assert_false(find(&request, "", &origin, &err));
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
}

static void test_what_is_missing(void **state)
{
	static const struct {
		const char *source, *tenant, *client_id, *scope, *token_url, *missing;
	} cases[] = {
		{ "client-secret", "", "c", "s", "", "tenant" },
		{ "client-secret", "t", "", "s", "", "client_id" },
		{ "client-secret", "t", "c", "", "", "token_scope" },
		{ "client-secret", "", "c", "s", "https://x/token", NULL },
		{ "client-certificate", "t", "c", "s", "", "certificate_file" },
		{ "refresh", "t", NULL, "s", "", "client_id" },
		{ "refresh", NULL, "c", "s", "", "tenant" },
		{ "managed-identity", "", "", "s", "", NULL },
		{ "managed-identity", "", "c", "s", "", "tenant" },
		{ "workload-identity", "", "c", "s", "", "tenant" },
		{ "workload-identity", "t", "", "s", "", "client_id" },
	};

	(void)state;
	unsetenv("AZURE_TENANT_ID");
	unsetenv("AZURE_CLIENT_ID");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct token_request r = { cases[i].source, {
			.tenant = cases[i].tenant, .client_id = cases[i].client_id,
			.scope = cases[i].scope, .token_url = cases[i].token_url }, "" };
		OWNED_BUF words = BUF_INIT(100);
		struct error err;

		assert_int_equal(token_is_complete(&r, &err), cases[i].missing == NULL);
		if (!cases[i].missing)
			continue;
		buf_addf(&words, "`%s` is missing", cases[i].missing);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_non_null(strstr(err.text, buf_text(&words)));
	}
}

static void test_kept(void **state)
{
	const struct secret_request request = request_of("refresh");
	const struct token_purpose purpose = { "refresh", &request.token.settings, NULL };
	OWNED_TOKEN token = { .stamp = 42, .renews = time(NULL) + 1000,
			      .expires = time(NULL) + 2000 };
	OWNED_SECRET secret = { 0 };
	struct secret_origin origin;
	struct error err;

	(void)state;
	assert_true(secret_set(&token.access, "kept", 4));
	token_cache_save(&purpose, NULL, &token);
	set_helper("echo another");
	unlink(scratch("told"));
	/* Neither the helper nor the password is asked for. */
	unlink(scratch("secret"));
	assert_true(find(&request, "kept", &origin, &err));
	assert_int_equal(origin.stamp, 42);
	assert_int_not_equal(access(scratch("told"), F_OK), 0);
	/* One that is to be renewed is good while the renewal fails. */
	write_file(scratch("secret"), "the secret\n", 0600);
	token.renews = time(NULL) - 5;
	token.stamp = 43;
	token_cache_save(&purpose, NULL, &token);
	set_helper("exit 3");
	assert_true(find(&request, "kept", &origin, &err));
	assert_int_equal(origin.stamp, 43);
	set_helper("echo another");
	assert_true(find(&request, "another", &origin, &err));
	assert_int_equal(origin.stamp, 0);
	/* What a server has refused is named by its stamp, and once. */
	origin.stamp = 43;
	assert_true(secret_renew(&request, &secret, &origin, &err));
	assert_int_equal(secret.len, strlen("another"));
	assert_file("told", "renew refresh stamp=43 tenant=t client_id=c certificate_file=/pem "
		    "scope=s user=me\n");
	assert_false(secret_renew(&request, &secret, &origin, &err));
	token_cache_forget(&purpose);
}

static bool reads(const void *text, struct secret *password, struct error *err)
{
	(void)err;
	return secret_set(password, text, strlen(text));
}

static char ini_password[100];

static bool keeps(const void *settings, const struct secret *password, struct error *err)
{
	(void)settings;
	(void)err;
	snprintf(ini_password, sizeof(ini_password), "%.*s", (int)password->len,
		 password->bytes);
	return true;
}

/* Where the old one stood. */
static void test_a_new_refresh_token(void **state)
{
	struct secret_request request = request_of("refresh");
	struct secret_origin origin;
	struct error err;
	struct stat st;

	(void)state;
	set_helper("echo the-token; echo expires=5; echo refresh_token=the-next");
	assert_int_equal(symlink("secret", scratch("link")), 0);
	request.password_file = scratch("link");
	assert_int_equal(chmod(scratch("secret"), 0400), 0);
	assert_true(find(&request, "the-token", &origin, &err));
	assert_string_equal(origin.trouble, "");
	assert_file("secret", "the-next\n");
	assert_int_equal(lstat(scratch("link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(scratch("secret"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0400);

	request.password = reads;
	request.keep_password = keeps;
	request.settings = "of the ini file";
	assert_true(find(&request, "the-token", &origin, &err));
	assert_string_equal(origin.trouble, "");
	assert_string_equal(ini_password, "the-next");

	/* A command cannot keep it, which is told, and no reason not to send. */
	request.password = NULL;
	request.password_file = "";
	request.password_command = "echo of a command";
	assert_true(find(&request, "the-token", &origin, &err));
	assert_non_null(strstr(origin.trouble, "password_command"));
}

struct told {
	struct token_listener listener;
	struct token_question question;
	int count;
};

static void tell(const struct token_listener *listener, const struct token_question *question)
{
	struct told *told = (struct told *)(void *)listener;

	told->question = *question;
	told->count++;
}

static void test_a_person(void **state)
{
	const struct secret_request request = request_of("refresh");
	struct told told = { .listener = { tell }, .count = 0 };
	OWNED_SECRET refresh = { 0 };
	struct error err;

	(void)state;
	set_helper("echo page=https://example.org/device; sleep 0.05; echo code=AB-CD; "
		   "echo seconds=600; sleep 0.05; echo refresh_token=it");
	assert_true(token_log_in(&request.token, true, &told.listener, &refresh, &err));
	assert_int_equal(told.count, 1);
	assert_string_equal(told.question.page, "https://example.org/device");
	assert_string_equal(told.question.code, "AB-CD");
	assert_int_equal(told.question.seconds, 600);
	assert_int_equal(refresh.len, 2);
	assert_file("told", "login device tenant=t client_id=c certificate_file=/pem scope=s "
		    "user=me\n");
	set_helper("echo open=https://example.org/; echo seconds=9; exit 8");
	assert_false(token_log_in(&request.token, false, &told.listener, &refresh, &err));
	assert_int_equal(told.count, 2);
	assert_string_equal(told.question.open, "https://example.org/");
	assert_int_equal(err.kind, ERROR_AUTH);
}

static int setup(void **state)
{
	(void)state;
	setenv("XDG_CACHE_HOME", scratch_directory(), 1);
	setenv("HOME", scratch_directory(), 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_it_is_told),
		cmocka_unit_test(test_two_secrets),
		cmocka_unit_test(test_its_ends),
		cmocka_unit_test(test_what_is_missing),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_a_new_refresh_token),
		cmocka_unit_test(test_a_person),
	};

	return cmocka_run_group_tests_name("token", tests, setup, NULL);
}
