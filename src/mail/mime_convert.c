/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two passes: a label comes before the content that it is about, so mime_survey.c reads
 * all of the message first and plans each part; this one writes it. What is signed or
 * encrypted is never touched (RFC 1847 section 2.1): rather no mail than one whose
 * signature we broke.
 *
 * Of a part that is encoded already only what no server takes is mended. Text outside of
 * parts has no label, and still none of it is lost.
 */
#include "mail/mime.h"

#include <string.h>

#include "base/text.h"
#include "mail/header_encode.h"
#include "mail/header_fold.h"
#include "mail/mime_parts.h"
#include "mail/mime_survey.h"

enum {
	ENCODED_MAX = 80 * 1024,	/* bytes that a piece of 16 KiB can become */
	HEADER_GROWTH = 4,		/* times, at most, by encoding */
	UTF8_MAX = 4,			/* bytes of a character */
};

struct mime_writer {
	struct mime_visitor visitor;
	const struct mime_limits *limits;
	const struct mime_survey *survey;
	struct message *out;
	struct error *err;
	struct buf piece;	/* on its way out */
	struct encoder encoder;	/* of the part that is being written */
	struct encoder outside;	/* of a line between parts */
	bool is_encoding_outside;
	size_t column;		/* of the line that is being written */
};

/* --- out */

static bool put(struct mime_writer *w, const char *bytes, size_t len)
{
	message_follow_lines(w->out, &w->column, bytes, len);
	return message_add_body(w->out, bytes, len, w->err);
}

static bool put_piece(struct mime_writer *w)
{
	bool ok = put(w, buf_text(&w->piece), w->piece.len);

	buf_clear(&w->piece);
	return ok;
}

/* --- what must not be altered */

static bool is_sealed(struct mime_writer *w, const struct mime_part *part, const char *seal)
{
	if (!seal)
		return false;
	if (part)
		error_set(w->err, ERROR_DATA, "part %zu of the message (%s) must be "
			  "encoded for this server, which would break its signature or "
			  "encryption: %s", part->number + 1, part->type.name, seal);
	else
		error_set(w->err, ERROR_DATA, "text between the parts of the message must "
			  "be changed for this server, which would break a signature: %s",
			  seal);
	error_advise(w->err, "sign the message with its text in quoted-printable or "
		     "base64 (RFC 1847 section 2.1), or use a server that offers 8BITMIME");
	return true;
}

static bool may_encode(struct mime_writer *w, const struct mime_part *part,
		       struct mime_plan plan)
{
	if (plan.how == TRANSFER_AS_IS && !plan.is_impossible)
		return true;
	if (is_sealed(w, part, part->seal) ||
	    is_sealed(w, part, plan.is_signed ? "PGP SIGNED MESSAGE" : NULL))
		return false;
	if (!plan.is_impossible)
		return true;
	error_set(w->err, ERROR_DATA, "part %zu of the message (%s) has 8-bit text, NUL or a "
		  "line of more than 998 bytes, and may not be encoded",
		  part->number + 1, part->type.name);
	return part->type.kind == MIME_MULTIPART &&
	       error_advise(w->err, "no line of it is its boundary, so it has no parts; correct "
			    "the boundary in Content-Type, or use a server that offers 8BITMIME");
}

/* --- header sections */

static const char *encoding_name(enum transfer how)
{
	switch (how) {
	case TRANSFER_QUOTED_PRINTABLE:
		return "quoted-printable";
	case TRANSFER_BASE64:
		return "base64";
	default:
		return NULL;
	}
}

/* What an encoding field must say now; NULL: it stays. */
static const char *new_label(const struct mime_writer *w, const struct mime_part *part,
			     enum transfer how)
{
	enum mime_encoding old = part->type.encoding;

	if (encoding_name(how) || part->seal)
		return encoding_name(how);
	if ((old == MIME_8BIT || old == MIME_BINARY_BYTES) && !w->limits->eightbit)
		return "7bit";
	return old == MIME_BINARY_BYTES ? "8bit" : NULL;
}

/* SMTPUTF8 is about the header of the message itself, 8BITMIME about all of the body. */
static bool keeps_8bit(const struct mime_writer *w, const struct mime_part *part)
{
	return part->number ? w->limits->eightbit : w->limits->utf8_header;
}

