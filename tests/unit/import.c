/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Other programs' files: what comes out is ours, whatever goes in. tests/e2e/test_import.py
 * has the cases with what is expected; here they are also damaged.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "config/account.h"
#include "config/write.h"
#include "migrate/import.h"

/* Thousands of files that nobody needs after a crash. */
int fsync(int fd)
{
	(void)fd;
	return 0;
}

static char directory[] = "/tmp/acsmtp-import.XXXXXX";

static const struct {
	const char *file, *format;
	size_t accounts;
} cases[] = {
	{ "dma/dma.conf", "dma", 1 },
	{ "dma-auth/auth.conf", "dma-auth", 2 },
	{ "esmtp/esmtprc", "esmtp", 3 },
	{ "msmtp-azure/msmtprc", "msmtp", 1 },
	{ "msmtp-many/msmtprc", "msmtp", 8 },
	{ "netrc/.netrc", "netrc", 2 },
	{ "nullmailer/remotes", "nullmailer", 4 },
	{ "postfix/main.cf", "postfix", 1 },
	{ "sasl-passwd/sasl_passwd", "sasl_passwd", 3 },
	{ "ssmtp/ssmtp.conf", "ssmtp", 1 },
};

static void path_of(const char *name, char path[300])
{
	const char *source = getenv("srcdir");

	snprintf(path, 300, "%s/tests/data/import/%s", source ? source : ".", name);
}

static size_t count_accounts(const struct import *import)
{
	size_t count = 0;

	for (size_t i = 0; i < import->count; i++)
		count += import->drafts[i].kind == SECTION_ACCOUNT;
	return count;
}

/* All that comes out can be written, and is read back as it was: settings_write() looks. */
static void assert_writable(struct import *import)
{
	char path[100];
	struct write_job job = { .path = path, .drafts = import->drafts,
				 .count = import->count, .mode = WRITE_NEW };
	struct error err;

	snprintf(path, sizeof(path), "%s/new.ini", directory);
	if (!settings_write(&job, &err))
		fail_msg("%s", err.text);
	assert_int_equal(unlink(path), 0);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		OWNED_IMPORT import = { 0 };
		struct import_file file = { 0 };
		struct error err;
		char path[300];

		path_of(cases[i].file, path);
		file.path = path;
		if (!import_recognise(&file, 1, &err) || !import_read(&import, &file, 1, &err))
			fail_msg("%s: %s", cases[i].file, err.text);
		assert_string_equal(file.format, cases[i].format);
		assert_int_equal(count_accounts(&import), cases[i].accounts);
		assert_writable(&import);
	}
}

/* --- damaged files */

static unsigned seed = 1;

static unsigned any(unsigned below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

/* Bytes changed, cut out, and doubled, in letters that mean something somewhere. */
static void damage(struct buf *text)
{
	static const char letters[] = "\"'\\:=|@[]# \t\n$%~\xc3\x01" "0a";

	for (unsigned n = 1 + any(4); n > 0 && text->len > 2; n--) {
		size_t at = any((unsigned)text->len - 1), len = 1 + any(20);

		switch (any(3)) {
		case 0:
			text->text[at] = letters[any(sizeof(letters) - 1)];
			break;
		case 1:
			if (len > text->len - at)
				len = text->len - at;
			memmove(text->text + at, text->text + at + len, text->len - at - len);
			text->len -= len;
			break;
		default:
			text->text[at] = text->text[any((unsigned)text->len)];
		}
	}
}

static void write_text(const char *path, const struct buf *text)
{
	OWNED_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_true(write_all(fd, text->text, text->len));
}

static bool import_damaged(const char *path, const char *format)
{
	OWNED_IMPORT import = { 0 };
	struct import_file file = { path, format };
	struct error err = { 0 };
	bool ok = import_read(&import, &file, 1, &err);

	if (ok)
		assert_writable(&import);
	else if (err.kind != ERROR_CONFIG || !err.text[0])
		fail_msg("%s: %s", format, err.text);
	return ok;
}

static void test_damaged(void **state)
{
	char path[300], name[300];
	unsigned taken = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/x", directory);
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (int n = 0; n < 60; n++) {
			OWNED_BUF text = BUF_INIT(100000);
			OWNED_FD fd = -1;
			struct error err;

			path_of(cases[i].file, name);
			fd = open(name, O_RDONLY | O_CLOEXEC);
			assert_true(fd >= 0);
			assert_true(file_read(fd, &text, &err));
			damage(&text);
			write_text(path, &text);
			/* As what it is, and as what it is not. */
			taken += import_damaged(path, cases[i].format);
			import_damaged(path, cases[any(COUNT_OF(cases))].format);
		}
	assert_true(taken > 50);
	assert_int_equal(unlink(path), 0);
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
