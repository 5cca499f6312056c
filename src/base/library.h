/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Libraries that are loaded when they are first needed. GnuTLS and what it brings along
 * cost more than all that a command does which speaks to no server: to put a message into
 * the queue, to hand it over, to list what waits; and each session of the daemon would
 * carry them.
 */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

enum library { LIBRARY_GNUTLS, LIBRARY_UNISTRING };

/*
 * A function of it, or an object. One that cannot be had ends the process as a lack of
 * memory does: no message is lost by that, and its caller tries again.
 */
void *library_symbol(enum library library, const char *name);

#endif
