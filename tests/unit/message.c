/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way in: line ends, dots, "From " lines, where the header ends, large bodies. */
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
#include "mail/message.h"

static void read_bytes(struct message *m, const char *bytes, size_t len, enum ending_rule rule)
{
	struct error err = { 0 };
	OWNED_FD fd = file_unnamed(&err);

	assert_true(fd >= 0);
	assert_true(write_all(fd, bytes, len));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	message_init(m);
	if (!message_read(m, fd, rule, 0, &err))
		fail_msg("%s", err.text);
}

/* What goes over the wire, in pieces of an odd size. */
static char *wire(const struct message *m)
{
	struct buf all = BUF_INIT(64 * 1024 * 1024);
	struct error err = { 0 };
	char piece[7];
	uint64_t at = 0;
	ssize_t n;

	while ((n = message_get(m, &at, piece, sizeof(piece), &err)) > 0)
		buf_add_bytes(&all, piece, (size_t)n);
	assert_int_equal(n, 0);
	assert_int_equal(all.len, message_size(m));
	return buf_take(&all);
}

/* "~" stands for CRLF in what comes out. */
static const struct {
	const char *in, *out;
	enum ending_rule rule;
} cases[] = {
	{ "A: b\n\nc\n", "A: b~~c~", ENDS_WITH_INPUT },
	{ "A: b\r\n\r\nc\r\n", "A: b~~c~", ENDS_WITH_INPUT },
	{ "A: b\r\rc\r", "A: b~~c~", ENDS_WITH_INPUT },
	{ "A: b\r\r\n\r\r\nc\r\r\n", "A: b~~c~", ENDS_WITH_INPUT },
	{ "A: b\r\rc\r\rd\r\r\re\r\r", "A: b~~c~~d~~~e~~", ENDS_WITH_INPUT },
	{ "A: b\r\rc\r.\rd\r", "A: b~~c~.~d~", ENDS_AT_DOT },
	{ "A: b\r\n\nc\rd\n", "A: b~~c~d~", ENDS_WITH_INPUT },
	{ "A: b\n\nno newline", "A: b~~no newline~", ENDS_WITH_INPUT },
	{ "A: b", "A: b~~", ENDS_WITH_INPUT },
	{ "A: b\n", "A: b~~", ENDS_WITH_INPUT },
	{ "", "~", ENDS_WITH_INPUT },
	{ "\n", "~", ENDS_WITH_INPUT },
	{ "\nbody: text\n", "~body: text~", ENDS_WITH_INPUT },
	{ "just text\n", "~just text~", ENDS_WITH_INPUT },
	{ "A: b\njust text\nC: d\n", "A: b~~just text~C: d~", ENDS_WITH_INPUT },
	{ "A: b\n folded\n\ttwice\n\nc", "A: b~ folded~\ttwice~~c~", ENDS_WITH_INPUT },
	{ "A: b\n \nC: d\n\ne\n", "A: b~ ~C: d~~e~", ENDS_WITH_INPUT },
	{ " not a fold\n", "~ not a fold~", ENDS_WITH_INPUT },
	{ "From a Thu\n>From b\nA: b\n\nFrom c\n", "A: b~~From c~", ENDS_WITH_INPUT },
	{ "From : a@x\n\nc\n", "From : a@x~~c~", ENDS_WITH_INPUT },
	{ "A: b\nFrom a Thu\n", "A: b~~From a Thu~", ENDS_WITH_INPUT },
	{ "A : b\nBcc\t: c\n\nd\n", "A : b~Bcc\t: c~~d~", ENDS_WITH_INPUT },
	{ ": b\n", "~: b~", ENDS_WITH_INPUT },
	{ "A: b\n\nc\n.\nd\n", "A: b~~c~.~d~", ENDS_WITH_INPUT },
	{ "A: b\n\nc\n.\nd\n", "A: b~~c~", ENDS_AT_DOT },
	{ "A: b\n\nc\n.\r\nd\n", "A: b~~c~", ENDS_AT_DOT },
	{ "A: b\n\n..\n...\n.a\n..b\n. \n", "A: b~~.~..~.a~.b~. ~", ENDS_AT_DOT },
	{ "A: b\n\n..\n.a\n", "A: b~~..~.a~", ENDS_WITH_INPUT },
	{ "A: b\n.\nC: d\n", "A: b~~", ENDS_AT_DOT },
	{ ".\nA: b\n", "~", ENDS_AT_DOT },
	{ "A: b\n\nc\n.", "A: b~~c~", ENDS_AT_DOT },
	{ "A: b\n\n\n\nc\n\n", "A: b~~~~c~~", ENDS_WITH_INPUT },
	/* A CR alone ends no line, and what looks like a dot behind it is text. */
	{ "A: b\r\n\r\none\r.\rtwo\r\n", "A: b~~one~.~two~", ENDS_AT_DOT },
	{ "A: b\n\none\r.\ntwo\n", "A: b~~one~.~two~", ENDS_AT_DOT },
	{ "A: b\n\none\n.\rtwo\n", "A: b~~one~.~two~", ENDS_AT_DOT },
	{ "A: b\n\none\n.\r\rtwo\n", "A: b~~one~.~~two~", ENDS_AT_DOT },
	{ "A: b\n\none\r..\rtwo\r..x\n", "A: b~~one~..~two~..x~", ENDS_AT_DOT },
	{ "A: b\n\none\n..\rtwo\n", "A: b~~one~.~two~", ENDS_AT_DOT },
	{ "A: b\n\none\n.\r.\n.\n", "A: b~~one~.~.~", ENDS_AT_DOT },
	{ "A: b\r.\rC: d\n\ne\n", "A: b~~.~C: d~~e~", ENDS_AT_DOT },
	{ "\r.\rA: b\n", "~.~A: b~", ENDS_AT_DOT },
	{ ".\rA: b\n", "~.~A: b~", ENDS_AT_DOT },
	{ "A: b\n\nc\n.\r", "A: b~~c~.~", ENDS_AT_DOT },
	/* Callers mix them: the one line end is as good as the other. */
	{ "A: b\r\n\r\nc\r\n.\nd\r\n", "A: b~~c~", ENDS_AT_DOT },
	{ "A: b\n\nc\n.\r\r\nd\n", "A: b~~c~", ENDS_AT_DOT },
	{ "A: b\r\n\r\nc\n.\r\nd\n", "A: b~~c~", ENDS_AT_DOT },
	{ "A: b\n\n.x\n..\n...\n", "A: b~~.x~.~..~", ENDS_AT_DOT },	/* What is no field, and what tells whether the header goes on behind it. */
	{ "A: b\nX-Gr\xc3\xb6\xc3\x9f: 5\nBcc: c\n\nd\n",
	  "A: b~X-Unreadable: X-Gr\xc3\xb6\xc3\x9f: 5~Bcc: c~~d~", ENDS_WITH_INPUT },
	{ "A: b\nX-\xf6: 5\n six\nE: f\n\nd\n", "A: b~X-Unreadable: X-\xf6: 5~ six~E: f~~d~",
	  ENDS_WITH_INPUT },
	{ "X-\xf6: 5\nTo: c\n\nd\n", "X-Unreadable: X-\xf6: 5~To: c~~d~", ENDS_WITH_INPUT },
	{ "X-\xf6: 5\nE: f\n\nd\n", "~X-\xf6: 5~E: f~~d~", ENDS_WITH_INPUT },
	{ "A: b\nX-\xf6: 5\nE: f\ntext\n\nd\n", "A: b~~X-\xf6: 5~E: f~text~~d~", ENDS_WITH_INPUT },
	{ "A: b\n: b\nTo: c\n\nd\n", "A: b~X-Unreadable: : b~To: c~~d~", ENDS_WITH_INPUT },
	{ "A: b\nX\x01: b\nTo: c\n\nd\n", "A: b~X-Unreadable: X\x01: b~To: c~~d~",
	  ENDS_WITH_INPUT },
	{ "A: b\ntext\nTo: c\n\nd\n", "A: b~~text~To: c~~d~", ENDS_WITH_INPUT },
	{ "A: b\ntext\nTo: c\nbCC : e\n\nd\n",
	  "A: b~X-Unreadable: text~To: c~bCC : e~~d~", ENDS_WITH_INPUT },
	{ "A: b\n>From x\nBcc: c\n\nd\n", "A: b~X-Unreadable: >From x~Bcc: c~~d~", ENDS_WITH_INPUT },
	{ "A: b\ntext\n more\nResent-Bcc: c\n\nd\n",
	  "A: b~X-Unreadable: text~ more~Resent-Bcc: c~~d~", ENDS_WITH_INPUT },
	{ " fold\nA: b\nBcc: c\n\nd\n", "X-Unreadable:  fold~A: b~Bcc: c~~d~", ENDS_WITH_INPUT },
	{ " fold\nA: b\nTo: c\n\nd\n", "~ fold~A: b~To: c~~d~", ENDS_WITH_INPUT },
	{ "A: b\nB\x01\xc2\xa0\x63\x63 : c\n\nd\n", "A: b~Bcc: c~~d~", ENDS_WITH_INPUT },
	{ "\xe2\x80\x8bTo: c\n\nd\n", "To: c~~d~", ENDS_WITH_INPUT },
	{ "A: b\ntext\n\nBcc: c\n", "A: b~~text~~Bcc: c~", ENDS_WITH_INPUT },
	{ "text\nTo: b\nBcc: c\n\nd\n", "X-Unreadable: text~To: b~Bcc: c~~d~", ENDS_WITH_INPUT },
	{ "A: b\ntext\nBcc: c", "A: b~X-Unreadable: text~Bcc: c~~", ENDS_WITH_INPUT },
	{ "To: \r\n.\r b\nBcc: c\nA: b\nd\n", "To: ~X-Unreadable: .~ b~Bcc: c~A: b~~d~",
	  ENDS_WITH_INPUT },
	{ "A: b\nX-\xf6: 5\n.\nBcc: c\n", "A: b~~X-\xf6: 5~", ENDS_AT_DOT },
};

