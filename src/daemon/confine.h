/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A process gives away what it will not need, so that whoever takes it over gets little:
 * no program runs with more rights, no file is opened but those that are named, to be
 * read, nobody is connected to, no other process is touched. What the kernel does not
 * have is left out in silence.
 */
#ifndef DAEMON_CONFINE_H
#define DAEMON_CONFINE_H

#include "base/base.h"

enum confined { CONFINED_RIGHTS = 1, CONFINED_FILES = 2, CONFINED_CALLS = 4 };

/*
 * For this process and all that it forks: what neither the door nor its sessions ever do,
 * so that a session has that much less to give away.
 */
void confine_begin(void);

/*
 * For the rest of this process, after that: files that may be read (NULL ends the list;
 * what is not there is passed over). Which of enum confined it came to.
 */
unsigned confine(const char *const *files);

/* What it would come to here, without doing it. */
unsigned confine_look(void);

/* "no new rights, Landlock, seccomp"; what there is none of is left out. */
const char *confine_words(unsigned confined);

#endif
