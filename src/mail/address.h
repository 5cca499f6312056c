/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses of RFC 5322 section 3.4, with the obsolete forms of section 4.4 and the
 * habits of people and programs: groups and empty groups, nested comments, quoted
 * strings, folding, routes, address literals, unquoted dots and bytes over 127 in
 * names, an encoded word with a comma in it, ";" and blanks as separators, a missing
 * ">" where the meaning is plain, empty elements.
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/error.h"

enum {
	ADDRESS_MAX = 1024,		/* bytes of one mailbox; RFC 5321 allows 256 */
	ADDRESS_LIST_MAX = 100000,	/* addresses of one list */
	ADDRESS_FAULTS_MAX = 1000,	/* malformed ones that are told one by one */
};

struct address {
	char *mailbox;		/* "local@domain" as RCPT TO takes it between < and >: the local
				   part quoted where it must be, no comments, route or folding;
				   without "@domain" when it was unqualified; "" is the null
				   sender (only from address_parse) */
	char *name;		/* display name, quotes and backslashes resolved, encoded words
				   left encoded; the comment of the form `a@b (Name)`; NULL: none */
	size_t start, end;	/* the bytes of the text it was made from, for rewriting in place */
	bool is_cut;		/* a dot stood there at the end of the domain, and not here */
	bool is_joined;		/* pieces of its name were taken for others: mail/people.h */
};

struct address_list {
	struct address *items;
	size_t count, room;
};
#define OWNED_ADDRESSES	__attribute__((cleanup(address_list_free))) struct address_list

/* A piece of a list that is no address. */
struct address_fault {
	char *text;		/* as it stands there, made printable, cut where it is long */
	size_t start, end;	/* its bytes, where it was read from a list */
	struct error why;	/* ERROR_DATA, with the piece and its place */
};

struct address_faults {
	struct address_fault *items;
	size_t count, room;
};
#define OWNED_FAULTS	__attribute__((cleanup(address_faults_free))) struct address_faults

/*
 * Appends the addresses of `text`: a header field's body, still folded, or a
 * command-line argument. ERROR_DATA names the offending piece and its position;
 * the list then holds what was good before it.
 */
bool address_list_parse(struct address_list *list, const char *text, size_t len,
			struct error *err);

/*
 * The same, but a malformed piece is appended to `faults` and the rest still read. Such a
 * piece goes to the next separator, and to the end of the text where nobody can tell what
 * is a separator: behind a quote or a parenthesis that nothing closes. False: there
 * are more addresses than ADDRESS_LIST_MAX, or faults than ADDRESS_FAULTS_MAX.
 */
bool address_list_parse_all(struct address_list *list, struct address_faults *faults,
			    const char *text, size_t len, struct error *err);

/* Appends the piece `text`, as described above; copies. */
void address_faults_add(struct address_faults *faults, const char *text, size_t len,
			const struct error *why);

/* Exactly one address, for -f and settings; "" and "<>" give the null mailbox. */
bool address_parse(struct address *address, const char *text, struct error *err);

/* The domain of a mailbox, after the first "@" outside quotes; NULL: unqualified. */
const char *address_domain(const char *mailbox);

/* Same local part to the letter, same domain in any case. */
bool address_is_same(const char *mailbox, const char *other);

/*
 * Whether the mailbox is one of the list `allowed`: addresses and "@domain" entries
 * separated by commas or blanks. The local part of a listed address matches in any case.
 */
bool address_is_listed(const char *mailbox, const char *allowed);

void address_free(struct address *address);
void address_list_free(struct address_list *list);
void address_faults_free(struct address_faults *faults);

#endif
