/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the targets share that write settings. */
#ifndef TESTS_FUZZ_CONFIG_H
#define TESTS_FUZZ_CONFIG_H

#include "config/draft.h"
#include "config/file.h"
#include "config/config.h"
#include "config/write.h"
#include "fuzz.h"

static inline bool fuzz_ini_read(struct ini *ini, const void *bytes, size_t len,
				 struct error *err)
{
	OWNED_FD fd = fuzz_file(bytes, len);

	return ini_read(ini, fd, "settings", err);
}

static inline void fuzz_must_be_in(const struct ini *ini, const struct draft *d)
{
	const struct ini_section *section = ini_find(ini, d->kind, d->name);
	const struct setting *row;

	MUST(section || draft_is_empty(d));
	for (size_t i = 0; section && (row = setting_row(i)); i++) {
		const char *is = ini_value(ini, section, row);

		if (row->type != SETTING_SECRET && d->values[i])
			MUST(is && !strcmp(is, d->values[i]));
	}
	if (secret_is_set(&d->password) && d->password.len > 0)
		MUST(secret_is_same(&section->password, &d->password));
}

/* The drafts put into a file, and read from there. */
static inline void fuzz_write(struct draft *drafts, size_t count)
{
	const struct write_job job = { .path = "settings",
				       .drafts = drafts,
				       .count = count,
				       .mode = WRITE_NEW };
	OWNED_INI_TEXT out = { 0 };
	OWNED_INI empty = { 0 }, again = { .keeps_secrets = true };
	const struct ini_text nothing = { 0 };
	struct error err = { 0 };

	if (!settings_merge(&out, &job, &empty, &nothing, &err) ||
	    !fuzz_ini_read(&again, out.at ? out.at : "", out.len, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	for (size_t i = 0; i < count; i++)
		fuzz_must_be_in(&again, &drafts[i]);
}

static inline void fuzz_draft(struct draft *d, const struct ini *ini,
			      const struct ini_section *section)
{
	const char *name = text_after(section->name, "account ");
	const struct setting *row;
	struct error err = { 0 };

	d->kind = section->kind;
	d->name = section->kind == SECTION_ACCOUNT ? text_copy(name) : NULL;
	for (size_t i = 0; (row = setting_row(i)); i++) {
		const char *value = ini_value(ini, section, row);

		if (value && !draft_set(d, row->name, value, &err))
			fuzz_must_say_why(&err);
	}
	if (secret_is_set(&section->password) &&
	    !draft_set_password(d, &section->password, &err))
		fuzz_must_say_why(&err);
}

/* All that the file says, put into another file. */
static inline void fuzz_write_all(const struct ini *ini)
{
	struct draft *drafts = xcalloc(ini->count + 1, sizeof(*drafts));

	for (size_t i = 0; i < ini->count; i++)
		fuzz_draft(&drafts[i], ini, &ini->sections[i]);
	fuzz_write(drafts, ini->count);
	for (size_t i = 0; i < ini->count; i++)
		draft_free(&drafts[i]);
	free(drafts);
}

#endif
