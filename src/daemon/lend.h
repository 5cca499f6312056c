/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where both are started apart the door has no network, so the keeper opens what `listen`
 * says and hands it over:
 *
 *	LISTEN				the door asks at the keeper's socket,
 *	ADDRESS:PORT			a line each that it has already,
 *					and an empty one
 *	LISTEN				and with these bytes the others
 *	LATER WORDS, NEVER WORDS	they cannot be had
 */
#ifndef DAEMON_LEND_H
#define DAEMON_LEND_H

#include "net/listen.h"

/*
 * The door's side: adds to `listeners` what is not `there`, which stays open whatever comes.
 * ERROR_LATER, or ERROR_CONFIG: one of them cannot be had; some may have been added.
 */
bool lend_take(const char *keeper, const struct listeners *there, struct listeners *listeners,
	       struct error *err);

/* The keeper's side, by the settings of now. */
void lend_give(int door, const char *config);

#endif
