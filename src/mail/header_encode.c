/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A field is rewritten by what may stand in it: the table knows those of the standards,
 * and all others are text. In an address, an id or a word for programs no encoded word
 * may stand (RFC 2047 section 5), as programs take it by the letter. So the order counts:
 * first what the field's own syntax allows; then another name for it, or a field beside
 * it that says all to people (RFC 6857); at last "?", for bytes that mean nothing to
 * programs where they stand.
 */
#include "mail/header_encode.h"

#include <string.h>
#include <strings.h>

#include "base/language.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/header_fold.h"
#include "mail/header_words.h"
#include "mail/lexer.h"
#include "mail/parameter.h"

enum {
	FIELD_MAX = 32 * 1024 * 1024,	/* bytes: more than any field can become */
	TWINS_MAX = 32,			/* parameters that are looked at for one of two forms */
};

enum kind {
	UNKNOWN,	/* unstructured: what is in no row below */
	TEXT,		/* the same, and for people alone */
	ADDRESSES,
	NAMED,		/* looks so, but what its brackets hold is no address */
	PHRASES,	/* with commas between */
	PARAMETERS,
	LABEL,		/* words for programs; nothing but comments may be encoded */
	STRUCTURED,	/* the same, and text that people may want to see */
	IDS,		/* what programs compare, byte by byte */
};

static const struct {
	const char *name;
	enum kind kind;
} kinds[] = {
	{ "From",			ADDRESSES },
	{ "Sender",			ADDRESSES },
	{ "Reply-To",			ADDRESSES },
	{ "To",				ADDRESSES },
	{ "Cc",				ADDRESSES },
	{ "Bcc",			ADDRESSES },
	{ "Resent-From",		ADDRESSES },
	{ "Resent-Sender",		ADDRESSES },
	{ "Resent-Reply-To",		ADDRESSES },
	{ "Resent-To",			ADDRESSES },
	{ "Resent-Cc",			ADDRESSES },
	{ "Resent-Bcc",			ADDRESSES },
	{ "Errors-To",			ADDRESSES },
	{ "Disposition-Notification-To", ADDRESSES },
	{ "Return-Receipt-To",		ADDRESSES },
	{ "Mail-Followup-To",		ADDRESSES },
	{ "Mail-Reply-To",		ADDRESSES },
	{ "Apparently-To",		ADDRESSES },
	{ "List-ID",			NAMED },
	{ "Subject",			TEXT },
	{ "Comments",			TEXT },
	{ "Organization",		TEXT },
	{ "Content-Description",	TEXT },
	{ "Keywords",			PHRASES },
	{ "Content-Type",		PARAMETERS },
	{ "Content-Disposition",	PARAMETERS },
	{ "Content-Transfer-Encoding",	LABEL },
	{ "MIME-Version",		LABEL },
	{ "Content-ID",			STRUCTURED },
	{ "Date",			STRUCTURED },
	{ "Message-ID",			IDS },
	{ "In-Reply-To",		IDS },
	{ "References",			IDS },
	{ "Resent-Date",		STRUCTURED },
	{ "Resent-Message-ID",		IDS },
	{ "Received",			STRUCTURED },
	{ "Return-Path",		STRUCTURED },
	{ "Delivered-To",		STRUCTURED },
	{ "Authentication-Results",	STRUCTURED },
	{ "DKIM-Signature",		STRUCTURED },
	{ "ARC-Seal",			STRUCTURED },
	{ "ARC-Message-Signature",	STRUCTURED },
	{ "ARC-Authentication-Results",	STRUCTURED },
	{ "List-Unsubscribe",		STRUCTURED },
	{ "List-Unsubscribe-Post",	STRUCTURED },
	{ "List-Post",			STRUCTURED },
	{ "List-Help",			STRUCTURED },
	{ "List-Archive",		STRUCTURED },
	{ "List-Owner",			STRUCTURED },
	{ "List-Subscribe",		STRUCTURED },
};

