/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Large receivers refuse a header with two From fields, or two of another kind that has
 * to be one; and many refuse a From with two addresses (RFC 7489 section 6.6.1), which is
 * legal: so the other authors are named where answers go.
 */
#include "mail/single.h"

#include <string.h>

#include "base/text.h"
#include "mail/address.h"
#include "mail/header.h"

enum { ADDED_MAX = 64 * 1024, LIST_MAX = 64 * 1024 };

enum way {
	AUTHORS,
	JOIN,		/* a list of addresses */
	JOIN_IDS,
	FIRST,		/* the others get another name */
	SAME,		/* what is the same goes, and nothing else */
};

enum { FROM, SENDER, REPLY_TO };	/* their rows */

static const struct single {
	const char *name;
	enum way way;
} singles[] = {
	[FROM]		= { "From", AUTHORS },
	[SENDER]	= { "Sender", FIRST },
	[REPLY_TO]	= { "Reply-To", JOIN },
	{ "To", JOIN }, { "Cc", JOIN }, { "In-Reply-To", JOIN_IDS }, { "References", JOIN_IDS },
	{ "Date", FIRST }, { "Message-ID", FIRST }, { "Subject", FIRST },
	{ "MIME-Version", SAME }, { "Content-Type", SAME }, { "Content-Transfer-Encoding", SAME },
};
enum { SINGLES = sizeof(singles) / sizeof(singles[0]) };

/* What there is of each. */
struct census {
	size_t count[SINGLES];
	struct field kept[SINGLES];	/* the first that says something */
	bool is_readable[SINGLES];	/* all of them, as lists of addresses */
	bool is_signed;
	struct address_list authors;
};

struct single_work {
	const struct buf *header;
	struct census census;
	struct buf out;
};

static bool is_empty(const struct field *field)
{
	for (size_t i = 0; i < field->body_len; i++)
		if (!strchr(" \t\r\n", field->body[i]))
			return false;
	return true;
}

static size_t row_of(const struct field *field)
{
	size_t i = 0;

	while (i < SINGLES && !field_is(field, singles[i].name))
		i++;
	return i;
}

/*
 * Whether a list of addresses makes sense on its own; its addresses are added to `list`.
 */
static bool read_list(const struct field *field, struct address_list *list)
{
	OWNED_FAULTS faults = { 0 };
	struct error unheard;

	return address_list_parse_all(list, &faults, field->body, field->body_len, &unheard) &&
	       faults.count == 0;
}

static bool is_readable(const struct field *field)
{
	OWNED_ADDRESSES list = { 0 };

	return read_list(field, &list);
}

static bool count(struct single_work *w)
{
	struct census *c = &w->census;
	struct field field;
	bool has_any = false;

	for (size_t at = 0; header_next(w->header, &at, &field); ) {
		size_t i = row_of(&field);

		c->is_signed = c->is_signed || field_is(&field, "DKIM-Signature");
		if (i == SINGLES)
			continue;
		has_any = has_any || c->count[i] > 0;
		if (c->count[i]++ == 0 || (is_empty(&c->kept[i]) && !is_empty(&field)))
			c->kept[i] = field;
	}
	return has_any && !c->is_signed;
}

/* Who is an author by any field that can be read, and whether the lists make sense. */
static void read_lists(struct single_work *w)
{
	struct census *c = &w->census;
	struct field field;

	for (size_t i = 0; i < SINGLES; i++)
		c->is_readable[i] = true;
	for (size_t at = 0; header_next(w->header, &at, &field); ) {
		size_t i = row_of(&field);

		if (i < SINGLES && c->count[i] > 1 && singles[i].way == JOIN)
			c->is_readable[i] = c->is_readable[i] && is_readable(&field);
		if (i != FROM || c->count[FROM] < 2 || is_empty(&field) || !is_readable(&field))
			continue;
		if (c->authors.count == 0)
			c->kept[FROM] = field;
		(void)read_list(&field, &c->authors);
	}
}

/* --- writing */

static void add_as_it_is(struct single_work *w, const struct field *field)
{
	buf_add_bytes(&w->out, field->start, field->len);
}

static void add_renamed(struct single_work *w, const struct field *field)
{
	buf_add(&w->out, "X-Duplicate-");
	add_as_it_is(w, field);
}

/* On a line of its own. */
static void add_body(struct single_work *w, const struct field *field)
{
	buf_add(&w->out, "\r\n");
	if (field->body_len > 0 && !text_is_blank(*field->body))
		buf_add_char(&w->out, ' ');
	buf_add_bytes(&w->out, field->body, field->body_len);
}

