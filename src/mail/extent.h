/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where an element of an address list ends, before it is known what it says. */
#ifndef MAIL_EXTENT_H
#define MAIL_EXTENT_H

#include "mail/lexer.h"

struct extent {
	size_t end;		/* of the element: of a separator or of the text */
	size_t angle;		/* of its "<"; the text's length: there is none */
	bool is_group;		/* what ended it is the colon of a group's name */
};

/*
 * The element at l->at, which is no blank. False: it is no address whatever it says, and
 * the error tells why; `end` is then where the next one begins, the end of the text
 * if nobody can tell.
 */
bool extent_find(const struct lexer *l, struct extent *extent);

#endif
