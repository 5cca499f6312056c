/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a caller goes on writing when we know already that we fail. If nobody read it, SIGPIPE
 * would end the caller before it can ask for our exit status.
 */
#ifndef BASE_DRAIN_H
#define BASE_DRAIN_H

#include "base/base.h"

/* Whether a caller may be writing a message to standard input that is not read yet. */
void drain_expect(bool is_unread);

/*
 * If one may be, reads a pipe or socket that is standard input to its end, and drops it: as
 * long as something comes every few seconds, and up to a limit. A terminal and a file are
 * left alone: nobody dies of those. Needs no memory; safe in signal handlers.
 */
void drain(void);

#endif
