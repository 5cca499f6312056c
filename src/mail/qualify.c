/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/qualify.h"

#include <string.h>

#include "base/text.h"
#include "mail/people.h"

enum { LINE_LIMIT = 78 };	/* bytes of a line, where an address is no longer */

static const struct {
	const char *name;
	bool has_recipients;
} fields[] = {
	{ "From", false }, { "Sender", false }, { "Reply-To", false },
	{ "To", true }, { "Cc", true },
	{ "Resent-From", false }, { "Resent-Sender", false },
	{ "Resent-To", true }, { "Resent-Cc", true },
};

static bool must_change(const struct address *address, const struct qualifier *q)
{
	const char *domain = address_domain(address->mailbox);

	return (!domain && q->domain) || address->is_cut ||
	       (domain && q->to_ascii && text_has_8bit(domain, strlen(domain)));
}

static bool any_must_change(const struct address_list *list, const struct qualifier *q)
{
	for (size_t i = 0; i < list->count; i++)
		if (must_change(&list->items[i], q))
			return true;
	return false;
}

/* What is no domain after all stays: who is only named need not be reached. */
static void add_in_ascii(struct buf *out, const struct address *address,
			 const struct qualifier *q)
{
	struct error ignored;
	OWNED_TEXT mailbox = q->to_ascii ? q->to_ascii(address->mailbox, &ignored) : NULL;

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

		if (!must_change(address, q))
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
	if (i == COUNT_OF(fields))
		return false;
	p.are_authors = !fields[i].has_recipients;
	if (!people_read(&p, field->body, field->body_len, &ignored) ||
	    !any_must_change(&p.list, q))
		return false;
	replace(field, &p.list, q, fields[i].has_recipients, out);
	return true;
}
