/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keeper's end of the hand-over: what sessions of the door give becomes mail. */
#ifndef DAEMON_INTAKE_H
#define DAEMON_INTAKE_H

#include "delivery/queue.h"

struct intake_desk {		/* borrowed */
	const struct queue *queue;
	const char *config;	/* of -C, or NULL: what entries name, whatever they say */
	uint64_t largest;	/* bytes of a message that any account takes; 0: any size */
	void (*poke)(void *keeper);	/* something waits, and nobody works on the queue */
	void *keeper;
};

/*
 * One line that was read already, and what it announces; false: the connection is of no
 * use.
 */
bool intake_take(const struct intake_desk *desk, int door, const char *line);

#endif
