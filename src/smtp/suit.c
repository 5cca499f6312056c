/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The message in a form that this server takes, in as little of a changed one as will
 * do. UTF-8 in the header is the last resort: this server may offer it, and the next
 * one behind it may not.
 */
#include "smtp/suit.h"

#include "base/text.h"
#include "mail/header_fold.h"
#include "mail/mime.h"
#include "mail/qualify.h"
#include "smtp/domains.h"

void suit_init(struct suit *suit)
{
	*suit = (struct suit){ .message = NULL };
	message_init(&suit->changed);
}

void suit_free(struct suit *suit)
{
	message_free(&suit->changed);
}

/* A domain is longer in ASCII, and so is the line that it stands on. */
static void add_field(struct buf *header, const struct field *field, const struct qualifier *q)
{
	OWNED_BUF changed = BUF_INIT(2 * (size_t)HEADER_MAX);

	if (field_qualify(field, q, &changed))
		header_fold(header, buf_text(&changed), changed.len, true);
	else
		buf_add_bytes(header, field->start, field->len);
}

/* The addresses alone: what is said around them has been encoded already. */
static void make_addresses_ascii(struct message *m, bool in_words)
{
	const struct qualifier q = { .to_ascii = domains_mailbox_to_ascii, .in_words = in_words };
	struct buf header = BUF_INIT(2 * (size_t)HEADER_MAX);
	struct field field;

	for (size_t at = 0; header_next(&m->header, &at, &field); )
		add_field(&header, &field, &q);
	if (buf_is_full(&header)) {
		buf_free(&header);
		return;
	}
	buf_free(&m->header);
	m->header = header;
	m->header_is_8bit = text_has_8bit(buf_text(&header), header.len);
}

static bool convert(struct suit *suit, const struct message *m,
		    const struct mime_limits *limits, bool in_words, struct error *err)
{
	suit->message = m;
	suit->is_utf8 = limits->utf8_header;
	if (!mime_must_convert(m, limits))
		return true;
	message_free(&suit->changed);
	if (!mime_convert(m, limits, &suit->changed, err))
		return error_context(err, "the message cannot be made to suit the server");
	if (!limits->utf8_header && suit->changed.header_is_8bit)
		make_addresses_ascii(&suit->changed, in_words);
	suit->message = &suit->changed;
	return true;
}

bool message_suit(struct suit *suit, const struct message *m, const struct envelope *e,
		  const struct extensions *can, struct error *err)
{
	struct mime_limits limits = {
		.eightbit = can->eightbitmime,
		.utf8_header = can->smtputf8 && envelope_needs_utf8(e),
	};
	bool ok = convert(suit, m, &limits, !can->smtputf8, err);

	if ((ok && !suit->message->header_is_8bit) || limits.utf8_header || !can->smtputf8 ||
	    (!ok && err->kind != ERROR_DATA))
		return ok;
	/* An address in the header that nothing else carries, or a signature on it. */
	limits.utf8_header = true;
	return convert(suit, m, &limits, false, err);
}
