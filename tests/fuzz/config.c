/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a file of settings. iniparser reads each value as our own reader does, and
 * what the settings of a file come to can be written and read as the same.
 */
#include "fuzz.h"

#include "config/draft.h"
#include "config/file.h"
#include "config/config.h"
#include "config/value.h"
#include "config/write.h"
#include "fuzz_config.h"

static void check_line(const struct ini *ini, const struct ini_section *section,
		       struct span line)
{
	const char *equals = memchr(line.at, '=', line.len), *is;
	OWNED_TEXT name = text_copy_n(line.at, (size_t)(equals - line.at));
	struct span value = { equals + 1, (size_t)(line.at + line.len - equals) - 1 };
	const struct setting *row = setting_find(section->kind, name);

	MUST(row && row->type != SETTING_SECRET);
	value = value_bare(value);
	is = ini_value(ini, section, row);
	MUST(is && strlen(is) == value.len && !memcmp(is, value.at, value.len));
}

/* `clean` is what iniparser was given, a line for each of the file. */
static void check_values(const struct ini *ini)
{
	const char *at = buf_text(&ini->clean), *end = at + ini->clean.len;
	const struct ini_section *section = NULL;
	size_t sections = 0;

	for (; at < end; at++) {
		struct span line = { at, strcspn(at, "\n") };

		if (line.len > 0 && *at == '[')
			section = &ini->sections[sections++];
		else if (line.len > 0)
			check_line(ini, section, line);
		at += line.len;
	}
	MUST(sections == ini->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_INI ini = { .keeps_secrets = true };
	OWNED_CONFIG config = { 0 };
	struct error err = { 0 };

	if (!fuzz_ini_read(&ini, data, size, &err)) {
		fuzz_must_say_why(&err);
		return 0;
	}
	check_values(&ini);
	if (!config_merge(&config, &ini, &err)) {
		MUST(err.kind == ERROR_CONFIG);
		fuzz_must_say_why(&err);
		return 0;
	}
	fuzz_write_all(&ini);
	return 0;
}
