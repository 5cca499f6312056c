/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One pass from left to right, an element of the list at a time: extent.c says where it
 * ends before anybody asks what it says, so that a fault costs that element and no other
 * one. Of an element that makes no sense nothing is taken, for half of it may be somebody
 * else's address.
 *
 * A mailbox comes out in one form, however it was written: without comments, folds and
 * blanks, quotes where RFC 5321 section 4.1.2 needs them, nowhere else. Whoever compares
 * two, or says one in a command, relies on that: no control character gets through here.
 */
#include "mail/address.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/language.h"
#include "base/text.h"
#include "mail/extent.h"
#include "mail/lexer.h"

struct parser {
	struct lexer lexer;
	bool takes_null;
	bool is_full;			/* there are too many of them: the end */
	struct address_list *list;
	struct address_faults *faults;	/* NULL: the first fault is the end */
};

enum { FAULT_SHOWN_MAX = 250 };	/* bytes of a malformed address */

/* One address of the text while it is put together. */
struct spec {
	struct buf local, domain;	/* the local part without its quotes */
	bool has_at;
};

/* --- local@domain */

/* Whether the local part is a dot-string of RFC 5321 section 4.1.2. */
static bool is_dot_string(const char *local)
{
	size_t len = strlen(local);

	for (size_t i = 0; i < len; i++)
		if (!lexer_is_atom_char(local[i]) && local[i] != '.')
			return false;
	return len && local[0] != '.' && local[len - 1] != '.' && !strstr(local, "..");
}

static char *spec_mailbox(const struct spec *spec)
{
	struct buf mailbox = BUF_INIT(ADDRESS_MAX);
	const char *local = buf_text(&spec->local);

	if (is_dot_string(local)) {
		buf_add(&mailbox, local);
	} else {
		buf_add_char(&mailbox, '"');
		for (const char *c = local; *c; c++) {
			if (*c == '"' || *c == '\\')
				buf_add_char(&mailbox, '\\');
			buf_add_char(&mailbox, *c);
		}
		buf_add_char(&mailbox, '"');
	}
	if (spec->has_at)
		buf_addf(&mailbox, "@%s", buf_text(&spec->domain));
	if (!buf_is_full(&mailbox) && !buf_is_full(&spec->local))
		return buf_take(&mailbox);
	buf_free(&mailbox);
	return NULL;
}

/* "[192.0.2.1]", RFC 5321 section 4.1.3; the brackets are kept. */
static bool read_literal(struct parser *p, size_t to, struct buf *domain)
{
	size_t from = p->lexer.at;

	for (; p->lexer.at < to; p->lexer.at++) {
		char c = p->lexer.text[p->lexer.at];

		if (text_is_white(c))
			continue;
		if (c == '\\' || (c == '[' && p->lexer.at > from))
			break;
		buf_add_char(domain, c);
		if (c == ']') {
			p->lexer.at++;
			return true;
		}
	}
	return lexer_fail(&p->lexer, from, to, N_("a closing bracket is missing"));
}

static bool read_quoted(struct parser *p, size_t to, struct spec *spec)
{
	size_t end = lexer_unit_end(&p->lexer, p->lexer.at);

	if (!end)
		return false;
	/* It began within what is an encoded word as a whole. */
	if (end > to)
		return lexer_fail(&p->lexer, p->lexer.at, to, N_("a quote stands within a word"));
	lexer_add_inside(&spec->local, p->lexer.text + p->lexer.at + 1, end - p->lexer.at - 2);
	p->lexer.at = end;
	return true;
}

static void read_atom(struct parser *p, size_t to, struct buf *out)
{
	size_t from = p->lexer.at;

	while (p->lexer.at < to && lexer_is_atom_char(p->lexer.text[p->lexer.at]))
		p->lexer.at++;
	buf_add_bytes(out, p->lexer.text + from, p->lexer.at - from);
}

/* One word of the local part or the domain, which may be empty. */
static bool read_word(struct parser *p, size_t to, struct spec *spec)
{
	char c = p->lexer.at < to ? p->lexer.text[p->lexer.at] : '\0';

	if (c == '"' && !spec->has_at)
		return read_quoted(p, to, spec);
	if (c == '[' && spec->has_at && !spec->domain.len)
		return read_literal(p, to, &spec->domain);
	read_atom(p, to, spec->has_at ? &spec->domain : &spec->local);
	return true;
}

