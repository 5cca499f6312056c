/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a secret comes from: which source is asked, and what each must be like. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "secret/find.h"
#include "unit/pki.h"

enum { SOME_USER = 65534 };

static void write_file(const char *path, const char *bytes, size_t len, mode_t mode)
{
	OWNED_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_true(write_all(fd, bytes, len));
	assert_int_equal(fchmod(fd, mode), 0);
}

/* Finds it as text, for which there is room for SECRET_MAX + 1. */
static bool find(const struct secret_request *request, char *text, const char **source,
		 struct error *err)
{
	OWNED_SECRET secret = { 0 };
	struct secret_origin origin;
	bool ok;

	*text = '\0';
	*err = (struct error){ 0 };
	*source = "";
	ok = secret_find(request, &secret, &origin, err);
	*source = origin.source;
	assert_int_equal(ok, secret_is_set(&secret));
	assert_int_equal(ok, err->kind == ERROR_NONE);
	if (ok) {
		assert_in_range(secret.len, 1, SECRET_MAX);
		memcpy(text, secret.bytes, secret.len);
		text[secret.len] = '\0';
		/* the rest of what was read is gone */
		for (size_t i = secret.len; i <= SECRET_MAX; i++)
			assert_int_equal(secret.bytes[i], '\0');
	}
	return ok;
}

/* The settings are a text here; NULL and "": none is set. */
static bool read_text(const void *text, struct secret *password, struct error *err)
{
	(void)err;
	return secret_set(password, text, strlen(text));
}

static password_reader *reader_of(const char *text)
{
	return text && *text ? read_text : NULL;
}

/* NULL and "": not set; the file holds "from file". */
static const struct {
	bool wants_token;
	const char *token_command, *password, *password_command;
	bool has_file;
	const char *secret, *source;
} orders[] = {
	{ true, "echo T", "P", "echo C", true, "T", "token_command" },
	{ false, "echo T", "P", "echo C", true, "P", "password" },
	{ true, NULL, "P", "echo C", true, "P", "password" },
	{ true, "", "P", "echo C", true, "P", "password" },
	{ false, "echo T", NULL, "echo C", true, "from file", "password_file" },
	{ false, "echo T", "", "echo C", true, "from file", "password_file" },
	{ false, "echo T", NULL, "echo C", false, "C", "password_command" },
	{ true, "", "", "echo C", false, "C", "password_command" },
	{ false, NULL, "two\nlines\r\n", NULL, false, "two\nlines\r\n", "password" },
};

static void test_order(void **state)
{
	char text[SECRET_MAX + 1];
	const char *source;
	struct error err;

	(void)state;
	write_file(scratch("pw"), "from file\n", 10, 0600);
	for (size_t i = 0; i < COUNT_OF(orders); i++) {
		struct secret_request request = {
			.wants_token = orders[i].wants_token,
			.token_command = orders[i].token_command,
			.password = reader_of(orders[i].password),
			.settings = orders[i].password,
			.password_file = orders[i].has_file ? scratch("pw") : "",
			.password_command = orders[i].password_command,
		};

		if (!find(&request, text, &source, &err))
			fail_msg("row %zu: %s", i, err.text);
		assert_string_equal(text, orders[i].secret);
		assert_string_equal(source, orders[i].source);
	}
	unlink(scratch("pw"));
}

