/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of an entry: there and back, and whatever may have become of it. */
#include "spool/entry.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sum.h"
#include "service/replies.h"

enum { TEXT_MAX = 1024 * 1024 };

static char *copy(const char *text)
{
	return text ? text_copy(text) : NULL;
}

/* Something in each field; the texts are all `text`. */
static void fill(struct entry *e, const char *text)
{
	*e = (struct entry){
		.arrived = 1800000000,
		.next = 1800000060,
		.attempts = 4294967295u,
		.is_held = true,
		.is_held_by_us = true,
		.is_report = true,
		.is_warned = true,
		.is_in_doubt = true,
		.uid = 4294967294u,
		.header_len = 10,
		.body_len = UINT64_MAX,
		.sum = 0xfedcba9876543210,
		.longest_line = 998,
		.header_is_8bit = true,
		.body_is_8bit = true,
		.has_nul = true,
		.is_original = true,
		.is_bare = true,
		.is_default = true,
	};
	e->given = copy(text);
	e->full_name = copy(text);
	e->user_name = copy(text);
	e->user = copy(text);
	e->host = copy(text);
	e->held_by = copy(text);
	e->login = copy(text);
	e->account = copy(text);
	e->config = copy(text);
	e->message_id = copy(text);
	e->envelope.sender = copy(text);
	e->envelope.origin = copy(text);
	e->envelope.notify = copy(text);
	e->envelope.ret = copy(text);
	e->envelope.envid = copy(text);
}

static void add_recipient(struct entry *e, const char *mailbox, enum verdict verdict,
			  enum error_kind kind, const char *words)
{
	struct error why = { .kind = kind, .reply = kind == ERROR_NETWORK ? 0 : 550 };
	struct recipient *r;

	snprintf(why.text, sizeof(why.text), "%s", words);
	reply_recall(&why);
	envelope_add(&e->envelope, mailbox);
	r = &e->envelope.recipients[e->envelope.count - 1];
	envelope_judge(&e->envelope, r, verdict, kind == ERROR_NONE ? NULL : &why);
}

static void write_it(const struct entry *e, struct buf *text)
{
	struct error err;

	if (!entry_write(e, text, &err))
		fail_msg("%s", err.text);
}

static void read_it(struct entry *e, const struct buf *text)
{
	struct error err;

	if (!entry_read(e, buf_text(text), text->len, &err))
		fail_msg("%s in:\n%s", err.text, buf_text(text));
}

static void assert_text(const char *one, const char *other)
{
	assert_int_equal(one == NULL, other == NULL);
	if (one)
		assert_string_equal(one, other);
}

static void assert_why(const struct error *one, const struct error *other)
{
	assert_int_equal(one == NULL, other == NULL);
	if (!one)
		return;
	assert_int_equal(one->kind, other->kind);
	assert_int_equal(one->reply, other->reply);
	assert_int_equal(one->at, other->at);
	assert_string_equal(one->status, other->status);
	assert_string_equal(one->text, other->text);
	assert_string_equal(error_said(one), error_said(other));
}

