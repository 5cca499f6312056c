/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Header work, and the header's fields: what leaves, what comes, what stays as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "mail/header.h"
#include "mail/single.h"
#include "mail/submission.h"

#define ID	"Message-ID: <unique@example.org>~"
#define DATE	"Date: Thu, 1 Jan 1970 00:00:00 +0000~"
#define FROM	"From: Me <me@example.org>~"

static void read_text(struct message *m, const char *text)
{
	struct error err = { 0 };
	OWNED_FD fd = file_unnamed(&err);

	assert_true(fd >= 0);
	assert_true(write_all(fd, text, strlen(text)));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	message_init(m);
	assert_true(message_read(m, fd, ENDS_WITH_INPUT, 0, &err));
}

static char *header_of(const struct message *m)
{
	struct buf text = BUF_INIT(HEADER_MAX);

	for (const char *c = buf_text(&m->header); *c; c++)
		if (*c == '\n')
			buf_add_char(&text, '~');
		else if (*c != '\r')
			buf_add_char(&text, *c);
	return buf_is_full(&text) || !text.len ? text_copy("") : buf_take(&text);
}

static struct submission standard(void)
{
	return (struct submission){
		.parts = SUBMISSION_ALL, .from = "me@example.org", .author = "me@example.org", .from_name = "Me", .now = 0, .id = "unique",
		.id_domain = "example.org", .repairs = true,
		.bare_names = { .domain = "host.example" },
	};
}

/* By the two steps of a message that is queued: the same, byte for byte. */
static void assert_two_steps(const char *text, const char *whole, const struct submission *s)
{
	struct submission part = *s;
	OWNED_MESSAGE m;
	OWNED_TEXT after = NULL;
	struct error err = { 0 };

	read_text(&m, text);
	part.parts = SUBMISSION_REST;
	assert_true(submission_prepare(&m, &part, &err));
	part.parts = SUBMISSION_SENDER;
	assert_true(submission_prepare(&m, &part, &err));
	after = header_of(&m);
	if (strcmp(after, whole) != 0)
		fail_msg("%s\nbecame %s\nand not %s in two steps", text, after, whole);
}

/* The table's header before and after; "~" is a line end. */
struct row {
	const char *before, *after;
};

static void run_rows(const struct row *rows, size_t count, const struct submission *s)
{
	for (size_t i = 0; i < count; i++) {
		OWNED_MESSAGE m;
		OWNED_TEXT text = text_copy(rows[i].before);
		OWNED_TEXT after = NULL;
		struct error err = { 0 };

		for (char *c = text; *c; c++)
			if (*c == '~')
				*c = '\n';
		read_text(&m, text);
		if (!submission_prepare(&m, s, &err))
			fail_msg("%s: %s", rows[i].before, err.text);
		after = header_of(&m);
		if (strcmp(after, rows[i].after) != 0)
			fail_msg("%s\nbecame %s\nand not %s", rows[i].before, after,
				 rows[i].after);
		assert_two_steps(text, after, s);
	}
}

static void test_what_is_missing(void **state)
{
	static const struct row rows[] = {
		{ "", DATE FROM ID },
		{ "~body~", DATE FROM ID },
		{ "To: a@x~~body~", "To: a@x~" DATE FROM ID },
		{ "Date: now~From: a@x~Message-ID: <i@x>~", "Date: now~From: a@x~Message-ID: <i@x>~" },
		{ "date : now~FROM: a@x~message-id: <i@x>~",
		  "date : now~FROM: a@x~message-id: <i@x>~" },
		{ "Date:~From: ~Message-ID:~ ~To: a@x~", "To: a@x~" DATE FROM ID },
		{ "Resent-To: b@x~From: a@x~Date: d~Message-ID: <i@x>~",
		  "Resent-" DATE "Resent-" FROM "Resent-" ID
		  "Resent-To: b@x~From: a@x~Date: d~Message-ID: <i@x>~" },
		/* What stands between two blocks makes them two: only the topmost is looked at. */
		{ "Resent-To: b@x~Resent-From: c@x~X: y~Resent-Date: d~Resent-To: e@x~"
		  "From: a@x~Date: d~Message-ID: <i@x>~",
		  "Resent-" DATE "Resent-" ID "Resent-To: b@x~Resent-From: c@x~X: y~"
		  "Resent-Date: d~Resent-To: e@x~From: a@x~Date: d~Message-ID: <i@x>~" },
	};
	const struct submission s = standard();

	(void)state;
	run_rows(rows, COUNT_OF(rows), &s);
}

