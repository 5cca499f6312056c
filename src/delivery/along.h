/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a caller of sendmail has said and SMTP has no word for goes along with MAIL when the
 * message is handed to the daemon (XACSMTP=), so that it is the same message there. Each says it
 * of his own mail, and gets nothing by it that he could not have by addresses and header.
 *
 *	A account  N name of -F  U name of $NAME  F what was wrong with -f: behind each its bytes
 *	in hexadecimal;  S no sender was given  B nothing is added to the header  H it is held
 *	Q it waits for a run of the queue
 *
 * with commas between them.
 */
#ifndef DELIVERY_ALONG_H
#define DELIVERY_ALONG_H

#include "base/buf.h"

struct along {			/* NULL and false: nothing was said of it */
	char *account, *full_name, *user_name, *sender_fault;
	bool has_no_sender, is_bare, is_held, is_left;
};
#define OWNED_ALONG	__attribute__((cleanup(along_free))) struct along
void along_free(struct along *a);

/* As a parameter's value; the caller frees. NULL: there is nothing to say. */
char *along_text(const struct along *a);

/*
 * The other way round; NULL is nothing. False: it makes no sense, and nobody of ours has
 * said it.
 */
bool along_read(const char *text, struct along *a);

#endif
