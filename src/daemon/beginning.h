/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How each process of the daemon begins: what it hears, and its word that it is there. */
#ifndef DAEMON_BEGINNING_H
#define DAEMON_BEGINNING_H

#include <sys/types.h>

#include "base/error.h"

/*
 * A descriptor to read struct signalfd_siginfo from: the end of children, and what ends
 * this process or has it read its settings again. They are blocked from now on. -1:
 * ERROR_SYSTEM, which names `whose`.
 */
int beginning_signals(const char *whose, struct error *err);

/* To whoever waits at the other end of the pipe: it has begun (NULL), or why not. */
void beginning_tell(int fd, const struct error *err);

/*
 * The other end: waits for that word of the child, and closes the descriptor. False: why
 * not, with the kind that its exit status tells; it has ended.
 */
bool beginning_hear(int fd, pid_t pid, struct error *err);

#endif
