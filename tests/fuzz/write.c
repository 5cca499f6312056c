/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any settings put into any file of settings: what comes out can be read, says what was
 * put in, and all else as before. The first byte says how; the file ends with a NUL,
 * behind which are lines of a setting's name, "=" and its value.
 */
#include "fuzz_config.h"

/* One line: a setting of the account, or else of [defaults], or else of [delivery]. */
static void take(struct draft drafts[3], const char *line)
{
	OWNED_TEXT name = text_copy_n(line, strcspn(line, "="));
	const char *value = line[strlen(name)] ? line + strlen(name) + 1 : "";
	struct error err = { 0 };

	for (size_t i = 0; i < 3; i++) {
		OWNED_SECRET secret = { 0 };
		const struct setting *row = setting_find(drafts[i].kind, name);
		bool ok = true;

		if (!row || (i > 0 && row->section == SECTION_ACCOUNT))
			continue;
		if (row->type != SETTING_SECRET)
			ok = draft_set(&drafts[i], name, value, &err);
		else if (*value && secret_set(&secret, value, strlen(value)))
			ok = draft_set_password(&drafts[i], &secret, &err);
		if (!ok)
			fuzz_must_say_why(&err);
		return;
	}
}

static void take_lines(struct draft drafts[3], const uint8_t *text, size_t len)
{
	const char *at = (const char *)text, *end = at + len;

	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		OWNED_TEXT line = text_copy_n(at, (size_t)((lf ? lf : end) - at));

		take(drafts, line);
		at = (lf ? lf : end) + 1;
	}
}

static bool is_of_a_draft(const struct write_job *job, const struct ini *ini,
			  const struct ini_section *section)
{
	for (size_t i = 0; i < job->count; i++)
		if (ini_find(ini, job->drafts[i].kind, job->drafts[i].name) == section)
			return true;
	return false;
}

static void check_others(const struct write_job *job, const struct ini *before,
			 const struct ini *after)
{
	const struct setting *row;

	for (size_t i = 0; i < before->count; i++) {
		const struct ini_section *old = &before->sections[i];
		const struct ini_section *new =
			ini_find(after, old->kind, text_after(old->name, "account "));

		MUST(new);
		if (is_of_a_draft(job, before, old))
			continue;
		MUST(new->password.len == old->password.len);
		for (size_t j = 0; (row = setting_row(j)); j++) {
			const char *is = ini_value(after, new, row);
			const char *was = ini_value(before, old, row);

			MUST(!is == !was && (!is || !strcmp(is, was)));
		}
	}
}

static void check(struct write_job *job, const struct fuzz_pieces *pieces)
{
	OWNED_INI before = { .keeps_secrets = true }, after = { .keeps_secrets = true };
	OWNED_INI_TEXT old = { 0 }, out = { 0 };
	struct error err = { 0 };

	if (!fuzz_ini_read(&before, pieces->first, pieces->first_len, &err)) {
		fuzz_must_say_why(&err);
		return;
	}
	ini_text_add_bytes(&old, (const char *)pieces->first, pieces->first_len);
	if (!settings_merge(&out, job, &before, &old, &err)) {
		fuzz_must_say_why(&err);
		return;
	}
	if (!fuzz_ini_read(&after, out.at ? out.at : "", out.len, &err)) {
		fprintf(stderr, "%s\n%s\n", out.at, err.text);
		abort();
	}
	for (size_t i = 0; i < job->count; i++)
		fuzz_must_be_in(&after, &job->drafts[i]);
	check_others(job, &before, &after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct draft drafts[3] = { { .kind = SECTION_ACCOUNT, .name = text_copy("work") },
				   { .kind = SECTION_DEFAULTS },
				   { .kind = SECTION_DELIVERY } };
	OWNED_BUF kept = BUF_INIT(4096);
	struct write_job job = { .path = "settings",
				 .drafts = drafts,
				 .count = 3,
				 .kept = &kept };

	if (size > 0) {
		const struct fuzz_pieces pieces = fuzz_cut(data + 1, size - 1, '\0');

		job.mode = (enum write_mode)(data[0] % (WRITE_UPDATE + 1));
		job.same_everywhere = data[0] & 4;
		take_lines(drafts, pieces.rest, pieces.rest_len);
		check(&job, &pieces);
	}
	for (size_t i = 0; i < COUNT_OF(drafts); i++)
		draft_free(&drafts[i]);
	return 0;
}
