/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recipients are kept in the order in which they came, and found by a hash over the
 * mailbox: lists of a hundred thousand are lawful, and each address is to get the message
 * once. A refused one never leaves, as the report tells of it; where a name is there
 * twice, refused and not, its slot leads to the one that is served.
 */
#include "mail/envelope.h"

#include <stddef.h>
#include <stdio.h>
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

		/*
		 * Of two of a name one is refused: the other is who must be there once.
		 */
		if (!*slot || e->recipients[i].verdict != VERDICT_REFUSED)
			*slot = (uint32_t)(i + 1);
	}
}

/*
 * --- reasons
 *
 * They live as long as the envelope, so that recipients may be copied with what they point
 * to; an envelope is judged once or twice in a process.
 */

enum { REASONS_LOOKED_AT = 16 };	/* a server says few things, in turns perhaps */

static bool is_equal(const struct error *a, const struct error *b)
{
	return a == b || (a->kind == b->kind && a->number == b->number && a->reply == b->reply &&
			  a->at == b->at && a->advice == b->advice && a->leaf == b->leaf &&
			  !strcmp(a->text, b->text) && !strcmp(a->words, b->words));
}

static const struct error *keep_reason(struct envelope *e, const struct error *why)
{
	size_t first = e->reason_count > REASONS_LOOKED_AT ?
		       e->reason_count - REASONS_LOOKED_AT : 0;

	for (size_t i = e->reason_count; i-- > first;)
		if (is_equal(e->reasons[i], why))
			return e->reasons[i];
	grow((void **)&e->reasons, &e->reason_room, e->reason_count,
	     sizeof(struct error *));
	e->reasons[e->reason_count] = xmalloc(sizeof(*why));
	*e->reasons[e->reason_count] = *why;
	return e->reasons[e->reason_count++];
}

void envelope_judge(struct envelope *e, struct recipient *r, enum verdict verdict,
		    const struct error *why)
{
	r->why = why ? keep_reason(e, why) : NULL;
	r->verdict = verdict;
}

/* The first `old` in the text becomes `new`. Returns how far what follows has moved. */
static ptrdiff_t exchange(char text[ERROR_TEXT_MAX], const char *old, const char *new)
{
	char *at = strstr(text, old);
	OWNED_TEXT rest = at ? text_copy(at + strlen(old)) : NULL;

	if (!at)
		return 0;
	snprintf(at, ERROR_TEXT_MAX - (size_t)(at - text), "%s%s", new, rest);
	return (ptrdiff_t)strlen(new) - (ptrdiff_t)strlen(old);
}

static void exchange_all(struct error *why, const char *old, const char *new)
{
	const char *at = strstr(why->text, old);
	bool is_before_leaf = at && at < why->text + why->leaf;
	ptrdiff_t moved = exchange(why->text, old, new);
	size_t len = strlen(why->text);

	if (is_before_leaf)
		why->leaf = (size_t)((ptrdiff_t)why->leaf + moved);
	if (why->leaf > len)
		why->leaf = len;
	(void)exchange(why->words, old, new);
}

void recipient_reason(const struct recipient *r, struct error *why)
{
	*why = *r->why;
	exchange_all(why, WHOM, r->mailbox);
}

void recipient_leave_out(const struct recipient *r, struct error *why)
{
	OWNED_BUF named = BUF_INIT(SIZE_MAX);

	buf_addf(&named, "RCPT TO <%s>: ", r->mailbox);
	exchange_all(why, buf_text(&named), "RCPT TO <" WHOM ">: ");
}

bool recipient_reason_is_same(const struct recipient *a, const struct recipient *b)
{
	return !strcmp(a->why->text, b->why->text) && (a == b || !strstr(a->why->text, WHOM));
}

/* --- recipients */

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
		envelope_judge(e, append(e, name), VERDICT_REFUSED, why);
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

const struct recipient *envelope_first_refusal(const struct envelope *e)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].verdict == VERDICT_REFUSED)
			return &e->recipients[i];
	return NULL;
}

size_t envelope_waiting(const struct envelope *e)
{
	return e->count - envelope_count(e, VERDICT_ACCEPTED) -
	       envelope_count(e, VERDICT_REFUSED);
}

bool address_needs_utf8(const char *mailbox)
{
	return mailbox && text_has_8bit(mailbox, strlen(mailbox));
}

bool envelope_needs_utf8(const struct envelope *e)
{
	if (address_needs_utf8(e->sender))
		return true;
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].verdict != VERDICT_REFUSED &&
		    address_needs_utf8(e->recipients[i].mailbox))
			return true;
	return false;
}

void envelope_free(struct envelope *e)
{
	for (size_t i = 0; i < e->count; i++)
		free(e->recipients[i].mailbox);
	for (size_t i = 0; i < e->reason_count; i++)
		free(e->reasons[i]);
	free(e->recipients);
	free(e->reasons);
	free(e->slots);
	free(e->sender);
	free(e->origin);
	free(e->notify);
	free(e->ret);
	free(e->envid);
	free(e->along);
	*e = (struct envelope){ 0 };
}