static void test_what_leaves(void **state)
{
	static const struct row rows[] = {
		{ "Bcc: a@x,~ b@x~BCC : c@x~From: d@x~Resent-bcc: e@x~Return-Path: <f@x>~"
		  "Content-Length: 3~bccx: stays~", "From: d@x~bccx: stays~" },
		{ "To: a@x~Bcc: b@x", "To: a@x~" },
	};
	struct submission s = standard();

	(void)state;
	s.repairs = false;	/* -G: even then */
	run_rows(rows, COUNT_OF(rows), &s);
}

static void test_rewriting(void **state)
{
	static const struct row rows[] = {
		{ "From: Me Too <ME@example.org>~", "From: Me Too <ME@example.org>~" },
		{ "From: x@ok.example~", "From: x@ok.example~" },
		{ "From: Jane Doe <jane@host.example>~",
		  "From: Jane Doe <me@example.org>~Reply-To: jane@host.example~" },
		{ "From: Jane <jane@host.example>~Reply-To: other@x~",
		  "From: Jane <me@example.org>~Reply-To: other@x~" },
		{ "From: jane@host.example~",
		  "From: Me <me@example.org>~Reply-To: jane@host.example~" },
		{ "From: root (Cron Daemon)~",
		  "From: \"Cron Daemon (root@host.example)\" <me@example.org>~" },
		{ "From: A <a@ok.example>~Sender: root@host~",
		  "From: A <a@ok.example>~Sender: Me <me@example.org>~" },
		{ "Resent-From: x@host~Resent-Date: d~From: y@host~",
		  "Resent-From: Me <me@example.org>~Resent-Date: d~From: Me <me@example.org>~"
		  "Reply-To: y@host~" },
		{ "From: a@ok.example, b@host.example~",
		  "From: \"a@ok.example, b@host.example\" <me@example.org>~"
		  "Reply-To: a@ok.example, b@host.example~" },
		{ "From: \"Doe, Jane\" <jane@host.example>~",
		  "From: \"Doe, Jane\" <me@example.org>~Reply-To: jane@host.example~" },
		{ "From: =?utf-8?Q?J=C3=B6rg?= <j@host.example>~",
		  "From: =?utf-8?Q?J=C3=B6rg?= <me@example.org>~Reply-To: j@host.example~" },
		{ "From: J\303\266rg <j@host.example>~",
		  "From: =?UTF-8?B?SsO2cmc=?= <me@example.org>~Reply-To: j@host.example~" },
		{ "From: <<broken~", "From: Me <me@example.org>~" },
	};
	struct submission s = standard();

	(void)state;
	s.rewrite = true;
	s.repairs = false;
	s.allowed = "me@example.org @ok.example";
	run_rows(rows, COUNT_OF(rows), &s);
	s.from_name = NULL;
	run_rows(&(struct row){ "From: root@host~",
		 "From: \"root@host\" <me@example.org>~Reply-To: root@host~" }, 1, &s);
}

/* Cron's header: services refuse a bare name. */
static void test_bare_names(void **state)
{
	static const struct row qualified[] = {
		{ "From: root (Cron Daemon)~To: root~", "From: Cron Daemon <root@host.example>~"
		  "To: root@host.example~" },
		{ "To: A <a@x>,~ root ,~\tb@y~Subject: root~", "To: A <a@x>,~ root@host.example ,~"
		  "\tb@y~Subject: root~" },
		{ "To: undisclosed-recipients:;~Cc: broken <~", "To: undisclosed-recipients:;~"
		  "Cc: broken <~" },
		{ "To: Ann <a@x.>, b@y~Cc: c@z.~", "To: Ann <a@x>, b@y~Cc: c@z~" },
		{ "Cc: a@@x,~ root, John Doe ,b@y~", "Cc: a@@x,~ root@host.example, John Doe ,b@y~" },
	};
	static const struct row mapped[] = {
		{ "Reply-To: root~To: root, a@x~", "Reply-To: root@host.example~"
		  "To: b@x, c@x, a@x~" },
	};
	struct submission s = standard();
	OWNED_ALIASES aliases;

	(void)state;
	aliases_init(&aliases, NULL, "b@x, c@x");
	for (size_t i = 0; i < COUNT_OF(qualified) + COUNT_OF(mapped); i++) {
		bool is_mapped = i >= COUNT_OF(qualified);
		struct row row = is_mapped ? mapped[i - COUNT_OF(qualified)] : qualified[i];
		OWNED_BUF before = BUF_INIT(4096);
		OWNED_BUF after = BUF_INIT(4096);

		buf_addf(&before, "Date: d~From: f@x~Message-ID: <i@x>~%s", row.before);
		buf_addf(&after, "Date: d~From: f@x~Message-ID: <i@x>~%s", row.after);
		s.bare_names.aliases = is_mapped ? &aliases : NULL;
		run_rows(&(struct row){ buf_text(&before), buf_text(&after) }, 1, &s);
	}
}

