/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/domains.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "mail/address.h"
#include "net/net.h"

static bool has_ascii_domain(const char *mailbox)
{
	const char *domain = address_domain(mailbox);

	return !domain || !text_has_8bit(domain, strlen(domain));
}

char *mailbox_to_ascii(const char *mailbox, struct error *err)
{
	const char *domain = address_domain(mailbox);
	OWNED_TEXT ascii = NULL;
	struct buf changed = BUF_INIT(2 * (size_t)ADDRESS_MAX);

	if (has_ascii_domain(mailbox))
		return text_copy(mailbox);
	ascii = net_ascii_name(domain, err);
	if (!ascii) {
		err->kind = ERROR_DATA;
		error_context(err, "<%s>", mailbox);
		return NULL;
	}
	buf_add_bytes(&changed, mailbox, (size_t)(domain - mailbox));
	buf_add(&changed, ascii);
	return buf_take(&changed);
}

static bool all_ascii(const struct envelope *e)
{
	for (size_t i = 0; i < e->count; i++)
		if (!has_ascii_domain(e->recipients[i].mailbox))
			return false;
	return has_ascii_domain(e->sender);
}

/* Moves what is not about addresses. */
static void take_over(struct envelope *to, struct envelope *from)
{
	to->origin = text_take(&from->origin);
	to->notify = text_take(&from->notify);
	to->ret = text_take(&from->ret);
	to->envid = text_take(&from->envid);
	envelope_free(from);
	*from = *to;
}

bool domains_to_ascii(struct envelope *e, struct error *err)
{
	struct envelope changed = { 0 };

	if (all_ascii(e))
		return true;
	changed.sender = mailbox_to_ascii(e->sender, err);
	for (size_t i = 0; changed.sender && i < e->count; i++) {
		OWNED_TEXT mailbox = mailbox_to_ascii(e->recipients[i].mailbox, err);

		if (!mailbox) {
			envelope_free(&changed);
			return false;
		}
		if (e->recipients[i].verdict == VERDICT_REFUSED)
			envelope_refuse(&changed, mailbox, e->recipients[i].why);
		else
			envelope_add(&changed, mailbox);
	}
	if (!changed.sender)
		return false;
	take_over(&changed, e);
	return true;
}
