/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What root does as another user: for good, or in a child to see whether that user can. */
#ifndef BASE_AS_USER_H
#define BASE_AS_USER_H

#include <sys/types.h>

#include "base/error.h"

/*
 * For good: nothing of root is left, nor of root's groups. False, with errno: that cannot be,
 * and the process is in between.
 */
bool as_user_become(uid_t uid);

/* What `try` says of `what` to a child that is that user; its error is ours. */
bool as_user_try(uid_t uid, bool (*try)(const char *what, struct error *err), const char *what,
		 struct error *err);

#endif
