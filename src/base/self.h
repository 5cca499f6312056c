/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * This process: whose files are its own, and where whoever started it hears what it has
 * to complain of. Who sends a message is another matter, and need not be the same user.
 */
#ifndef BASE_SELF_H
#define BASE_SELF_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/base.h"

/*
 * The user as whom the kernel judges this process, and so the owner of what it makes and
 * trusts. Safe in signal handlers, as all of this is.
 */
uid_t self_user(void);
bool self_is_root(void);
bool self_owns(const struct stat *st);

/*
 * Once, by main(), before anything can go wrong: our name, which begins a complaint and
 * is copied; where complaints go (-1: nowhere, as before), and whether a person reads
 * them there while they are written.
 */
void self_begin(const char *name, int complaints, bool is_watched);

const char *self_name(void);
int self_complaints(void);
bool self_is_watched(void);

/*
 * A child's: it gets the signal when `parent`, who made it, ends. One who has ended already
 * sends none: then the process ends at once. Safe between fork() and exec.
 */
void self_end_with(pid_t parent, int number);

#endif
