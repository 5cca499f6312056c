/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file is read once, whole, and its names are sorted. Targets stay text, with a LF
 * for each line end of the file: they are taken apart when mail comes by them, and a
 * fault in them still has its line. A line with a fault in it goes with those that
 * continue it: targets without their name must not become those of another one.
 */
#include "mail/aliases_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/language.h"
#include "base/text.h"

struct aliases_reader {
	struct aliases *aliases;
	alias_fault_fn *report;
	void *taker;
	unsigned line;
	bool is_alias_open;	/* lines may continue the last item */
	bool is_passed_over;	/* lines may continue what had a fault */
	bool is_continued;	/* the line before ended in a backslash */
	struct buf targets;	/* of the last item while it is open */
};

void aliases_localize(const struct aliases *a, char *mailbox)
{
	const char *domain = address_domain(mailbox);

	if (domain && a->is_local && a->is_local(a->local, domain))
		mailbox[domain - mailbox - 1] = '\0';
}

bool aliases_blame(const struct aliases *a, unsigned line, struct error *err)
{
	return error_context(err, "%s, line %u", a->path, line);
}

static void fault(const struct aliases_reader *r, struct error *err)
{
	aliases_blame(r->aliases, r->line, err);
	if (r->report)
		r->report(r->taker, err);
}

/* --- one line */

/* Its length without a comment: "#" at its start or behind a blank or comma, unquoted. */
static size_t without_comment(const char *line, size_t len)
{
	bool is_quoted = false;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\\')
			i++;
		else if (line[i] == '"')
			is_quoted = !is_quoted;
		else if (line[i] == '#' && !is_quoted &&
			 (i == 0 || line[i - 1] == ',' || text_is_blank(line[i - 1])))
			return i;
	}
	return len;
}

static size_t without_blanks(const char *line, size_t len)
{
	while (len > 0 && text_is_blank(line[len - 1]))
		len--;
	return len;
}

/* The colon that ends the name; `len`: there is none. */
static size_t find_colon(const char *line, size_t len)
{
	bool is_quoted = false;
	size_t i = 0;

	for (; i < len && (line[i] != ':' || is_quoted); i++)
		if (line[i] == '\\')
			i++;
		else if (line[i] == '"')
			is_quoted = !is_quoted;
	return i < len ? i : len;
}

/* The name in the form of a mailbox; NULL and an error if it is none. */
static char *read_name(const struct aliases *a, const char *text, size_t len,
		       struct error *err)
{
	OWNED_ADDRESSES list = { 0 };
	char *name;

	if (!address_list_parse(&list, text, len, err))
		return NULL;
	if (list.count != 1) {
		error_set(err, ERROR_CONFIG, "one name must stand before the colon");
		return NULL;
	}
	name = list.items[0].mailbox;
	aliases_localize(a, name);
	if (address_domain(name)) {
		char shown[SHOWN_SIZE];

		error_set(err, ERROR_CONFIG, "\"%s\" has a domain, and only names without one "
			  "have aliases", text_show(name, shown));
		return NULL;
	}
	text_lower(name);
	return text_copy(!strcmp(name, "default") ? "*" : name);
}

static void close_alias(struct aliases_reader *r)
{
	struct aliases *a = r->aliases;

	if (r->is_alias_open) {
		size_t len = r->targets.len;

		while (len > 0 && r->targets.text[len - 1] == '\n')
			len--;
		a->total += strlen(a->items[a->count - 1].name) + len;
		a->longest = len > a->longest ? len : a->longest;
		a->items[a->count - 1].targets = text_copy_n(buf_text(&r->targets), len);
	}
	buf_clear(&r->targets);
	r->is_alias_open = false;
}

