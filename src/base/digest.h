/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SHA-256: what names bytes, and tells nothing of them; and what shows that one knows a
 * key. base/sum.h is for accidents alone.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/error.h"

enum { DIGEST_SIZE = 32, DIGEST_MD5_SIZE = 16 };

/* False: digest_refuse() says why; *digest is zeros then. */
bool digest_of(const void *bytes, size_t len, unsigned char digest[DIGEST_SIZE]);

struct digest_key {		/* borrowed */
	const void *bytes;
	size_t len;
};

/* HMAC (RFC 2104) with SHA-256, and with MD5. False as above. */
bool digest_keyed(const struct digest_key *key, const void *bytes, size_t len,
		  unsigned char digest[DIGEST_SIZE]);
bool digest_keyed_md5(const struct digest_key *key, const void *bytes, size_t len,
		      unsigned char digest[DIGEST_MD5_SIZE]);

/*
 * PBKDF2 (RFC 8018) with HMAC and SHA-256: a key that is costly to guess the password by.
 */
bool digest_stretch(const struct digest_key *password, const void *salt, size_t salt_len,
		    unsigned rounds, unsigned char digest[DIGEST_SIZE]);

/*
 * Why one of them was not made: ERROR_CONFIG, the system's policy forbids it; ERROR_LATER of
 * library_load().
 */
bool digest_refuse(struct error *err);

#endif
