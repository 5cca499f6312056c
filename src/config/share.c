/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of accounts, for others to read; what they log in with is not. */
#include "config/draft.h"

#include <string.h>

#include "base/base.h"
#include "config/account.h"
#include "config/types.h"

static bool is_shown(const struct setting *row, enum section_kind kind)
{
	return row->section == kind && !row->source && !row->is_private &&
	       row->type != SETTING_SECRET;
}

static bool share_section(struct ini_text *out, enum section_kind kind, char *name,
			  const void *target, struct error *err)
{
	struct draft d = { .kind = kind, .name = name ? text_copy(name) : NULL };
	const struct setting *row;
	bool ok = true;

	for (size_t i = 0; ok && (row = setting_row(i)); i++) {
		OWNED_TEXT value = is_shown(row, kind) ? setting_value(row, target) : NULL;
		bool is_log = kind == SECTION_ACCOUNT && !strcmp(row->name, "log");

		if (value && (*value || *row->standard))
			ok = draft_set(&d, row->name, is_log && *value == '/' ? "syslog" : value,
				       err);
	}
	ok = ok && draft_add(out, &d, NULL, err);
	draft_free(&d);
	return ok;
}

bool config_share(const struct config *config, struct buf *text, struct error *err)
{
	OWNED_INI_TEXT out = { .at = NULL };
	bool ok = share_section(&out, SECTION_DEFAULTS, NULL, config, err) &&
		  share_section(&out, SECTION_DELIVERY, NULL, config, err) &&
		  share_section(&out, SECTION_DAEMON, NULL, config, err);

	for (size_t i = 0; ok && i < config->count; i++)
		ok = share_section(&out, SECTION_ACCOUNT, config->accounts[i].name,
				   &config->accounts[i], err);
	if (ok && out.full)
		ok = error_set(err, ERROR_CONFIG, "the settings are too long");
	if (ok)
		buf_add_bytes(text, out.at, out.len);
	return ok;
}