/* However the input is cut, and whatever was in the pipe first. */
static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		OWNED_MESSAGE m;
		OWNED_BUF expected = BUF_INIT(4096);
		OWNED_TEXT out = NULL;

		read_bytes(&m, cases[i].in, strlen(cases[i].in), cases[i].rule);
		for (const char *c = cases[i].out; *c; c++)
			if (*c == '~')
				buf_add(&expected, "\r\n");
			else
				buf_add_char(&expected, *c);
		out = wire(&m);
		if (strcmp(out, buf_text(&expected)) != 0)
			fail_msg("case %zu: \"%s\" became \"%s\"", i, cases[i].in, out);
	}
}

/* A pipe that gives one byte at a time: no decision hangs on where a read ends. */
static void test_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		OWNED_MESSAGE whole, slow;
		OWNED_TEXT expected = NULL;
		OWNED_TEXT out = NULL;
		struct error err = { 0 };
		int ends[2];
		pid_t child;

		read_bytes(&whole, cases[i].in, strlen(cases[i].in), cases[i].rule);
		expected = wire(&whole);
		assert_int_equal(pipe(ends), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			for (const char *c = cases[i].in; *c; c++) {
				if (write(ends[1], c, 1) != 1)
					_exit(1);
				usleep(50);
			}
			_exit(0);
		}
		close(ends[1]);
		message_init(&slow);
		assert_true(message_read(&slow, ends[0], cases[i].rule, 0, &err));
		close(ends[0]);
		out = wire(&slow);
		assert_string_equal(out, expected);
	}
}

