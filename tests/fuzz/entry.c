/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as an ID.env file of the spool: as they stand, and with the right checksum
 * at their end. What can be read is written and read as the same; a byte that changes is
 * noticed.
 */
#include "fuzz.h"

#include <inttypes.h>

#include "base/sum.h"
#include "spool/entry.h"

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void check_why(const struct error *a, const struct error *b)
{
	MUST(!a == !b);
	if (!a)
		return;
	MUST(a->kind == b->kind && a->reply == b->reply);
	fuzz_must_be_printable(b->text);
}

static void check_recipients(const struct envelope *a, const struct envelope *b)
{
	MUST(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct recipient *r = &a->recipients[i], *s = &b->recipients[i];

		MUST(!strcmp(r->mailbox, s->mailbox) && r->verdict == s->verdict);
		MUST(r->is_reported == s->is_reported);
		MUST(!r->why == !s->why);
		if (r->why) {
			struct error one, other;

			recipient_reason(r, &one);
			recipient_reason(s, &other);
			check_why(&one, &other);
		}
	}
}

static void check_same(const struct entry *a, const struct entry *b)
{
	MUST(a->arrived == b->arrived && a->next == b->next &&
	     a->attempts == b->attempts);
	MUST(a->is_held == b->is_held && a->is_report == b->is_report);
	MUST(a->is_warned == b->is_warned && a->is_in_doubt == b->is_in_doubt);
	MUST(a->uid == b->uid && a->sum == b->sum);
	MUST(a->header_len == b->header_len && a->body_len == b->body_len);
	MUST(a->longest_line == b->longest_line && a->has_nul == b->has_nul);
	MUST(is_same_text(a->account, b->account) && is_same_text(a->config, b->config));
	MUST(is_same_text(a->message_id, b->message_id));
	MUST(is_same_text(a->envelope.sender, b->envelope.sender));
	MUST(is_same_text(a->envelope.origin, b->envelope.origin));
	MUST(is_same_text(a->envelope.notify, b->envelope.notify));
	MUST(is_same_text(a->envelope.envid, b->envelope.envid));
	check_why(a->why, b->why);
	check_recipients(&a->envelope, &b->envelope);
	MUST(envelope_waiting(&a->envelope) == envelope_waiting(&b->envelope));
}

/* The first lines alone say the same as all of it. */
static void check_start(const struct entry *e, const struct buf *text)
{
	struct entry_start start, whole;

	if (strlen(e->account) > 500) /* none of ours is as long */
		return;
	entry_get_start(e, &whole);
	MUST(entry_read_start(&start, buf_text(text), text->len));
	MUST(start.arrived == whole.arrived && start.next == whole.next);
	MUST(start.is_held == whole.is_held && start.is_warned == whole.is_warned);
	MUST(start.account == whole.account);
}

static void check_damage(const struct buf *text, size_t place)
{
	OWNED_TEXT damaged = text_copy_n(buf_text(text), text->len);
	OWNED_ENTRY e = { 0 };
	struct error err = { 0 };

	damaged[place % text->len] ^= 1;
	MUST(!entry_read(&e, damaged, text->len, &err));
	fuzz_must_say_why(&err);
}

/* What is left of one that is damaged: people read it. */
static void check_guess(const char *text, size_t len)
{
	OWNED_ENTRY e = { 0 };

	entry_guess(&e, text, len);
	if (e.envelope.sender)
		fuzz_must_be_printable(e.envelope.sender);
	for (size_t i = 0; i < e.envelope.count; i++)
		fuzz_must_be_printable(e.envelope.recipients[i].mailbox);
}

static void check(const char *text, size_t len)
{
	OWNED_BUF again = BUF_INIT(ENTRY_TEXT_MAX), third = BUF_INIT(ENTRY_TEXT_MAX);
	OWNED_ENTRY e = { 0 }, same = { 0 };
	struct entry_start start;
	struct error err = { 0 };

	(void)entry_read_start(&start, text, len);
	if (!entry_read(&e, text, len, &err)) {
		fuzz_must_say_why(&err);
		MUST(err.kind == ERROR_DATA || err.kind == ERROR_UNAVAILABLE);
		check_guess(text, len);
		return;
	}
	MUST(entry_write(&e, &again, &err));
	MUST(entry_read(&same, buf_text(&again), again.len, &err));
	check_same(&e, &same);
	check_start(&e, &again);
	check_damage(&again, len * 31 + (unsigned char)text[len / 2]);
	MUST(entry_write(&same, &third, &err));
	MUST(again.len == third.len && !memcmp(again.text, third.text, third.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_BUF text = BUF_INIT(ENTRY_TEXT_MAX);

	buf_add_bytes(&text, data, size);
	check(buf_text(&text), text.len);
	buf_addf(&text, "end %016" PRIx64 "\n",
		 sum_add(SUM_INIT, buf_text(&text), text.len));
	check(text.text, text.len);
	return 0;
}
