/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The message itself on the wire, in pieces of whole TLS records. */
#ifndef SMTP_BODY_H
#define SMTP_BODY_H

#include "smtp/session.h"

/* With dots doubled and the final dot (RFC 5321 section 4.5.2), after a 354. */
bool body_send_dotted(struct session *s, const struct message *m, struct error *err);

/*
 * As one BDAT chunk, the last one (RFC 3030), together with the commands that were added
 * before: a small message leaves in the same write.
 */
bool body_send_chunk(struct session *s, const struct message *m, struct error *err);

#endif
