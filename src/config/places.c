/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Most mistakes are found while a file is read, where its lines are at hand. Those of
 * [daemon] show when it begins, in its door even: so each of its settings remembers its
 * place.
 */
#include "config/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { PLACES_MAX = 64 * 1024 };	/* bytes of where all of [daemon] stands */

/* The last that says it is the one that holds. */
static void note_place(const struct ini *ini, unsigned line, const char *name, char **places)
{
	OWNED_BUF text = BUF_INIT(PLACES_MAX);

	if (ini->said_by)
		buf_addf(&text, "%s %s\n", name, ini->said_by[line - 1]);
	else
		buf_addf(&text, "%s %s, line %u\n", name, ini->path, line);
	buf_addf(&text, "%s", *places ? *places : "");
	if (buf_is_full(&text))
		return;
	free(*places);
	*places = buf_take(&text);
}

void daemon_settings_note(const struct ini *ini, struct daemon_settings *settings)
{
	const struct ini_section *section = ini_find(ini, SECTION_DAEMON, NULL);
	const struct setting *row;

	for (size_t i = 0; section && (row = setting_row(i)); i++)
		if (row->section == SECTION_DAEMON && section->lines[i])
			note_place(ini, section->lines[i], row->name, &settings->places);
}

bool daemon_settings_blame(const struct daemon_settings *settings, const char *name,
			   struct error *err)
{
	size_t len = strlen(name);

	error_context(err, "[daemon] %s", name);
	for (const char *at = settings->places; at && *at; at += strcspn(at, "\n") + 1)
		if (!strncmp(at, name, len) && at[len] == ' ') {
			at += len + 1;
			return error_context(err, "%.*s", (int)strcspn(at, "\n"), at);
		}
	return false;
}
