/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Nothing can be escaped in a file of settings (config/value.c), so each way to write a
 * value is tried on the reader, and the first that gives the value back is taken.
 */
#include "config/quote.h"

#include <string.h>

#include "config/lint.h"
#include "config/value.h"

static bool is_same(struct span read, const char *value, size_t len)
{
	return read.len == len && (len == 0 || !memcmp(read.at, value, len));
}

static bool reads_back(const struct setting *row, struct span written, const char *value,
		       size_t len)
{
	struct error ignored;

	if (row->type == SETTING_SECRET)
		return value_lint_secret(&written, &ignored) &&
		       is_same(written, value, len);
	return value_lint(row, &written, &ignored) &&
	       is_same(value_bare(written), value, len);
}

/* quote "": none. The text is as it was if the line does not do. */
static bool try_quote(struct ini_text *out, const struct setting *row, struct span value,
		      const char *quote)
{
	size_t before = out->len;
	struct span written;

	ini_text_add(out, row->name);
	ini_text_add(out, " = ");
	written.at = out->at + out->len;
	ini_text_add(out, quote);
	ini_text_add_bytes(out, value.at, value.len);
	ini_text_add(out, quote);
	written.len = (size_t)(out->at + out->len - written.at);
	if (!out->full && reads_back(row, written, value.at, value.len)) {
		ini_text_add(out, "\n");
		return true;
	}
	ini_text_cut(out, before);
	return false;
}

/* Why none of the ways did; the reader's own words are about what it was given. */
static bool refuse(const struct ini_text *out, const struct setting *row,
		   const char *value, struct error *err)
{
	if (out->full)
		return error_set(err, ERROR_CONFIG, "%s: the file would have over 1 MiB",
				 row->name);
	if (row->type == SETTING_SECRET)
		error_set(err, ERROR_CONFIG,
			  "%s: it holds a control character, or a quote \" followed by a "
			  "blank and ; or #, and cannot be written",
			  row->name);
	else if (strchr(value, '\\'))
		error_set(err, ERROR_CONFIG,
			  "%s: it holds a backslash beside what needs quotes, and cannot be "
			  "written",
			  row->name);
	else
		error_set(err, ERROR_CONFIG,
			  "%s: it holds quotes of both kinds, and cannot be written", row->name);
	if (!row->source)
		return false;
	return error_advise(err, "put it into a file (password_file) or a script "
				 "(password_command)");
}

static bool write_line(struct ini_text *out, const struct setting *row, struct span value,
		       struct error *err)
{
	static const char *const open[] = { "", "\"", "'" }, *const secret[] = { "\"" };
	bool is_secret = row->type == SETTING_SECRET;
	const char *const *quotes = is_secret ? secret : open;
	size_t count = is_secret ? COUNT_OF(secret) : COUNT_OF(open);

	for (size_t i = 0; i < count; i++)
		if (try_quote(out, row, value, quotes[i]))
			return true;
	return refuse(out, row, value.at, err);
}

bool quote_value(struct ini_text *out, const struct setting *row, const char *value,
		 struct error *err)
{
	size_t len = strlen(value), before = out->len;

	if (len == 0) {
		ini_text_add(out, row->name);
		ini_text_add(out, " =\n");
		return !out->full || refuse(out, row, value, err);
	}
	if (!write_line(out, row, (struct span){ value, len }, err))
		return false;
	if (out->len - before - 1 <= INI_LINE_MAX_BYTES)
		return true;
	ini_text_cut(out, before);
	return error_set(err, ERROR_CONFIG, "%s: its line would have more than %d bytes",
			 row->name, INI_LINE_MAX_BYTES);
}

bool quote_secret(struct ini_text *out, const struct setting *row,
		  const struct secret *secret, struct error *err)
{
	return write_line(out, row, (struct span){ secret->bytes, secret->len }, err);
}
