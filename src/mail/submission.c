/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One pass over the fields: each stays, goes or is replaced in its place, and what is
 * missing comes behind, so that the order of what was there still tells its way (RFC 5322
 * section 3.6). A Bcc goes whatever else is asked of us, with -G too.
 *
 * What depends on the account that sends is a step of its own: the rest is done when the
 * message comes in, this for each try, as the account may be another one by then.
 */
#include "mail/submission.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "mail/header.h"
#include "mail/lexer.h"
#include "mail/rewrite.h"

enum {
	ADDED_MAX = 64 * 1024,	/* bytes that our own fields may add to a header */
	PIECE = 16 * 1024,
	NAME_MAX_BYTES = 1024,
};

struct submission_work {
	const struct submission *s;
	const struct message *m;
	struct buf out;
	struct rewriter rewriter;
	struct buf answers;	/* addresses that a rewritten From had */
	bool is_answered;	/* a Reply-To has them */
};

/* Never for other people's eyes, or wrong once the message is under way. */
static const char *const removed[] = {
	"Bcc", "Resent-Bcc", "Return-Path", "Content-Length",
};

/* --- which fields there are */

static bool is_resent(const struct field *field)
{
	return field->name_len > 7 && text_is_n(field->start, 7, "Resent-");
}

/* The topmost block of Resent- fields that nothing interrupts: its place and end. */
static bool find_resent_block(const struct buf *header, size_t *start, size_t *end)
{
	struct field field;
	bool is_found = false;

	*start = *end = 0;
	for (size_t at = 0; header_next(header, &at, &field); *end = at) {
		if (is_resent(&field) && !is_found)
			*start = at - field.len;
		else if (is_found && !is_resent(&field))
			break;
		is_found = is_found || is_resent(&field);
	}
	return is_found;
}

static bool is_empty(const struct field *field)
{
	for (size_t i = 0; i < field->body_len; i++)
		if (!strchr(" \t\r\n", field->body[i]))
			return false;
	return true;
}

/*
 * A day in a language of its own, with letters that no date may have: it is none to
 * readers.
 */
static bool is_unreadable(const struct field *field)
{
	struct error ignored;
	struct lexer l = { .text = field->body, .len = field->body_len, .err = &ignored };

	if (!field_is(field, "Date") && !field_is(field, "Resent-Date"))
		return false;
	for (size_t end; l.at < l.len; l.at = end) {
		end = lexer_unit_end(&l, l.at);
		end = end ? end : l.at + 1;
		if (l.text[l.at] != '(' && text_has_8bit(l.text + l.at, end - l.at))
			return true;
	}
	return false;
}

/* Whether one of the fields from `at` to `end` has this name and is not empty. */
static bool has_field(const struct buf *header, size_t at, size_t end, const char *name)
{
	struct field field;

	while (at < end && header_next(header, &at, &field))
		if (field_is(&field, name) && !is_empty(&field) && !is_unreadable(&field))
			return true;
	return false;
}

static bool is_one_of(const struct field *field, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (field_is(field, names[i]))
			return true;
	return false;
}

/* --- recipients and author */

enum { RECIPIENT_FIELDS = 3 };

/* Where to look for recipients. */
struct recipient_fields {
	const char *const *names;	/* RECIPIENT_FIELDS of them */
	size_t at, end;
};

static struct recipient_fields recipient_fields(const struct message *m)
{
	static const char *const ours[RECIPIENT_FIELDS] = { "To", "Cc", "Bcc" };
	static const char *const theirs[RECIPIENT_FIELDS] = {
		"Resent-To", "Resent-Cc", "Resent-Bcc",
	};
	struct recipient_fields fields = { .names = theirs };

	if (!find_resent_block(&m->header, &fields.at, &fields.end))
		fields = (struct recipient_fields){ ours, 0, m->header.len };
	return fields;
}

/* "the message's Cc field", or which of several. */
static void name_field(struct error *err, const struct field *field, size_t number)
{
	OWNED_TEXT name = text_copy_n(field->start, field->name_len);

	if (number > 1)
		error_context(err, "the message's %s field no. %zu", name, number);
	else
		error_context(err, "the message's %s field", name);
}

bool submission_recipients(const struct message *m, struct people *to, struct error *err)
{
	struct recipient_fields fields = recipient_fields(m);
	size_t numbers[RECIPIENT_FIELDS] = { 0 };
	struct field field;

	while (fields.at < fields.end && header_next(&m->header, &fields.at, &field)) {
		size_t i = 0, before = to->faults.count;
		bool ok;

		while (i < RECIPIENT_FIELDS && !field_is(&field, fields.names[i]))
			i++;
		if (i == RECIPIENT_FIELDS)
			continue;
		numbers[i]++;
		ok = people_read(to, field.body, field.body_len, err);
		for (; before < to->faults.count; before++)
			name_field(&to->faults.items[before].why, &field, numbers[i]);
		if (!ok) {
			name_field(err, &field, numbers[i]);
			return false;
		}
	}
	return true;
}

