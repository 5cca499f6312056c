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
	const char *config_file;	/* that it was read from: of -C, or NULL */
	size_t clients;
	uid_t door_uid;
	const char *confined;
	bool is_blind;		/* the kernel does not tell us users apart */
};

/* The keeper's side: finds out, and says so. */
void status_tell(int client, const struct status_facts *facts);

enum status_format { STATUS_WORDS, STATUS_JSON, STATUS_PROMETHEUS };

struct status_place {		/* borrowed */
	int keeper;		/* a connection to it */
	const char *door;	/* where its socket for clients should be; NULL: nowhere */
	const struct daemon_settings *settings;
	const char *refusal;	/* why a start would refuse the files of now; NULL: it would not */
};

/*
 * The other side: asks the keeper, then rings where clients come, and prints.
 * ERROR_LATER: nobody answers there, it cannot keep any mail, or no clients are served at
 * one of the places; which is printed too.
 */
bool status_show(const struct status_place *place, enum status_format format, FILE *out,
		 struct error *err);

/* There is no keeper: what programs hear of that. */
void status_show_absence(enum status_format format, const struct error *why, FILE *out);

#endif
