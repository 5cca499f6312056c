/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Variables never change an account of a file: whoever may set one for another's program
 * could send that account's password to a server of his own choice.
 */
#include "config/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/language.h"
#include "base/sum.h"
#include "base/text.h"
#include "config/file.h"

enum { VALUE_MAX = 64 * 1024, NAME_MAX_BYTES = 80 };	/* bytes */

static const char our_prefix[] = "ACSMTP_", common_prefix[] = "SMTP_";
static const char suffix[] = "_file";

/*
 * How images of containers call what an account wants; the rest of such a name is a
 * setting's.
 */
static const struct { const char *name, *setting; } common[] = {
	{ "host", "host" },
	{ "port", "port" },
	{ "username", "user" },
	{ "password", "password" },
	{ "from", "from" },
};

/* --- passwords: not in the environment any more */

static struct {
	const char *const variable;
	struct secret secret;
	bool is_too_long;
} kept[] = { { .variable = "ACSMTP_PASSWORD" }, { .variable = "SMTP_PASSWORD" } };
enum { KEPT_OURS, KEPT_COMMON };

/* Its first line, as of a file. What was there is overwritten where it stood. */
static void keep(size_t which)
{
	char *value = getenv(kept[which].variable);
	size_t len = value ? strcspn(value, "\r\n") : 0;

	if (len > 0)
		kept[which].is_too_long = !secret_set(&kept[which].secret, value, len);
	if (value) {
		wipe(value, strlen(value));
		unsetenv(kept[which].variable);
	}
}

void environment_guard(void)
{
	keep(KEPT_OURS);
}

static bool is_kept(size_t which)
{
	return kept[which].secret.bytes || kept[which].is_too_long;
}

bool environment_password(struct secret *password, struct error *err)
{
	size_t which = is_kept(KEPT_OURS) ? KEPT_OURS : KEPT_COMMON;
	const struct secret *secret = &kept[which].secret;

	if (secret->bytes)
		return secret_set(password, secret->bytes, secret->len);
	error_set(err, ERROR_CONFIG, "it is longer than %d bytes", SECRET_MAX);
	return error_context(err, "%s", kept[which].variable);
}

/* --- names */

static const struct setting *find_row(const char *name)
{
	for (size_t kind = 0; section_word(kind); kind++) {
		const struct setting *row = setting_find((enum section_kind)kind, name);

		if (row)
			return row;
	}
	return NULL;
}

/*
 * "host_file" is the setting "host", in a file; but "password_file" is a setting itself.
 */
static const struct setting *find_named(char *name, bool *is_in_file)
{
	const struct setting *row = find_row(name);
	size_t len = strlen(name), end = strlen(suffix);

	*is_in_file = !row && len > end && !strcmp(name + len - end, suffix);
	if (*is_in_file) {
		name[len - end] = '\0';
		row = find_row(name);
	}
	return row;
}

/* In lower case, what stands behind the prefix; false: no such variable. */
static bool take_name(const char *variable, const char *prefix, char name[NAME_MAX_BYTES])
{
	size_t len = strcspn(variable, "="), skip = strlen(prefix);

	if (strncmp(variable, prefix, skip) != 0 || len - skip >= NAME_MAX_BYTES)
		return false;
	memcpy(name, variable + skip, len - skip);
	name[len - skip] = '\0';
	if (name[strcspn(name, "abcdefghijklmnopqrstuvwxyz")])
		return false;
	text_lower(name);
	return true;
}

/* The setting that such a common name stands for, with its end. */
static bool translate(char name[NAME_MAX_BYTES])
{
	for (size_t i = 0; i < COUNT_OF(common); i++) {
		const char *end = text_after(name, common[i].name);
		char setting[NAME_MAX_BYTES];

		if (!end || (*end && strcmp(end, suffix) != 0))
			continue;
		snprintf(setting, sizeof(setting), "%s%s", common[i].setting, end);
		snprintf(name, NAME_MAX_BYTES, "%s", setting);
		return true;
	}
	return false;
}

static const char *next_name(const void *of, size_t i)
{
	const struct setting *row = setting_row(i);

	(void)of;
	return row ? row->name : NULL;
}