/*
 * Words with "." and "@" between them, blanks and comments around these allowed
 * (RFC 5322 section 4.4). Ends where neither of them follows.
 */
static bool read_spec(struct parser *p, size_t to, struct spec *spec, size_t *comment)
{
	for (;;) {
		size_t end;

		if (!lexer_skip_blanks(&p->lexer, to, comment) || !read_word(p, to, spec))
			return false;
		end = p->lexer.at;
		if (!lexer_skip_blanks(&p->lexer, to, comment))
			return false;
		if (p->lexer.at < to && p->lexer.text[p->lexer.at] == '.') {
			buf_add_char(spec->has_at ? &spec->domain : &spec->local, '.');
		} else if (p->lexer.at < to && p->lexer.text[p->lexer.at] == '@' && !spec->has_at) {
			spec->has_at = true;
		} else {
			/* The blanks may stand between this address and the next. */
			p->lexer.at = end;
			return true;
		}
		p->lexer.at++;
	}
}

/*
 * "example.org." is what the DNS calls example.org, and mail does not (RFC 5321 section
 * 2.3.5).
 */
static bool cut_final_dot(struct buf *domain)
{
	if (domain->len < 2 || domain->text[domain->len - 1] != '.' ||
	    domain->text[domain->len - 2] == '.')
		return false;
	domain->text[--domain->len] = '\0';
	return true;
}

static const char *fault_of(const struct spec *spec)
{
	const char *domain = buf_text(&spec->domain);
	size_t len = spec->domain.len;

	if (buf_is_full(&spec->local) || buf_is_full(&spec->domain))
		return N_("it is too long");
	if (!spec->local.len)
		return spec->has_at ? N_("nothing stands before the @") : N_("it is empty");
	if (!text_is_utf8(buf_text(&spec->local), spec->local.len) || !text_is_utf8(domain, len))
		return N_("it is neither ASCII nor UTF-8");
	if (text_has_control(buf_text(&spec->local)) || text_has_control(domain))
		return N_("it has a control character in it");
	if (strlen(buf_text(&spec->local)) != spec->local.len || strlen(domain) != len)
		return N_("it has a NUL in it");
	if (!spec->has_at)
		return NULL;
	if (!len)
		return N_("nothing stands after the @");
	if (domain[0] == '.' || domain[len - 1] == '.' || strstr(domain, ".."))
		return N_("its domain has an empty label");
	return NULL;
}

/* Appends the address, which ends at p->lexer.at; takes `name`. */
static bool emit(struct parser *p, struct spec *spec, char *name, size_t start)
{
	bool is_cut = cut_final_dot(&spec->domain);
	const char *fault = fault_of(spec);
	struct address_list *list = p->list;
	OWNED_TEXT mailbox = fault ? NULL : spec_mailbox(spec);
	OWNED_TEXT owned_name = name;

	if (!fault && !mailbox)
		fault = N_("it is too long");
	p->is_full = !fault && list->count >= ADDRESS_LIST_MAX;
	if (p->is_full)
		fault = N_("it is one too many");
	if (fault)
		return lexer_fail(&p->lexer, start, p->lexer.at, fault);
	grow((void **)&list->items, &list->room, list->count, sizeof(*list->items));
	list->items[list->count++] = (struct address){
		.mailbox = text_take(&mailbox), .name = text_take(&owned_name),
		.start = start, .end = p->lexer.at, .is_cut = is_cut };
	return true;
}

static void spec_free(struct spec *spec)
{
	buf_free(&spec->local);
	buf_free(&spec->domain);
}
#define OWNED_SPEC	__attribute__((cleanup(spec_free))) struct spec
#define SPEC_INIT	{ .local = BUF_INIT(ADDRESS_MAX), .domain = BUF_INIT(ADDRESS_MAX) }

/* --- elements of a list */

