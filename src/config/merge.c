/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lines of the old file are walked once. A line that sets something in a section of
 * a draft is kept, replaced or dropped; what the draft has besides comes behind the last
 * line that the section had; sections that are new stand at the end.
 */
#include "config/merge.h"

#include <string.h>

#include "config/file.h"

struct merger {
	const struct write_job *job;
	const struct ini *ini;
	struct ini_text *out;
	unsigned line;
};

static const struct draft *find_draft(const struct merger *m,
				      const struct ini_section *section)
{
	for (size_t i = 0; i < m->job->count; i++)
		if (ini_find(m->ini, m->job->drafts[i].kind,
			     m->job->drafts[i].name) == section)
			return &m->job->drafts[i];
	return NULL;
}

static const struct ini_section *section_at(const struct ini *ini, unsigned line)
{
	const struct ini_section *found = NULL;

	for (size_t i = 0; i < ini->count && ini->sections[i].line <= line; i++)
		found = &ini->sections[i];
	return found;
}

static const struct setting *row_at(const struct ini_section *section, unsigned line)
{
	const struct setting *row;

	for (size_t i = 0; (row = setting_row(i)); i++)
		if (section->lines[i] == line)
			return row;
	return NULL;
}

static unsigned last_line(const struct ini_section *section)
{
	unsigned last = section->line;

	for (size_t i = 0; i < SETTINGS_MAX; i++)
		if (section->lines[i] > last)
			last = section->lines[i];
	return last;
}

static bool has(const struct draft *d, const struct setting *row)
{
	return d->values[setting_index(row)] ||
	       (row->type == SETTING_SECRET && secret_is_set(&d->password));
}

/* A line that says the same already keeps the comment beside it. */
static bool says_the_same(const struct merger *m, const struct ini_section *section,
			  const struct draft *d, const struct setting *row)
{
	const char *old = ini_value(m->ini, section, row);
	const char *new = d->values[setting_index(row)];

	if (row->type == SETTING_SECRET)
		return d->password.len > 0 &&
		       secret_is_same(&section->password, &d->password);
	return old && new && !strcmp(old, new);
}

/* Another source of the password would compete with the draft's. */
static bool is_dropped(const struct merger *m, const struct draft *d,
		       const struct setting *row)
{
	if (d->kind == SECTION_ACCOUNT && m->job->mode == WRITE_REPLACE)
		return true;
	return row->source && draft_has_source(d);
}

static bool add_missing(struct merger *m, const struct ini_section *section,
			const struct draft *d, struct error *err)
{
	const struct setting *row;

	for (size_t i = 0; (row = setting_row(i)); i++)
		if (!section->lines[i] && !draft_add_line(m->out, d, row, NULL, err))
			return false;
	return true;
}

static bool merge_line(struct merger *m, const char *text, size_t len, struct error *err)
{
	const struct ini_section *section = section_at(m->ini, m->line);
	const struct draft *d = section ? find_draft(m, section) : NULL;
	const struct setting *row = d ? row_at(section, m->line) : NULL;

	if (!row || says_the_same(m, section, d, row) ||
	    (!has(d, row) && !is_dropped(m, d, row))) {
		ini_text_add_bytes(m->out, text, len);
		ini_text_add(m->out, "\n");
	} else if (!draft_add_line(m->out, d, row, NULL, err)) {
		return false;
	}
	return !d || m->line != last_line(section) || add_missing(m, section, d, err);
}

static bool check_new(const struct write_job *job, const struct ini *ini,
		      struct error *err)
{
	for (size_t i = 0; i < job->count; i++) {
		const struct draft *d = &job->drafts[i];
		const struct ini_section *there = ini_find(ini, d->kind, d->name);

		if (job->mode != WRITE_NEW || d->kind != SECTION_ACCOUNT || !there)
			continue;
		error_set(err, ERROR_CONFIG,
			  "%s, line %u: account \"%s\" is there already", job->path,
			  there->line, d->name);
		return error_advise(err, job->advice);
	}
	return true;
}

/*
 * What the file's defaults say and the draft does not would change what the draft
 * means.
 */
static bool hide_from(struct draft *d, const struct ini_section *defaults,
		      struct error *err)
{
	bool has_source = draft_has_source(d);
	const struct setting *row;

	for (size_t i = 0; (row = setting_row(i)); i++) {
		if (row->section != SECTION_ACCOUNT || !defaults->lines[i] ||
		    has(d, row) || (row->source && has_source))
			continue;
		if (!draft_set(d, row->name, "", err))
			return false;
	}
	return true;
}

static bool hide_defaults(const struct write_job *job, const struct ini *ini,
			  struct error *err)
{
	const struct ini_section *defaults = ini_find(ini, SECTION_DEFAULTS, NULL);

	for (size_t i = 0; defaults && i < job->count; i++)
		if (job->drafts[i].kind == SECTION_ACCOUNT &&
		    !hide_from(&job->drafts[i], defaults, err))
			return false;
	return true;
}

static bool is_shared(const struct draft *d)
{
	return d->kind != SECTION_ACCOUNT;
}

/* What is one for all accounts is not changed behind the back of those that are there. */
static void keep_shared(const struct write_job *job, const struct ini *ini,
			struct draft *d)
{
	const struct ini_section *there = ini_find(ini, d->kind, NULL);
	const struct setting *row;

	for (size_t i = 0; there && (row = setting_row(i)); i++) {
		const char *old = ini_value(ini, there, row);

		if (!d->values[i] || !old || !*old)
			continue;
		if (job->kept && strcmp(old, d->values[i]) != 0)
			buf_addf(job->kept, "%s%s", job->kept->len > 0 ? ", " : "",
				 row->name);
		draft_unset(d, row->name);
	}
}

static bool add_new(struct merger *m, struct error *err)
{
	for (size_t i = 0; i < m->job->count; i++) {
		const struct draft *d = &m->job->drafts[i];

		if (ini_find(m->ini, d->kind, d->name) ||
		    (is_shared(d) && draft_is_empty(d)))
			continue;
		if (m->out->len > 0)
			ini_text_add(m->out, "\n");
		if (!draft_add(m->out, d, NULL, err))
			return error_context(err, "%s", d->name ? d->name : m->job->path);
	}
	return true;
}

bool settings_merge(struct ini_text *out, const struct write_job *job,
		    const struct ini *ini, const struct ini_text *old, struct error *err)
{
	struct merger m = { job, ini, out, 0 };
	const char *at = old->at, *end = old->at ? old->at + old->len : NULL;

	if (!check_new(job, ini, err))
		return false;
	for (size_t i = 0; job->mode == WRITE_NEW && i < job->count; i++)
		if (is_shared(&job->drafts[i]))
			keep_shared(job, ini, &job->drafts[i]);
	if (job->same_everywhere && !hide_defaults(job, ini, err))
		return false;
	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((lf ? lf : end) - at);

		m.line++;
		if (!merge_line(&m, at, len, err))
			return error_context(err, "%s", job->path);
		at += len + 1;
	}
	if (!add_new(&m, err))
		return false;
	return !out->full ||
	       error_set(err, ERROR_CONFIG, "%s: it would have over 1 MiB", job->path);
}
