/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/suit.h"

#include "base/text.h"
#include "mail/mime.h"
#include "mail/qualify.h"
#include "smtp/domains.h"

/* The names of domains alone: what is said around them has been encoded already. */
static void make_domains_ascii(struct message *m)
{
	const struct qualifier q = { .to_ascii = mailbox_to_ascii };
	struct buf header = BUF_INIT(2 * (size_t)HEADER_MAX);
	struct field field;

	for (size_t at = 0; header_next(&m->header, &at, &field); )
		if (!field_qualify(&field, &q, &header))
			buf_add_bytes(&header, field.start, field.len);
	if (buf_is_full(&header)) {
		buf_free(&header);
		return;
	}
	buf_free(&m->header);
	m->header = header;
	m->header_is_8bit = text_has_8bit(buf_text(&header), header.len);
}

bool message_suit(const struct message *m, const struct extensions *can,
		  struct message *changed, const struct message **suitable,
		  struct error *err)
{
	const struct mime_limits limits = {
		.eightbit = can->eightbitmime,
		.utf8_header = can->smtputf8,
	};

	*suitable = m;
	if (!mime_must_convert(m, &limits))
		return true;
	message_free(changed);
	if (!mime_convert(m, &limits, changed, err))
		return error_context(err, "the message cannot be made to suit the server");
	if (!can->smtputf8 && changed->header_is_8bit)
		make_domains_ascii(changed);
	*suitable = changed;
	return true;
}
