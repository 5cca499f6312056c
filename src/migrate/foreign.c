/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the readers of all formats share. A table of rules names what a format has; a
 * record holds what a file said of it, a draft what is made of that. Each value goes
 * through the check of our own setting (draft_set), so that nothing is written that
 * acsmtp would refuse to read; what is refused, or has no counterpart, becomes a note
 * with its line and never with its value, which may be a secret.
 */
#include "migrate/foreign.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/language.h"
#include "base/path.h"
#include "base/text.h"

/* --- notes */

static bool is_noted(const struct import *import, const char *path, unsigned line,
		     const char *setting, const char *why)
{
	for (size_t i = 0; i < import->note_count; i++) {
		const struct note *n = &import->notes[i];

		if (n->line == line && !strcmp(n->setting, setting) &&
		    !strcmp(n->path, path) && !strcmp(n->why, why))
			return true;
	}
	return false;
}

/* What several accounts inherit is one note. */
void note_at(struct import *import, enum note_kind kind, const char *path, unsigned line,
	     const char *setting, const char *why)
{
	/*
	 * So many mean that it is a file of another kind: the import is refused in the
	 * end.
	 */
	if (import->note_count == NOTES_MAX)
		import->too_many_notes = true;
	if (import->too_many_notes || is_noted(import, path, line, setting, why))
		return;
	grow((void **)&import->notes, &import->note_room, import->note_count,
	     sizeof(*import->notes));
	import->notes[import->note_count++] = (struct note){
		kind, text_copy(path), line, text_copy(setting), text_copy(why),
	};
}

void note_row(struct import *import, enum note_kind kind, const struct foreign_record *r,
	      const char *name, const char *why)
{
	if (record_text(r, name))
		note_at(import, kind, r->path, record_line(r, name), name, why);
}

/* --- rows */

const struct foreign_rule *rule_find(const struct rules *rules, const char *name)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->any_case ? text_is(rules->rows[i].name, name) :
				      !strcmp(rules->rows[i].name, name))
			return &rules->rows[i];
	return NULL;
}

static void field_clear(struct foreign_field *f)
{
	secret_free(&f->secret);
	text_cleanup(&f->text);
	*f = (struct foreign_field){ 0 };
}

/*
 * What is no setting may be a piece of anything: it is shown only if it looks like a
 * name.
 */
static void note_unknown(struct import *import, const struct foreign_record *r,
			 const char *name, unsigned line)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";
	OWNED_BUF why = BUF_INIT(200);
	size_t len = strlen(name);
	bool is_name = len > 0 && len <= 40 && !name[strspn(name, letters)];

	buf_addf(&why, _("acsmtp knows no such setting of %s"), import->program);
	note_at(import, NOTE_LEFT, r->path, line, is_name ? name : N_("a line"),
		buf_text(&why));
}

/* A secret's line is wiped here: from now on the record has the only copy. */
void record_set(struct import *import, struct foreign_record *r, const char *name,
		char *value, unsigned line)
{
	const struct foreign_rule *rule = rule_find(r->rules, name);
	struct foreign_field *f = rule ? &r->fields[rule - r->rules->rows] : NULL;

	if (!rule) {
		note_unknown(import, r, name, line);
		wipe(value, strlen(value));
		return;
	}
	field_clear(f);
	if (!rule->is_secret && strlen(value) > FOREIGN_VALUE_MAX) {
		note_at(import, NOTE_LEFT, r->path, line, rule->name, N_("it is too long"));
		return;
	}
	f->line = line;
	/*
	 * Set, but empty: whoever asks sees that it is there, and nothing that copies
	 * or shows texts can come upon the secret.
	 */
	f->text = text_copy(rule->is_secret ? "" : value);
	if (!rule->is_secret)
		return;
	if (!secret_set(&f->secret, value, strlen(value))) {
		field_clear(f);
		note_at(import, NOTE_LEFT, r->path, line, rule->name, N_("it is too long"));
	}
	wipe(value, strlen(value));
}

void record_copy(struct foreign_record *to, const struct foreign_record *from)
{
	for (size_t i = 0; i < from->rules->count; i++) {
		const struct foreign_field *f = &from->fields[i];
		struct foreign_field *copy = &to->fields[i];

		if (!f->text)
			continue;
		field_clear(copy);
		copy->text = text_copy(f->text);
		copy->line = f->line;
		if (secret_is_set(&f->secret))
			(void)secret_set(&copy->secret, f->secret.bytes, f->secret.len);
	}
}

void record_free(struct foreign_record *r)
{
	for (size_t i = 0; i < RULES_MAX; i++)
		field_clear(&r->fields[i]);
}

