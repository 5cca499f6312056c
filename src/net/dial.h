/* SPDX-License-Identifier: GPL-3.0-or-later */
/* To a unix socket of this machine. */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <sys/types.h>

#include "base/error.h"

/*
 * A stream connection, close-on-exec, that took no longer than so many seconds; the
 * caller closes it. *owner: the user who listens there, as the kernel knows it. -1:
 * ERROR_LATER, with the errno in `number`.
 */
int dial_local(const char *path, int seconds, uid_t *owner, struct error *err);

#endif
