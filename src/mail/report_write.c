/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The frame: header, parts, delimiters. The parts of our own are made first, for the
 * boundary may stand in none of them, nor in the original. How much of the original goes
 * along is for the account's limit to say, and for the plainest server: a report that
 * cannot be sent would be mail lost without a word.
 */
#include "mail/report.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/encoded_word.h"
#include "mail/header.h"
#include "mail/header_fold.h"
#include "mail/mime.h"
#include "mail/report_parts.h"

enum {
	PIECE = 64 * 1024,
	SUBJECT_MAX = 200,	/* bytes of the original's */
	ID_MAX = 900,		/* bytes of a Message-ID that is answered */
	BOUNDARY_SIZE = 70,
	BETWEEN_MAX = 1024,	/* bytes of delimiters and of the headers of parts */
};

/* How much of the original goes with the report. */
enum share { SHARE_WHOLE, SHARE_HEADER, SHARE_NOTHING };

struct report_writer {
	const struct report *r;
	struct message *out;
	struct buf text, status;
	char boundary[BOUNDARY_SIZE];
	const char *encoding;	/* of the report's body as a whole */
	size_t column;		/* of the line that is being written */
	struct error *err;
};

/* --- what the original is */

static const char *encoding_of(const struct message *m, enum share share)
{
	bool is_8bit = m->header_is_8bit || (share == SHARE_WHOLE && m->body_is_8bit);

	if (share == SHARE_NOTHING)
		return "7bit";
	if (header_has_long_line(buf_text(&m->header), m->header.len) ||
	    memchr(buf_text(&m->header), '\0', m->header.len) ||
	    (share == SHARE_WHOLE && (m->has_nul || m->longest_line > LINE_MAX_BYTES)))
		return "binary";
	return is_8bit ? "8bit" : "7bit";
}

/* RFC 6532 section 3.7 and RFC 6533 section 6 for a header in UTF-8. */
static const char *type_of(const struct message *m, enum share share)
{
	bool is_global =
		m->header_is_8bit && text_is_utf8(buf_text(&m->header), m->header.len);

	if (share == SHARE_WHOLE)
		return is_global ? "message/global" : "message/rfc822";
	return is_global ? "message/global-headers" : "text/rfc822-headers";
}

static uint64_t share_size(const struct message *m, enum share share)
{
	return share == SHARE_WHOLE ? message_size(m) :
	       share == SHARE_HEADER ? m->header.len : 0;
}

/* --- boundary */

static bool has(const char *bytes, size_t len, const char *word)
{
	return len > 0 && memmem(bytes, len, word, strlen(word)) != NULL;
}

static bool original_has(const struct message *m, const char *word, bool *answer,
			 struct error *err)
{
	size_t kept = 0, overlap = strlen(word) - 1;
	char *piece = xmalloc(PIECE);
	OWNED_TEXT owner = piece;
	uint64_t at = 0;
	ssize_t n;

	(void)owner;
	*answer = false;
	while (!*answer &&
	       (n = message_get(m, &at, piece + kept, PIECE - kept, err)) != 0) {
		if (n < 0)
			return false;
		kept += (size_t)n;
		*answer = has(piece, kept, word);
		n = (ssize_t)(kept < overlap ? kept : overlap);
		memmove(piece, piece + kept - (size_t)n, (size_t)n);
		kept = (size_t)n;
	}
	return true;
}

/* One that stands nowhere in what it parts. */
static bool choose_boundary(struct report_writer *w)
{
	bool is_there = true;

	for (unsigned n = 0; is_there; n++) {
		snprintf(w->boundary, sizeof(w->boundary), "=_%.32s.%u", w->r->id, n);
		is_there = has(buf_text(&w->text), w->text.len, w->boundary) ||
			   has(buf_text(&w->status), w->status.len, w->boundary);
		if (!is_there &&
		    !original_has(w->r->original, w->boundary, &is_there, w->err))
			return false;
	}
	return true;
}

/* --- header */

