/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One form for passwords and names that can be typed in several (SASLprep, RFC 4013). */
#ifndef SMTP_SASLPREP_H
#define SMTP_SASLPREP_H

#include "base/error.h"
#include "base/secret.h"

/*
 * Puts the text in that form into `secret`. What has characters that SASLprep forbids, or
 * is no UTF-8, stays as it is: the server has to say whether it is right. ERROR_CONFIG: it
 * would be too long; ERROR_LATER of library_load().
 */
bool saslprep(const char *text, size_t len, struct secret *secret, struct error *err);

#endif
