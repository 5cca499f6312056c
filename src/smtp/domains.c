/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Few servers take SMTPUTF8, and a domain can do without: it has a form in ASCII (RFC
 * 5890). What stands before the "@" has none. One recipient whose domain is impossible
 * is refused alone.
 */
#include "smtp/domains.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/library.h"
#include "base/text.h"
#include "mail/address.h"
#include "net/net.h"

static bool has_ascii_domain(const char *mailbox)
{
	const char *domain = address_domain(mailbox);

	return !domain || !text_has_8bit(domain, strlen(domain));
}

char *domains_mailbox_to_ascii(const char *mailbox, struct error *err)
{
	const char *domain = address_domain(mailbox);
	OWNED_TEXT ascii = NULL;
	struct buf changed = BUF_INIT(2 * (size_t)ADDRESS_MAX);

	if (has_ascii_domain(mailbox))
		return text_copy(mailbox);
	ascii = net_ascii_name(domain, err);
	if (!ascii) {
		if (err->kind == ERROR_CONFIG)
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
		if (e->recipients[i].verdict != VERDICT_REFUSED &&
		    !has_ascii_domain(e->recipients[i].mailbox))
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
	to->along = text_take(&from->along);
	envelope_free(from);
	*from = *to;
}

/* Whether it was added as one to send to; else it is refused in `to`. */
static bool add_recipient(struct envelope *to, const struct recipient *r, struct error *err)
{
	OWNED_TEXT mailbox = NULL;

	if (r->verdict == VERDICT_REFUSED) {
		recipient_reason(r, err);
		envelope_refuse(to, r->mailbox, err);
		return false;
	}
	mailbox = domains_mailbox_to_ascii(r->mailbox, err);
	if (mailbox)
		envelope_add(to, mailbox);
	else
		envelope_refuse(to, r->mailbox, err);
	return mailbox != NULL;
}

bool domains_to_ascii(struct envelope *e, struct error *err)
{
	struct envelope changed = { 0 };
	bool has_any = false;

	if (all_ascii(e))
		return true;
	/* What this machine lacks is no fault of an address. */
	if (!library_load(LIBRARY_GNUTLS, err))
		return false;
	changed.sender = domains_mailbox_to_ascii(e->sender, err);
	for (size_t i = 0; changed.sender && i < e->count; i++)
		has_any |= add_recipient(&changed, &e->recipients[i], err);
	if (!has_any) {
		envelope_free(&changed);
		return false;
	}
	take_over(&changed, e);
	return true;
}