static void test_counts(void **state)
{
	static const char text[] = "A: b\n\nabc\0d\n\303\266\n123456789\n";
	OWNED_MESSAGE m;

	(void)state;
	read_bytes(&m, text, sizeof(text) - 1, ENDS_WITH_INPUT);
	assert_true(m.has_nul);
	assert_true(m.body_is_8bit);
	assert_false(m.header_is_8bit);
	assert_int_equal(m.longest_line, 9);
}

static void test_long_header_line(void **state)
{
	struct buf text = BUF_INIT(1024 * 1024);
	OWNED_MESSAGE m;
	OWNED_TEXT out = NULL;

	(void)state;
	buf_add(&text, "To: ");
	for (int i = 0; i < 20000; i++)
		buf_addf(&text, "user%05d@example.org,", i);
	buf_add(&text, "\n\nbody\n");
	read_bytes(&m, text.text, text.len, ENDS_AT_DOT);
	out = wire(&m);
	assert_int_equal(strlen(out), text.len + 3);
	assert_int_equal(m.longest_line, 4 + 20000 * 22);
	buf_free(&text);
}

static void test_header_limit(void **state)
{
	struct buf text = BUF_INIT(HEADER_MAX + 100);
	struct error err = { 0 };
	OWNED_FD fd = file_unnamed(&err);
	OWNED_MESSAGE m;

	(void)state;
	buf_add(&text, "A: ");
	while (text.len < HEADER_MAX)
		buf_add_char(&text, 'x');
	assert_true(write_all(fd, text.text, text.len));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	message_init(&m);
	assert_false(message_read(&m, fd, ENDS_WITH_INPUT, 0, &err));
	assert_int_equal(err.kind, ERROR_DATA);
	buf_free(&text);
}

