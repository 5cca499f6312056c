/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a file of aliases: each fault is told as text, and each name leads to
 * whole addresses or is refused.
 */
#include "fuzz.h"

#include "mail/aliases.h"

struct seen {
	size_t faults;
};

static void see(void *taker, const struct error *fault)
{
	struct seen *seen = taker;

	MUST(fault->kind == ERROR_CONFIG || fault->kind == ERROR_NO_USER);
	fuzz_must_say_why(fault);
	seen->faults++;
}

static void check_name(struct aliases *a, const char *name, bool has_faults)
{
	OWNED_ADDRESSES list = { 0 };
	struct error err = { 0 };

	if (!aliases_resolve(a, name, &list, &err)) {
		MUST(err.kind == ERROR_CONFIG || err.kind == ERROR_NO_USER);
		fuzz_must_say_why(&err);
		MUST(has_faults || a->local_recipients[0] == '\0' ||
		     err.kind == ERROR_CONFIG);
		return;
	}
	MUST(list.count > 0 && list.count <= ADDRESS_LIST_MAX);
	for (size_t i = 0; i < list.count; i++) {
		MUST(address_domain(list.items[i].mailbox));
		MUST(!text_has_control(list.items[i].mailbox));
	}
}

static void check(const char *path, const char *local_recipients)
{
	OWNED_ALIASES a, checked;
	struct error err = { 0 };
	struct seen seen = { 0 };
	bool ok;

	aliases_init(&a, path, local_recipients);
	aliases_init(&checked, path, local_recipients);
	ok = aliases_check(&checked, see, &seen, &err);
	if (!ok)
		fuzz_must_say_why(&err);
	check_name(&a, "root", !ok || seen.faults);
	check_name(&a, "nobody", !ok || seen.faults);
	MUST(ok == (a.failure.kind == ERROR_NONE));
	/* A file without a fault has none on the way from any of its names. */
	for (size_t i = 0; ok && seen.faults == 0 && i < a.count && i < 20; i++) {
		OWNED_TEXT name = text_copy(a.items[i].name);

		check_name(&a, name, false);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_FD fd = fuzz_file(data, size);
	char path[FUZZ_PATH_SIZE];

	fuzz_path(fd, path);
	check(path, "");
	check(path, "admin@example.org, Second <second@example.org>");
	return 0;
}
