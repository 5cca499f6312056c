/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Servers repeat what they did not understand, and logs and terminals keep it. */
#ifndef SMTP_HIDE_H
#define SMTP_HIDE_H

#include "base/buf.h"
#include "base/secret.h"

/* Puts stars over the bytes wherever they stand. */
void hide_bytes(struct buf *text, const char *bytes, size_t len);

/*
 * The same for a secret as it is. A word that servers say to everybody stays: stars in a
 * sentence that is known would tell the secret. One of letters alone, or of very few
 * characters, is no part of a longer word.
 */
void hide_secret(struct buf *text, const struct secret *secret);

#endif
