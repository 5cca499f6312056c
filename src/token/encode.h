/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Base64 for addresses and tokens (RFC 4648 section 5), and what nobody can guess. */
#ifndef TOKEN_ENCODE_H
#define TOKEN_ENCODE_H

#include "base/base.h"

/* Bytes that `len` of them become, and a NUL. */
#define ENCODED_SIZE(len) (((len) + 2) / 3 * 4 + 1)

/* Without padding; returns the length. */
size_t encode_base64url(const void *bytes, size_t len, char *text);

/* 32 bytes of chance, encoded. */
enum { ENCODED_CHANCE_SIZE = 44 };
void encode_chance(char text[ENCODED_CHANCE_SIZE]);

#endif
