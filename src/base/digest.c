/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/digest.h"

#include <string.h>

#include <gnutls/crypto.h>

#include "base/secret.h"

enum { STATE_MAX = 4096 };	/* more than the library has on the stack for it */

/* The last bytes that a hash was made of stay there, where the library had them. */
static __attribute__((noinline)) void wipe_stack(void)
{
	char stack[STATE_MAX];

	wipe(stack, sizeof(stack));
}

bool digest_of(const void *bytes, size_t len, unsigned char digest[DIGEST_SIZE])
{
	bool ok = gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, len, digest) >= 0;

	if (!ok)
		memset(digest, 0, DIGEST_SIZE);
	wipe_stack();
	return ok;
}
