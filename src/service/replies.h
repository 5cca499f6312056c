/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the replies of servers mean, by what they answer. */
#ifndef SERVICE_REPLIES_H
#define SERVICE_REPLIES_H

#include "service/service.h"

/*
 * `code` and the whole text, enhanced status code included; that decides where there is
 * one. The rules of the service come first, then those for any server.
 */
struct meaning reply_meaning(const char *service, enum reply_at at, int code,
			     const char *text);

/*
 * Puts the facts of a reply into an error that was set for it and whose text begins with
 * what the server said: the code, what it answers, and the enhanced code of its words.
 */
void reply_note(struct error *err, enum reply_at at, int code, const char *text);

/*
 * The same for an error that was kept as kind, code and text, as on a disk, with where it
 * happened before what the server said: the facts are made of the text here, and nowhere
 * else.
 */
void reply_recall(struct error *err);

/* The hint for an error that a reply is behind, by its facts; NULL: none. */
const char *reply_hint(const char *service, const struct error *why);

/*
 * Whether a reply to RCPT says no more than that this transaction has recipients enough,
 * so that the recipient belongs into another one (RFC 5321 section 4.5.3.1.10).
 */
bool reply_is_too_many(int code, const char *text);

#endif