static const struct foreign_field *field_of(const struct foreign_record *r,
					    const char *name)
{
	const struct foreign_rule *rule = rule_find(r->rules, name);

	assert(rule);
	return &r->fields[rule - r->rules->rows];
}

const char *record_text(const struct foreign_record *r, const char *name)
{
	return field_of(r, name)->text;
}

unsigned record_line(const struct foreign_record *r, const char *name)
{
	return field_of(r, name)->line;
}

bool record_is(const struct foreign_record *r, const char *name, const char *word)
{
	const char *text = record_text(r, name);

	return text && text_is(text, word);
}

/* A word alone, such as msmtp's "tls", is a yes. */
bool record_says_yes(const struct foreign_record *r, const char *name)
{
	return record_is(r, name, "yes") || record_is(r, name, "on") ||
	       record_is(r, name, "true") || record_is(r, name, "1") ||
	       record_is(r, name, "");
}

/* --- accounts */

/*
 * What the program knew and we have no setting for is noted: silence would be a promise.
 */
struct imported *import_account(struct import *import, const struct foreign_record *r,
				const char *name, struct error *err)
{
	struct imported *account;

	if (import->account_count == IMPORT_ACCOUNTS_MAX) {
		error_set(err, ERROR_CONFIG, "%s: more than %d accounts", r->path,
			  IMPORT_ACCOUNTS_MAX);
		return NULL;
	}
	grow((void **)&import->accounts, &import->account_room, import->account_count,
	     sizeof(*account));
	/* Good until the next is made: grow() may move them all. */
	account = &import->accounts[import->account_count++];
	*account = (struct imported){
		.draft = { .kind = SECTION_ACCOUNT },
		.path = text_copy(r->path),
		.line = r->line,
		.known_as = name ? text_copy(name) : NULL,
	};
	for (size_t i = 0; i < r->rules->count; i++) {
		const struct foreign_rule *rule = &r->rules->rows[i];

		if (r->fields[i].text && rule->ours)
			import_set(import, account, rule->ours, r->fields[i].text, r,
				   rule->name);
		if (rule->why)
			note_row(import, NOTE_LEFT, r, rule->name, rule->why);
	}
	return account;
}

static void note_error(struct import *import, const char *path, unsigned line,
		       const char *name, const struct error *err)
{
	OWNED_BUF why = BUF_INIT(2 * ERROR_TEXT_MAX);

	buf_add(&why, error_words(err));
	if (err->advice)
		buf_addf(&why, "; %s", tr(err->advice));
	note_at(import, NOTE_LEFT, path, line, name, buf_text(&why));
}

void import_set(struct import *import, struct imported *account, const char *ours,
		const char *value, const struct foreign_record *r, const char *name)
{
	struct error err;

	/* What has no value is as if it were not there. */
	if (*value && !draft_set(&account->draft, ours, value, &err))
		note_error(import, r->path, record_line(r, name), name, &err);
}

const char foreign_rewrites_header[] =
	N_("sender_policy is rewrite, which changes the From field, too");

void import_rewriting(struct import *import, struct imported *account,
		      const struct foreign_record *r, const char *name)
{
	import_set(import, account, "sender_policy", "rewrite", r, name);
	note_row(import, NOTE_CHANGED, r, name, foreign_rewrites_header);
}

void foreign_found_password(struct draft *d, const char *path, unsigned line)
{
	OWNED_BUF where = BUF_INIT(8192);

	buf_addf(&where, "%s, line %u", path, line);
	text_cleanup(&d->password_from);
	d->password_from = buf_take(&where);
}

void import_password(struct import *import, struct imported *account,
		     const struct foreign_record *r, const char *name)
{
	const struct foreign_field *f = field_of(r, name);
	struct error err;

	if (f->secret.len == 0)
		return;
	if (draft_set_password(&account->draft, &f->secret, &err))
		foreign_found_password(&account->draft, r->path, f->line);
	else
		note_error(import, r->path, f->line, name, &err);
}

void import_delivery(struct import *import, const char *ours, const char *value,
		     const char *path, unsigned line, const char *name)
{
	const char *old = draft_value(&import->delivery, ours);
	struct error err;

	if (old && strcmp(old, value) != 0)
		note_at(import, NOTE_LEFT, path, line, name,
			N_("there is one for all accounts, and it was given before"));
	else if (!draft_set(&import->delivery, ours, value, &err))
		note_error(import, path, line, name, &err);
}

static long seconds_of(char unit)
{
	static const struct { char unit; long seconds; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 },
	};

	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (units[i].unit == unit)
			return units[i].seconds;
	return 0;
}

