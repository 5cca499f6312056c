/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Failure reports. The cases are the files of tests/data/report, whose README says how they
 * are written; here is what files cannot say.
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "mail/header.h"
#include "mail/mime.h"
#include "mail/mime_parts.h"
#include "mail/report.h"
#include "service/replies.h"

enum { FILE_MAX = 64 * 1024 * 1024, WORDS_MAX = 2000 };

/* --- helpers */

/* Everything that a case says; texts are kept for as long as it lives. */
struct facts {
	struct report report;
	struct envelope to, envelope;
	struct error why;
	struct message original;
	char *kept[64];
	size_t kept_count;
};

static const char *keep(struct facts *f, const char *text)
{
	assert_true(f->kept_count < COUNT_OF(f->kept));
	return f->kept[f->kept_count++] = text_copy(text);
}

static void facts_begin(struct facts *f)
{
	*f = (struct facts){ .report = {
		.id = "report0", .from = "noreply@example.org", .machine = "host.example",
		.server = "smtp.example", .service = "other", .now = 100000,
		.original_id = "original0", .arrived = 90000, .until = 522000, .keep_days = 30,
	} };
	message_init(&f->original);
	f->report.to = &f->to;
	f->report.envelope = &f->envelope;
	f->report.original = &f->original;
}

static void facts_end(struct facts *f)
{
	f->envelope.ret = f->envelope.envid = NULL;	/* kept ones */
	envelope_free(&f->envelope);
	envelope_free(&f->to);
	message_free(&f->original);
	for (size_t i = 0; i < f->kept_count; i++)
		free(f->kept[i]);
}

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

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	for (size_t len; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (len > longest)
			longest = len;
	}
	return longest;
}

/* The report, whose facts about itself must be true. */
static struct buf make(struct facts *f, struct message *out)
{
	struct error err = { 0 };
	struct buf text;

	if (!report_make(&f->report, out, &err))
		fail_msg("%s", err.text);
	text = text_of(out);
	if (!out->has_nul)
		assert_int_equal(out->longest_line, longest_line(buf_text(&text)));
	assert_int_equal(out->header_is_8bit,
			 text_has_8bit(buf_text(&out->header), out->header.len));
	assert_int_equal(out->header_is_8bit || out->body_is_8bit,
			 text_has_8bit(buf_text(&text), text.len));
	return text;
}

/* For a server that knows no extension. */
static struct buf make_plain(const struct message *m)
{
	const struct mime_limits least = { false, false };
	struct error err = { 0 };
	struct message out;
	struct buf text;

	if (!mime_must_convert(m, &least))
		return text_of(m);
	if (!mime_convert(m, &least, &out, &err))
		fail_msg("%s", err.text);
	assert_true(out.longest_line <= 998);
	assert_false(out.body_is_8bit);
	text = text_of(&out);
	message_free(&out);
	return text;
}

/* --- the files */

static size_t find_word(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (words[i] && !strcmp(words[i], word))
			return i;
	fail_msg("no such word: %s", word);
	return 0;
}

static void take_recipient(struct facts *f, const char *value)
{
	static const char *const verdicts[] = {
		[VERDICT_NONE] = "none", [VERDICT_ACCEPTED] = "accepted",
		[VERDICT_REFUSED] = "refused", [VERDICT_LATER] = "later",
		[VERDICT_UNKNOWN] = "unknown", [VERDICT_UNKNOWN + 1] = "reported",
	};
	size_t len = strcspn(value, " ");
	OWNED_TEXT word = text_copy_n(value, len);
	size_t verdict = find_word(verdicts, COUNT_OF(verdicts), word);
	struct recipient *r;

	envelope_add(&f->envelope, value + len + 1);
	r = &f->envelope.recipients[f->envelope.count - 1];
	r->is_reported = verdict > VERDICT_UNKNOWN;
	r->verdict = r->is_reported ? VERDICT_REFUSED : (enum verdict)verdict;
}

