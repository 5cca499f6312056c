/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the SMTP server hands in is submitted, message by message, for the caller at the
 * other end. One reply stands for all recipients, so that who was refused while others
 * have the message is told by mail.
 */
#ifndef DELIVERY_RECEPTION_H
#define DELIVERY_RECEPTION_H

#include "delivery/submit.h"
#include "smtp/server.h"

struct reception {
	struct server_taker taker;	/* first: for smtp_serve() */
	struct submittal common;	/* what all of its messages share */
};

/* What `common` says is borrowed until the dialogue is over. */
void reception_begin(struct reception *r, const struct submittal *common);

/*
 * An envelope as the server heard it, with those whom its recipients stand for in their
 * place; envelope_free() `found`, also after a failure, which is local_resolve()'s.
 */
bool reception_resolve(struct aliases *aliases, const struct envelope *said,
		       struct envelope *found, struct error *err);

#endif
