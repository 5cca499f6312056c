/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/digest.h"

#include <string.h>

#include <gnutls/crypto.h>

bool digest_of(const void *bytes, size_t len, unsigned char digest[DIGEST_SIZE])
{
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, len, digest) >= 0)
		return true;
	memset(digest, 0, DIGEST_SIZE);
	return false;
}