static void take_why(struct facts *f, const char *value)
{
	static const char *const kinds[ERROR_KINDS] = {
		[ERROR_DATA] = "data", [ERROR_NO_USER] = "no-user", [ERROR_NO_HOST] = "no-host",
		[ERROR_REFUSED] = "refused", [ERROR_SENDER] = "sender", [ERROR_AUTH] = "auth",
		[ERROR_LATER] = "later", [ERROR_TLS] = "tls", [ERROR_CONFIG] = "config",
		[ERROR_PROTOCOL] = "protocol",
	};
	char kind[20], words[WORDS_MAX];
	struct error why = { 0 };
	int reply;

	assert_int_equal(sscanf(value, "%19s %d %1999[^\n]", kind, &reply, words), 3);
	error_set(&why, (enum error_kind)find_word(kinds, COUNT_OF(kinds), kind), "%s", words);
	why.reply = reply;
	reply_recall(&why);
	if (f->envelope.count) {
		struct recipient *r = &f->envelope.recipients[f->envelope.count - 1];

		envelope_judge(&f->envelope, r, r->verdict, &why);
	} else {
		f->why = why;
		f->report.why = &f->why;
	}
}

static void take_advice(struct facts *f, const char *value)
{
	size_t count = f->envelope.count;
	struct recipient *r = count ? &f->envelope.recipients[count - 1] : NULL;
	struct error why = r ? *r->why : f->why;

	why.advice = keep(f, value);
	if (r)
		envelope_judge(&f->envelope, r, r->verdict, &why);
	else
		f->why = why;
}