/* A field's body while it is rewritten. */
struct header_work {
	const char *text;
	size_t len;
	bool keeps_8bit;
	struct buf *out;
	/* Nothing closes any more of them from here on: they are characters. */
	bool no_quotes, no_comments;
	bool has_lost;		/* something was left out */
};

static enum kind kind_of(const struct field *field)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (field_is(field, kinds[i].name))
			return kinds[i].kind;
	return UNKNOWN;
}

static bool is_bad(const struct header_work *w, size_t from, size_t to)
{
	return memchr(w->text + from, '\0', to - from) ||
	       (!w->keeps_8bit && text_has_8bit(w->text + from, to - from));
}

/* The place behind the quoted string, comment or character at `at`. */
static size_t unit_end(struct header_work *w, size_t at)
{
	struct error ignored;
	struct lexer l = { .text = w->text, .len = w->len, .err = &ignored };
	bool is_quote = w->text[at] == '"', is_comment = w->text[at] == '(';
	size_t end = 0;

	if ((is_quote && !w->no_quotes) || (is_comment && !w->no_comments))
		end = lexer_unit_end(&l, at);
	if (!end) {
		w->no_quotes = w->no_quotes || is_quote;
		w->no_comments = w->no_comments || is_comment;
	}
	return end ? end : at + 1;
}

/* --- addresses */

static void add_piece(struct header_work *w, size_t from, size_t to, bool is_phrase)
{
	if (is_phrase)
		header_words_add(w->out, w->text + from, to - from, WORDS_PHRASE,
				 w->keeps_8bit);
	else
		buf_add_bytes(w->out, w->text + from, to - from);
}

/* Comments are for people everywhere, the text between them in a phrase alone. */
static void add_mixed(struct header_work *w, size_t from, size_t to, bool is_phrase)
{
	size_t piece = from;

	for (size_t at = from, end; at < to; at = end) {
		end = unit_end(w, at);
		if (end > to)	/* whoever found `to` took it for a character */
			end = at + 1;
		if (w->text[at] != '(' || end == at + 1)
			continue;
		add_piece(w, piece, at, is_phrase);
		header_words_add(w->out, w->text + at, end - at, WORDS_COMMENT,
				 w->keeps_8bit);
		piece = end;
	}
	if (piece < to)
		add_piece(w, piece, to, is_phrase);
}

struct element {
	size_t end;		/* of a separator, or the end of the text */
	size_t angle;		/* of its "<", else `end` */
	bool has_at;
};

/* As address.c divides a list; here nothing is an error. */
static struct element find_element(struct header_work *w, size_t at)
{
	struct element element = { .angle = w->len };
	bool is_inside = false;

	for (size_t end; at < w->len; at = end) {
		char c = w->text[at];

		if (!is_inside && (c == ',' || c == ';'))
			break;
		if (c == ':' && element.angle == w->len && !element.has_at)
			break;
		end = unit_end(w, at);
		if (c == '<' && element.angle == w->len)
			element.angle = at;
		is_inside = (is_inside || c == '<') && c != '>';
		element.has_at = element.has_at || c == '@';
	}
	element.end = at;
	if (element.angle > at)
		element.angle = at;
	return element;
}

static void add_addresses(struct header_work *w, bool are_phrases)
{
	for (size_t at = 0; at < w->len; ) {
		struct element element = find_element(w, at);
		bool is_phrase = are_phrases || element.angle < element.end ||
				 !element.has_at;

		add_mixed(w, at, element.angle, is_phrase);
		add_mixed(w, element.angle, element.end, false);
		at = element.end;
		if (at < w->len)
			buf_add_char(w->out, w->text[at++]);
	}
}

/* --- parameters */

/*
 * "name*=", or its first piece: it says the same in ASCII, and a name may stand there
 * once. Looked for among the first ones alone, or it would cost the square of their
 * number.
 */
static bool has_encoded_twin(const struct header_work *w, const struct parameter *p)
{
	size_t len = p->name_end - p->name, at = 0;
	struct parameter other;

	for (int i = 0; i < TWINS_MAX && parameter_next(w->text, w->len, &at, &other); i++) {
		const char *name = w->text + other.name;

		if (other.name_end - other.name > len && name[len] == '*' &&
		    !strncasecmp(name, w->text + p->name, len))
			return true;
	}
	return false;
}