/* In the body 8BITMIME carries what is no UTF-8 as well. */
static bool is_bad(const struct mime_part *part, const struct field *field, bool keeps)
{
	if (part->number == 0 || !keeps)
		return field_is_bad(field, keeps);
	return memchr(field->start, '\0', field->len) != NULL;
}

static bool add_field(struct mime_writer *w, const struct mime_part *part,
		      const struct field *field, struct buf *header)
{
	bool keeps = keeps_8bit(w, part), bad = is_bad(part, field, keeps);

	if (bad && is_sealed(w, part, part->seal))
		return false;
	/* A long line goes where no limit is, and a broken signature nowhere. */
	if (bad || (header_has_long_line(field->start, field->len) && !part->seal))
		return field_encode(field, keeps, header, w->err);
	buf_add_bytes(header, field->start, field->len);
	return true;
}

static void add_type(const struct mime_part *part, struct mime_plan plan,
		     struct buf *header)
{
	const char *type = plan.is_utf8 ? "text/plain; charset=utf-8" :
			   "text/plain; charset=unknown-8bit";

	bool has_none = part->type.is_void ||
			(!part->type.is_given && text_is(part->type.name, "text/plain"));

	if (has_none && plan.is_8bit)
		header_add(header, "Content-Type", type);
	else if (part->type.is_void)
		header_add(header, "Content-Type", "text/plain");
}

/* The fields of a part, and those that its new encoding needs. */
static bool add_fields(struct mime_writer *w, const struct mime_part *part,
		       struct mime_plan plan, struct buf *header)
{
	const char *label = new_label(w, part, plan.how);
	bool is_labelled = false, has_version = false;
	struct field field;

	for (size_t at = 0; header_next(part->header, &at, &field); ) {
		has_version = has_version || field_is(&field, "MIME-Version");
		if (label && field_is(&field, "Content-Transfer-Encoding")) {
			if (!is_labelled)
				header_add(header, "Content-Transfer-Encoding", label);
			is_labelled = true;
		} else if (encoding_name(plan.how) && part->type.is_void &&
			   field_is(&field, "Content-Type")) {
			continue;	/* of a composite type nothing may be encoded */
		} else if (!add_field(w, part, &field, header)) {
			return false;
		}
	}
	if (!encoding_name(plan.how))
		return true;
	if (part->is_message && !has_version)
		header_add(header, "MIME-Version", "1.0");
	add_type(part, plan, header);
	if (!is_labelled)
		header_add(header, "Content-Transfer-Encoding", label);
	return true;
}

static bool put_all(struct mime_writer *w, const struct buf *bytes)
{
	size_t most = BODY_MEMORY_MAX / 2;

	for (size_t at = 0; at < bytes->len; at += most) {
		size_t left = bytes->len - at;

		if (!put(w, bytes->text + at, left < most ? left : most))
			return false;
	}
	return true;
}

static bool take_header(struct mime_writer *w, const struct mime_part *part)
{
	struct mime_plan plan = mime_survey_plan(w->survey, part->number);
	struct buf header = BUF_INIT(HEADER_GROWTH * HEADER_MAX);
	bool ok = may_encode(w, part, plan) && add_fields(w, part, plan, &header);

	encoder_start(&w->encoder, plan.how);
	if (ok && buf_is_full(&header))
		ok = error_set(w->err, ERROR_DATA, "the header is too long when encoded");
	if (ok && part->number == 0) {
		buf_free(&w->out->header);
		w->out->header = header;
		message_follow_lines(w->out, &w->column, buf_text(&header), header.len);
		return true;
	}
	ok = ok && put_all(w, &header) && (!part->has_blank || put(w, "\r\n", 2));
	buf_free(&header);
	return ok;
}

/* --- content */

static bool take_content(struct mime_writer *w, const struct mime_piece *piece)
{
	if (w->encoder.how == TRANSFER_AS_IS)
		return !piece->len || put(w, piece->bytes, piece->len);
	if (piece->kind == MIME_CONTENT_END)
		encoder_end(&w->encoder, &w->piece);
	else
		encoder_add(&w->encoder, piece->bytes, piece->len, &w->piece);
	return put_piece(w);
}

