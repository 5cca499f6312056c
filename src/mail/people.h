/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lists of addresses as this machine means them. What mail/address.h reads is looked at once
 * more, with the names that are known here:
 *
 *	Doe, John <john@example.net>	is one person, unless somebody here is called Doe
 *	root@localhost			is the bare name root: that domain is no domain
 */
#ifndef MAIL_PEOPLE_H
#define MAIL_PEOPLE_H

#include "mail/aliases.h"

struct people {
	struct aliases *aliases;	/* who knows; NULL: nothing is looked at once more */
	bool are_authors;		/* whose names with commas are never somebody else's */
	struct address_list list;
	struct address_faults faults;
};

/*
 * Appends what address_list_parse_all() finds in `text`. A word without a domain, or
 * several of them, that stands with a comma before an address with a name and is neither
 * an alias nor a user of this machine is a piece of that name: the address has both, with
 * the comma, and is_joined. A mailbox of this machine loses its domain. False as there.
 */
bool people_read(struct people *p, const char *text, size_t len, struct error *err);

void people_free(struct people *p);
#define OWNED_PEOPLE	__attribute__((cleanup(people_free))) struct people

#endif