static bool add_parameter(struct header_work *w, const struct parameter *p)
{
	bool is_long = p->value_end - p->value > HEADER_WORD_MAX;

	if (!is_bad(w, p->start, p->end) && !is_long) {
		buf_add_bytes(w->out, w->text + p->start, p->end - p->start);
		return true;
	}
	if ((is_bad(w, p->value, p->value_end) || is_long) && p->name_end > p->name &&
	    !is_bad(w, p->name, p->name_end)) {
		if (has_encoded_twin(w, p))
			return true;
		if (parameter_encode(w->text, p, w->out))
			return true;
		if (is_bad(w, p->start, p->end))
			return false;
		/* A boundary of that length is for programs that do not count. */
		buf_add_bytes(w->out, w->text + p->start, p->end - p->start);
		return true;
	}
	/* Without "=" it means nothing; else its name or a comment is bad. */
	if (p->value > p->name)
		add_mixed(w, p->start, p->end, false);
	else
		w->has_lost = true;
	return true;
}

static bool add_parameters(struct header_work *w)
{
	struct parameter p;
	size_t at = 0;
	bool ok = true, is_first = true;

	for (; ok && parameter_next(w->text, w->len, &at, &p); is_first = false) {
		if (is_first)
			add_mixed(w, 0, p.start, false);
		ok = add_parameter(w, &p);
	}
	if (is_first)
		add_mixed(w, 0, w->len, false);
	return ok;
}

/* --- fields */

bool field_is_bad(const struct field *field, bool keeps_utf8)
{
	return memchr(field->start, '\0', field->len) ||
	       (text_has_8bit(field->start, field->len) &&
		!(keeps_utf8 && text_is_utf8(field->start, field->len)));
}

bool field_must_encode(const struct field *field, bool keeps_utf8)
{
	return header_has_long_line(field->start, field->len) ||
	       field_is_bad(field, keeps_utf8);
}

static bool fail(const struct field *field, const char *why, struct error *err)
{
	OWNED_TEXT name = text_copy_n(field->start, field->name_len);
	char shown[SHOWN_SIZE];

	error_text(err, ERROR_DATA, why);
	return error_context(err, "the message's %s field ", text_show(name, shown));
}

/*
 * As if it were text. Structured fields get another name for it (RFC 6857 section
 * 3.1.10): for people they are still there.
 */
static void rewrite_as_text(struct header_work *w, const struct field *field,
			    bool is_renamed)
{
	buf_clear(w->out);
	if (is_renamed)
		buf_add(w->out, "Downgraded-");
	buf_add_bytes(w->out, field->start, (size_t)(field->body - field->start));
	header_words_add(w->out, w->text, w->len, WORDS_TEXT, w->keeps_8bit);
}

/* The end of the id at `at`: a line can be folded there. */
static size_t id_end(const struct buf *ids, size_t at)
{
	for (at++; at < ids->len; at++)
		if (text_is_white(ids->text[at]) ||
		    (ids->text[at] == '<' && ids->text[at - 1] == '>'))
			break;
	return at;
}

static bool may_stay(const struct header_work *w, char c)
{
	return c && (w->keeps_8bit || !text_has_8bit(&c, 1));
}

/* "=XX" for a byte, or "=" where the id would not fit on a line. */
static void add_id(struct header_work *w, const char *id, size_t len)
{
	size_t bad = 0;

	for (size_t i = 0; i < len; i++)
		bad += !may_stay(w, id[i]);
	for (size_t i = 0; i < len; i++)
		if (may_stay(w, id[i]))
			buf_add_char(w->out, id[i]);
		else if (len + 2 * bad > HEADER_WORD_MAX)
			buf_add_char(w->out, '=');
		else
			buf_addf(w->out, "=%02X", (unsigned char)id[i]);
}

/*
 * An id must be there, and an answer must name it: the same bytes become the same
 * characters each time, all of which an id may have.
 */
