/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "mail/address.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* FNV-1a, alike for mailboxes that address_is_same() calls the same. */
static uint32_t hash(const char *mailbox)
{
	const char *domain = address_domain(mailbox);
	uint32_t sum = 2166136261U;

	for (const char *c = mailbox; *c; c++) {
		char letter = domain && c >= domain ? lower(*c) : *c;

		sum = (sum ^ (unsigned char)letter) * 16777619U;
	}
	return sum;
}

/* The slot that holds this mailbox, or the empty one where it belongs. */
static uint32_t *find_slot(const struct envelope *e, const char *mailbox)
{
	size_t mask = e->slot_count - 1;
	size_t at = hash(mailbox) & mask;

	while (e->slots[at] &&
	       !address_is_same(e->recipients[e->slots[at] - 1].mailbox, mailbox))
		at = (at + 1) & mask;
	return &e->slots[at];
}

/* At most half of the slots are taken, so that a search is short and ends. */
static void make_slots(struct envelope *e)
{
	if (e->slot_count > 2 * e->count)
		return;
	free(e->slots);
	e->slot_count = e->slot_count ? e->slot_count * 4 : 32;
	while (e->slot_count <= 2 * e->count)
		e->slot_count *= 4;
	e->slots = xcalloc(e->slot_count, sizeof(*e->slots));
	for (size_t i = 0; i < e->count; i++) {
		uint32_t *slot = find_slot(e, e->recipients[i].mailbox);

		/* Of two of a name one is refused: the other is who must be there once. */
		if (!*slot || e->recipients[i].verdict != VERDICT_REFUSED)
			*slot = (uint32_t)(i + 1);
	}
}

static struct recipient *append(struct envelope *e, const char *mailbox)
{
	grow((void **)&e->recipients, &e->room, e->count, sizeof(*e->recipients));
	e->recipients[e->count] = (struct recipient){ .mailbox = text_copy(mailbox) };
	return &e->recipients[e->count++];
}

void envelope_add(struct envelope *e, const char *mailbox)
{
	uint32_t *slot;

	make_slots(e);
	slot = find_slot(e, mailbox);
	if (*slot && e->recipients[*slot - 1].verdict != VERDICT_REFUSED)
		return;
	append(e, mailbox);
	*slot = (uint32_t)e->count;
}

bool envelope_has(const struct envelope *e, const char *mailbox)
{
	const uint32_t *slot = e->slot_count ? find_slot(e, mailbox) : NULL;

	return slot && *slot && e->recipients[*slot - 1].verdict != VERDICT_REFUSED;
}

void envelope_refuse(struct envelope *e, const char *name, const struct error *why)
{
	OWNED_BUF another = BUF_INIT(SIZE_MAX);
	uint32_t *slot;

	make_slots(e);
	slot = find_slot(e, name);
	if (!*slot) {
		recipient_judge(append(e, name), VERDICT_REFUSED, why);
		*slot = (uint32_t)e->count;
	} else if (e->recipients[*slot - 1].verdict != VERDICT_REFUSED) {
		buf_addf(&another, "%s (refused)", name);
		envelope_refuse(e, buf_text(&another), why);
	}
}

size_t envelope_count(const struct envelope *e, enum verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < e->count; i++)
		count += e->recipients[i].verdict == verdict;
	return count;
}

void recipient_judge(struct recipient *r, enum verdict verdict, const struct error *why)
{
	struct error *copy = NULL;

	if (why) {
		copy = xmalloc(sizeof(*copy));
		*copy = *why;
	}
	free(r->why);
	r->why = copy;
	r->verdict = verdict;
}

bool mailbox_needs_utf8(const char *mailbox)
{
	return mailbox && text_has_8bit(mailbox, strlen(mailbox));
}

bool envelope_needs_utf8(const struct envelope *e)
{
	if (mailbox_needs_utf8(e->sender))
		return true;
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].verdict != VERDICT_REFUSED &&
		    mailbox_needs_utf8(e->recipients[i].mailbox))
			return true;
	return false;
}

void envelope_free(struct envelope *e)
{
	for (size_t i = 0; i < e->count; i++) {
		free(e->recipients[i].mailbox);
		free(e->recipients[i].why);
	}
	free(e->recipients);
	free(e->slots);
	free(e->sender);
	free(e->origin);
	free(e->notify);
	free(e->ret);
	free(e->envid);
	*e = (struct envelope){ 0 };
}