/* None behind a fault: what is first there is not known. */
static void first_address(const struct field *field, struct aliases *aliases,
			  struct address *address)
{
	OWNED_PEOPLE p = { .aliases = aliases, .are_authors = true };
	struct error ignored;
	struct address *first;

	(void)people_read(&p, field->body, field->body_len, &ignored);
	first = p.list.items;
	if (p.list.count > 0 && (p.faults.count == 0 || p.faults.items[0].start > first->start)) {
		*address = *first;
		*first = (struct address){ 0 };
	}
}

void submission_author(const struct message *m, struct aliases *aliases,
		       struct address *author)
{
	struct field field;
	size_t start, end;
	bool is_resent = find_resent_block(&m->header, &start, &end);

	*author = (struct address){ 0 };
	for (size_t at = start; header_next(&m->header, &at, &field) && !author->mailbox; ) {
		if (is_resent && at > end)
			break;
		if (field_is(&field, is_resent ? "Resent-From" : "From"))
			first_address(&field, aliases, author);
	}
	if (!author->mailbox)
		author->mailbox = text_copy("");
}

/* --- what is missing */

static void add_date(struct submission_work *w, const char *name)
{
	char date[CLOCK_DATE_SIZE];

	clock_date(w->s->now, date);
	header_add(&w->out, name, date);
}

static void add_id(struct submission_work *w, const char *name)
{
	/* One line whatever its length: RFC 5322 section 3.6.4 has no room for a fold. */
	buf_addf(&w->out, "%s: <%s@%s>\r\n", name, w->s->id, w->s->id_domain);
}

static void add_from(struct submission_work *w, const char *name)
{
	const char *who = w->s->from_name;
	OWNED_BUF body = BUF_INIT(ADDED_MAX);

	/* A name that long is nobody's: better none than half of it. */
	header_format_address(&body, who && strlen(who) <= NAME_MAX_BYTES ? who : NULL,
			      w->s->author);
	header_add(&w->out, name, buf_text(&body));
}

/* RFC 5322 sections 3.6 and 3.6.6, RFC 6409 section 8. */
static const struct required {
	const char *name, *resent_name;
	void (*add)(struct submission_work *w, const char *name);
	enum submission_part part;
} required[] = {
	{ "Date", "Resent-Date", add_date, SUBMISSION_REST },
	{ "From", "Resent-From", add_from, SUBMISSION_SENDER },
	{ "Message-ID", "Resent-Message-ID", add_id, SUBMISSION_REST },
};

/* Of these none may be empty (RFC 5322 section 3.6), and one that is says nothing. */
static const char *const never_empty[] = {
	"Sender", "Reply-To", "To", "Cc", "Resent-Sender", "Resent-To", "Resent-Cc",
};

/* An empty field of these is none, and perhaps gives way to ours. */
static bool is_empty_and_none(const struct field *field)
{
	if (is_one_of(field, never_empty, COUNT_OF(never_empty)))
		return is_empty(field);
	for (size_t i = 0; i < COUNT_OF(required); i++)
		if (field_is(field, required[i].name) || field_is(field, required[i].resent_name))
			return is_empty(field);
	return false;
}

/*
 * What is for the second step gets an empty field in its place, to be the same each time.
 */
static void add_required(struct submission_work *w, const struct required *r, const char *name)
{
	if (r->part & w->s->parts)
		r->add(w, name);
	else
		buf_addf(&w->out, "%s:\r\n", name);
}

/* Such a field, in the second step. */
static bool fill_place(struct submission_work *w, const struct field *field)
{
	if (w->s->parts != SUBMISSION_SENDER || !w->s->repairs || !is_empty(field))
		return false;
	if (!field_is(field, "From") && !field_is(field, "Resent-From"))
		return false;
	add_from(w, field_is(field, "From") ? "From" : "Resent-From");
	return true;
}

static void add_missing_resent(struct submission_work *w, size_t start, size_t end)
{
	for (size_t i = 0; i < COUNT_OF(required); i++)
		if (!has_field(&w->m->header, start, end, required[i].resent_name))
			add_required(w, &required[i], required[i].resent_name);
}

static void add_missing(struct submission_work *w)
{
	const struct buf *header = &w->m->header;

	for (size_t i = 0; i < COUNT_OF(required); i++)
		if (!has_field(header, 0, header->len, required[i].name))
			add_required(w, &required[i], required[i].name);
}

