/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages changed for servers without 8BITMIME or SMTPUTF8. The cases are the files of
 * tests/data/mime: NAME.eml, and what becomes of it for a server that takes 7bit, 8bit
 * (8BITMIME) or utf8 (SMTPUTF8 too): NAME.7bit and so on, or the reason in
 * NAME.7bit-refused. Line ends in these files are LF.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "mail/header_fold.h"
#include "mail/mime.h"
#include "mail/mime_parts.h"
#include "mail/transfer.h"

enum { FILE_MAX = 64 * 1024 * 1024 };

static const struct mode {
	const char *name;
	struct mime_limits limits;
} modes[] = {
	{ "7bit", { false, false } },
	{ "8bit", { true, false } },
	{ "utf8", { true, true } },
};

/* --- helpers */

static void read_bytes(struct message *m, const char *bytes, size_t len)
{
	struct error err = { 0 };
	OWNED_FD fd = file_unnamed(&err);

	assert_true(fd >= 0);
	assert_true(write_all(fd, bytes, len));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	message_init(m);
	if (!message_read(m, fd, ENDS_WITH_INPUT, 0, &err))
		fail_msg("%s", err.text);
}

/* What goes over the wire, with LF alone. */
static struct buf text_of(const struct message *m)
{
	struct buf all = BUF_INIT(FILE_MAX);
	struct error err = { 0 };
	char piece[1000];
	uint64_t at = 0;
	ssize_t n;

	while ((n = message_get(m, &at, piece, sizeof(piece), &err)) > 0)
		for (ssize_t i = 0; i < n; i++)
			if (piece[i] != '\r')
				buf_add_char(&all, piece[i]);
	assert_int_equal(n, 0);
	return all;
}

/* The file STEM.END; false: there is none. */
static bool read_file(const char *stem, const char *end, struct buf *bytes)
{
	OWNED_BUF name = BUF_INIT(PATH_MAX);
	const char *path = (buf_addf(&name, "%s.%s", stem, end), buf_text(&name));
	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct error err = { 0 };

	if (fd >= 0 && !file_read(fd, bytes, &err))
		fail_msg("%s: %s", path, err.text);
	return fd >= 0;
}

/* --- the files */

struct outcome {
	struct buf text;	/* the message, or the reason why there is none */
	bool is_refused;
};

static struct outcome convert(const char *bytes, size_t len, const struct mime_limits *limits)
{
	struct outcome outcome = { .text = BUF_INIT(FILE_MAX) };
	struct error err = { 0 };
	OWNED_MESSAGE m, out;

	read_bytes(&m, bytes, len);
	message_init(&out);
	if (!mime_must_convert(&m, limits)) {
		outcome.text = text_of(&m);
	} else if (mime_convert(&m, limits, &out, &err)) {
		outcome.text = text_of(&out);
		/* A header may have what cannot be folded. */
		assert_true(out.longest_line <= 998 ||
			    header_has_long_line(buf_text(&out.header), out.header.len));
		assert_false(out.has_nul);
		assert_true(limits->eightbit || !out.body_is_8bit);
	} else {
		assert_int_equal(err.kind, ERROR_DATA);
		outcome.is_refused = true;
		buf_addf(&outcome.text, "%s\n", err.text);
	}
	return outcome;
}

/* Whether the file says what must come of it, and it did. */
static bool check(const char *stem, const struct mode *mode, const struct buf *in)
{
	OWNED_BUF expected = BUF_INIT(FILE_MAX);
	struct outcome outcome;
	char refused[20];
	bool is_refused;

	snprintf(refused, sizeof(refused), "%s-refused", mode->name);
	is_refused = read_file(stem, refused, &expected);
	if (!is_refused && !read_file(stem, mode->name, &expected))
		return false;
	outcome = convert(buf_text(in), in->len, &mode->limits);
	if (outcome.is_refused != is_refused || outcome.text.len != expected.len ||
	    memcmp(buf_text(&outcome.text), buf_text(&expected), expected.len) != 0)
		fail_msg("%s for %s: want:\n%s\ngot:\n%s", stem, mode->name,
			 buf_text(&expected), buf_text(&outcome.text));
	buf_free(&outcome.text);
	return true;
}

static void check_file(const char *folder, const char *name)
{
	OWNED_BUF in = BUF_INIT(FILE_MAX), stem = BUF_INIT(PATH_MAX);
	size_t count = 0;

	buf_addf(&stem, "%s/%.*s", folder, (int)(strlen(name) - 4), name);
	assert_true(read_file(buf_text(&stem), "eml", &in));
	for (size_t i = 0; i < COUNT_OF(modes); i++)
		count += check(buf_text(&stem), &modes[i], &in);
	if (!count)
		fail_msg("%s: nothing is expected of it", buf_text(&stem));
}

static size_t check_folder(const char *name)
{
	const char *srcdir = getenv("srcdir");
	OWNED_BUF folder = BUF_INIT(PATH_MAX);
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	buf_addf(&folder, "%s/tests/data/mime/%s", srcdir ? srcdir : ".", name);
	dir = opendir(buf_text(&folder));
	if (!dir)
		fail_msg("%s is missing", buf_text(&folder));
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (len > 4 && !strcmp(entry->d_name + len - 4, ".eml")) {
			check_file(buf_text(&folder), entry->d_name);
			count++;
		}
	}
	closedir(dir);
	return count;
}

static void test_folder(void **state)
{
	assert_true(check_folder(*state) > 0);
}

/* --- what files cannot say */