/* One of each, and nothing lost. */
static void test_single_fields(void **state)
{
	static const struct row rows[] = {
		{ "From: a@x~To: b@x~Received: 1~Received: 2~", NULL },
		{ "From: A <a@x>~S: s~From: b@x~", "From: A <a@x>~Reply-To: A <a@x>, b@x~S: s~" },
		{ "From: a@x~From: A <a@X>~", "From: a@x~" },
		{ "From:~From: <<~From: a@x~", "X-Duplicate-From: <<~From: a@x~" },
		{ "From: <~From: >~", "From: <~X-Duplicate-From: >~" },
		{ "From: a@x~From: b@x~Reply-To: r@x~",
		  "From: a@x, b@x~Sender: a@x~Reply-To: r@x~" },
		{ "Sender: s@x~From: a@x, b@x~From: c@x, a@x~Reply-To:~",
		  "Sender: s@x~From: a@x, b@x, c@x~Reply-To:~" },
		{ "To: a@x~Cc: c@x~to: b@x,~ d@x~Cc:~TO: ~", "To: a@x,~ b@x,~ d@x~Cc: c@x~" },
		{ "To:~To: a@x~", "To: a@x~" },
		{ "To: g:;~To: a@x~", "To: g:;,~ a@x~" },
		{ "To: \"a~To: b@x~", NULL },
		{ "Reply-To: a@x~Reply-To: B <b@x>~", "Reply-To: a@x,~ B <b@x>~" },
		{ "Subject: one~Subject: two~Subject: one~Subject: ~",
		  "Subject: one~X-Duplicate-Subject: two~" },
		{ "Date:~Date: d~Date: e~Message-ID: <i@x>~Message-ID: <i@x>~",
		  "Date: d~X-Duplicate-Date: e~Message-ID: <i@x>~" },
		{ "References: <a@x>~ <b@x>~References: <c@x>~In-Reply-To: <d@x>~In-Reply-To:<e@x>~",
		  "References: <a@x>~ <b@x>~ <c@x>~In-Reply-To: <d@x>~ <e@x>~" },
		{ "MIME-Version: 1.0~MIME-Version: 1.0~Content-Type: a/b~Content-Type: c/d~",
		  "MIME-Version: 1.0~Content-Type: a/b~Content-Type: c/d~" },
		{ "DKIM-Signature: v=1~From: a@x~From: b@x~", NULL },
		{ "Resent-From: a@x~Resent-From: b@x~", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED_TEXT text = text_copy(rows[i].before);
		OWNED_TEXT after = NULL;
		OWNED_BUF names = BUF_INIT(1000);
		OWNED_MESSAGE m;

		for (char *c = text; *c; c++)
			if (*c == '~')
				*c = '\n';
		read_text(&m, text);
		assert_int_equal(header_make_single(&m.header, &names), rows[i].after != NULL);
		after = header_of(&m);
		assert_string_equal(after, rows[i].after ? rows[i].after : rows[i].before);
	}
}

static void test_endless_name(void **state)
{
	struct buf name = BUF_INIT(100000);
	struct submission s = standard();

	(void)state;
	while (name.len < 40000)
		buf_add(&name, "\303\251");
	s.from_name = name.text;
	run_rows(&(struct row){ "Date: d~Message-ID: <i@x>~",
		 "Date: d~Message-ID: <i@x>~From: me@example.org~" }, 1, &s);
	buf_free(&name);
}

static void test_mime(void **state)
{
	static const struct {
		const char *text, *charset;
	} rows[] = {
		{ "A: b\n\nascii\n", NULL },
		{ "A: b\n\n\346\227\245\n", "utf-8" },
		{ "A: b\n\n\377\n", "unknown-8bit" },
		{ "A: b\n\n\346\227\n", "unknown-8bit" },
		{ "MIME-Version: 1.0\n\n\346\227\245\n", NULL },
		{ "content-type: text/html\n\n\346\227\245\n", NULL },
	};
	const struct submission s = standard();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED_MESSAGE m;
		struct error err = { 0 };
		struct field field;

		read_text(&m, rows[i].text);
		assert_true(submission_prepare(&m, &s, &err));
		if (!rows[i].charset) {
			assert_false(header_find(&m.header, "Content-Transfer-Encoding", &field));
			continue;
		}
		assert_true(header_find(&m.header, "MIME-Version", &field));
		assert_true(header_find(&m.header, "Content-Transfer-Encoding", &field));
		assert_true(header_find(&m.header, "Content-Type", &field));
		assert_non_null(strstr(field.body, rows[i].charset));
	}
}