static void test_none(void **state)
{
	const struct secret_request nothing = { .place = { 0 } };
	const struct secret_request no_token = { .wants_token = true };
	const struct secret_request not_wanted = { .token_command = "echo T" };
	char text[SECRET_MAX + 1];
	const char *source;
	struct error err;

	(void)state;
	setenv("HOME", scratch_directory(), 1);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_false(find(&nothing, text, &source, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.advice, "password_command"));
	assert_false(find(&not_wanted, text, &source, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_false(find(&no_token, text, &source, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.advice, "token_command"));
}

/* The first source that is set decides; none of the others steps in. */
static void test_no_second_choice(void **state)
{
	const struct secret_request command = {
		.token_command = "exit 5", .wants_token = true, .password = read_text,
		.settings = "P",
	};
	const struct secret_request file = {
		.password_file = scratch("absent"), .password_command = "echo C",
	};
	char text[SECRET_MAX + 1];
	const char *source;
	struct error err;

	(void)state;
	assert_false(find(&command, text, &source, &err));
	assert_int_equal(err.kind, ERROR_SECRET);
	assert_int_equal(strncmp(err.text, "token_command: ", 15), 0);
	assert_false(find(&file, text, &source, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
}

static bool find_in_file(const char *name, char *text, struct error *err)
{
	const struct secret_request request = { .password_file = scratch(name) };
	const char *source;
	bool ok = find(&request, text, &source, err);

	assert_string_equal(source, "password_file");
	if (!ok && (err->kind != ERROR_CONFIG || !strstr(err->text, scratch(name)) ||
		    strncmp(err->text, "password_file ", 14) != 0))
		fail_msg("%s: kind %d: %s", name, err->kind, err->text);
	return ok;
}

static bool find_by_command(const char *command, char *text, struct error *err)
{
	const struct secret_request request = { .password_command = command };
	const char *source;
	bool ok = find(&request, text, &source, err);

	assert_string_equal(source, "password_command");
	if (!ok && (err->kind != ERROR_SECRET ||
		    strncmp(err->text, "password_command: ", 18) != 0))
		fail_msg("%.60s: kind %d: %s", command, err->kind, err->text);
	return ok;
}

/* NULL: there is nothing on its first line. */
static const struct {
	const char *content, *secret;
} lines[] = {
	{ "pass\n", "pass" },
	{ "pass", "pass" },
	{ "pass\r\n", "pass" },
	{ "pass\r", "pass" },
	{ "pass\r\r\n", "pass\r" },
	{ "pa\rss\n", "pa\rss" },
	{ " pass word\t\n", " pass word\t" },
	{ "pass\nsecond\n", "pass" },
	{ "pass\n\n\n", "pass" },
	{ "p\xc3\xa4ss #;\"'\\\n", "p\xc3\xa4ss #;\"'\\" },
	{ "", NULL },
	{ "\n", NULL },
	{ "\r\n", NULL },
	{ "\npass\n", NULL },
};

static void test_first_line(void **state)
{
	char text[SECRET_MAX + 1];
	struct error err;

	(void)state;
	setenv("PW", scratch("pw"), 1);
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		const char *content = lines[i].content, *secret = lines[i].secret;

		write_file(scratch("pw"), content, strlen(content), 0600);
		if (find_in_file("pw", text, &err) != (secret != NULL))
			fail_msg("file, row %zu: %s", i, err.text);
		assert_string_equal(text, secret ? secret : "");
		assert_true(secret || strstr(err.text, "first line"));
		if (find_by_command("cat \"$PW\"", text, &err) != (secret != NULL))
			fail_msg("command, row %zu: %s", i, err.text);
		assert_string_equal(text, secret ? secret : "");
		assert_true(secret || strstr(err.text, "first line"));
	}
	unlink(scratch("pw"));
}

static void test_long_file(void **state)
{
	enum { SIZE = 3 * SECRET_MAX };
	static char bytes[SIZE];
	char text[SECRET_MAX + 1];
	struct error err;

	(void)state;
	memset(bytes, 'x', SIZE);
	write_file(scratch("pw"), bytes, SECRET_MAX - 1, 0600);
	assert_true(find_in_file("pw", text, &err));
	assert_int_equal(strlen(text), SECRET_MAX - 1);
	write_file(scratch("pw"), bytes, SECRET_MAX + 1, 0600);
	assert_false(find_in_file("pw", text, &err));
	assert_non_null(strstr(err.text, "longer"));
	assert_null(strstr(err.text, "xxx"));
	write_file(scratch("pw"), bytes, SIZE, 0600);
	assert_false(find_in_file("pw", text, &err));
	/* What stands below the first line may be long. */
	bytes[SECRET_MAX - 1] = '\n';
	write_file(scratch("pw"), bytes, SIZE, 0600);
	assert_true(find_in_file("pw", text, &err));
	assert_int_equal(strlen(text), SECRET_MAX - 1);
	bytes[4] = '\n';
	write_file(scratch("pw"), bytes, SIZE, 0600);
	assert_true(find_in_file("pw", text, &err));
	assert_string_equal(text, "xxxx");
	unlink(scratch("pw"));
}

/* root may share its file with a group; with anybody, nobody may. */
static const struct {
	mode_t mode;
	enum { GOOD, BAD, GOOD_FOR_ROOT } is;
} modes[] = {
	{ 0600, GOOD }, { 0400, GOOD }, { 0700, GOOD },
	{ 0640, GOOD_FOR_ROOT }, { 0440, GOOD_FOR_ROOT },
	{ 0644, BAD }, { 0604, BAD }, { 0602, BAD }, { 0601, BAD }, { 0660, BAD },
	{ 0620, BAD }, { 0666, BAD }, { 0777, BAD },
};

static void test_modes(void **state)
{
	char text[SECRET_MAX + 1];
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		bool expected = modes[i].is == GOOD ||
				(modes[i].is == GOOD_FOR_ROOT && geteuid() == 0);
		char words[20];

		write_file(scratch("pw"), "pass\n", 5, modes[i].mode);
		snprintf(words, sizeof(words), "%04o", (unsigned)modes[i].mode);
		if (find_in_file("pw", text, &err) != expected)
			fail_msg("%s: %s", words, expected ? err.text : "taken");
		if (!expected) {
			assert_non_null(strstr(err.text, words));
			assert_non_null(strstr(err.advice, "chmod 600"));
		}
		unlink(scratch("pw"));
	}
}

/* root is refused what another owns; others, what they cannot read. */
static void test_owner(void **state)
{
	char text[SECRET_MAX + 1];
	struct error err;

	(void)state;
	write_file(scratch("pw"), "pass\n", 5, geteuid() == 0 ? 0600 : 0200);
	if (geteuid() == 0)
		assert_int_equal(chown(scratch("pw"), SOME_USER, SOME_USER), 0);
	assert_false(find_in_file("pw", text, &err));
	assert_non_null(strstr(err.text, geteuid() == 0 ? "uid 65534" : "ermission"));
	unlink(scratch("pw"));
}

static void make_socket(const char *path)
{
	OWNED_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

/* None of these may stop us, and each is told apart from a file. */
static void test_no_file(void **state)
{
	char text[SECRET_MAX + 1];
	struct error err;

	(void)state;
	assert_int_equal(mkfifo(scratch("fifo"), 0600), 0);
	assert_false(find_in_file("fifo", text, &err));
	assert_non_null(strstr(err.text, "not a regular file"));
	assert_non_null(strstr(err.advice, "password_command"));
	assert_int_equal(mkdir(scratch("directory"), 0700), 0);
	assert_false(find_in_file("directory", text, &err));
	assert_non_null(strstr(err.text, "not a regular file"));
	make_socket(scratch("socket"));
	assert_false(find_in_file("socket", text, &err));
	assert_false(find_in_file("absent", text, &err));
	assert_non_null(strstr(err.text, "No such file"));
	assert_false(find_in_file("directory/absent", text, &err));
	assert_int_equal(symlink(scratch("absent"), scratch("dangling")), 0);
	assert_false(find_in_file("dangling", text, &err));
	/* A link is the user's own business; what it names is what counts. */
	write_file(scratch("pw"), "pass\n", 5, 0600);
	assert_int_equal(symlink(scratch("pw"), scratch("link")), 0);
	assert_true(find_in_file("link", text, &err));
	assert_int_equal(chmod(scratch("pw"), 0644), 0);
	assert_false(find_in_file("link", text, &err));
}

static const struct {
	const char *command, *says, *says_too;
} failures[] = {
	{ "echo hunter2; exit 4", "exit status 4", "" },
	{ "echo hunter2; echo vault is locked >&2; exit 4", "exit status 4", "vault is locked" },
	{ "echo hunter2; kill -TERM $$", "signal 15", "" },
	{ "/nowhere/program", "exit status 127", "/nowhere/program" },
	{ ":", "nothing on its first line", "" },
	{ "echo not a secret >&2", "nothing on its first line", "" },
	{ "cat", "nothing on its first line", "" },	/* our standard input is not its */
	{ "head -c 12289 /dev/zero | tr '\\0' x", "first line is longer than 12288 bytes", "" },
	{ "head -c 99999 /dev/zero | tr '\\0' x", "first line is longer than 12288 bytes", "" },
	{ "echo hunter2; exec cat /dev/zero", "more than 16777216 bytes", "" },
};

static void test_command_fails(void **state)
{
	char text[SECRET_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(failures); i++) {
		struct error err;

		if (find_by_command(failures[i].command, text, &err))
			fail_msg("%s: taken", failures[i].command);
		if (!strstr(err.text, failures[i].says) ||
		    !strstr(err.text, failures[i].says_too))
			fail_msg("%s: %s", failures[i].command, err.text);
		assert_null(strstr(err.text, "hunter2"));
	}
}

/* No more than SECRET_MAX: as many are not too many, line end included. */
static void test_longest_output(void **state)
{
	const char *commands[] = {
		"head -c 12287 /dev/zero | tr '\\0' x",
		"head -c 12288 /dev/zero | tr '\\0' x",
		"head -c 12287 /dev/zero | tr '\\0' x; echo",
		"head -c 12287 /dev/zero | tr '\\0' x; echo; seq 100000",
	};
	char text[SECRET_MAX + 1];
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		if (!find_by_command(commands[i], text, &err))
			fail_msg("%s: %s", commands[i], err.text);
		assert_int_equal(strlen(text), i == 1 ? 12288 : 12287);
	}
}

/* Password managers print notes, keys and pictures below the password. */
static void test_long_rest(void **state)
{
	const char *commands[] = {
		"echo s3cret; seq 3000",
		"echo s3cret; seq 1000000",
		"printf 's3cret\\r\\n'; head -c 12000000 /dev/zero",
		"set -e; echo s3cret; seq 50000; sleep 1; seq 50000",
	};
	char text[SECRET_MAX + 1];
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		if (!find_by_command(commands[i], text, &err))
			fail_msg("%s: %s", commands[i], err.text);
		assert_string_equal(text, "s3cret");
	}
}

/* --- what needs no setting: credential, keyring, netrc */

/* Which of them has the secret; the helper's status and words, or NULL: not asked. */
static const struct {
	const char *credential;		/* name of the file, or NULL */
	const char *helper;
	bool has_netrc, keyring_off, wants_token;
	const char *source;		/* NULL: none */
	enum error_kind kind;
	const char *says[4], *advice;
} chains[] = {
	{ "acsmtp.work", "printf K", true, false, false, "credential", 0, { 0 }, NULL },
	{ "acsmtp", "printf K", true, false, false, "credential", 0, { 0 }, NULL },
	{ "acsmtp.other", "printf K", true, false, false, "keyring", 0, { 0 }, NULL },
	{ NULL, "printf K", true, false, false, "keyring", 0, { 0 }, NULL },
	{ NULL, "echo none >&2; exit 7", true, false, false, "netrc", 0, { 0 }, NULL },
	{ NULL, "echo no bus >&2; exit 2", true, false, false, "netrc", 0, { 0 }, NULL },
	{ NULL, "printf K", true, true, false, "netrc", 0, { 0 }, NULL },
	{ "acsmtp", "printf K", true, false, true, "credential", 0, { 0 }, NULL },
	/* It has it, and will not give it: that is no reason to take another one. */
	{ NULL, "echo it is locked >&2; exit 4", true, false, false, NULL, ERROR_SECRET,
	  { "it is locked" }, "unlock it" },
	{ NULL, "echo two of them >&2; exit 8", true, false, false, NULL, ERROR_CONFIG,
	  { "two of them" }, "password set" },
	{ NULL, "printf ''", true, false, false, NULL, ERROR_CONFIG,
	  { "nothing on its first line" }, NULL },
	/* Nobody has it: each says why. Later it may, where the keyring could not tell. */
	{ NULL, "echo nothing there >&2; exit 7", false, false, false, NULL, ERROR_CONFIG,
	  { "no password was found", "no systemd credential", "nothing there", "~/.netrc" },
	  "acsmtp password set" },
	{ NULL, "echo no bus >&2; exit 2", false, false, false, NULL, ERROR_SECRET,
	  { "no bus", "~/.netrc", "no terminal" }, "log in" },
	{ NULL, "echo closed >&2; exit 6", false, false, false, NULL, ERROR_SECRET,
	  { "closed", "~/.netrc" }, "unlock it" },
	{ NULL, "printf K", false, true, false, NULL, ERROR_CONFIG, { "switched off" },
	  "password_command" },
	{ NULL, NULL, false, false, false, NULL, ERROR_CONFIG, { "built without the keyring" },
	  "password_command" },
	{ NULL, "printf K", true, false, true, NULL, ERROR_CONFIG,
	  { "no access token was found", "no systemd credential" }, "token_command" },
};

static void make_helper(const char *script)
{
	char text[200];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script ? script : "");
	write_file(scratch("helper"), text, strlen(text), 0700);
	keyring_use_helper(script ? scratch("helper") : NULL);
}

