/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where this user's own files are. sudo -E and su leave HOME and the XDG_*_HOME of
 * whoever called them, and another's files must neither stop us nor steer us, nor be made
 * for him.
 */
#ifndef BASE_HOME_H
#define BASE_HOME_H

#include <sys/types.h>

#include "base/base.h"

/* Whether what belongs to that user id is this user's own or root's, and so trusted. */
bool home_is_trusted(uid_t owner);

/* $HOME if it is a whole path and this user's own, else NULL. */
const char *home_own(void);

/*
 * The same, or else the home in the user database if that is this user's own, or else
 * $HOME, if it is root's: root may put files there for him to read. Good until the next
 * getpwuid(3). NULL: none; or errno_is_lack(errno), and nobody knows.
 */
const char *home_found(void);

/*
 * The value of an XDG variable, if it is a whole path and the nearest directory of it
 * that is there is this user's or root's; else NULL.
 */
const char *home_xdg(const char *variable);

#endif