static void take_fact(struct facts *f, const char *word, const char *value)
{
	struct { const char *word; const char **place; } texts[] = {
		{ "service", &f->report.service }, { "machine", &f->report.machine },
		{ "from", &f->report.from }, { "ret", (const char **)&f->envelope.ret },
		{ "envid", (const char **)&f->envelope.envid },
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (!strcmp(word, texts[i].word)) {
			*texts[i].place = keep(f, value);
			return;
		}
	if (!strcmp(word, "kind"))
		f->report.kind = strcmp(value, "failed") ? REPORT_DELAYED : REPORT_FAILED;
	else if (!strcmp(word, "to"))
		envelope_add(&f->to, value);
	else if (!strcmp(word, "rcpt"))
		take_recipient(f, value);
	else if (!strcmp(word, "why"))
		take_why(f, value);
	else if (!strcmp(word, "advice"))
		take_advice(f, value);
	else if (!strcmp(word, "max-size"))
		f->report.max_size = strtoull(value, NULL, 10);
	else
		fail_msg("no such fact: %s", word);
}

static void take_facts(struct facts *f, char *text)
{
	for (char *line = text, *end; *line; line = end + 1) {
		char *blank = strchr(line, ' ');

		end = strchr(line, '\n');
		assert_true(end && blank && blank < end);
		*end = *blank = '\0';
		take_fact(f, line, blank + 1);
	}
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

static void check_same(const char *stem, const char *end, const struct buf *got)
{
	OWNED_BUF want = BUF_INIT(FILE_MAX);

	/* Without a file of its own a plain server gets the same. */
	if (!read_file(stem, end, &want))
		assert_true(!strcmp(end, "7bit") && read_file(stem, "report", &want));
	if (got->len != want.len || memcmp(buf_text(got), buf_text(&want), want.len) != 0)
		fail_msg("%s.%s: want:\n%s\ngot:\n%s", stem, end, buf_text(&want), buf_text(got));
}

static void check_case(const char *stem)
{
	OWNED_BUF eml = BUF_INIT(FILE_MAX), said = BUF_INIT(FILE_MAX);
	OWNED_BUF text = BUF_INIT(FILE_MAX), plain = BUF_INIT(FILE_MAX);
	struct message report;
	struct facts f;

	facts_begin(&f);
	assert_true(read_file(stem, "eml", &eml) && read_file(stem, "facts", &said));
	read_bytes(&f.original, buf_text(&eml), eml.len);
	take_facts(&f, said.text);
	text = make(&f, &report);
	check_same(stem, "report", &text);
	plain = make_plain(&report);
	check_same(stem, "7bit", &plain);
	message_free(&report);
	facts_end(&f);
}

static void test_files(void **state)
{
	const char *srcdir = getenv("srcdir");
	OWNED_BUF folder = BUF_INIT(PATH_MAX);
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	(void)state;
	buf_addf(&folder, "%s/tests/data/report", srcdir ? srcdir : ".");
	dir = opendir(buf_text(&folder));
	if (!dir)
		fail_msg("%s is missing", buf_text(&folder));
	while ((entry = readdir(dir))) {
		OWNED_BUF stem = BUF_INIT(PATH_MAX);
		size_t len = strlen(entry->d_name);

		if (len <= 6 || strcmp(entry->d_name + len - 6, ".facts") != 0)
			continue;
		buf_addf(&stem, "%s/%.*s", buf_text(&folder), (int)len - 6, entry->d_name);
		check_case(buf_text(&stem));
		count++;
	}
	closedir(dir);
	assert_true(count > 0);
}

/* --- status codes */

static const struct {
	enum report_kind kind;
	enum error_kind why;
	int reply;
	const char *text, *status, *diagnostic;
} statuses[] = {
	{ REPORT_FAILED, ERROR_NO_USER, 550, "RCPT TO <b@x>: 550 5.1.1 who?", "5.1.1",
	  "smtp; 550 5.1.1 who?" },
	{ REPORT_FAILED, ERROR_NO_USER, 550, "RCPT TO <b@x>: 550 who?", "5.1.1",
	  "smtp; 550 who?" },
	{ REPORT_FAILED, ERROR_REFUSED, 554, "554 no", "5.0.0", "smtp; 554 no" },
	{ REPORT_FAILED, ERROR_REFUSED, 554, "554 5.7.1", "5.7.1", "smtp; 554 5.7.1" },
	/* what looks like a number of RFC 3463 and is none of this reply */
	{ REPORT_FAILED, ERROR_REFUSED, 554, "554 4.7.1 no", "5.0.0", "smtp; 554 4.7.1 no" },
	{ REPORT_FAILED, ERROR_REFUSED, 554, "554 5.7 no", "5.0.0", "smtp; 554 5.7 no" },
	{ REPORT_FAILED, ERROR_REFUSED, 554, "554 5.7.1234 no", "5.0.0", "smtp; 554 5.7.1234 no" },
	{ REPORT_FAILED, ERROR_REFUSED, 554, "554 5.7.1.2 no", "5.0.0", "smtp; 554 5.7.1.2 no" },
	{ REPORT_FAILED, ERROR_REFUSED, 554, "554 5..1 no", "5.0.0", "smtp; 554 5..1 no" },
	/* given up after days of this */
	{ REPORT_FAILED, ERROR_LATER, 450, "after the message: 450 4.5.127 slow down", "4.5.127",
	  "smtp; 450 4.5.127 slow down" },
	{ REPORT_FAILED, ERROR_LATER, 451, "451 later", "4.0.0", "smtp; 451 later" },
	{ REPORT_FAILED, ERROR_LATER, 0, "smtp.example:587: timed out", "4.4.7",
	  "x-acsmtp; smtp.example:587: timed out" },
	{ REPORT_DELAYED, ERROR_LATER, 0, "timed out", "4.4.1", "x-acsmtp; timed out" },
	{ REPORT_DELAYED, ERROR_AUTH, 535, "AUTH: 535 5.7.3 no", "5.7.3", "smtp; 535 5.7.3 no" },
	{ REPORT_DELAYED, ERROR_AUTH, 535, "AUTH: 535 no", "5.7.8", "smtp; 535 no" },
	{ REPORT_DELAYED, ERROR_TLS, 0, "expired", "4.7.5", "x-acsmtp; expired" },
	{ REPORT_FAILED, ERROR_SENDER, 0, "not you", "5.7.1", "x-acsmtp; not you" },
	{ REPORT_FAILED, ERROR_DATA, 0, "too big", "5.6.0", "x-acsmtp; too big" },
	{ REPORT_FAILED, ERROR_PROTOCOL, 354, "the server said 354 go on, which is no answer here",
	  "4.5.0", "smtp; the server said 354 go on, which is no answer here" },
	/* a reply's code in the address before it */
	{ REPORT_FAILED, ERROR_NO_USER, 550, "RCPT TO <550 b@x>: 550 5.1.0 no", "5.1.0",
	  "smtp; 550 5.1.0 no" },
	/* beyond ASCII, and control characters */
	{ REPORT_FAILED, ERROR_DATA, 0, "<\xc3\xa4@x>\tis\x1b no\nX-Fake: y", "5.6.0",
	  "x-acsmtp; <?" "?@x> is? no X-Fake: y" },
};

static char *status_field(const struct buf *report, const char *name)
{
	char *start, *end;
	OWNED_BUF line = BUF_INIT(WORDS_MAX);

	buf_addf(&line, "\n%s: ", name);
	start = strstr(report->text, buf_text(&line));
	if (!start)
		return text_copy("");
	start += line.len;
	for (end = strchr(start, '\n'); end[1] == ' '; end = strchr(end + 1, '\n'))
		*end = '\b';
	buf_clear(&line);
	for (; start < end; start++)
		if (*start != '\b')
			buf_add_char(&line, *start);
	return buf_take(&line);
}

static void test_statuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		struct error why = { .kind = statuses[i].why, .reply = statuses[i].reply };
		struct facts f;
		struct message report;

		snprintf(why.text, sizeof(why.text), "%s", statuses[i].text);
		reply_recall(&why);
		facts_begin(&f);
		f.report.kind = statuses[i].kind;
		envelope_add(&f.to, "me@example.org");
		envelope_add(&f.envelope, "b@x");
		envelope_judge(&f.envelope, &f.envelope.recipients[0], statuses[i].kind == REPORT_FAILED ?
				VERDICT_REFUSED : VERDICT_LATER, &why);
		{
			OWNED_BUF text = make(&f, &report);
			OWNED_TEXT status = status_field(&text, "Status");
			OWNED_TEXT diagnostic = status_field(&text, "Diagnostic-Code");

			if (strcmp(status, statuses[i].status) != 0 ||
			    strcmp(diagnostic, statuses[i].diagnostic) != 0)
				fail_msg("case %zu: %s, %s", i, status, diagnostic);
			assert_null(strstr(text.text, "\nX-Fake"));
		}
		message_free(&report);
		facts_end(&f);
	}
}

