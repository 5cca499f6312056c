/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Libraries that are loaded when they are first needed. GnuTLS and what it brings along
 * cost more than all that a command does which speaks to no server: to put a message into
 * the queue, to hand it over, to list what waits; and each session of the daemon would
 * carry them.
 */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include "base/error.h"

enum library { LIBRARY_GNUTLS, LIBRARY_UNISTRING };

/*
 * Before what cannot be done without it is begun. ERROR_LATER: it cannot be loaded, with
 * the file that lacks and the package that brings it; once that is there it is found.
 */
bool library_load(enum library library, struct error *err);

/*
 * A function of it, or an object. One that cannot be had ends the process as a lack of
 * memory does: no message is lost by that, and its caller tries again.
 */
void *library_symbol(enum library library, const char *name);

#endif