/* Lines of every length around the pieces that memory and file are filled with. */
static void test_large_body(void **state)
{
	struct buf text = BUF_INIT(8 * 1024 * 1024), expected = BUF_INIT(8 * 1024 * 1024);
	OWNED_MESSAGE m;
	OWNED_TEXT out = NULL;

	(void)state;
	buf_add(&text, "A: b\n\n");
	buf_add(&expected, "A: b\r\n\r\n");
	for (int i = 0; text.len < 3 * 1024 * 1024; i++) {
		buf_addf(&text, "%0*d\n", i % 3000 + 1, i);
		buf_addf(&expected, "%0*d\r\n", i % 3000 + 1, i);
	}
	read_bytes(&m, text.text, text.len, ENDS_AT_DOT);
	assert_true(m.body_fd >= 0);
	out = wire(&m);
	assert_true(!strcmp(out, expected.text));
	buf_free(&text);
	buf_free(&expected);
}

/* A caller's pipe that does not block, and a body that no account would take. */
static void test_pipes(void **state)
{
	static const char text[] = "A: b\n\n0123456789\n";
	OWNED_MESSAGE m, large;
	OWNED_TEXT out = NULL;
	struct error err = { 0 };
	int ends[2];
	pid_t child;

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		usleep(20000);
		_exit(write(ends[1], text, sizeof(text) - 1) < 0);
	}
	close(ends[1]);
	message_init(&m);
	assert_true(message_read(&m, ends[0], ENDS_WITH_INPUT, 12, &err));
	close(ends[0]);
	out = wire(&m);
	assert_string_equal(out, "A: b\r\n\r\n0123456789\r\n");

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_true(write(ends[1], text, sizeof(text) - 1) > 0);
	message_init(&large);
	assert_false(message_read(&large, ends[0], ENDS_WITH_INPUT, 11, &err));
	assert_int_equal(err.kind, ERROR_DATA);
	assert_non_null(strstr(err.text, "more than 11 bytes"));
	close(ends[0]);
	close(ends[1]);
}

static void test_read_error(void **state)
{
	struct error err = { 0 };
	OWNED_MESSAGE m;

	(void)state;
	message_init(&m);
	assert_false(message_read(&m, -1, ENDS_WITH_INPUT, 0, &err));
	assert_int_equal(err.kind, ERROR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_long_header_line),
		cmocka_unit_test(test_header_limit),
		cmocka_unit_test(test_large_body),
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_read_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
