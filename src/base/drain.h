/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a caller goes on writing when we know already that we fail. If nobody read it,
 * SIGPIPE would end the caller before it can ask for our exit status.
 */
#ifndef BASE_DRAIN_H
#define BASE_DRAIN_H

#include "base/base.h"

/*
 * A caller may be writing a message there that is not read yet; -1: nobody is, any more.
 */
void drain_expect(int fd);

/*
 * If one may be, reads what is a pipe or socket to its end, and drops it: as
 * long as something comes every few seconds, and up to a limit. A terminal and a file are
 * left alone: nobody dies of those. Needs no memory; safe in signal handlers.
 */
void drain(void);

#endif
