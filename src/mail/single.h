/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fields that may stand in a header once (RFC 5322 section 3.6), and stand there more
 * often.
 */
#ifndef MAIL_SINGLE_H
#define MAIL_SINGLE_H

#include "base/buf.h"

/*
 * Makes one of them, so that nothing is lost: lists of addresses (Reply-To, To, Cc) and
 * of ids (In-Reply-To, References) are joined. Of several From fields the first stays,
 * and the other authors go to a Reply-To; where the message has one the field names all,
 * and a Sender is added. Of the others the first that says something stays, and what says
 * something else is kept as X-Duplicate-NAME (MIME fields: as it is). A header with a
 * DKIM-Signature is left alone, and so is a list that cannot be read. Appends the names
 * to `names`, with commas. False: there was nothing to do.
 */
bool header_make_single(struct buf *header, struct buf *names);

#endif
