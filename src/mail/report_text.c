/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For who sent the message and perhaps runs nothing here: to whom it did not go, why, and
 * what helps; what becomes of it; which message it was. Recipients of one reason stand
 * together. A server's words are said to be its own, and no more harmful than
 * report_make_line() leaves them.
 */
#include "mail/report_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "mail/header.h"
#include "service/replies.h"

enum {
	LINE_WISH = 76,
	WORD_MAX = 900,	       /* bytes; with what stands before it less than 998 */
	SHOWN_FIELD_MAX = 200, /* bytes of a field of the original */
};

bool report_is_about(enum report_kind kind, const struct recipient *r)
{
	if (kind == REPORT_FAILED)
		return r->verdict == VERDICT_REFUSED && !r->is_reported;
	return recipient_waits(r);
}

const struct error *report_reason(const struct report *r, const struct recipient *to)
{
	return to->why ? to->why : r->why;
}

/* The bytes of the word at `text` that go on one line. */
static size_t word_length(const char *text)
{
	size_t len = strcspn(text, " ");

	return len <= WORD_MAX ? len : text_whole(text, WORD_MAX);
}

void report_make_line(char *text)
{
	for (char *c = text; *c; c++)
		if (*c == '\t' || *c == '\r' || *c == '\n')
			*c = ' ';
	text_make_printable(text);
}

void report_add_lines(struct buf *out, const char *first, const char *next,
		      const char *text)
{
	OWNED_TEXT line = text_copy(text);
	const char *at = line;
	size_t column = strlen(first);
	bool is_start = true;

	report_make_line(line);
	buf_add(out, first);
	while (*(at += strspn(at, " "))) {
		size_t len = word_length(at);

		if (!is_start && column + 1 + len > LINE_WISH) {
			buf_addf(out, "\r\n%s", next);
			column = strlen(next);
			is_start = true;
		}
		buf_addf(out, "%s%.*s", is_start ? "" : " ", (int)len, at);
		column += len + !is_start;
		is_start = false;
		at += len;
	}
	buf_add(out, "\r\n");
}

/* --- advice */

/* Where the error has no advice of its own. */
/* clang-format off */
static const char *const advice[ERROR_KINDS] = {
	[ERROR_DATA]	= "Mend the message (or make it smaller) and send it again.",
	[ERROR_NO_USER]	= "Check the address, and send the message again to the right one.",
	[ERROR_NO_HOST]	= "Check `host` in the account, and name resolution on this machine.",
	[ERROR_REFUSED]	= "The server's words say why. Once that is mended, try it again.",
	[ERROR_BARRED]	= "Ask whoever runs the server why it takes nothing from this machine.",
	[ERROR_SENDER]	= ("Use a sender that the account may send as, or set "
			   "`sender_policy = rewrite`."),
	[ERROR_AUTH]	= "Check the account's user name and password.",
	[ERROR_SECRET]	= "Check where the account's password comes from.",
	[ERROR_CONFIG]	= "Mend the configuration.",
	[ERROR_TLS]	= "Check the server's certificate and the account's TLS settings.",
	[ERROR_LATER]	= "If the server is well now, try it again.",
	[ERROR_NETWORK]	= "If the server and the network are well now, try it again.",
	[ERROR_QUOTA]	= "The account sends more than it may: ask the service for a higher quota.",
	[ERROR_SYSTEM]	= "Mend the trouble on this machine.",
	[ERROR_CREATE]	= "Mend the trouble on this machine.",
	[ERROR_IO]	= "Mend the trouble on this machine.",
};
/* clang-format on */

/* Nobody has to mend anything: it may still be sent by itself. */
static bool is_just_waiting(const struct report *r, const struct error *why)
{
	return r->kind == REPORT_DELAYED &&
	       (why->kind == ERROR_LATER || why->kind == ERROR_NETWORK);
}

/* The queue keeps the reply, and not what was said of it then. */
static const char *find_advice(const struct report *r, const struct error *why)
{
	const char *known = why->advice ? why->advice : reply_hint(r->service, why);

	if (known)
		return known;
	return is_just_waiting(r, why) ? NULL : advice[why->kind];
}

static void add_advice(const struct report *r, const struct error *why, struct buf *out)
{
	const char *words = find_advice(r, why);

	if (!words)
		return;
	buf_add(out, "\r\n");
	report_add_lines(out, "    Advice: ", "    ", words);
}

/* What was worth another try has had its time. */
static void add_patience(const struct report *r, const struct error *why, struct buf *out)
{
	long days = (long)((r->now - r->arrived) / SECONDS_OF_DAY);

	if (r->kind == REPORT_FAILED && days > 0 && error_is_worth_retrying(why))
		buf_addf(out, "    It was tried for %ld day%s.\r\n", days, days == 1 ? "" : "s");
}

static void add_reason(const struct report *r, const struct error *why, struct buf *out)
{
	char first[400];

	if (!why)
		return;
	snprintf(first, sizeof(first), "    %.300s said: ", r->server);
	buf_add(out, "\r\n");
	report_add_lines(out, why->reply ? first : "    Reason: ", "    ", error_said(why));
	add_patience(r, why, out);
	add_advice(r, why, out);
}

