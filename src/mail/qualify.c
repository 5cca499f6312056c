/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/qualify.h"

#include "base/text.h"
#include "mail/address.h"

static const struct {
	const char *name;
	bool has_recipients;
} fields[] = {
	{ "From", false }, { "Sender", false }, { "Reply-To", false },
	{ "To", true }, { "Cc", true },
	{ "Resent-From", false }, { "Resent-Sender", false },
	{ "Resent-To", true }, { "Resent-Cc", true },
};

static bool has_bare_name(const struct address_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!address_domain(list->items[i].mailbox))
			return true;
	return false;
}

static void add_qualified(struct buf *out, const struct address *address, const char *domain)
{
	OWNED_BUF mailbox = BUF_INIT(2 * (size_t)ADDRESS_MAX);

	buf_addf(&mailbox, "%s@%s", address->mailbox, domain);
	header_format_address(out, address->name, buf_text(&mailbox));
}

static void replace(const struct field *field, const struct address_list *list,
		    const struct qualifier *q, const char *recipients, struct buf *out)
{
	const char *at = field->start;

	for (size_t i = 0; i < list->count; i++) {
		const struct address *address = &list->items[i];

		if (address_domain(address->mailbox))
			continue;
		buf_add_bytes(out, at, (size_t)(field->body + address->start - at));
		if (*recipients)
			buf_add(out, recipients);
		else
			add_qualified(out, address, q->domain);
		at = field->body + address->end;
	}
	buf_add_bytes(out, at, (size_t)(field->start + field->len - at));
}

bool field_qualify(const struct field *field, const struct qualifier *q, struct buf *out)
{
	OWNED_ADDRESSES list = { 0 };
	struct error ignored;
	size_t i = 0;

	while (i < COUNT_OF(fields) && !field_is(field, fields[i].name))
		i++;
	if (i == COUNT_OF(fields) ||
	    !address_list_parse(&list, field->body, field->body_len, &ignored) ||
	    !has_bare_name(&list))
		return false;
	replace(field, &list, q, fields[i].has_recipients ? q->recipients : "", out);
	return true;
}