static void assert_same(const struct entry *a, const struct entry *b)
{
	assert_int_equal(a->arrived, b->arrived);
	assert_int_equal(a->next, b->next);
	assert_int_equal(a->attempts, b->attempts);
	assert_int_equal(a->is_held, b->is_held);
	assert_int_equal(a->is_held_by_us, b->is_held_by_us);
	assert_int_equal(a->is_report, b->is_report);
	assert_int_equal(a->is_warned, b->is_warned);
	assert_int_equal(a->is_in_doubt, b->is_in_doubt);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->is_original, b->is_original);
	assert_int_equal(a->is_bare, b->is_bare);
	assert_int_equal(a->is_default, b->is_default);
	assert_text(a->given, b->given);
	assert_text(a->full_name, b->full_name);
	assert_text(a->user_name, b->user_name);
	assert_text(a->user, b->user);
	assert_text(a->host, b->host);
	assert_text(a->held_by, b->held_by);
	assert_text(a->login, b->login);
	assert_text(a->account, b->account);
	assert_text(a->config, b->config);
	assert_text(a->message_id, b->message_id);
	assert_why(a->why, b->why);
	assert_text(a->envelope.sender, b->envelope.sender);
	assert_text(a->envelope.origin, b->envelope.origin);
	assert_text(a->envelope.notify, b->envelope.notify);
	assert_text(a->envelope.ret, b->envelope.ret);
	assert_text(a->envelope.envid, b->envelope.envid);
	assert_int_equal(a->header_len, b->header_len);
	assert_int_equal(a->body_len, b->body_len);
	assert_int_equal(a->sum, b->sum);
	assert_int_equal(a->longest_line, b->longest_line);
	assert_int_equal(a->header_is_8bit, b->header_is_8bit);
	assert_int_equal(a->body_is_8bit, b->body_is_8bit);
	assert_int_equal(a->has_nul, b->has_nul);
	assert_int_equal(a->envelope.count, b->envelope.count);
	for (size_t i = 0; i < a->envelope.count; i++) {
		const struct recipient *one = &a->envelope.recipients[i];
		const struct recipient *other = &b->envelope.recipients[i];

		assert_string_equal(one->mailbox, other->mailbox);
		assert_int_equal(one->verdict, other->verdict);
		assert_int_equal(one->is_reported, other->is_reported);
		assert_why(one->why, other->why);
	}
}

static void assert_there_and_back(const struct entry *e)
{
	OWNED_BUF text = BUF_INIT(TEXT_MAX);
	OWNED_ENTRY back = { 0 };

	write_it(e, &text);
	read_it(&back, &text);
	assert_same(e, &back);
}

/* --- there and back */

/* One recipient of each verdict, and a reason of each kind. */
static void add_all(struct entry *e)
{
	struct error why = { .kind = ERROR_QUOTA,
			     .reply = 450,
			     .text = "450 4.5.127 slow" };
	char mailbox[64];

	reply_recall(&why);
	entry_keep_reason(e, &why);
	add_recipient(e, "none@example.org", VERDICT_NONE, ERROR_NONE, "");
	add_recipient(e, "accepted@example.org", VERDICT_ACCEPTED, ERROR_NONE, "");
	add_recipient(e, "later@example.org", VERDICT_LATER, ERROR_LATER, "450 later");
	add_recipient(e, "unknown@example.org", VERDICT_UNKNOWN, ERROR_NETWORK, "lost");
	add_recipient(e, "reported@example.org", VERDICT_REFUSED, ERROR_NO_USER,
		      "550 no");
	e->envelope.recipients[e->envelope.count - 1].is_reported = true;
	for (int kind = ERROR_NONE + 1; kind < ERROR_KINDS; kind++) {
		snprintf(mailbox, sizeof(mailbox), "kind%d@example.org", kind);
		add_recipient(e, mailbox, VERDICT_REFUSED, (enum error_kind)kind,
			      "550 no");
	}
}

/* What an error is about is known again, and one reply is one error for all whom it refused. */
static void test_facts_of_a_reply(void **state)
{
	static const char text[] =
		"acsmtp-spool 1\nnext 1\narrived 1\nheld 0\nwarned 0\naccount work\nconfig \n"
		"sender s@x.org\n"
		"why later 454 mx.example:587: AUTH LOGIN: 454 4.7.0 not now, EHLO: no\n"
		"to failed a@x.org\nwhy no-user 550 RCPT TO <a@x.org>: 550 5.1.1 no such user\n"
		"to failed b@x.org\nwhy no-user 550 RCPT TO <b@x.org>: 550 5.1.1 no such user\n"
		"to failed c@x.org\nwhy later 450 given up after 5 days: RCPT TO <c@x.org>: 450 no\n";
	OWNED_BUF whole = BUF_INIT(TEXT_MAX);
	OWNED_ENTRY e = { 0 };
	const struct recipient *r;
	struct error why;

	(void)state;
	buf_addf(&whole, "%send %016" PRIx64 "\n", text, sum_add(SUM_INIT, text, strlen(text)));
	read_it(&e, &whole);
	assert_int_equal(e.why->at, AT_AUTH);
	assert_string_equal(e.why->status, "4.7.0");
	assert_string_equal(error_said(e.why), "454 4.7.0 not now, EHLO: no");
	r = e.envelope.recipients;
	assert_ptr_equal(r[0].why, r[1].why);
	assert_int_equal(r[0].why->at, AT_RCPT);
	assert_string_equal(r[0].why->status, "5.1.1");
	recipient_reason(&r[1], &why);
	assert_string_equal(why.text, "RCPT TO <b@x.org>: 550 5.1.1 no such user");
	assert_string_equal(error_said(&why), "550 5.1.1 no such user");
	recipient_reason(&r[2], &why);
	assert_string_equal(why.text, "given up after 5 days: RCPT TO <c@x.org>: 450 no");
	assert_there_and_back(&e);
}

