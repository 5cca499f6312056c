/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Directories of our own, whose names must outlive a loss of power as what is in them
 * must.
 *
 * mkdir(2) and the fsync of the parent are two steps, and whoever makes a directory may
 * die between them. So one is made with the sticky bit, which means nothing where nobody
 * else may write, and loses it when its name is on the disk: whoever finds the bit syncs
 * the parent, and everybody else knows at no cost that it need not be done.
 */
#ifndef BASE_DIRECTORY_H
#define BASE_DIRECTORY_H

#include <sys/stat.h>

#include "base/error.h"

enum { DIRECTORY_NEW = S_ISVTX | S_IRWXU };	/* the mode to make one with */

/*
 * Whether the name of the open directory is on the disk, and sees to it; false with
 * errno.
 */
bool directory_settle(int dir, const struct stat *st);

/*
 * Opens the directory at `path`, which this user owns and others can neither read nor
 * change, making it and up to three missing parents with mode 0700; their names are on
 * the disk then. -1 with ERROR_CREATE: there is none, or another user has it.
 */
int directory_private(const char *path, struct error *err);

/*
 * Opens the directory of this user's caches in the same way: $XDG_CACHE_HOME/acsmtp, else
 * ~/.cache/acsmtp. -1: there is none, and nothing can be kept.
 */
int directory_of_caches(void);

#endif