/* What was cut ends at a blank where it can, so that no encoded word is divided. */
static void cut(char *text)
{
	static const char mark[] = " ...";
	size_t most = SUBJECT_MAX - sizeof(mark), end;

	if (strlen(text) <= SUBJECT_MAX)
		return;
	for (end = most; end > 0 && text[end] != ' '; end--)
		;
	if (!end)
		end = text_whole(text, most);
	memcpy(text + end, mark, sizeof(mark));
}

static void add_subject(const struct report *r, struct buf *header)
{
	OWNED_BUF line = BUF_INIT(REPORT_PART_MAX);
	OWNED_TEXT subject = NULL;
	struct field field;

	if (header_find(&r->original->header, "Subject", &field))
		subject = field_text(&field);
	if (subject) {
		report_make_line(subject);
		cut(subject);
	}
	buf_add(&line,
		r->kind == REPORT_FAILED ? "Not delivered: " : "Not delivered yet: ");
	if (!subject || !*subject)
		buf_addf(&line, "message %s", r->original_id);
	else if (text_has_8bit(subject, strlen(subject)))
		encoded_word_add(&line, subject, strlen(subject));
	else
		buf_add(&line, subject);
	header_add(header, "Subject", buf_text(&line));
}

static void add_to(const struct report *r, struct buf *header)
{
	OWNED_BUF list = BUF_INIT(HEADER_MAX / 4);

	for (size_t i = 0; i < r->to->count; i++)
		buf_addf(&list, "%s%s", i > 0 ? ", " : "", r->to->recipients[i].mailbox);
	header_add(header, "To", buf_text(&list));
}

/* RFC 5322 section 3.6.4; what is no "<id>" alone is not answered. */
static void add_references(const struct report *r, struct buf *header)
{
	OWNED_TEXT id = NULL;
	struct field field;
	size_t len;

	if (!header_find(&r->original->header, "Message-ID", &field))
		return;
	id = field_text(&field);
	len = strlen(id);
	if (len < 3 || len > ID_MAX || id[0] != '<' || strchr(id, '>') != id + len - 1 ||
	    strpbrk(id, " \t,") || text_has_control(id) || text_has_8bit(id, len))
		return;
	buf_addf(header, "In-Reply-To: %s\r\nReferences: %s\r\n", id, id);
}

static void add_header(struct report_writer *w)
{
	const struct report *r = w->r;
	struct buf *header = &w->out->header;
	OWNED_BUF from = BUF_INIT(16 * (size_t)ADDRESS_MAX);
	const char *domain = address_domain(r->from);
	char date[CLOCK_DATE_SIZE];

	clock_date(r->now, date);
	header_add(header, "Date", date);
	header_format_address(&from, "Mail Delivery System", r->from);
	header_add(header, "From", buf_text(&from));
	add_to(r, header);
	add_subject(r, header);
	buf_addf(header, "Message-ID: <%s@%s>\r\n", r->id, domain ? domain : "localhost");
	add_references(r, header);
	header_add(header, "Auto-Submitted", "auto-replied");
	header_add(header, "MIME-Version", "1.0");
	buf_addf(header,
		 "Content-Type: multipart/report; report-type=delivery-status;\r\n"
		 " boundary=\"%s\"\r\nContent-Transfer-Encoding: %s\r\n",
		 w->boundary, w->encoding);
}

/* --- body */

static bool put(struct report_writer *w, const char *bytes, size_t len)
{
	message_follow_lines(w->out, &w->column, bytes, len);
	for (size_t at = 0; at < len; at += PIECE)
		if (!message_add_body(w->out, bytes + at,
				      len - at < PIECE ? len - at : PIECE, w->err))
			return false;
	return true;
}

static bool begin_part(struct report_writer *w, const char *type, const char *encoding,
		       const char *description)
{
	OWNED_BUF lines = BUF_INIT(BETWEEN_MAX);

	/* The line end before a delimiter is part of it, where something is before it. */
	buf_addf(&lines,
		 "%s--%s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: %s\r\n"
		 "Content-Description: %s\r\n\r\n",
		 w->out->body_len ? "\r\n" : "", w->boundary, type, encoding,
		 description);
	return put(w, lines.text, lines.len);
}