static void test_every_field(void **state)
{
	OWNED_ENTRY e = { 0 };

	(void)state;
	fill(&e, "some text");
	add_all(&e);
	assert_there_and_back(&e);
}

/* What need not be there, and what must be but may be empty. */
static void test_nothing_in_it(void **state)
{
	OWNED_ENTRY e = { .account = text_copy("work"),
			  .config = text_copy(""),
			  .envelope.sender = text_copy("") };

	(void)state;
	add_recipient(&e, "a@example.org", VERDICT_NONE, ERROR_NONE, "");
	assert_there_and_back(&e);
}

static void test_negative_times(void **state)
{
	OWNED_ENTRY e = { 0 };

	(void)state;
	fill(&e, "x");
	e.arrived = -1;
	e.next = -86400;
	add_recipient(&e, "a@example.org", VERDICT_NONE, ERROR_NONE, "");
	assert_there_and_back(&e);
}

static void test_hostile_text(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"  two blanks  ",
		"\r",
		"to waiting b@example.org",
		"end 0123456789abcdef",
		"%s%n",
		"\xff\xfe",
		"gr\xc3\xbc\xc3\x9f"
		"e",
		"\x1b[2J",
		"why later 0 x",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		OWNED_ENTRY e = { 0 };

		fill(&e, texts[i]);
		add_recipient(&e, "\"a b\\\" to sent\"@example.org", VERDICT_NONE,
			      ERROR_NONE, "");
		assert_there_and_back(&e);
	}
}

/* The name of a file may have one, a line has not. */
static void test_line_breaks_are_refused(void **state)
{
	char **fields[8];
	OWNED_ENTRY e = { 0 };
	struct error err;

	(void)state;
	fill(&e, "x");
	add_recipient(&e, "a@example.org", VERDICT_NONE, ERROR_NONE, "");
	memcpy(fields,
	       (char **[]){ &e.account, &e.config, &e.message_id, &e.envelope.sender,
			    &e.envelope.origin, &e.envelope.notify, &e.envelope.ret,
			    &e.envelope.recipients[0].mailbox },
	       sizeof(fields));
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		OWNED_BUF text = BUF_INIT(TEXT_MAX);
		char *before = *fields[i], broken[] = "a\nheld 0";

		*fields[i] = broken;
		assert_false(entry_write(&e, &text, &err));
		assert_int_equal(err.kind, ERROR_DATA);
		assert_non_null(strstr(err.text, "line break"));
		*fields[i] = before;
	}
	assert_there_and_back(&e);
}

/* What servers say is made harmless, and stays one line. */
static void test_hostile_reasons(void **state)
{
	OWNED_BUF text = BUF_INIT(TEXT_MAX);
	OWNED_ENTRY e = { 0 }, back = { 0 };

	(void)state;
	fill(&e, "x");
	add_recipient(&e, "a@example.org", VERDICT_REFUSED, ERROR_NO_USER,
		      "550 no\nto sent b@example.org\r\x1b[0m\nend 0123456789abcdef");
	write_it(&e, &text);
	read_it(&back, &text);
	assert_int_equal(back.envelope.count, 1);
	assert_string_equal(back.envelope.recipients[0].why->text,
			    "550 no?to sent b@example.org??[0m?end 0123456789abcdef");
}