/* "a@x", or several of them with blanks between; a lone word has no domain. */
static bool parse_bare(struct parser *p, size_t to)
{
	for (bool is_first = true; ; is_first = false) {
		OWNED_SPEC spec = SPEC_INIT;
		size_t comment = p->lexer.len, start, end;
		char *name;

		if (!lexer_skip_blanks(&p->lexer, to, NULL))
			return false;
		start = p->lexer.at;
		if (start == to)
			return true;
		if (!read_spec(p, to, &spec, &comment))
			return false;
		end = p->lexer.at;
		if (!lexer_skip_blanks(&p->lexer, to, &comment))
			return false;
		if (end < to && !text_is_white(p->lexer.text[end]) && p->lexer.text[end] != '(')
			return lexer_fail(&p->lexer, start, to, N_("a character in it needs quotes"));
		if ((p->lexer.at < to || !is_first) && !spec.has_at)
			return lexer_fail(&p->lexer, start, to, N_("blanks stand outside of quotes"));
		p->lexer.at = comment < p->lexer.len ? p->lexer.at : end;
		name = comment < p->lexer.len ? lexer_comment(&p->lexer, comment) : NULL;
		if (!emit(p, &spec, name, start))
			return false;
	}
}

/* "@a,@b:" in front of an address means nothing any more (RFC 5321 appendix F.2). */
static void skip_route(struct parser *p, size_t to)
{
	const char *colon = memchr(p->lexer.text + p->lexer.at, ':', to - p->lexer.at);

	if (p->lexer.at < to && p->lexer.text[p->lexer.at] == '@' && colon)
		p->lexer.at = (size_t)(colon - p->lexer.text) + 1;
}

/* "Name <a@x>"; p->lexer.at is at its start, `angle` the place of the "<". */
static bool parse_angle(struct parser *p, size_t angle, size_t to)
{
	OWNED_SPEC spec = SPEC_INIT;
	size_t start = p->lexer.at, comment = p->lexer.len;
	char *name;
	bool is_null;

	p->lexer.at = angle + 1;
	if (!lexer_skip_blanks(&p->lexer, to, &comment))
		return false;
	skip_route(p, to);
	if (!read_spec(p, to, &spec, &comment) || !lexer_skip_blanks(&p->lexer, to, &comment))
		return false;
	is_null = p->takes_null && !spec.local.len && !spec.has_at;
	if (p->lexer.at < to && p->lexer.text[p->lexer.at] == '>')
		p->lexer.at++;
	else if (p->lexer.at < to || !spec.has_at)
		return lexer_fail(&p->lexer, start, to, p->lexer.at < to ?
				  N_("a character in it needs quotes") :
				  N_("a closing > is missing"));
	if (is_null)
		buf_add(&spec.local, "-");
	if (!lexer_skip_blanks(&p->lexer, to, &comment))
		return false;
	if (p->lexer.at < to)
		return lexer_fail(&p->lexer, start, to, N_("something stands behind the >"));
	name = lexer_phrase(&p->lexer, start, angle);
	if (!name && comment < p->lexer.len)
		name = lexer_comment(&p->lexer, comment);
	if (!emit(p, &spec, name, start))
		return false;
	if (is_null)
		p->list->items[p->list->count - 1].mailbox[0] = '\0';
	return true;
}

/* Between a separator and the next. */
static bool parse_within(struct parser *p, const struct extent *extent)
{
	if (extent->is_group || extent->end == p->lexer.at)
		return true;
	return extent->angle < p->lexer.len ? parse_angle(p, extent->angle, extent->end) :
	       parse_bare(p, extent->end);
}

/* All of an element or nothing: half of what makes no sense may be somebody else. */
static bool parse_element(struct parser *p, struct extent *extent)
{
	size_t count = p->list->count;

	extent->end = p->lexer.len;
	if (!lexer_skip_blanks(&p->lexer, p->lexer.len, NULL))
		return false;
	if (p->lexer.at == p->lexer.len)
		return true;
	if (extent_find(&p->lexer, extent) && parse_within(p, extent))
		return true;
	while (p->list->count > count)
		address_free(&p->list->items[--p->list->count]);
	return false;
}

void address_faults_add(struct address_faults *faults, const char *text, size_t len,
			const struct error *why)
{
	struct buf piece = BUF_INIT(FAULT_SHOWN_MAX + 4);

	lexer_add_shown(&piece, text, len < FAULT_SHOWN_MAX ? len : FAULT_SHOWN_MAX);
	if (len > FAULT_SHOWN_MAX)
		buf_add(&piece, "...");
	grow((void **)&faults->items, &faults->room, faults->count, sizeof(*faults->items));
	faults->items[faults->count] = (struct address_fault){ .text = buf_take(&piece) };
	text_make_printable(faults->items[faults->count].text);
	faults->items[faults->count++].why = *why;
}

