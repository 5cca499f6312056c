/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of trusted certificates in PEM form (RFC 7468), of which only those are
 * decoded that can matter for a chain.
 */
#ifndef NET_ROOTS_H
#define NET_ROOTS_H

#include "base/error.h"
#include "net/der.h"

enum {
	CHAIN_MAX = 16,			/* certificates that a server may send */
	ROOTS_MAX = 64,			/* of one file that may matter for one chain */
	ROOTS_FILE_MAX = 16 * 1024 * 1024,
	CERTIFICATE_MAX = 64 * 1024	/* bytes of one in DER */
};

struct chain {			/* as the server sent it, its own certificate first */
	struct der certificates[CHAIN_MAX];
	size_t count;
};

struct roots {
	struct der found[ROOTS_MAX];	/* the bytes belong to this struct */
	size_t count;
};
#define OWNED_ROOTS	__attribute__((cleanup(roots_free))) struct roots

/*
 * The system's trust store: ACSMTP_TRUST_FILE of the build, else the first of the
 * usual places that is there; NULL: none is.
 */
const char *roots_system_file(void);

/*
 * All certificates of the file whose subject is the issuer or the subject of one in
 * the chain: no other can make the chain, or a part of it, trusted.
 * ERROR_CONFIG: it cannot be read, or holds no certificate at all.
 */
bool roots_find(const char *path, const struct chain *chain, struct roots *roots,
		struct error *err);

void roots_free(struct roots *roots);

#endif