/* A large body in which every piece that is read ends within a character. */
static void test_mime_large(void **state)
{
	for (int wrong = 0; wrong < 2; wrong++) {
		const struct submission s = standard();
		struct buf text = BUF_INIT(1024 * 1024);
		OWNED_MESSAGE m;
		struct error err = { 0 };
		struct field field;

		(void)state;
		buf_add(&text, "A: b\n\n");
		while (text.len < 600 * 1024)
			buf_add(&text, "\360\237\230\200\346\227\245\303\266x\n");
		buf_add(&text, wrong ? "\360\237\230\n" : "\360\237\230\200\n");
		read_text(&m, text.text);
		assert_true(submission_prepare(&m, &s, &err));
		assert_true(header_find(&m.header, "Content-Type", &field));
		assert_non_null(strstr(field.body, wrong ? "unknown-8bit" : "utf-8"));
		buf_free(&text);
	}
}

static void test_recipients(void **state)
{
	static const struct {
		const char *text, *list;
	} rows[] = {
		{ "To: a@x\nCc: b@x\nBcc: c@x\nTo : d@x\n", "a@x b@x c@x d@x " },
		{ "To: a@x,\n b@x,\n\tc@x", "a@x b@x c@x " },
		{ "To: undisclosed-recipients:;\n", "" },
		{ "Resent-To: a@x\nResent-Bcc: b@x\nTo: c@x\n", "a@x b@x " },
		{ "Resent-To: a@x\nReceived: y\nResent-To: b@x\nTo: c@x\n", "a@x " },
		{ "Received: y\nResent-To: a@x\nResent-To: b@x\nTo: c@x\n", "a@x b@x " },
		{ "Subject: x\n\nTo: a@x\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED_MESSAGE m;
		OWNED_PEOPLE to = { .aliases = NULL };
		OWNED_BUF text = BUF_INIT(1000);
		struct error err = { 0 };

		read_text(&m, rows[i].text);
		assert_true(submission_recipients(&m, &to, &err));
		assert_int_equal(to.faults.count, 0);
		for (size_t k = 0; k < to.list.count; k++)
			buf_addf(&text, "%s ", to.list.items[k].mailbox);
		assert_string_equal(buf_text(&text), rows[i].list);
	}
}

static void test_bad_recipients(void **state)
{
	static const char *const words[] = {
		"the message's CC field: \"b@\" at byte 2 is no address",
		"the message's cc field no. 3: \"c@@x\" at byte 7 is no address",
		"the message's Bcc field: \"\"D, e@x\" at byte 2 is no address",
	};
	OWNED_MESSAGE m;
	OWNED_PEOPLE to = { .aliases = NULL };
	struct error err = { 0 };

	(void)state;
	read_text(&m, "To: a@x\nCC: b@\ncc: f@x,\nX: b@\ncc: g@x, c@@x, h@x\nBcc: \"D, e@x\n");
	assert_true(submission_recipients(&m, &to, &err));
	assert_int_equal(to.list.count, 4);
	assert_string_equal(to.list.items[3].mailbox, "h@x");
	assert_int_equal(to.faults.count, COUNT_OF(words));
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (!strstr(to.faults.items[i].why.text, words[i]))
			fail_msg("%s", to.faults.items[i].why.text);
}

static void test_too_many_bad_recipients(void **state)
{
	OWNED_MESSAGE m;
	OWNED_PEOPLE to = { .aliases = NULL };
	OWNED_BUF text = BUF_INIT(HEADER_MAX);
	struct error err = { 0 };

	(void)state;
	buf_add(&text, "Bcc: a@x\nBcc:");
	for (int i = 0; i <= ADDRESS_FAULTS_MAX; i++)
		buf_add(&text, "b@,");
	read_text(&m, buf_text(&text));
	assert_false(submission_recipients(&m, &to, &err));
	assert_int_equal(err.kind, ERROR_DATA);
	assert_non_null(strstr(err.text, "Bcc field no. 2: more than"));
}

static void test_author(void **state)
{
	static const struct {
		const char *text, *mailbox;
	} rows[] = {
		{ "From: A <a@x>\n", "a@x" },
		{ "From: a@x, b@x\n", "a@x" },
		{ "Resent-From: r@x\nFrom: a@x\n", "r@x" },
		{ "To: b@x\n", "" },
		{ "From: <<\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED_MESSAGE m;
		struct address author;

		read_text(&m, rows[i].text);
		submission_author(&m, NULL, &author);
		assert_string_equal(author.mailbox, rows[i].mailbox);
		address_free(&author);
	}
}

static void test_folding(void **state)
{
	struct buf header = BUF_INIT(10000);
	OWNED_BUF body = BUF_INIT(10000);

	(void)state;
	for (int i = 0; i < 40; i++)
		buf_addf(&body, "%sword%d", i ? " " : "", i);
	buf_add(&body, "\r\nX-Injected: yes");
	header_add(&header, "Subject", buf_text(&body));
	assert_null(strstr(header.text, "\nX-Injected"));
	for (char *line = header.text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_true(end - line < 79);
		assert_true(line == header.text || *line == ' ');
	}
	buf_clear(&header);
	header_add(&header, "X", "a b");
	assert_string_equal(header.text, "X: a b\r\n");
	buf_clear(&header);
	header_add(&header, "X", "");
	assert_string_equal(header.text, "X: \r\n");
	buf_free(&header);
}

static void test_names(void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ NULL, "a@x" }, { "", "a@x" }, { "John Doe", "John Doe <a@x>" },
		{ "J. Doe", "\"J. Doe\" <a@x>" }, { "a \"b\" \\", "\"a \\\"b\\\" \\\\\" <a@x>" },
		{ "J\303\266rg", "=?UTF-8?B?SsO2cmc=?= <a@x>" },
		{ "=?utf-8?Q?a,b?=", "=?utf-8?Q?a=2Cb?= <a@x>" },
		{ "=?evil", "\"=?evil\" <a@x>" },
		{ "=?UTF-8?Q?J=C3=B6rg?= Meyer", "=?UTF-8?Q?J=C3=B6rg?= Meyer <a@x>" },
		{ "Dr. =?UTF-8?Q?J=C3=B6rg?= =?utf-8?b?w7Y=?=  M.",
		  "\"Dr.\" =?UTF-8?Q?J=C3=B6rg?= =?utf-8?b?w7Y=?= \"M.\" <a@x>" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED_BUF text = BUF_INIT(1000);

		header_format_address(&text, rows[i].name, "a@x");
		assert_string_equal(buf_text(&text), rows[i].text);
	}
}

static int set_time_zone(void **state)
{
	(void)state;
	return setenv("TZ", "UTC", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_missing),
		cmocka_unit_test(test_what_leaves),
		cmocka_unit_test(test_rewriting),
		cmocka_unit_test(test_bare_names),
		cmocka_unit_test(test_single_fields),
		cmocka_unit_test(test_endless_name),
		cmocka_unit_test(test_mime),
		cmocka_unit_test(test_mime_large),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_bad_recipients),
		cmocka_unit_test(test_too_many_bad_recipients),
		cmocka_unit_test(test_author),
		cmocka_unit_test(test_folding),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, set_time_zone, NULL);
}
