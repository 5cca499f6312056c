/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A secret: a password or an access token. Its bytes live in memory of their own
 * that is locked, left out of core dumps and wiped on release; no printf reaches
 * them. Whoever reads them keeps no copy that is not wiped.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/base.h"

enum { SECRET_MAX = 12288 };	/* octets; RFC 4954 section 4 allows no longer AUTH line */

struct secret {
	char *bytes;		/* room for SECRET_MAX + 1; NULL: no secret */
	size_t len;
};
#define OWNED_SECRET	__attribute__((cleanup(secret_free))) struct secret

/* Makes room, wiped; bytes[0..SECRET_MAX] may be written. */
void secret_make_room(struct secret *secret);

/* Replaces it with a copy; false: longer than SECRET_MAX. */
bool secret_set(struct secret *secret, const char *bytes, size_t len);

bool secret_is_set(const struct secret *secret);

/* Whether both have the same bytes; what is not set has none. */
bool secret_is_same(const struct secret *a, const struct secret *b);

/* Wipes and releases; a zeroed secret is fine. */
void secret_free(struct secret *secret);

/* Wipes any bytes, whatever the compiler thinks of it. */
void wipe(void *bytes, size_t len);

/* From now on no core dump and no debugger of the same user sees this process. */
void secret_guard_process(void);

#endif
