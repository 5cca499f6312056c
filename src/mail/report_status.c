/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RFC 3464 section 2.3, and RFC 6533 for addresses beyond ASCII. The server's own number
 * comes first: one is ours only where it gave none. Its words come from outside and stand
 * in fields here: report_add_lines() leaves no line end of theirs, so that none of them
 * becomes a field.
 */
#include "mail/report_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/text.h"

/* Subject and detail of RFC 3463 for what the server did not number itself. */
/* clang-format off */
static const char *const details[ERROR_KINDS] = {
	[ERROR_DATA]	 = "6.0",
	[ERROR_NO_USER]	 = "1.1",
	[ERROR_NO_HOST]	 = "4.4",
	[ERROR_BARRED]	 = "3.2",
	[ERROR_SYSTEM]	 = "3.0",
	[ERROR_CREATE]	 = "3.0",
	[ERROR_IO]	 = "3.0",
	[ERROR_PROTOCOL] = "5.0",
	[ERROR_TLS]	 = "7.5",
	[ERROR_SENDER]	 = "7.1",
	[ERROR_AUTH]	 = "7.8",
	[ERROR_SECRET]	 = "3.5",
	[ERROR_CONFIG]	 = "3.5",
};
/* clang-format on */

/* What a reason without words of the server amounts to. */
static const char *detail(const struct report *r, const struct error *why)
{
	bool is_wait = why->kind == ERROR_LATER || why->kind == ERROR_NETWORK;

	if (details[why->kind])
		return details[why->kind];
	if (!is_wait || why->reply)
		return "0.0";
	return r->kind == REPORT_FAILED ? "4.7" : "4.1";
}

static void find_status(const struct report *r, const struct error *why,
			char status[ERROR_STATUS_SIZE])
{
	bool is_for_now =
		r->kind == REPORT_DELAYED || (why && error_is_worth_retrying(why));
	int class = why && why->reply ? why->reply / 100 : is_for_now ? 4 : 5;
	bool is_numbered = why && why->status[0] == '0' + class;

	/* An answer that is neither yes nor no. */
	if (class != 4 && class != 5)
		class = is_for_now ? 4 : 5;
	if (is_numbered)
		snprintf(status, ERROR_STATUS_SIZE, "%s", why->status);
	else
		snprintf(status, ERROR_STATUS_SIZE, "%d.%s", class,
			 why ? detail(r, why) : "0.0");
}

static void add_field(struct buf *out, const char *name, const char *text)
{
	OWNED_TEXT ascii = text_copy(text);
	char first[40];

	for (char *c = ascii; *c; c++)
		if ((unsigned char)*c > '~')
			*c = '?';
	snprintf(first, sizeof(first), "%s: ", name);
	report_add_lines(out, first, " ", ascii);
}

static void add_typed(struct buf *out, const char *name, const char *type,
		      const char *text)
{
	OWNED_BUF value = BUF_INIT(REPORT_PART_MAX);

	buf_addf(&value, "%s; %s", type, text);
	add_field(out, name, buf_text(&value));
}

static void add_date(struct buf *out, const char *name, time_t when)
{
	char date[CLOCK_DATE_SIZE];

	clock_date(when, date);
	add_field(out, name, date);
}

/* --- envelope id */

/* RFC 3461 section 4; what is no character of a line is shown as "?" by and by. */
static void add_envelope_id(const struct report *r, struct buf *out)
{
	const char *c = r->envelope->envid;
	OWNED_BUF plain = BUF_INIT(REPORT_PART_MAX);

	if (!c || !*c)
		return;
	for (; *c; c++) {
		int high = *c == '+' ? hex_value(c[1]) : -1;
		int low = high >= 0 ? hex_value(c[2]) : -1;

		if (low < 0) {
			buf_add_char(&plain, *c);
			continue;
		}
		high = high * 16 + low;
		buf_add_char(&plain, high < ' ' || high > '~' ? '?' : (char)high);
		c += 2;
	}
	add_field(out, "Original-Envelope-Id", buf_text(&plain));
}

/* --- recipients */

/* RFC 6533 section 3: utf-8-addr-xtext, so that the part is ASCII for every server. */
static void add_utf8_address(struct buf *out, const char *mailbox)
{
	OWNED_BUF address = BUF_INIT(REPORT_PART_MAX);

	for (uint32_t point; *mailbox; ) {
		mailbox += text_next(mailbox, strlen(mailbox), &point);
		if (point > ' ' && point <= '~' && !strchr("+=\\", (int)point))
			buf_add_char(&address, (char)point);
		else
			buf_addf(&address, "\\x{%02X}", point);
	}
	add_typed(out, "Final-Recipient", "utf-8", buf_text(&address));
}

static void add_recipient(const struct report *r, const struct recipient *to,
			  struct buf *out)
{
	const struct error *why = report_reason(r, to);
	size_t len = strlen(to->mailbox);
	char status[ERROR_STATUS_SIZE];

	find_status(r, why, status);
	buf_add(out, "\r\n");
	if (text_has_8bit(to->mailbox, len) && text_is_utf8(to->mailbox, len))
		add_utf8_address(out, to->mailbox);
	else
		add_typed(out, "Final-Recipient", "rfc822", to->mailbox);
	add_field(out, "Action", r->kind == REPORT_FAILED ? "failed" : "delayed");
	add_field(out, "Status", status);
	if (why && why->reply)
		add_typed(out, "Remote-MTA", "dns", r->server);
	if (why)
		add_typed(out, "Diagnostic-Code", why->reply ? "smtp" : "x-acsmtp",
			  error_said(why));
	add_date(out, "Last-Attempt-Date", r->now);
	if (r->kind == REPORT_DELAYED)
		add_date(out, "Will-Retry-Until", r->until);
}

void report_add_status(const struct report *r, struct buf *out)
{
	size_t count = 0;

	add_envelope_id(r, out);
	add_typed(out, "Reporting-MTA", "dns", r->machine);
	add_date(out, "Arrival-Date", r->arrived);
	for (size_t i = 0; i < r->envelope->count; i++) {
		const struct recipient *to = &r->envelope->recipients[i];

		if (report_is_about(r->kind, to) && count++ < REPORT_RECIPIENTS_MAX)
			add_recipient(r, to, out);
	}
}
