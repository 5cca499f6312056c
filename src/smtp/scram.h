/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SCRAM-SHA-256 (RFC 5802, RFC 7677): the server never sees the password, and shows that
 * it knows it. CRAM-MD5 (RFC 2195), which does the first of these only.
 */
#ifndef SMTP_SCRAM_H
#define SMTP_SCRAM_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/secret.h"

enum { SCRAM_NONCE_SIZE = 33, SCRAM_FIRST_MAX = 3 * SECRET_MAX };

struct scram {			/* zeroed */
	char nonce[SCRAM_NONCE_SIZE];	/* ours, as text */
	struct buf first;	/* what we said first, without what stands before the user */
	unsigned char signature[DIGEST_SIZE];	/* that the server has to show */
	bool is_answered, is_proven;
};

/*
 * What is said next, to what the server has said, decoded: NULL is nothing yet. The last
 * of its three answers proves the server, and is answered by nothing. ERROR_PROTOCOL: it
 * makes no sense, or the server does not know the password; ERROR_CONFIG: the system's
 * policy forbids what it takes. `raw` is in memory that is wiped.
 */
bool scram_next(struct scram *scram, const char *user, const struct secret *password,
		const struct buf *challenge, struct buf *raw, struct error *err);
void scram_free(struct scram *scram);

bool smtp_cram_md5(const char *user, const struct secret *password, const struct buf *challenge,
		   struct buf *raw, struct error *err);

#endif
