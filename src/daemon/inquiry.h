/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keeper's end of delivery/queue_wire.h: what users ask of the queue. Who asks is
 * known by the kernel alone, and everybody sees and changes what he has handed in
 * himself; root all.
 */
#ifndef DAEMON_INQUIRY_H
#define DAEMON_INQUIRY_H

#include "daemon/answer.h"

/* From behind the line that began it until the client has no more questions. */
void inquiry_serve(const struct inquiry_desk *desk, int client);

/* Instead of that: why this one is told nothing. */
void inquiry_refuse(int client, const char *why);

#endif