/* --- the original */

static void one_failure(struct facts *f)
{
	struct error why;

	facts_begin(f);
	envelope_add(&f->to, "me@example.org");
	error_set(&why, ERROR_REFUSED, "554 no");
	why.reply = 554;
	reply_recall(&why);
	envelope_add(&f->envelope, "b@x");
	envelope_judge(&f->envelope, &f->envelope.recipients[0], VERDICT_REFUSED, &why);
}

/* Lines of dots, so many bytes on the wire. */
static void add_filler(struct buf *eml, size_t bytes)
{
	for (; bytes > 0; bytes -= bytes < 128 ? bytes : 64) {
		size_t dots = (bytes < 128 ? bytes : 64) - 2;

		while (dots-- > 0)
			buf_add_char(eml, '.');
		buf_add_char(eml, '\n');
	}
}

/*
 * A boundary that the original has is not taken, wherever in it that stands: here around
 * the place where its second piece begins.
 */
static void test_boundary(void **state)
{
	(void)state;
	for (size_t start = 64 * 1024 - 16; start < 64 * 1024 + 4; start++) {
		OWNED_BUF eml = BUF_INIT(FILE_MAX), text = BUF_INIT(FILE_MAX);
		struct message report;
		struct facts f;

		one_failure(&f);
		f.envelope.ret = (char *)keep(&f, "FULL");
		buf_add(&eml, "A: b\n\n");
		add_filler(&eml, start - strlen("A: b\r\n\r\n"));
		buf_add(&eml, "--=_report0.0\n--=_report0.1--\n");
		read_bytes(&f.original, buf_text(&eml), eml.len);
		text = make(&f, &report);
		assert_non_null(strstr(text.text, " boundary=\"=_report0.2\"\n"));
		message_free(&report);
		facts_end(&f);
	}
}

/* Finds the part that holds the original, and compares. */
struct finder {
	struct mime_visitor visitor;
	struct buf content;
	size_t parts;
	bool is_there;
};

static bool find_original(struct mime_visitor *visitor, const struct mime_piece *piece,
			  struct error *err)
{
	struct finder *finder = (struct finder *)visitor;

	(void)err;
	if (piece->kind == MIME_HEADER)
		finder->parts++;
	if (piece->kind == MIME_HEADER && finder->is_there)
		buf_add_bytes(&finder->content, piece->part->header->text,
			      piece->part->header->len);
	if (piece->kind == MIME_HEADER && finder->is_there && piece->part->has_blank)
		buf_add(&finder->content, "\r\n");
	if (piece->kind == MIME_HEADER)
		finder->is_there = finder->is_there ||
				   text_is(piece->part->type.name, "message/rfc822");
	else if (finder->is_there && piece->kind == MIME_CONTENT)
		buf_add_bytes(&finder->content, piece->bytes, piece->len);
	return true;
}