void import_time(struct import *import, const char *ours, char ours_unit,
		 const char *value, char unit, const struct note *where)
{
	size_t len = strspn(value, "0123456789");
	OWNED_TEXT digits = text_copy_n(value, len);
	long number, seconds = seconds_of(value[len] ? value[len] : unit);
	char text[24];

	if (!text_to_number(digits, 0, 1000000000, &number) || !seconds ||
	    (value[len] && value[len + 1])) {
		note_at(import, NOTE_LEFT, where->path, where->line, where->setting,
			N_("it is no length of time"));
		return;
	}
	if (number * seconds % seconds_of(ours_unit) != 0)
		note_at(import, NOTE_CHANGED, where->path, where->line, where->setting,
			ours_unit == 'd' ? N_("whole days, rounded up")
					 : N_("whole hours, rounded up"));
	/* Up: mail that is given up too early is lost, what is kept too long is not. */
	number = (number * seconds + seconds_of(ours_unit) - 1) / seconds_of(ours_unit);
	snprintf(text, sizeof(text), "%ld", number);
	import_delivery(import, ours, text, where->path, where->line, where->setting);
}

/* --- hosts and ports */

/*
 * Without /etc/services, which a small system does not have, or which may have been
 * changed.
 */
static long port_number(const char *text)
{
	static const struct { const char *name; long port; } services[] = {
		{ "smtp", 25 }, { "mail", 25 }, { "submission", 587 }, { "submissions", 465 },
		{ "smtps", 465 }, { "ssmtp", 465 },
	};
	long port;

	for (size_t i = 0; i < COUNT_OF(services); i++)
		if (text_is(text, services[i].name))
			return services[i].port;
	return text_to_number(text, 1, 65535, &port) ? port : -1;
}

bool foreign_split_host(const char *text, char host[256], long *port)
{
	const char *end, *colon;
	size_t len;

	*port = 0;
	if (*text == '[') {
		end = strchr(++text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		colon = end[1] ? end + 1 : NULL;
	} else {
		colon = strchr(text, ':');
		if (colon && strchr(colon + 1, ':'))
			colon = NULL;		/* an address of IPv6 alone */
		end = colon ? colon : text + strlen(text);
	}
	len = (size_t)(end - text);
	if (len == 0 || len > 255)
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (colon && colon[1])
		*port = port_number(colon + 1);
	return *port >= 0;
}

void import_port(struct imported *account, long port)
{
	char text[24];
	struct error err;
	bool ok;

	snprintf(text, sizeof(text), "%ld", port);
	ok = draft_set(&account->draft, "port", text, &err);
	assert(ok);
	(void)ok;
}

void import_host(struct import *import, struct imported *account, const char *text,
		 long standard_port, const struct foreign_record *r, const char *name)
{
	char host[256];
	long port;

	if (!foreign_split_host(text, host, &port)) {
		note_row(import, NOTE_LEFT, r, name, N_("it is no host with a port"));
		return;
	}
	import_set(import, account, "host", host, r, name);
	import_port(account, port ? port : standard_port);
}

/* --- paths */

bool foreign_is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/*
 * Configurations are imported from a copy as well, taken from another machine: then what
 * they name by a whole path lies beside them.
 */
char *foreign_path_beside(const char *path, const char *name)
{
	OWNED_TEXT beside = path_beside(path, path_name(name));

	if (!strchr(name, '/') || foreign_is_there(beside))
		return text_take(&beside);
	return text_copy(name);
}

char *foreign_expand_home(const char *path)
{
	const char *home = getenv("HOME");
	OWNED_BUF whole = BUF_INIT(FOREIGN_LINE_MAX + 4096);

	if (path[0] != '~' || (path[1] && path[1] != '/') || !home || *home != '/')
		return text_copy(path);
	buf_addf(&whole, "%s%s", home, path + 1);
	return buf_take(&whole);
}

/* By what it is and not by its name: it may be given once with a link in its path. */
static bool is_given(const struct import *import, const char *path)
{
	struct stat st, given;

	if (stat(path, &st) < 0)
		return import->has_credentials; /* one that was given stands for it */
	for (size_t i = 0; i < import->file_count; i++)
		if (stat(import->files[i].path, &given) == 0 &&
		    st.st_dev == given.st_dev && st.st_ino == given.st_ino)
			return true;
	return false;
}

bool import_companion(struct import *import, const char *path, format_reader *read,
		      const char *setting, struct error *err)
{
	OWNED_INPUT lines = { 0 };

	if (is_given(import, path))
		return true;
	if (input_open(&lines, path, err))
		return read(import, &lines, err);
	/* Another user's file may be closed to us: the rest is worth having. */
	note_error(import, import->path, 0, setting, err);
	return true;
}