/* --- who */

static bool is_same_reason(const struct error *a, const struct error *b)
{
	if (!a || !b)
		return a == b;
	return a->kind == b->kind && !strcmp(error_said(a), error_said(b));
}

/* Recipients with the reason of their failure; those of one reason together. */
static void add_recipients(const struct report *r, struct buf *out)
{
	const struct error *last = NULL;
	size_t count = 0;

	for (size_t i = 0; i < r->envelope->count; i++) {
		const struct recipient *to = &r->envelope->recipients[i];
		const struct error *why = report_reason(r, to);

		if (!report_is_about(r->kind, to) || count++ >= REPORT_RECIPIENTS_MAX)
			continue;
		if (count > 1 && !is_same_reason(last, why)) {
			add_reason(r, last, out);
			buf_add(out, "\r\n");
		}
		report_add_lines(out, "    ", "    ", to->mailbox);
		last = why;
	}
	add_reason(r, last, out);
	if (count > REPORT_RECIPIENTS_MAX)
		buf_addf(out,
			 "\r\nand to %zu more, whom `acsmtp queue show %s` names.\r\n",
			 count - REPORT_RECIPIENTS_MAX, r->original_id);
}

/* --- which message */

static void add_field(const struct report *r, const char *name, struct buf *out)
{
	OWNED_TEXT text = NULL;
	struct field field;
	char first[40];

	if (!header_find(&r->original->header, name, &field))
		return;
	text = field_text(&field);
	/*
	 * Encoded words tell people nothing; our own Subject has them, decoded by the
	 * reader.
	 */
	if (!*text || strlen(text) > SHOWN_FIELD_MAX || strstr(text, "=?"))
		return;
	snprintf(first, sizeof(first), "    %s: ", name);
	report_add_lines(out, first, "      ", text);
}

static void add_original(const struct report *r, struct buf *out)
{
	static const char *const shown[] = { "Subject", "From", "To", "Date",
					     "Message-ID" };

	buf_add(out, "\r\nThe message:\r\n\r\n");
	for (size_t i = 0; i < COUNT_OF(shown); i++)
		add_field(r, shown[i], out);
	buf_addf(out, "    Name in the queue: %s\r\n", r->original_id);
}

/* Nobody can bring back what is not there any more. */
static void add_remains(const struct report *r, struct buf *out)
{
	OWNED_BUF text = BUF_INIT(1000);

	buf_addf(&text, "Send it again if you still have it. What is left of it is kept, and on "
		 "%.300s this shows it:", r->machine);
	buf_add(out, "\r\n");
	report_add_lines(out, "", "", buf_text(&text));
	buf_addf(out, "\r\n    acsmtp queue show %s\r\n", r->original_id);
}

static void add_future(const struct report *r, struct buf *out)
{
	OWNED_BUF text = BUF_INIT(1000);
	char until[CLOCK_DATE_SIZE];

	if (r->is_damaged) {
		add_remains(r, out);
		return;
	}
	clock_date(r->until, until);
	if (r->kind == REPORT_DELAYED && r->is_held)
		buf_addf(&text,
			 "This is only a warning. The server may have the message already, so it "
			 "is held until somebody says that it is to be sent, and given up on %s. "
			 "On %.300s this sends it:",
			 until, r->machine);
	else if (r->kind == REPORT_DELAYED)
		buf_addf(&text,
			 "This is only a warning: do not send the message again. It is tried "
			 "until %s. On %.300s this tries it at once:",
			 until, r->machine);
	else
		buf_addf(&text,
			 "It is not tried again by itself, and kept for %ld day%s. On %.300s "
			 "this tries it again:",
			 r->keep_days, r->keep_days == 1 ? "" : "s", r->machine);
	buf_add(out, "\r\n");
	report_add_lines(out, "", "", buf_text(&text));
	buf_addf(out, "\r\n    acsmtp queue %s %s\r\n",
		 r->kind == REPORT_DELAYED && r->is_held ? "release" : "retry", r->original_id);
}

/* Whoever runs the machine may read no log, and gets this one. */
static void add_end_of_secret(const struct report *r, struct buf *out)
{
	OWNED_BUF text = BUF_INIT(1000);

	if (!r->secret_ends)
		return;
	buf_addf(&text, "What %.300s logs in with at the mail service ends on %s. Whoever runs it "
		 "has to make a new one, or no mail leaves it from then on.", r->machine,
		 r->secret_ends);
	buf_add(out, "\r\n");
	report_add_lines(out, "", "", buf_text(&text));
}

void report_add_text(const struct report *r, struct buf *out)
{
	report_add_lines(out, "This is the mail program of ", "", r->machine);
	buf_addf(out, "\r\n%s to:\r\n\r\n",
		 r->kind == REPORT_FAILED ? "A message could not be delivered"
					  : "A message has not been delivered yet");
	add_recipients(r, out);
	add_end_of_secret(r, out);
	add_future(r, out);
	add_original(r, out);
}