static void add_ids(struct header_work *w)
{
	OWNED_BUF ids = BUF_INIT(FIELD_MAX);
	struct header_work copy = *w;

	copy.out = &ids;
	add_mixed(&copy, 0, w->len, false);
	for (size_t at = 0, end; at < ids.len; at = end) {
		end = id_end(&ids, at);
		add_id(w, ids.text + at, end - at);
	}
}

static bool rewrite(struct header_work *w, const struct field *field)
{
	enum kind kind = kind_of(field);

	buf_add_bytes(w->out, field->start, (size_t)(field->body - field->start));
	if (kind == PARAMETERS)
		return add_parameters(w);
	if (kind == IDS)
		add_ids(w);
	else if (kind == STRUCTURED || kind == LABEL)
		add_mixed(w, 0, w->len, false);
	else if (kind == TEXT || kind == UNKNOWN)
		header_words_add(w->out, w->text, w->len, kind == TEXT ? WORDS_TEXT :
				 WORDS_UNKNOWN, w->keeps_8bit);
	else
		add_addresses(w, kind == PHRASES);
	return true;
}

/*
 * Addresses over 127 stay if that is what they are: a word without a domain leads
 * nowhere.
 */
static bool are_addresses(const struct header_work *w)
{
	OWNED_ADDRESSES list = { 0 };
	struct error ignored;

	if (!address_list_parse(&list, w->text, w->len, &ignored))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const char *mailbox = list.items[i].mailbox;

		if (!address_domain(mailbox) && text_has_8bit(mailbox, strlen(mailbox)))
			return false;
	}
	return true;
}

static bool is_still_bad(const struct header_work *w)
{
	return memchr(buf_text(w->out), '\0', w->out->len) ||
	       (!w->keeps_8bit && text_has_8bit(buf_text(w->out), w->out->len));
}

/*
 * Those that are left stand where nothing can be encoded, and mean nothing to programs.
 */
static void replace_bad(struct buf *b, bool keeps_8bit)
{
	for (size_t i = 0; i < b->len; i++)
		if (!b->text[i] || ((unsigned char)b->text[i] > 127 && !keeps_8bit))
			b->text[i] = '?';
}

/* A field beside it that says all that it said. */
static void add_for_people(const struct header_work *w, const struct field *field,
			   struct buf *out)
{
	OWNED_BUF text = BUF_INIT(FIELD_MAX);
	struct header_work copy = *w;

	copy.out = &text;
	rewrite_as_text(&copy, field, true);
	buf_add(&text, "\r\n");
	header_fold(out, buf_text(&text), text.len, false);
}

bool field_encode(const struct field *field, bool keeps_utf8, struct buf *out,
		  struct error *err)
{
	OWNED_BUF changed = BUF_INIT(FIELD_MAX);
	struct header_work w = { .text = field->body,
				 .len = field->body_len,
				 .out = &changed };
	enum kind kind = kind_of(field);

	if (!field_must_encode(field, keeps_utf8)) {
		buf_add_bytes(out, field->start, field->len);
		return true;
	}
	w.keeps_8bit = keeps_utf8 && text_is_utf8(field->start, field->len);
	if (!rewrite(&w, field))
		return fail(field, N_("has a parameter that cannot be encoded"), err);
	if (kind == STRUCTURED && is_still_bad(&w))
		rewrite_as_text(&w, field, true);
	if ((kind == NAMED || (kind == ADDRESSES && !are_addresses(&w))) && is_still_bad(&w))
		rewrite_as_text(&w, field, false);
	if ((kind == LABEL || kind == PARAMETERS) && (w.has_lost || is_still_bad(&w)))
		add_for_people(&w, field, out);
	replace_bad(&changed, w.keeps_8bit || kind == ADDRESSES);
	buf_add(&changed, "\r\n");
	if (buf_is_full(&changed))
		return fail(field, N_("is too long when encoded"), err);
	header_fold(out, buf_text(&changed), changed.len, kind != TEXT && kind != UNKNOWN);
	return true;
}
