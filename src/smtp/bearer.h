/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Access tokens as passwords: what XOAUTH2 and OAUTHBEARER say, and what is said to them.
 */
#ifndef SMTP_BEARER_H
#define SMTP_BEARER_H

#include "base/buf.h"
#include "smtp/client.h"

/*
 * The first words of each. XOAUTH2 is Google's, and has no standard; the other is RFC
 * 7628.
 */
void bearer_xoauth2(const struct smtp_options *o, struct buf *raw);
void bearer_oauthbearer(const struct smtp_options *o, struct buf *raw);

/*
 * What the text of a 334 says of a refusal that is about to come, one line that is
 * harmless for a terminal and has no part of the secret: "status 401, scope S"; "":
 * nothing.
 */
void bearer_reason(const struct smtp_options *o, const char *challenge, struct buf *reason);

#endif