static bool copy(struct report_writer *w, const struct message *m, uint64_t size)
{
	OWNED_TEXT piece = xmalloc(PIECE);
	uint64_t at = 0;

	while (at < size) {
		uint64_t left = size - at;
		ssize_t n = message_get(m, &at, piece,
					left < PIECE ? (size_t)left : PIECE, w->err);

		if (n <= 0)
			return n == 0;
		if (!put(w, piece, (size_t)n))
			return false;
	}
	return true;
}

static bool put_part(struct report_writer *w, const char *type, const char *encoding,
		     const char *description, const struct buf *content)
{
	return begin_part(w, type, encoding, description) &&
	       put(w, buf_text(content), content->len);
}

static bool put_text(struct report_writer *w)
{
	bool is_8bit = text_has_8bit(buf_text(&w->text), w->text.len);

	return put_part(w, is_8bit ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii",
			is_8bit ? "8bit" : "7bit", "What happened", &w->text);
}

static bool put_original(struct report_writer *w, enum share share)
{
	const struct message *m = w->r->original;
	const char *what = share == SHARE_WHOLE ? "The message" : "The header of the message";

	return share == SHARE_NOTHING ||
	       (begin_part(w, type_of(m, share), encoding_of(m, share), what) &&
		copy(w, m, share_size(m, share)));
}

static bool put_end(struct report_writer *w)
{
	char line[BOUNDARY_SIZE + 8];
	int len = snprintf(line, sizeof(line), "\r\n--%s--\r\n", w->boundary);

	return put(w, line, (size_t)len);
}

static bool write_report(struct report_writer *w, enum share share)
{
	const char *original = encoding_of(w->r->original, share);

	message_free(w->out);
	message_init(w->out);
	w->column = 0;
	w->encoding = strcmp(original, "7bit") != 0 ? original :
		      text_has_8bit(buf_text(&w->text), w->text.len) ? "8bit" : "7bit";
	add_header(w);
	message_follow_lines(w->out, &w->column, buf_text(&w->out->header),
			     w->out->header.len);
	if (buf_is_full(&w->out->header))
		return error_set(w->err, ERROR_DATA, "the report's header is too long");
	return put_text(w) &&
	       put_part(w, "message/delivery-status", "7bit", "The same for programs", &w->status) &&
	       put_original(w, share) && put_end(w) && message_finish(w->out, w->err);
}

/* --- the whole */

/* The most of the original that the account's limit has room for. */
static enum share choose_share(const struct report_writer *w, enum share share)
{
	uint64_t ours;

	if (w->r->is_damaged)
		return SHARE_NOTHING;
	ours = w->text.len + w->status.len + 3 * (uint64_t)BETWEEN_MAX;

	while (share != SHARE_NOTHING && w->r->max_size &&
	       ours + share_size(w->r->original, share) > w->r->max_size)
		share++;
	return share;
}

/* A signed part that must be encoded would keep the report from every plain server. */
static bool suits_every_server(const struct message *m)
{
	const struct mime_limits least = { .eightbit = false, .utf8_header = true };
	OWNED_MESSAGE changed;
	struct error ignored;

	message_init(&changed);
	return !mime_must_convert(m, &least) ||
	       mime_convert(m, &least, &changed, &ignored);
}

static bool write_what_fits(struct report_writer *w)
{
	bool is_whole = w->r->envelope->ret && text_is(w->r->envelope->ret, "FULL");
	enum share share = choose_share(w, is_whole ? SHARE_WHOLE : SHARE_HEADER);

	if (!choose_boundary(w) || !write_report(w, share))
		return false;
	return share != SHARE_WHOLE || suits_every_server(w->out) ||
	       write_report(w, SHARE_HEADER);
}

bool report_make(const struct report *r, struct message *out, struct error *err)
{
	struct report_writer w = { .r = r,
			    .out = out,
			    .err = err,
			    .text = BUF_INIT(REPORT_PART_MAX),
			    .status = BUF_INIT(REPORT_PART_MAX) };
	bool ok;

	message_init(out);
	report_add_text(r, &w.text);
	report_add_status(r, &w.status);
	ok = write_what_fits(&w);
	buf_free(&w.text);
	buf_free(&w.status);
	return ok;
}
