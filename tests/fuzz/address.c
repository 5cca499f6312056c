/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a list of addresses: what is read from it can be read again. */
#include "fuzz.h"

#include <string.h>

#include "base/text.h"
#include "mail/people.h"

static void check_again(const struct address *address)
{
	OWNED_BUF angle = BUF_INIT(ADDRESS_MAX * 2);
	struct address again = { 0 };
	struct error err = { 0 };

	MUST(address->mailbox[0] && strlen(address->mailbox) <= ADDRESS_MAX);
	MUST(!text_has_control(address->mailbox));
	MUST(text_is_utf8(address->mailbox, strlen(address->mailbox)));
	buf_addf(&angle, "<%s>", address->mailbox);
	if (!address_domain(address->mailbox))
		return;
	if (!address_parse(&again, buf_text(&angle), &err)) {
		fprintf(stderr, "%s: %s\n", buf_text(&angle), err.text);
		abort();
	}
	MUST(!strcmp(again.mailbox, address->mailbox));
	address_free(&again);
}

/* Those of the list, in their order, and perhaps others between the faults. */
static void check_faults(const struct address_list *list, const uint8_t *data, size_t size,
			 bool ok)
{
	OWNED_ADDRESSES all = { 0 };
	OWNED_FAULTS faults = { 0 };
	struct error err = { 0 };

	if (!address_list_parse_all(&all, &faults, (const char *)data, size, &err))
		MUST(err.kind == ERROR_DATA && faults.count == ADDRESS_FAULTS_MAX);
	MUST(ok == (faults.count == 0));
	MUST(ok ? all.count == list->count : all.count >= list->count);
	for (size_t i = 0; i < list->count; i++)
		MUST(!strcmp(list->items[i].mailbox, all.items[i].mailbox));
	for (size_t i = 0; i < all.count; i++)
		check_again(&all.items[i]);
	for (size_t i = 0; i < faults.count; i++) {
		MUST(faults.items[i].why.kind == ERROR_DATA && faults.items[i].why.text[0]);
		MUST(faults.items[i].text[0] && !text_has_control(faults.items[i].text));
	}
}

static bool is_short(const void *local, const char *domain)
{
	(void)local;
	return strlen(domain) < 5;
}

/* Names that are joined and domains that are none: nobody comes, and nobody changes. */
static void check_people(const struct address_list *list, const uint8_t *data, size_t size)
{
	struct aliases aliases = { .is_read = true, .is_local = is_short };
	OWNED_PEOPLE p = { .aliases = &aliases, .are_authors = size & 1 };
	struct error err = { 0 };
	size_t k = 0;

	if (!people_read(&p, (const char *)data, size, &err))
		return;
	for (size_t i = 0; i < p.list.count; i++) {
		const struct address *a = &p.list.items[i];
		const char *domain = address_domain(a->mailbox);

		MUST(a->start < a->end && a->end <= size && a->mailbox[0]);
		MUST(i == 0 || a->start >= a[-1].end);
		MUST(!domain || !is_short(NULL, domain));
		MUST(!a->is_joined || (a->name && strchr(a->name, ',')));
		/* Each has the place of one that was read to the letter. */
		while (p.faults.count == 0 && k < list->count && list->items[k].end != a->end)
			k++;
		MUST(p.faults.count > 0 || k == list->count || list->items[k].end == a->end);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_ADDRESSES list = { 0 };
	struct error err = { 0 };
	struct address one = { 0 };
	OWNED_TEXT text = text_copy_n((const char *)data, size);
	bool ok = address_list_parse(&list, (const char *)data, size, &err);

	MUST(ok || (err.kind == ERROR_DATA && err.text[0]));
	for (size_t i = 0; i < list.count; i++) {
		const struct address *item = &list.items[i];

		MUST(item->start < item->end && item->end <= size);
		MUST(i == 0 || item->start >= item[-1].end);
		check_again(item);
	}
	check_faults(&list, data, size, ok);
	check_people(&list, data, size);
	if (address_parse(&one, text, &err))
		address_free(&one);
	(void)address_is_listed("a@example.org", text);
	return 0;
}
