/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the daemon does. The keeper answers STATUS with lines of a word and its value, as
 * status.c's table has them, and whoever asked shows them.
 */
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

#include <stdio.h>

#include "delivery/queue.h"

struct status_facts {		/* borrowed */
	const struct queue *queue;
	const struct config *config;
	size_t clients;
	uid_t door_uid;
	const char *confined;
	bool is_blind;		/* the kernel does not tell us users apart */
};

/* The keeper's side: finds out, and says so. */
void status_tell(int client, const struct status_facts *facts);

enum status_format { STATUS_WORDS, STATUS_JSON, STATUS_PROMETHEUS };

/*
 * The other side: asks the keeper at the other end of `fd`, and prints. ERROR_LATER:
 * nobody answers there, or it cannot keep any mail, which is printed too.
 */
bool status_show(int fd, enum status_format format, FILE *out, struct error *err);

#endif
