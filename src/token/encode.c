/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "token/encode.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/secret.h"

enum { CHANCE_BYTES = 32 };

size_t encode_base64url(const void *bytes, size_t len, char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *at = bytes;
	uint32_t bits = 0;
	unsigned count = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | at[i];
		for (count += 8; count >= 6; count -= 6)
			text[n++] = digits[bits >> (count - 6) & 63];
	}
	if (count > 0)
		text[n++] = digits[bits << (6 - count) & 63];
	text[n] = '\0';
	return n;
}

/* Without it every secret of a login could be guessed: there is no going on. */
void encode_chance(char text[ENCODED_CHANCE_SIZE])
{
	unsigned char bytes[CHANCE_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		abort();
	(void)encode_base64url(bytes, sizeof(bytes), text);
	wipe(bytes, sizeof(bytes));
}