/* A long line, so that no half of it looks like a delimiter, and no character is cut. */
static bool divide(struct mime_writer *w, const struct mime_piece *piece)
{
	size_t column = w->column;

	for (size_t i = 0; i < piece->len; i++, column++) {
		size_t need = (unsigned char)piece->bytes[i] >= 0xc0 ? UTF8_MAX : 1;

		if (column + need > LINE_MAX_BYTES) {
			buf_add(&w->piece, "\r\n ");
			column = 1;
		}
		buf_add_char(&w->piece, piece->bytes[i]);
	}
	return put_piece(w);
}

/* The rest of a line: it ends where the line does. */
static bool encode_outside(struct mime_writer *w, const struct mime_piece *piece, bool is_end)
{
	if (!w->is_encoding_outside) {
		encoder_start(&w->outside, TRANSFER_QUOTED_PRINTABLE);
		w->outside.column = w->column;
	}
	w->is_encoding_outside = !is_end;
	encoder_add(&w->outside, piece->bytes, piece->len, &w->piece);
	return put_piece(w);
}

/*
 * What readers pass over, before the first part and behind the last, has no label that
 * could name an encoding. Still none of it may be lost: where it cannot go as it is it is
 * quoted-printable to whoever looks.
 */
static bool take_outside(struct mime_writer *w, const struct mime_piece *piece)
{
	bool is_end = piece->len == 2 && piece->bytes[0] == '\r';
	bool is_bad = memchr(piece->bytes, '\0', piece->len) ||
		(!w->limits->eightbit && text_has_8bit(piece->bytes, piece->len));
	bool is_long = !is_end && w->column + piece->len > LINE_MAX_BYTES;

	if ((is_bad || is_long) && is_sealed(w, NULL, piece->seal))
		return false;
	if (is_bad || w->is_encoding_outside)
		return encode_outside(w, piece, is_end);
	return is_long ? divide(w, piece) : put(w, piece->bytes, piece->len);
}

static bool take_delimiter(struct mime_writer *w, const struct mime_piece *piece)
{
	if (!w->limits->eightbit && text_has_8bit(piece->bytes, piece->len))
		return error_set(w->err, ERROR_DATA, "the message has a boundary with "
				 "bytes over 127");
	return put(w, piece->bytes, piece->len);
}

static bool visit(struct mime_visitor *visitor, const struct mime_piece *piece,
		  struct error *err)
{
	struct mime_writer *w = (struct mime_writer *)visitor;

	(void)err;
	switch (piece->kind) {
	case MIME_HEADER:
		return take_header(w, piece->part);
	case MIME_OUTSIDE:
		return take_outside(w, piece);
	case MIME_DELIMITER:
		return take_delimiter(w, piece);
	default:
		return take_content(w, piece);
	}
}

/* --- the whole */

static bool write_all_of(const struct message *m, struct mime_writer *w)
{
	return mime_parts_walk(m, &w->visitor, w->err) &&
	       (w->column == 0 || put(w, "\r\n", 2)) && message_finish(w->out, w->err);
}

bool mime_convert(const struct message *m, const struct mime_limits *limits,
		  struct message *out, struct error *err)
{
	struct mime_survey survey;
	struct mime_writer w = { .visitor = { visit }, .limits = limits, .survey = &survey,
			    .out = out, .err = err, .piece = BUF_INIT(ENCODED_MAX) };
	bool ok;

	message_init(out);
	ok = mime_survey_make(&survey, m, limits, err) && write_all_of(m, &w);
	mime_survey_free(&survey);
	buf_free(&w.piece);
	return ok;
}

bool mime_must_convert(const struct message *m, const struct mime_limits *limits)
{
	const char *header = buf_text(&m->header);

	if (m->has_nul || m->longest_line > LINE_MAX_BYTES ||
	    (m->body_is_8bit && !limits->eightbit))
		return true;
	if (text_has_8bit(header, m->header.len) &&
	    !(limits->utf8_header && text_is_utf8(header, m->header.len)))
		return true;
	return header_has_long_line(header, m->header.len);
}