static void check_failure(size_t i, const struct error *err)
{
	if (err->kind != chains[i].kind)
		fail_msg("row %zu: kind %d: %s", i, err->kind, err->text);
	for (size_t n = 0; n < COUNT_OF(chains[i].says) && chains[i].says[n]; n++)
		if (!strstr(err->text, chains[i].says[n]))
			fail_msg("row %zu: %s", i, err->text);
	if (chains[i].advice && (!err->advice || !strstr(err->advice, chains[i].advice)))
		fail_msg("row %zu: advice: %s", i, err->advice ? err->advice : "none");
}

static void test_chain(void **state)
{
	static const char netrc[] = "machine h login u password N\n";

	(void)state;
	setenv("HOME", scratch_directory(), 1);
	setenv("CREDENTIALS_DIRECTORY", scratch_directory(), 1);
	for (size_t i = 0; i < COUNT_OF(chains); i++) {
		const struct secret_request request = {
			.place = { "work", "h", 587, "u" },
			.keyring = !chains[i].keyring_off,
			.wants_token = chains[i].wants_token,
		};
		char text[SECRET_MAX + 1];
		const char *source;
		struct error err;

		make_helper(chains[i].helper);
		if (chains[i].credential)
			write_file(scratch(chains[i].credential), "C\n", 2, 0600);
		if (chains[i].has_netrc)
			write_file(scratch(".netrc"), netrc, strlen(netrc), 0600);
		if (find(&request, text, &source, &err) != (chains[i].source != NULL))
			fail_msg("row %zu: %s: %s", i, source, err.text);
		if (chains[i].source) {
			assert_string_equal(source, chains[i].source);
			assert_int_equal(text[0], "CKN"[*source == 'c' ? 0 : *source == 'k' ? 1 : 2]);
		} else {
			check_failure(i, &err);
		}
		if (chains[i].credential)
			unlink(scratch(chains[i].credential));
		unlink(scratch(".netrc"));
	}
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* A file of secrets that others can read is refused, and not passed over. */
static void test_open_to_others(void **state)
{
	const struct secret_request request = {
		.place = { "work", "h", 587, "u" },
	};
	static const char netrc[] = "machine h login u password N\n";
	char text[SECRET_MAX + 1];
	const char *source;
	struct error err;

	(void)state;
	write_file(scratch(".netrc"), netrc, strlen(netrc), 0644);
	assert_false(find(&request, text, &source, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "netrc: it holds a secret and others can read it"));
	setenv("CREDENTIALS_DIRECTORY", scratch_directory(), 1);
	write_file(scratch("acsmtp"), "C\n", 2, 0644);
	assert_false(find(&request, text, &source, &err));
	assert_non_null(strstr(err.text, scratch("acsmtp")));
	assert_non_null(strstr(err.text, "others can read it"));
	unlink(scratch("acsmtp"));
	unlink(scratch(".netrc"));
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* The order, and what each has, without a command or a helper being run. */
static void test_lines(void **state)
{
	static const struct {
		const char *name;
		enum source_state state;
		const char *detail;
	} passwords[] = {
		{ "password", SOURCE_NOT_SET, "" },
		{ "password_file", SOURCE_SET, "/some/file" },
		{ "password_command", SOURCE_SET, "exit 1" },
		{ "credential", SOURCE_NOT_SET, "there is no systemd credential" },
		{ "keyring", SOURCE_IS_ASKED, "" },
		{ "netrc", SOURCE_NOT_SET, "there is no ~/.netrc" },
		{ "terminal", SOURCE_NOT_SET, "there is no terminal to ask on" },
	}, tokens[] = {
		{ "token_command", SOURCE_SET, "exit 2" },
		{ "password", SOURCE_NOT_SET, "" },
		{ "password_file", SOURCE_SET, "/some/file" },
		{ "password_command", SOURCE_SET, "exit 1" },
		{ "credential", SOURCE_NOT_SET, "there is no systemd credential" },
	};
	struct secret_request request = {
		.password_file = "/some/file",
		.password_command = "exit 1",
		.token_command = "exit 2",
		.place = { "work", "h", 587, "u" },
		.keyring = true,
	};
	struct source_line line;

	(void)state;
	keyring_use_helper("/nowhere");
	for (size_t i = 0; i < COUNT_OF(passwords); i++) {
		assert_true(source_at(&request, i, &line));
		assert_string_equal(line.name, passwords[i].name);
		assert_int_equal(line.state, passwords[i].state);
		assert_string_equal(line.detail, passwords[i].detail);
	}
	assert_false(source_at(&request, COUNT_OF(passwords), &line));
	request.wants_token = true;
	for (size_t i = 0; i < COUNT_OF(tokens); i++) {
		assert_true(source_at(&request, i, &line));
		assert_string_equal(line.name, tokens[i].name);
		assert_int_equal(line.state, tokens[i].state);
		assert_string_equal(line.detail, tokens[i].detail);
	}
	assert_false(source_at(&request, COUNT_OF(tokens), &line));
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
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_no_second_choice),
		cmocka_unit_test(test_first_line),
		cmocka_unit_test(test_long_file),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_command_fails),
		cmocka_unit_test(test_longest_output),
		cmocka_unit_test(test_long_rest),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_open_to_others),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, remove_scratch);
}
