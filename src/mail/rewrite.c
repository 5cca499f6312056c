/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The name that people see is kept, and where there is none the old address becomes it:
 * who reads must see who wrote. Answers still go to the authors, whose addresses are
 * handed to whoever adds the Reply-To. A field that cannot be read is replaced too, for
 * nobody knows whom it names.
 */
#include "mail/rewrite.h"

#include "base/text.h"
#include "mail/people.h"

enum { BODY_MAX = 64 * 1024, NAME_MAX_BYTES = 1024 };

/* As they are written in what we put in their place. */
static const char *const fields[] = { "From", "Sender", "Resent-From", "Resent-Sender" };

static const char *find(const struct field *field)
{
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (field_is(field, fields[i]))
			return fields[i];
	return NULL;
}

bool field_is_senders(const struct field *field)
{
	return find(field) != NULL;
}

/* What cannot be read is not allowed. */
static bool is_allowed(const struct address_list *list, const char *allowed)
{
	for (size_t i = 0; i < list->count; i++)
		if (!address_is_listed(list->items[i].mailbox, allowed))
			return false;
	return list->count > 0;
}

/* With this machine's name where it has no domain. */
static void add_mailbox(struct buf *out, const struct address *author,
			const struct rewriter *r)
{
	buf_add(out, author->mailbox);
	if (!address_domain(author->mailbox))
		buf_addf(out, "@%s", r->bare_names->domain);
}

/* "Jane", "jane@host.example", or "Cron Daemon (root@host.example)". */
static void add_name(struct buf *name, const struct address *author,
		     const struct rewriter *r, bool is_alone)
{
	const char *own = author->name || !is_alone ? author->name : r->name;

	if (name->len)
		buf_add(name, ", ");
	if (!own || !*own) {
		add_mailbox(name, author, r);
		return;
	}
	buf_add(name, own);
	if (address_domain(author->mailbox))
		return;
	buf_add(name, " (");
	add_mailbox(name, author, r);
	buf_add_char(name, ')');
}

static void add_answer(struct buf *answers, const char *mailbox)
{
	buf_addf(answers, "%s%s", answers->len ? ", " : "", mailbox);
}

static void add_answers(struct buf *answers, const struct address *author,
			const struct rewriter *r)
{
	OWNED_ADDRESSES list = { 0 };
	struct error ignored;

	if (address_domain(author->mailbox)) {
		add_answer(answers, author->mailbox);
		return;
	}
	if (!r->bare_names->aliases ||
	    !aliases_resolve(r->bare_names->aliases, author->mailbox, &list, &ignored))
		return;
	for (size_t i = 0; i < list.count; i++)
		add_answer(answers, list.items[i].mailbox);
}

bool field_rewrite(const struct field *field, const struct rewriter *r, struct buf *out,
		   struct buf *answers)
{
	const char *name_of_field = find(field);
	OWNED_PEOPLE p = { .aliases = r->bare_names->aliases, .are_authors = true };
	OWNED_BUF name = BUF_INIT(NAME_MAX_BYTES);
	OWNED_BUF body = BUF_INIT(BODY_MAX);
	struct error ignored;

	if (!name_of_field)
		return false;
	if (people_read(&p, field->body, field->body_len, &ignored) && !p.faults.count &&
	    is_allowed(&p.list, r->allowed))
		return false;
	for (size_t i = 0; i < p.list.count; i++) {
		add_name(&name, &p.list.items[i], r, p.list.count == 1);
		if (answers)
			add_answers(answers, &p.list.items[i], r);
	}
	/* A name that long is nobody's: better none than half of it. */
	header_format_address(&body, buf_is_full(&name) ? NULL :
			      name.len ? name.text : r->name, r->from);
	header_add(out, name_of_field, buf_text(&body));
	return true;
}