static const struct {
	const char *message;
	bool must[COUNT_OF(modes)];
} questions[] = {
	{ "A: b\n\nplain\n",			{ false, false, false } },
	{ "A: b\n\n\xc3\xa4\n",			{ true, false, false } },
	{ "A: b\n\n\xe4\n",			{ true, false, false } },
	{ "A: \xc3\xa4\n\nplain\n",		{ true, true, false } },
	{ "A: \xe4\n\nplain\n",			{ true, true, true } },
};

static void test_must_convert(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(questions); i++) {
		OWNED_MESSAGE m;

		read_bytes(&m, questions[i].message, strlen(questions[i].message));
		for (size_t j = 0; j < COUNT_OF(modes); j++)
			if (mime_must_convert(&m, &modes[j].limits) != questions[i].must[j])
				fail_msg("case %zu for %s", i, modes[j].name);
	}
}

/* A header that grew after the message was read has long lines of its own. */
static void test_header_grew(void **state)
{
	OWNED_MESSAGE m;

	(void)state;
	read_bytes(&m, "A: b\n\nc\n", 8);
	buf_add(&m.header, "X: ");
	for (size_t i = 0; i < 1000; i++)
		buf_add_char(&m.header, 'x');
	buf_add(&m.header, "\r\n");
	assert_true(mime_must_convert(&m, &modes[2].limits));
}

/* In a file, before and after, and its last line without an end of its own. */
static void test_large(void **state)
{
	OWNED_BUF in = BUF_INIT(FILE_MAX), expected = BUF_INIT(FILE_MAX);
	struct outcome outcome;

	(void)state;
	buf_add(&in, "A: b\n\n");
	buf_add(&expected, "A: b\nMIME-Version: 1.0\nContent-Type: text/plain; "
		"charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n");
	for (size_t i = 0; i < 40000; i++) {
		buf_addf(&in, "line %zu for \xc3\xa4 larger body\n", i);
		buf_addf(&expected, "line %zu for =C3=A4 larger body\n", i);
	}
	outcome = convert(buf_text(&in), in.len, &modes[0].limits);
	assert_int_equal(outcome.text.len, expected.len);
	assert_memory_equal(buf_text(&outcome.text), buf_text(&expected), expected.len);
	buf_free(&outcome.text);
}

static void check_refusal(const struct buf *in, const char *reason)
{
	struct outcome outcome = convert(buf_text(in), in->len, &modes[0].limits);

	assert_true(outcome.is_refused);
	assert_non_null(strstr(buf_text(&outcome.text), reason));
	buf_free(&outcome.text);
}

static void test_too_deep(void **state)
{
	OWNED_BUF in = BUF_INIT(FILE_MAX);

	(void)state;
	for (size_t i = 0; i <= MIME_DEPTH_MAX; i++)
		buf_add(&in, "Content-Type: message/rfc822\n\n");
	buf_add(&in, "\n\xc3\xa4\n");
	check_refusal(&in, "more than 100 deep");
}

static void test_too_many_parts(void **state)
{
	OWNED_BUF in = BUF_INIT(FILE_MAX);

	(void)state;
	buf_add(&in, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (size_t i = 0; i <= MIME_PARTS_MAX; i++)
		buf_add(&in, "--b\n\n");
	buf_add(&in, "\xc3\xa4\n");
	check_refusal(&in, "more than 100000 parts");
}

static void test_header_too_long(void **state)
{
	OWNED_BUF in = BUF_INIT(FILE_MAX);

	(void)state;
	buf_add(&in, "Content-Type: message/rfc822\n\n");
	for (size_t i = 0; i <= MIME_HEADER_MAX / 10; i++)
		buf_add(&in, "X: 345678\n");
	buf_add(&in, "\n\xc3\xa4\n");
	check_refusal(&in, "the header of part 2 is longer");
}

/* However the content is cut, it is encoded the same; only CRLF stays together. */
static void test_pieces(void **state)
{
	static const char content[] =
		"a =C3=A4 b=\r\n \t\r\nc\xc3\xa4 =x\t \r\n\r\nQUJDRA==\r\n=";
	size_t len = sizeof(content) - 1;

	(void)state;
	for (enum transfer how = TRANSFER_AS_IS; how <= TRANSFER_MEND_BASE64; how++) {
		OWNED_BUF whole = BUF_INIT(1000), pieces = BUF_INIT(1000);
		struct encoder e;

		if (how == TRANSFER_MEND_QUOTED_PRINTABLE)
			continue;	/* looks ahead */
		encoder_start(&e, how);
		encoder_add(&e, content, len, &whole);
		encoder_end(&e, &whole);
		encoder_start(&e, how);
		for (size_t i = 0, n; i < len; i += n) {
			n = content[i] == '\r' ? 2 : 1;
			encoder_add(&e, content + i, n, &pieces);
		}
		encoder_end(&e, &pieces);
		assert_string_equal(buf_text(&whole), buf_text(&pieces));
	}
}

#define FOLDER(name)	{ "files of " name, test_folder, NULL, NULL, (void *)(uintptr_t)name }

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER("binary"),
		FOLDER("header"),
		FOLDER("lines"),
		FOLDER("message"),
		FOLDER("multipart"),
		FOLDER("signed"),
		FOLDER("text"),
		cmocka_unit_test(test_must_convert),
		cmocka_unit_test(test_header_grew),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_too_deep),
		cmocka_unit_test(test_too_many_parts),
		cmocka_unit_test(test_header_too_long),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