static void test_many_recipients(void **state)
{
	OWNED_ENTRY e = { 0 };
	char mailbox[64];

	(void)state;
	fill(&e, "x");
	for (int i = 0; i < 5000; i++) {
		snprintf(mailbox, sizeof(mailbox), "r%d@example.org", i);
		add_recipient(&e, mailbox, i % 2 ? VERDICT_ACCEPTED : VERDICT_LATER,
			      i % 2 ? ERROR_NONE : ERROR_LATER, "450 later");
	}
	assert_int_equal(envelope_waiting(&e.envelope), 2500);
	assert_there_and_back(&e);
}

static void test_too_large(void **state)
{
	OWNED_BUF text = BUF_INIT(300);
	OWNED_ENTRY e = { 0 };
	struct error err;

	(void)state;
	fill(&e, "x");
	add_all(&e);
	assert_false(entry_write(&e, &text, &err));
	assert_non_null(strstr(err.text, "too many recipients"));
}

/* --- damage */

static void assert_unreadable(const char *text, size_t len, const char *words)
{
	OWNED_ENTRY e = { 0 };
	struct error err = { .kind = ERROR_NONE };

	assert_false(entry_read(&e, text, len, &err));
	assert_int_equal(err.kind, ERROR_DATA);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" is not in: %s", words, err.text);
}

static void test_cut_short_anywhere(void **state)
{
	OWNED_BUF text = BUF_INIT(TEXT_MAX);
	OWNED_ENTRY e = { 0 };

	(void)state;
	fill(&e, "some text");
	add_all(&e);
	write_it(&e, &text);
	for (size_t len = 0; len < text.len; len++) {
		/* Memory of this size, so that a sanitizer sees what is read behind it. */
		OWNED_TEXT part = text_copy_n(buf_text(&text), len);

		assert_unreadable(part, len, "");
	}
}

static void test_each_byte_flipped(void **state)
{
	static const unsigned char flips[] = { 0x01, 0x20, 0x80, 0xff };
	OWNED_BUF text = BUF_INIT(TEXT_MAX);
	OWNED_ENTRY e = { 0 }, back = { 0 };

	(void)state;
	fill(&e, "some text");
	add_all(&e);
	write_it(&e, &text);
	for (size_t i = 0; i < text.len; i++)
		for (size_t k = 0; k < sizeof(flips); k++) {
			text.text[i] = (char)(text.text[i] ^ flips[k]);
			assert_unreadable(buf_text(&text), text.len, "");
			text.text[i] = (char)(text.text[i] ^ flips[k]);
		}
	read_it(&back, &text);
}

static void test_bytes_behind_it(void **state)
{
	OWNED_BUF text = BUF_INIT(TEXT_MAX);
	OWNED_ENTRY e = { 0 };

	(void)state;
	fill(&e, "x");
	add_all(&e);
	write_it(&e, &text);
	buf_add(&text, "x");
	assert_unreadable(buf_text(&text), text.len, "checksum");
}

/* Lines that nobody wrote, with a checksum that is right. */
static void assert_makes_no_sense(const char *lines, const char *words)
{
	OWNED_BUF text = BUF_INIT(TEXT_MAX);

	buf_add(&text, lines);
	buf_addf(&text, "end %016llx\n",
		 (unsigned long long)sum_add(SUM_INIT, buf_text(&text), text.len));
	assert_unreadable(buf_text(&text), text.len, words);
}

static void test_lines_without_sense(void **state)
{
	static const char *const lines[] = {
		"nonsense",
		"nonsense 1",
		"next",
		"next ",
		"next x",
		"next -1",
		"next 1x",
		"attempts 4294967296",
		"held 2",
		"held",
		"held 10",
		"to",
		"to waiting",
		"to waiting ",
		"to nowhere a@example.org",
		"why",
		"why later",
		"why later x",
		"why nothing 0 x",
		"to sent a@example.org\nto sent a@example.org",
		"",
		" ",
		"end 0000000000000000",
		"Next 1",
		"acsmtp-spool 1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		char text[200];

		snprintf(text, sizeof(text), "acsmtp-spool 1\n%s\n", lines[i]);
		assert_makes_no_sense(text, "line ");
	}
	assert_makes_no_sense("acsmtp-spool 1\n", "a line is missing");
	assert_makes_no_sense("acsmtp-spool 1\naccount a\nconfig \nsender \n",
			      "a line is missing");
	assert_makes_no_sense("acsmtp-spool 1\naccount a\nconfig \nto sent a@b\n",
			      "a line is missing");
}