static void add_joined(struct single_work *w, size_t row)
{
	const struct field *kept = &w->census.kept[row];
	struct field field;

	buf_add_bytes(&w->out, kept->start, (size_t)(kept->body + kept->body_len - kept->start));
	for (size_t at = 0; header_next(w->header, &at, &field); ) {
		if (row_of(&field) != row || field.start == kept->start || is_empty(&field))
			continue;
		buf_add(&w->out, singles[row].way == JOIN ? "," : "");
		add_body(w, &field);
	}
	buf_add(&w->out, "\r\n");
}

/* Each mailbox once, from the one at `from` on. */
static void add_authors(struct buf *list, const struct address_list *authors, size_t from)
{
	for (size_t i = from; i < authors->count; i++) {
		size_t before = 0;

		while (before < i && !address_is_same(authors->items[before].mailbox,
						      authors->items[i].mailbox))
			before++;
		if (before < i)
			continue;
		buf_add(list, list->len ? ", " : "");
		header_format_address(list, authors->items[i].name, authors->items[i].mailbox);
	}
}

static void add_from(struct single_work *w)
{
	const struct census *c = &w->census;
	OWNED_ADDRESSES first = { 0 };
	OWNED_BUF all = BUF_INIT(LIST_MAX), others = BUF_INIT(LIST_MAX), sender = BUF_INIT(LIST_MAX);
	bool has_reply_to = c->count[REPLY_TO] > 0;

	(void)read_list(&c->kept[FROM], &first);
	add_authors(&all, &c->authors, 0);
	add_authors(&others, &c->authors, first.count);
	if (!others.len || buf_is_full(&all) || !has_reply_to)
		add_as_it_is(w, &c->kept[FROM]);
	if (!others.len || buf_is_full(&all))
		return;
	header_add(&w->out, has_reply_to ? "From" : "Reply-To", all.text);
	if (!has_reply_to || c->count[SENDER] > 0)
		return;
	header_format_address(&sender, first.items[0].name, first.items[0].mailbox);
	header_add(&w->out, "Sender", buf_text(&sender));
}

static bool says_the_same(const struct field *one, const struct field *other)
{
	OWNED_TEXT text = field_text(one);
	OWNED_TEXT other_text = field_text(other);

	return !strcmp(text, other_text);
}

/* It is not the one that stays. */
static void take_other(struct single_work *w, size_t row, const struct field *field)
{
	const struct census *c = &w->census;
	bool is_said = is_empty(field) || says_the_same(field, &c->kept[row]);

	switch (singles[row].way) {
	case AUTHORS:
		if (!is_said && !is_readable(field))
			add_renamed(w, field);
		break;
	case JOIN:
		if (!c->is_readable[row])
			add_as_it_is(w, field);
		break;
	case JOIN_IDS:
		break;
	case FIRST:
		if (!is_said)
			add_renamed(w, field);
		break;
	case SAME:
		if (!is_said)
			add_as_it_is(w, field);
		break;
	}
}

static void take(struct single_work *w, const struct field *field)
{
	size_t row = row_of(field);
	const struct census *c = &w->census;

	if (row == SINGLES || c->count[row] < 2) {
		add_as_it_is(w, field);
		return;
	}
	if (field->start != c->kept[row].start)
		take_other(w, row, field);
	else if (row == FROM)
		add_from(w);
	else if (singles[row].way == JOIN_IDS || (singles[row].way == JOIN && c->is_readable[row]))
		add_joined(w, row);
	else
		add_as_it_is(w, field);
}

static void name_them(const struct single_work *w, struct buf *names)
{
	struct single_work after = { .header = &w->out };

	(void)count(&after);
	for (size_t i = 0; i < SINGLES; i++)
		if (w->census.count[i] > 1 && after.census.count[i] < w->census.count[i])
			buf_addf(names, "%s%s", names->len ? ", " : "", singles[i].name);
}

bool header_make_single(struct buf *header, struct buf *names)
{
	struct single_work w = { .header = header, .out = BUF_INIT(header->len + ADDED_MAX) };
	struct field field;
	bool is_changed = count(&w);

	if (is_changed) {
		read_lists(&w);
		for (size_t at = 0; header_next(header, &at, &field); )
			take(&w, &field);
		is_changed = !buf_is_full(&w.out);
		address_list_free(&w.census.authors);
	}
	if (!is_changed) {
		buf_free(&w.out);
		return false;
	}
	name_them(&w, names);
	buf_free(header);
	*header = w.out;
	return names->len > 0;
}