/* Much larger than memory has room for, and byte for byte what it was. */
static void test_large(void **state)
{
	OWNED_BUF eml = BUF_INIT(FILE_MAX), original = BUF_INIT(FILE_MAX);
	struct finder finder = { .visitor = { find_original }, .content = BUF_INIT(FILE_MAX) };
	struct error err = { 0 };
	struct message report;
	struct facts f;

	(void)state;
	one_failure(&f);
	f.envelope.ret = (char *)keep(&f, "full");
	buf_add(&eml, "A: b\nSubject: large\n\n");
	for (size_t i = 0; i < 200000; i++)
		buf_addf(&eml, "line %zu of a large body\n.\n", i);
	read_bytes(&f.original, buf_text(&eml), eml.len);
	assert_true(report_make(&f.report, &report, &err));
	assert_true(report.body.len <= BODY_MEMORY_MAX && report.body_fd >= 0);
	assert_true(mime_parts_walk(&report, &finder.visitor, &err));
	for (size_t i = 0; i < eml.len; i++) {
		if (eml.text[i] == '\n')
			buf_add_char(&original, '\r');
		buf_add_char(&original, eml.text[i]);
	}
	assert_int_equal(finder.parts, 5);
	assert_int_equal(finder.content.len, original.len);
	assert_memory_equal(finder.content.text, original.text, original.len);
	buf_free(&finder.content);
	message_free(&report);
	facts_end(&f);
}

/* How much of the original there is, by the room for it. */
static const struct {
	uint64_t max_size;
	const char *has, *lacks;
} rooms[] = {
	{ 0, "\nbody\n", "nothing" },
	{ 100000, "\nbody\n", "nothing" },
	{ 9000, "Subject: much\n", "\nbody\n" },
	{ 5000, "Status: 5.0.0\n", "X-Filler" },
	{ 1, "Status: 5.0.0\n", "X-Filler" },
};

static void test_room(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rooms); i++) {
		OWNED_BUF eml = BUF_INIT(FILE_MAX), text = BUF_INIT(FILE_MAX);
		struct message report;
		struct facts f;

		one_failure(&f);
		f.envelope.ret = (char *)keep(&f, "FULL");
		f.report.max_size = rooms[i].max_size;
		buf_add(&eml, "Subject: much\n");
		for (size_t n = 0; n < 60; n++)
			buf_add(&eml, "X-Filler: .................................\n");
		buf_add(&eml, "\n");
		for (size_t n = 0; n < 2000; n++)
			buf_add(&eml, "body\n");
		read_bytes(&f.original, buf_text(&eml), eml.len);
		text = make(&f, &report);
		if (!strstr(text.text, rooms[i].has) || strstr(text.text, rooms[i].lacks) ||
		    (rooms[i].max_size > 1 && text.len > rooms[i].max_size))
			fail_msg("case %zu: %s", i, text.text);
		message_free(&report);
		facts_end(&f);
	}
}

/* --- many */

static void test_many_recipients(void **state)
{
	OWNED_BUF text = BUF_INIT(FILE_MAX);
	struct error why;
	struct message report;
	struct facts f;
	size_t count = 0;

	(void)state;
	facts_begin(&f);
	envelope_add(&f.to, "me@example.org");
	error_set(&why, ERROR_REFUSED, "554 no");
	why.reply = 554;
	for (size_t i = 0; i < REPORT_RECIPIENTS_MAX + 7; i++) {
		char mailbox[40];

		snprintf(mailbox, sizeof(mailbox), "n%zu@example.com", i);
		envelope_refuse(&f.envelope, mailbox, &why);
	}
	text = make(&f, &report);
	for (char *at = text.text; (at = strstr(at, "\nFinal-Recipient: ")); at++)
		count++;
	assert_int_equal(count, REPORT_RECIPIENTS_MAX);
	assert_non_null(strstr(text.text, "\nand to 7 more, "));
	message_free(&report);
	facts_end(&f);
}

/* A word or an address that no line has room for. */
static void test_long_words(void **state)
{
	OWNED_BUF mailbox = BUF_INIT(WORDS_MAX), text = BUF_INIT(FILE_MAX);
	struct error why = { .kind = ERROR_REFUSED, .reply = 554 };
	struct message report;
	struct facts f;

	(void)state;
	buf_add(&mailbox, "a");		/* so that a character stands where a line ends */
	while (mailbox.len < 1000)
		buf_add(&mailbox, "\"\xc3\xa4");
	buf_add(&mailbox, "@example.com");
	memset(why.text, '"', sizeof(why.text) - 1);
	memcpy(why.text, "554 ", 4);
	facts_begin(&f);
	envelope_add(&f.to, "me@example.org");
	envelope_refuse(&f.envelope, buf_text(&mailbox), &why);
	text = make(&f, &report);
	assert_true(report.longest_line <= 998);
	assert_true(text_is_utf8(text.text, text.len));
	message_free(&report);
	facts_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),	    cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_boundary),    cmocka_unit_test(test_large),
		cmocka_unit_test(test_room),	    cmocka_unit_test(test_many_recipients),
		cmocka_unit_test(test_long_words),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
