/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system's log, without syslog(3), which waits for ever when nobody reads it. */
#ifndef BASE_SYSLOG_SOCKET_H
#define BASE_SYSLOG_SOCKET_H

#include "base/base.h"

/*
 * One line, of the facility "mail", to the socket at `path`; `priority` is LOG_ERR or
 * another of syslog(3). A full queue is waited for a moment. False, with errno, if it
 * was not sent; true also where there is no such socket, as in containers.
 */
bool syslog_send(const char *path, int priority, const char *tag, const char *text);

/*
 * Connects, and stays connected to the end of the process: for one that soon can connect
 * to nothing. Another who listens there later is found, unless the socket is a stream.
 */
void syslog_stay(const char *path);

/* Whether somebody listens there; false with errno. */
bool syslog_is_there(const char *path);

#endif
