/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names with commas need quotes, and people write them without. Read to the letter, half
 * of such a name is a local recipient: somebody else would get the mail.
 */
#include "mail/people.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "mail/lexer.h"

enum { NAME_LIMIT = 64 * 1024 };

/*
 * A list while its pieces are put together: those that belong to another one are taken
 * out.
 */
struct joining {
	struct people *p;
	const char *text;
	size_t len;
	size_t first, first_fault;	/* of this text */
};

/* Where there are only commas, blanks and comments, and a comma at least. */
static bool is_comma(const struct joining *j, size_t from, size_t to)
{
	struct error ignored;
	struct lexer l = { .text = j->text, .at = from, .len = j->len, .err = &ignored };
	bool has_comma = false;

	while (lexer_skip_blanks(&l, to, NULL) && l.at < to && j->text[l.at] == ',') {
		has_comma = true;
		l.at++;
	}
	return has_comma && l.at == to;
}

/* "Name <a@x>", and not "<a@x> (Name)". */
static bool has_name_before(const struct joining *j, const struct address *a)
{
	return a->name && address_domain(a->mailbox) && j->text[a->start] != '<' &&
	       memchr(j->text + a->start, '<', a->end - a->start);
}

/*
 * What sendmail would write to or run is nobody's name, nor is what stands in brackets.
 */
static bool may_be_name(const char *text, size_t at)
{
	at += text[at] == '"';
	return text[at] != '|' && text[at] != '/' && text[at] != '<';
}

/*
 * Words, quoted ones and comments too: several of them are no address, and so nobody's.
 */
static bool is_words(const struct joining *j, const struct address_fault *fault)
{
	struct error ignored;
	struct lexer l = { .text = j->text, .at = fault->start, .len = fault->end,
			   .err = &ignored };

	if (!lexer_skip_blanks(&l, l.len, NULL) || l.at == l.len ||
	    !may_be_name(j->text, l.at))
		return false;
	for (size_t at = l.at, end; at < l.len; at = end) {
		char c = j->text[at];

		end = lexer_unit_end(&l, at);
		if (!end || !c || (!strchr("\".([]\\", c) && !text_is_white(c) &&
				   !lexer_is_atom_char(c)))
			return false;
	}
	return true;
}

static bool is_nobody(const struct joining *j, const struct address *a)
{
	return !a->name && !address_domain(a->mailbox) && may_be_name(j->text, a->start) &&
	       (j->p->are_authors || !aliases_know(j->p->aliases, a->mailbox));
}

/* Puts text[from..to) and a comma in front of the name. */
static void put_before(const struct joining *j, struct address *a, size_t from, size_t to)
{
	struct error ignored;
	struct lexer l = { .text = j->text, .len = to, .err = &ignored };
	OWNED_TEXT words = lexer_phrase(&l, from, to);
	struct buf name = BUF_INIT(NAME_LIMIT);

	buf_addf(&name, "%s, %s", words ? words : "", a->name);
	free(a->name);
	a->name = buf_take(&name);
	a->start = from;
	a->is_joined = true;
}

static void drop_item(struct address_list *list, size_t i)
{
	address_free(&list->items[i]);
	list->count--;
	memmove(list->items + i, list->items + i + 1, (list->count - i) * sizeof(*list->items));
}

static void drop_fault(struct address_faults *faults, size_t i)
{
	free(faults->items[i].text);
	faults->count--;
	memmove(faults->items + i, faults->items + i + 1,
		(faults->count - i) * sizeof(*faults->items));
}

/* The fault that ends last before `at`; j->p->faults.count: none. */
static size_t fault_before(const struct joining *j, size_t at)
{
	const struct address_faults *faults = &j->p->faults;

	for (size_t i = faults->count; i > j->first_fault; i--)
		if (faults->items[i - 1].end <= at)
			return i - 1;
	return faults->count;
}

/* Takes what stands before the address as a piece of its name; *i is its place. */
static bool join_one(struct joining *j, size_t *i)
{
	struct address_list *list = &j->p->list;
	struct address *a = &list->items[*i];
	size_t f = fault_before(j, a->start), from;

	if (f < j->p->faults.count && is_comma(j, j->p->faults.items[f].end, a->start)) {
		if (!is_words(j, &j->p->faults.items[f]))
			return false;
		put_before(j, a, j->p->faults.items[f].start, j->p->faults.items[f].end);
		drop_fault(&j->p->faults, f);
		return true;
	}
	if (*i == j->first || !is_comma(j, a[-1].end, a->start) || !is_nobody(j, a - 1))
		return false;
	from = a[-1].start;
	put_before(j, a, from, a[-1].end);
	drop_item(list, --*i);
	return true;
}

static void join(struct joining *j)
{
	for (size_t i = j->first; i < j->p->list.count; i++)
		if (has_name_before(j, &j->p->list.items[i]))
			while (join_one(j, &i))
				;
}

bool people_read(struct people *p, const char *text, size_t len, struct error *err)
{
	struct joining j = { .p = p, .text = text, .len = len, .first = p->list.count,
			     .first_fault = p->faults.count };
	bool ok = address_list_parse_all(&p->list, &p->faults, text, len, err);

	if (!ok || !p->aliases)
		return ok;
	join(&j);
	for (size_t i = j.first; i < p->list.count; i++)
		aliases_localize(p->aliases, p->list.items[i].mailbox);
	return true;
}

void people_free(struct people *p)
{
	address_list_free(&p->list);
	address_faults_free(&p->faults);
}
