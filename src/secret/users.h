/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who may log in to us: a file of lines "NAME:HASH", the hash as crypt(3) makes it. Empty
 * lines and those that begin with "#" are passed over.
 */
#ifndef SECRET_USERS_H
#define SECRET_USERS_H

#include "base/error.h"

enum { USERS_MAX = 10000 };

struct users;

/*
 * NULL: ERROR_CONFIG with file and line: it cannot be read, others can read it
 * (file_is_private), a line is none, a name comes twice, or crypt(3) does not know the
 * method of a hash. At least one user.
 */
struct users *users_load(const char *file, struct error *err);
void users_free(struct users *users);	/* NULL is fine */

/*
 * Whether the password is that user's. A name that is not there takes as long as one that
 * is: the password is hashed all the same, with what stands for another.
 */
bool users_fit(const struct users *users, const char *name, const char *password);

#endif
