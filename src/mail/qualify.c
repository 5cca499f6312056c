/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A field is read as the envelope's recipients are (people.c), so that the header names
 * whom the mail went to. Only the bytes of an address that must change are replaced:
 * groups, comments and folds around it stay. A field that cannot be read stays whole, for
 * nobody knows whom it names.
 */
#include "mail/qualify.h"

#include <string.h>

#include "base/text.h"
#include "mail/encoded_word.h"
#include "mail/people.h"

enum { LINE_LIMIT = 78 };	/* bytes of a line, where an address is no longer */

enum holds {
	AUTHORS,
	RECIPIENTS,	/* names without a domain lead somewhere */
	OTHERS,		/* these are left as they are */
};

static const struct {
	const char *name;
	enum holds holds;
} fields[] = {
	{ "From", AUTHORS }, { "Sender", AUTHORS }, { "Reply-To", AUTHORS },
	{ "To", RECIPIENTS }, { "Cc", RECIPIENTS },
	{ "Resent-From", AUTHORS }, { "Resent-Sender", AUTHORS },
	{ "Resent-To", RECIPIENTS }, { "Resent-Cc", RECIPIENTS },
	{ "Resent-Reply-To", OTHERS }, { "Errors-To", OTHERS },
	{ "Disposition-Notification-To", OTHERS }, { "Return-Receipt-To", OTHERS },
	{ "Mail-Followup-To", OTHERS }, { "Mail-Reply-To", OTHERS }, { "Apparently-To", OTHERS },
};

/*
 * In words: as it is written, for a route that goes with it may be beyond ASCII as well.
 */
static bool must_change(const struct field *field, const struct address *address,
			const struct qualifier *q)
{
	const char *domain = address_domain(address->mailbox);

	return (!domain && q->domain) || address->is_cut ||
	       (domain && q->to_ascii && text_has_8bit(domain, strlen(domain))) ||
	       (domain && q->in_words && text_has_8bit(field->body + address->start,
						       address->end - address->start));
}

static bool any_must_change(const struct field *field, const struct address_list *list,
			    const struct qualifier *q)
{
	for (size_t i = 0; i < list->count; i++)
		if (must_change(field, &list->items[i], q))
			return true;
	return false;
}

/*
 * Nothing in ASCII leads to this mailbox: it is said in words, and an answer comes back
 * from a domain that never is one (RFC 6858 section 2.1, RFC 2606), as nobody else may
 * get it.
 */
static void add_in_words(struct buf *out, const struct address *address)
{
	OWNED_BUF words = BUF_INIT(16 * (size_t)ADDRESS_MAX);
	const char *name = address->name;

	if (name && !encoded_words_decode(name, strlen(name), &words))
		buf_add(&words, name);
	buf_addf(&words, name ? " (%s)" : "%s", address->mailbox);
	header_format_address(out, buf_is_full(&words) ? address->mailbox : buf_text(&words),
			      "invalid@internationalized-address.invalid");
}

static void add_in_ascii(struct buf *out, const struct address *address,
			 const struct qualifier *q)
{
	struct error ignored;
	OWNED_TEXT mailbox = q->to_ascii ? q->to_ascii(address->mailbox, &ignored) : NULL;

	if (q->in_words && (!mailbox || text_has_8bit(mailbox, strlen(mailbox))))
		add_in_words(out, address);
	else
		header_format_address(out, address->name, mailbox ? mailbox : address->mailbox);
}

static void add_qualified(struct buf *out, const struct address *address, const char *domain)
{
	OWNED_BUF mailbox = BUF_INIT(2 * (size_t)ADDRESS_MAX);

	buf_addf(&mailbox, "%s@%s", address->mailbox, domain);
	header_format_address(out, address->name, buf_text(&mailbox));
}

static size_t line_length(const struct buf *out)
{
	const char *text = buf_text(out), *lf = memrchr(text, '\n', out->len);

	return lf ? (size_t)(text + out->len - lf) - 1 : out->len;
}

/* With commas between them, and folded: an alias may have many. */
static void add_list(struct buf *out, const struct address_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		OWNED_BUF text = BUF_INIT(16 * (size_t)ADDRESS_MAX);

		header_format_address(&text, list->items[i].name, list->items[i].mailbox);
		if (i > 0)
			buf_add(out, line_length(out) + text.len + 3 > LINE_LIMIT ? ",\r\n " :
				", ");
		buf_add(out, buf_is_full(&text) ? list->items[i].mailbox : buf_text(&text));
	}
}

static void add_recipient(struct buf *out, const struct address *address,
			  const struct qualifier *q)
{
	OWNED_ADDRESSES list = { 0 };
	struct error ignored;	/* who is only named in the header need not be reached */

	if (q->aliases && aliases_resolve(q->aliases, address->mailbox, &list, &ignored))
		add_list(out, &list);
	else
		add_qualified(out, address, q->domain);
}

static void replace(const struct field *field, const struct address_list *list,
		    const struct qualifier *q, bool has_recipients, struct buf *out)
{
	const char *at = field->start;

	for (size_t i = 0; i < list->count; i++) {
		const struct address *address = &list->items[i];

		if (!must_change(field, address, q))
			continue;
		buf_add_bytes(out, at, (size_t)(field->body + address->start - at));
		if (address_domain(address->mailbox))
			add_in_ascii(out, address, q);
		else if (has_recipients)
			add_recipient(out, address, q);
		else
			add_qualified(out, address, q->domain);
		at = field->body + address->end;
	}
	buf_add_bytes(out, at, (size_t)(field->start + field->len - at));
}

bool field_qualify(const struct field *field, const struct qualifier *q, struct buf *out)
{
	OWNED_PEOPLE p = { .aliases = q->aliases };
	struct error ignored;
	size_t i = 0;

	while (i < COUNT_OF(fields) && !field_is(field, fields[i].name))
		i++;
	if (i == COUNT_OF(fields) || (fields[i].holds == OTHERS && !q->to_ascii))
		return false;
	p.are_authors = fields[i].holds != RECIPIENTS;
	if (!people_read(&p, field->body, field->body_len, &ignored) ||
	    !any_must_change(field, &p.list, q))
		return false;
	replace(field, &p.list, q, fields[i].holds == RECIPIENTS, out);
	return true;
}
