/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a path, as it is written: nobody looks at the disk. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "base/base.h"

/*
 * The directory that the last part of `path` is in: "/a" for "/a/b", "/" for "/b", and "."
 * for "b", whose directory is whichever one works in. The caller frees.
 */
char *path_directory(const char *path);

/* The last part: "b" in each of them. It points into `path`. */
const char *path_name(const char *path);

/*
 * What is called `name` in the same directory: "/a/c" for "/a/b" and "c", "/c" for "/b",
 * "c" for "b". The caller frees.
 */
char *path_beside(const char *path, const char *name);

#endif
