/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256: what names bytes, and tells nothing of them. base/sum.h is for accidents alone. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/base.h"

enum { DIGEST_SIZE = 32 };

/* False: the system's policy allows no SHA-256; *digest is zeros then. */
bool digest_of(const void *bytes, size_t len, unsigned char digest[DIGEST_SIZE]);

#endif
