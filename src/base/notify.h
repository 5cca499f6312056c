/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a service manager wants to hear of its service (sd_notify(3)). */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include "base/base.h"

/*
 * Says it, such as "READY=1", to whoever the environment's NOTIFY_SOCKET names; nobody:
 * nothing happens. What is not heard is no error.
 */
void notify_say(const char *words);

/* RELOADING=1 with the time that goes with it; READY=1 ends that. */
void notify_reloading(void);

#endif
