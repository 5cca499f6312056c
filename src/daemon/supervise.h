/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who starts the daemon's two programs, each as its user, and again when one dies. It
 * opens what they listen at, and does nothing else: as root it can do that much for them.
 */
#ifndef DAEMON_SUPERVISE_H
#define DAEMON_SUPERVISE_H

#include "base/error.h"

/*
 * Until SIGTERM. `config_file` is that of -C, or NULL; in the background it comes back at
 * once when all has begun, as another process. False: it could not begin, or ended in a
 * way that is none.
 */
bool supervise(const char *config_file, bool in_background, struct error *err);

#endif