static bool is_utf8(const struct message *m, bool *answer, struct error *err)
{
	OWNED_TEXT piece = xmalloc(PIECE);
	uint64_t at = m->header.len + 2;
	size_t kept = 0, whole;
	ssize_t n;

	*answer = true;
	while ((n = message_get(m, &at, piece + kept, PIECE - kept, err)) > 0 && *answer) {
		kept += (size_t)n;
		whole = text_whole(piece, kept);
		*answer = text_is_utf8(piece, whole);
		kept -= whole;
		memmove(piece, piece + whole, kept);
	}
	*answer = *answer && kept == 0;
	return n >= 0;
}

/* RFC 2045; unknown-8bit is RFC 1428's name for what nobody knows. */
static bool add_mime(struct submission_work *w, struct error *err)
{
	static const char *const mime[] = { "MIME-Version", "Content-Type",
					    "Content-Transfer-Encoding" };
	bool utf8;

	for (size_t i = 0; i < COUNT_OF(mime); i++)
		if (has_field(&w->m->header, 0, w->m->header.len, mime[i]))
			return true;
	if (!w->m->body_is_8bit)
		return true;
	if (!is_utf8(w->m, &utf8, err))
		return false;
	header_add(&w->out, "MIME-Version", "1.0");
	header_add(&w->out, "Content-Type", utf8 ? "text/plain; charset=utf-8" :
		   "text/plain; charset=unknown-8bit");
	header_add(&w->out, "Content-Transfer-Encoding", "8bit");
	return true;
}

/* --- the whole */

/* Without repairs an empty one stays where it is, and there may be no other beside it. */
static bool has_reply_to(const struct submission_work *w)
{
	const struct buf *header = &w->m->header;
	struct field field;

	return w->s->repairs ? has_field(header, 0, header->len, "Reply-To") :
			       header_find(header, "Reply-To", &field);
}

/* Right behind the From that it is for, whichever step that is. */
static void add_reply_to(struct submission_work *w)
{
	if (w->is_answered || !w->answers.len || buf_is_full(&w->answers) ||
	    w->s->keeps_answers || has_reply_to(w))
		return;
	header_add(&w->out, "Reply-To", w->answers.text);
	w->is_answered = true;
}

/* Whether the policy puts another in its place. */
static bool take_another(struct submission_work *w, const struct field *field)
{
	bool is_from = field_is(field, "From");

	if (!w->s->rewrite ||
	    !field_rewrite(field, &w->rewriter, &w->out, is_from ? &w->answers : NULL))
		return false;
	if (is_from)
		add_reply_to(w);
	return true;
}

static void take_field(struct submission_work *w, const struct field *field)
{
	bool is_senders = field_is_senders(field);
	enum submission_part part = is_senders ? SUBMISSION_SENDER : SUBMISSION_REST;

	if (fill_place(w, field) || is_one_of(field, removed, COUNT_OF(removed)) ||
	    (w->s->repairs && is_empty_and_none(field)))
		return;
	if (is_senders && (w->s->parts & part) && take_another(w, field))
		return;
	if (w->s->repairs && is_unreadable(field))
		buf_add(&w->out, "X-Unreadable-");
	if (!w->s->repairs || !(w->s->parts & part) ||
	    !field_qualify(field, &w->s->bare_names, &w->out))
		buf_add_bytes(&w->out, field->start, field->len);
}

static void take_fields(struct submission_work *w)
{
	const struct buf *header = &w->m->header;
	struct field field;
	size_t start, end;
	bool is_resent = (w->s->parts & SUBMISSION_REST) &&
			 find_resent_block(header, &start, &end);

	for (size_t at = 0; header_next(header, &at, &field); ) {
		if (is_resent && w->s->repairs && at - field.len == start)
			add_missing_resent(w, start, end);
		take_field(w, &field);
	}
}

bool submission_prepare(struct message *m, const struct submission *s, struct error *err)
{
	struct submission_work w = {
		.s = s,
		.m = m,
		.out = BUF_INIT(HEADER_MAX + ADDED_MAX),
		.answers = BUF_INIT(ADDED_MAX),
		.rewriter = { .from = s->from, .name = s->from_name, .allowed = s->allowed,
			      .bare_names = &s->bare_names },
	};
	bool ok = true;

	take_fields(&w);
	if (s->repairs && (s->parts & SUBMISSION_REST)) {
		add_missing(&w);
		ok = add_mime(&w, err);
	}
	buf_free(&w.answers);
	if (ok && buf_is_full(&w.out))
		ok = error_set(err, ERROR_DATA, "the header is too long");
	if (!ok) {
		buf_free(&w.out);
		return false;
	}
	buf_free(&m->given_header);
	m->given_header = m->header;
	m->header = w.out;
	m->header_is_8bit = text_has_8bit(buf_text(&m->header), m->header.len);
	return true;
}

char *submission_message_id(const struct message *m)
{
	struct field field;

	return header_find(&m->header, "Message-ID", &field) ? field_text(&field) :
		text_copy("");
}