/* Whole, and so it is not damaged. */
static void assert_is_foreign(const char *lines)
{
	OWNED_BUF text = BUF_INIT(TEXT_MAX);
	OWNED_ENTRY e = { .id = "" };
	struct error err;

	buf_add(&text, lines);
	buf_addf(&text, "end %016llx\n",
		 (unsigned long long)sum_add(SUM_INIT, buf_text(&text), text.len));
	assert_false(entry_read(&e, buf_text(&text), text.len, &err));
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.text, "another version"));
}

/* Whatever still makes sense, and nothing that does not. */
static void test_guess(void **state)
{
	static const char text[] = "acsmtp-spool 1\nnext x\naccount \x1b[31mwork\nsender a@b\n"
				   "\n\0\0garbage\nto waiting c@d\nto nowhere e@f\nto sent g@h\ncut o";
	OWNED_ENTRY e = { .id = "" };

	(void)state;
	entry_guess(&e, text, sizeof(text) - 1);
	assert_string_equal(e.envelope.sender, "a@b");
	assert_string_equal(e.account, "?[31mwork");
	assert_null(e.config);
	assert_int_equal(e.envelope.count, 2);
	assert_string_equal(e.envelope.recipients[0].mailbox, "c@d");
	assert_int_equal(e.envelope.recipients[1].verdict, VERDICT_ACCEPTED);
}

static void test_other_versions(void **state)
{
	(void)state;
	assert_is_foreign("acsmtp-spool 2\nnext 0\n");
	assert_is_foreign("acsmtp-spool 10\nnext 0\n");
	assert_is_foreign("acsmtp-spool 2\nwords of its own, never seen\n");
	assert_makes_no_sense("another-spool 1\nnext 0\n", "not a spool entry");
}

/* --- the start alone */

static void test_start(void **state)
{
	OWNED_BUF text = BUF_INIT(TEXT_MAX);
	OWNED_ENTRY e = { 0 };
	struct entry_start start, other;
	const char *line;

	(void)state;
	fill(&e, "work");
	add_all(&e);
	write_it(&e, &text);
	assert_true(entry_read_start(&start, buf_text(&text), text.len));
	assert_int_equal(start.arrived, e.arrived);
	assert_int_equal(start.next, e.next);
	assert_true(start.is_held && start.is_held_by_us && start.is_warned);
	line = strstr(buf_text(&text), "account work\n");
	assert_non_null(line);
	for (size_t len = 0; len < text.len; len++) {
		OWNED_TEXT part = text_copy_n(buf_text(&text), len);
		bool is_enough = len >= (size_t)(line - buf_text(&text)) +
						strlen("account work\n");

		assert_int_equal(entry_read_start(&other, part, len), is_enough);
	}
	assert_int_equal(other.account, start.account);
	/* Its line is none of those that have to be there, as older entries lack it. */
	assert_true(other.is_held_by_us);
	assert_true(entry_read_start(&other, buf_text(&text),
				     (size_t)(line - buf_text(&text)) + strlen("account work\n")));
	assert_false(other.is_held_by_us);
	e.account[0] = 'W';
	buf_clear(&text);
	write_it(&e, &text);
	assert_true(entry_read_start(&other, buf_text(&text), text.len));
	assert_true(other.account != start.account);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts_of_a_reply),
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_nothing_in_it),
		cmocka_unit_test(test_negative_times),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_line_breaks_are_refused),
		cmocka_unit_test(test_hostile_reasons),
		cmocka_unit_test(test_many_recipients),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_cut_short_anywhere),
		cmocka_unit_test(test_each_byte_flipped),
		cmocka_unit_test(test_bytes_behind_it),
		cmocka_unit_test(test_lines_without_sense),
		cmocka_unit_test(test_other_versions),
		cmocka_unit_test(test_guess),
		cmocka_unit_test(test_start),
	};

	return cmocka_run_group_tests_name("entry", tests, NULL, NULL);
}