/* What is near to no name of ours is another program's. */
static bool pass_or_refuse(const char *variable, const char *name, bool is_in_file,
			   struct error *err)
{
	/*
	 * The rest of what Kubernetes tells of a service: ACSMTP_SERVICE_HOST,
	 * ACSMTP_PORT_25_TCP.
	 */
	bool is_foreign = text_after(name, "service_") || text_after(name, "port_");
	const char *nearest = is_foreign ? NULL : text_nearest(name, next_name, NULL);
	OWNED_TEXT known = NULL;

	if (!nearest)
		return true;
	known = text_copy(nearest);
	text_upper(known);
	error_set(err, ERROR_CONFIG, "unknown variable; did you mean %s%s%s?", our_prefix, known,
		  is_in_file ? "_FILE" : "");
	return error_context(err, "%.*s", (int)strcspn(variable, "="), variable);
}

/* --- what they say */

struct variables {
	char *values[SETTINGS_MAX], *names[SETTINGS_MAX];	/* by setting_index() */
	bool is_common[SETTINGS_MAX];
};

static bool refuse_both(const char *one, const char *other, struct error *err)
{
	return error_set(err, ERROR_CONFIG, "%s and %s are both set; one of them has to go", one,
			 other);
}

/* A file that somebody else could change would speak for who has named it. */
static bool read_value(const char *path, char **value, struct error *err)
{
	OWNED_BUF text = BUF_INIT(VALUE_MAX);

	if (!file_read_named(path, false, &text, err))
		return false;
	while (text.len > 0 && strchr("\r\n", text.text[text.len - 1]))
		text.len--;
	*value = text_copy_n(text.len ? text.text : "", text.len);
	return true;
}

static bool has_our_source(const struct variables *r)
{
	const struct setting *row;

	for (size_t i = 0; (row = setting_row(i)); i++)
		if (row->source && r->names[i] && !r->is_common[i])
			return true;
	return false;
}

static bool take(struct variables *r, const struct setting *row, const char *variable,
		 bool is_in_file, struct error *err)
{
	const char *value = variable + strcspn(variable, "=") + 1;
	size_t i = setting_index(row);
	OWNED_TEXT name = text_copy_n(variable, (size_t)(value - 1 - variable));

	if (r->names[i])
		return refuse_both(r->names[i], name, err);
	if (is_in_file && !read_value(value, &r->values[i], err))
		return error_context(err, "%s", name);
	if (!is_in_file)
		r->values[i] = text_copy(row->type == SETTING_SECRET ? "" : value);
	r->names[i] = text_take(&name);
	return true;
}

/*
 * Kubernetes tells each container of the services beside it: of one that is called "smtp"
 * by SMTP_PORT=tcp://10.0.0.1:25, which is no setting.
 */
static bool is_of_kubernetes(const char *variable, const char *value)
{
	return strstr(variable, "_PORT=") && (text_after(value, "tcp://") ||
					      text_after(value, "udp://"));
}

static bool has_value(const char *variable)
{
	const char *equals = strchr(variable, '=');

	return equals && equals[1] && !is_of_kubernetes(variable, equals + 1);
}

static bool read_ours(struct variables *r, struct error *err)
{
	char name[NAME_MAX_BYTES];

	for (char **v = environ; v && *v; v++) {
		const struct setting *row;
		bool is_in_file;

		if (!has_value(*v) || !take_name(*v, our_prefix, name))
			continue;
		row = find_named(name, &is_in_file);
		if (row ? !take(r, row, *v, is_in_file, err) :
			  !pass_or_refuse(*v, name, is_in_file, err))
			return false;
	}
	return true;
}

static bool read_common(struct variables *r, struct error *err)
{
	bool has_source = has_our_source(r);
	char name[NAME_MAX_BYTES];

	for (char **v = environ; v && *v; v++) {
		const struct setting *row;
		bool is_in_file;
		size_t i;

		if (!has_value(*v) || !take_name(*v, common_prefix, name) || !translate(name))
			continue;
		row = find_named(name, &is_in_file);
		i = row ? setting_index(row) : 0;
		if (!row || (r->names[i] && !r->is_common[i]) || (row->source && has_source))
			continue;
		if (!take(r, row, *v, is_in_file, err))
			return false;
		r->is_common[i] = true;
	}
	return true;
}