/* Keeps what is wrong with text[from..to). */
static bool take_fault(struct parser *p, size_t from, size_t to)
{
	const char *text = p->lexer.text;

	if (!p->faults || p->is_full)
		return false;
	if (p->faults->count >= ADDRESS_FAULTS_MAX)
		return error_context(p->lexer.err, "more than %d addresses are malformed, the "
				     "last", ADDRESS_FAULTS_MAX);
	while (from < to && text_is_white(text[from]))
		from++;
	while (to > from && text_is_white(text[to - 1]))
		to--;
	address_faults_add(p->faults, text + from, to - from, p->lexer.err);
	p->faults->items[p->faults->count - 1].start = from;
	p->faults->items[p->faults->count - 1].end = to;
	return true;
}

static bool parse(struct parser *p)
{
	while (p->lexer.at < p->lexer.len) {
		size_t from = p->lexer.at;
		struct extent extent;

		if (!parse_element(p, &extent) && !take_fault(p, from, extent.end))
			return false;
		p->lexer.at = extent.end < p->lexer.len ? extent.end + 1 : p->lexer.len;
	}
	return true;
}

bool address_list_parse(struct address_list *list, const char *text, size_t len,
			struct error *err)
{
	return address_list_parse_all(list, NULL, text, len, err);
}

bool address_list_parse_all(struct address_list *list, struct address_faults *faults,
			    const char *text, size_t len, struct error *err)
{
	struct parser p = { .lexer = { .text = text, .len = len, .err = err },
			    .list = list, .faults = faults };

	return parse(&p);
}

bool address_parse(struct address *address, const char *text, struct error *err)
{
	OWNED_ADDRESSES list = { 0 };
	struct parser p = { .lexer = { .text = text, .len = strlen(text), .err = err },
			    .takes_null = true, .list = &list };

	if (!parse(&p))
		return false;
	if (list.count > 1)
		return lexer_fail(&p.lexer, 0, p.lexer.len, N_("it is more than one"));
	if (list.count == 0)
		*address = (struct address){ .mailbox = text_copy("") };
	else
		*address = list.items[0];
	list.count = 0;
	return true;
}

/* --- questions */

const char *address_domain(const char *mailbox)
{
	bool is_quoted = false;

	/* The first one outside quotes: a domain in brackets may hold another. */
	for (const char *c = mailbox; *c; c++)
		if (*c == '"')
			is_quoted = !is_quoted;
		else if (is_quoted && *c == '\\' && c[1])
			c++;
		else if (!is_quoted && *c == '@')
			return c + 1;
	return NULL;
}

bool address_is_same(const char *mailbox, const char *other)
{
	const char *domain = address_domain(mailbox);
	const char *other_domain = address_domain(other);

	if (!domain || !other_domain)
		return !strcmp(mailbox, other);
	return domain - mailbox == other_domain - other &&
	       !strncmp(mailbox, other, (size_t)(domain - mailbox)) &&
	       text_is(domain, other_domain);
}

static bool matches(const char *mailbox, const char *entry, size_t len)
{
	const char *domain = address_domain(mailbox);

	if (*entry == '@')
		return domain && text_is_n(entry + 1, len - 1, domain);
	return text_is_n(entry, len, mailbox);
}

bool address_is_listed(const char *mailbox, const char *allowed)
{
	if (!allowed)
		return false;
	for (size_t len; (len = text_item(&allowed, ", \t\r\n")); allowed += len)
		if (matches(mailbox, allowed, len))
			return true;
	return false;
}

void address_free(struct address *address)
{
	free(address->mailbox);
	free(address->name);
	*address = (struct address){ 0 };
}

void address_list_free(struct address_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		address_free(&list->items[i]);
	free(list->items);
	*list = (struct address_list){ 0 };
}

void address_faults_free(struct address_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		free(faults->items[i].text);
	free(faults->items);
	*faults = (struct address_faults){ 0 };
}
