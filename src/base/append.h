/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that lines are appended to, wherever somebody has told us to put them. */
#ifndef BASE_APPEND_H
#define BASE_APPEND_H

#include <sys/types.h>

#include "base/error.h"

/*
 * Opens a file, pipe or device for that, making a file of mode 0600; -1 with
 * ERROR_CREATE. Never waits, for a pipe's reader say. Where others than root can write to
 * a directory on the way, root's process follows no link there, and takes nothing but a
 * regular file with one name that belongs to root or to the owner of that directory: a
 * link would let its maker write into files of others by our hand.
 */
int append_open(const char *path, struct error *err);

/*
 * The same by root for a user who will append as well: what is just made, or root's and
 * still empty, becomes that user's. A file that is in use stays whose it is.
 */
int append_open_for(const char *path, uid_t user, struct error *err);

#endif