static void open_alias(struct aliases_reader *r, const char *line, size_t len)
{
	struct aliases *a = r->aliases;
	size_t colon = find_colon(line, len);
	struct error err;
	char *name = NULL;

	if (colon == len)
		error_set(&err, ERROR_CONFIG, "a colon is missing after the name");
	else
		name = read_name(a, line, colon, &err);
	r->is_alias_open = name != NULL;
	r->is_passed_over = !name;
	if (!name) {
		err.kind = ERROR_CONFIG;
		fault(r, &err);
		return;
	}
	grow((void **)&a->items, &a->room, a->count, sizeof(*a->items));
	a->items[a->count++] = (struct alias){ .name = name, .line = r->line };
	for (colon++; colon < len && text_is_blank(line[colon]); colon++)
		;
	buf_add_bytes(&r->targets, line + colon, len - colon);
}

static void continue_alias(struct aliases_reader *r, const char *line, size_t len)
{
	struct error err;

	if (r->is_alias_open) {
		buf_add_bytes(&r->targets, line, len);
	} else if (!r->is_passed_over) {
		error_set(&err, ERROR_CONFIG, "it begins with a blank, but there is no alias "
			  "before it that it could continue");
		fault(r, &err);
		r->is_passed_over = true;
	}
}

static void read_line(struct aliases_reader *r, const char *line, size_t len)
{
	bool continues = len > 0 && (r->is_continued || text_is_blank(line[0]));

	r->line++;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	len = without_blanks(line, without_comment(line, len));
	r->is_continued = len > 0 && line[len - 1] == '\\';
	len -= r->is_continued;
	/* Lines are counted in the targets, so that a fault in them can be found. */
	if (r->is_alias_open && (continues || len == 0))
		buf_add_char(&r->targets, '\n');
	if (len == 0)
		return;
	if (continues) {
		continue_alias(r, line, len);
		return;
	}
	close_alias(r);
	open_alias(r, line, len);
}

/* --- the file */

static int compare(const void *a, const void *b)
{
	const struct alias *one = a, *other = b;
	int order = strcmp(one->name, other->name);

	return order ? order : one->line < other->line ? -1 : one->line > other->line;
}

static bool read_lines(struct aliases_reader *r, const char *text, size_t len,
		       struct error *err)
{
	const char *end = text + len;

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (text < end) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		size_t size = (size_t)((lf ? lf : end) - text);

		if (memchr(text, '\0', size)) {
			error_set(err, ERROR_CONFIG, "it holds a NUL: this is no text");
			return aliases_blame(r->aliases, r->line + 1, err);
		}
		read_line(r, text, size);
		text += size + 1;
	}
	close_alias(r);
	return true;
}

static bool read_file(int fd, struct buf *text, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, ERROR_IO, "fstat");
	if (!file_is_ours(&st, err)) {
		/* Not its advice: what this file holds is no secret. */
		err->advice = S_ISREG(st.st_mode) ? N_("only this user or root may own it, "
			      "and nobody else change it: chmod go-w the file") : NULL;
		return false;
	}
	if (file_read(fd, text, err))
		return true;
	if (err->kind == ERROR_DATA)
		err->kind = ERROR_CONFIG;
	return false;
}

bool aliases_read(struct aliases *a, alias_fault_fn *report, void *taker,
		  struct error *err)
{
	struct aliases_reader r = { .aliases = a,
				    .report = report,
				    .taker = taker,
				    .targets = BUF_INIT(2 * (size_t)ALIASES_FILE_MAX) };
	OWNED_BUF text = BUF_INIT(ALIASES_FILE_MAX);
	/* O_NONBLOCK: a pipe without a writer must not stop the mail. */
	OWNED_FD fd = open(a->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool ok;

	if (fd < 0 && errno == ENOENT && a->may_be_missing)
		return true;
	if (fd < 0) {
		error_errno(err, ERROR_CONFIG, "%s", a->path);
		return error_advise(err, "make the file, or see `aliases` in [delivery]");
	}
	if (!read_file(fd, &text, err))
		return error_context(err, "%s", a->path);
	ok = read_lines(&r, buf_text(&text), text.len, err);
	buf_free(&r.targets);
	if (a->count > 0)
		qsort(a->items, a->count, sizeof(*a->items), compare);
	return ok;
}