/* They are not in the environment any more. */
static void take_kept(struct variables *r, size_t which)
{
	size_t i = setting_index(find_row("password"));

	if (!is_kept(which) || r->names[i])
		return;
	r->names[i] = text_copy(kept[which].variable);
	r->values[i] = text_copy("");
	r->is_common[i] = which == KEPT_COMMON;
}

/* Either has the password: the one itself, the other where it is. */
static bool check_password(const struct variables *r, struct error *err)
{
	const char *password = r->names[setting_index(find_row("password"))];
	const char *file = r->names[setting_index(find_row("password_file"))];

	return !password || !file || refuse_both(password, file, err);
}

/* --- as a file's sections */

static bool makes_account(const struct variables *r)
{
	static const char *const telling[] = { "service", "host", "user", "token" };

	for (size_t i = 0; i < COUNT_OF(telling); i++)
		if (r->names[setting_index(find_row(telling[i]))])
			return true;
	for (size_t i = 0; i < SETTINGS_MAX; i++)
		if (r->names[i] && setting_row(i)->source)
			return true;
	return false;
}

static struct ini_section *add_section(struct ini *ini, enum section_kind kind)
{
	struct ini_section *section;
	OWNED_BUF name = BUF_INIT(200);

	grow((void **)&ini->sections, &ini->room, ini->count, sizeof(*section));
	section = &ini->sections[ini->count++];
	buf_addf(&name, "%s%s", section_word(kind),
		 kind == SECTION_ACCOUNT ? " " ENVIRONMENT_ACCOUNT : "");
	*section = (struct ini_section){ .kind = kind, .name = buf_take(&name) };
	section->said = xcalloc(SETTINGS_MAX, sizeof(*section->said));
	return section;
}

static void put_row(struct ini *ini, struct variables *r, size_t i, size_t section)
{
	struct ini_section *s = &ini->sections[section];
	unsigned line = (unsigned)++ini->said_count;

	ini->said_by[line - 1] = text_take(&r->names[i]);
	s->lines[i] = line;
	if (!s->line || setting_row(i) == find_row("service"))
		s->line = line;
	s->has_password = s->has_password || setting_row(i)->type == SETTING_SECRET;
	ini->sum = sum_add(ini->sum, r->values[i], strlen(r->values[i]) + 1);
	s->said[i] = text_take(&r->values[i]);
}

/*
 * Where no account is made the defaults' section has them: they are checked, and
 * nobody's.
 */
static void put_all(struct ini *ini, struct variables *r)
{
	bool has_account = makes_account(r);
	size_t first = has_account ? SECTION_ACCOUNT : SECTION_DEFAULTS;

	ini->path = "ACSMTP_*";
	ini->sum = SUM_INIT;
	ini->said_by = xcalloc(SETTINGS_MAX, sizeof(*ini->said_by));
	for (size_t kind = first; section_word(kind); kind++)
		(void)add_section(ini, (enum section_kind)kind);
	for (size_t i = 0; i < SETTINGS_MAX; i++) {
		size_t kind = r->names[i] ? setting_row(i)->section : 0;

		if (r->names[i])
			put_row(ini, r, i, kind < first ? 0 : kind - first);
	}
}

bool environment_read(struct ini *ini, bool may_be_common, struct error *err)
{
	struct variables r = { .names = { NULL } };
	bool ok;

	environment_guard();
	take_kept(&r, KEPT_OURS);
	ok = read_ours(&r, err);
	if (ok && may_be_common) {
		if (!has_our_source(&r)) {
			keep(KEPT_COMMON);
			take_kept(&r, KEPT_COMMON);
		}
		ok = read_common(&r, err);
	}
	ok = ok && check_password(&r, err);
	if (ok)
		put_all(ini, &r);
	for (size_t i = 0; i < SETTINGS_MAX; i++) {
		text_cleanup(&r.names[i]);
		text_cleanup(&r.values[i]);
	}
	return ok;
}
