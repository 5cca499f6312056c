/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/digest.h"

#include <string.h>

#include <gnutls/crypto.h>

#include "base/library.h"
#include "base/secret.h"

enum { STATE_MAX = 4096 };	/* more than the library has on the stack for it */

/* The last bytes that a hash was made of stay there, where the library had them. */
static __attribute__((noinline)) void wipe_stack(void)
{
	char stack[STATE_MAX];

	wipe(stack, sizeof(stack));
}

static bool is_there(void)
{
	struct error unheard;

	return library_load(LIBRARY_GNUTLS, &unheard);
}

bool digest_refuse(struct error *err)
{
	return library_load(LIBRARY_GNUTLS, err) &&
	       error_set(err, ERROR_CONFIG, "the system's policy for cryptography forbids it");
}

bool digest_of(const void *bytes, size_t len, unsigned char digest[DIGEST_SIZE])
{
	bool ok = is_there() && gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, len, digest) >= 0;

	if (!ok)
		memset(digest, 0, DIGEST_SIZE);
	wipe_stack();
	return ok;
}

bool digest_keyed(const struct digest_key *key, const void *bytes, size_t len,
		  unsigned char digest[DIGEST_SIZE])
{
	return is_there() &&
	       gnutls_hmac_fast(GNUTLS_MAC_SHA256, key->bytes, key->len, bytes, len, digest) >= 0;
}

bool digest_keyed_md5(const struct digest_key *key, const void *bytes, size_t len,
		      unsigned char digest[DIGEST_MD5_SIZE])
{
	return is_there() &&
	       gnutls_hmac_fast(GNUTLS_MAC_MD5, key->bytes, key->len, bytes, len, digest) >= 0;
}

bool digest_stretch(const struct digest_key *password, const void *salt, size_t salt_len,
		    unsigned rounds, unsigned char digest[DIGEST_SIZE])
{
	const gnutls_datum_t key = { (void *)password->bytes, (unsigned)password->len };
	const gnutls_datum_t grain = { (void *)salt, (unsigned)salt_len };

	return is_there() &&
	       gnutls_pbkdf2(GNUTLS_MAC_SHA256, &key, &grain, rounds, digest, DIGEST_SIZE) >= 0;
}
