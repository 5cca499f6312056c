/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way of a name without a domain through the aliases. */
#ifndef SENDMAIL_NAME_WAY_H
#define SENDMAIL_NAME_WAY_H

#include "base/buf.h"
#include "mail/aliases.h"

enum { NAME_WAY_BYTES = 4000 };

struct name_way {
	struct buf path;	/* the lines of the file that it goes by, a name behind the other */
	struct buf goes_to;	/* addresses, or why it goes nowhere */
};
#define NAME_WAY_INIT	{ BUF_INIT(NAME_WAY_BYTES), BUF_INIT(NAME_WAY_BYTES) }

void name_way_find(struct name_way *way, struct aliases *aliases, const char *name);
void name_way_free(struct name_way *way);

#endif
