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
 *
 * Nor would the kernel tell it there whose a connection is:
 *
 *	OWNERS				the door asks
 *	OWNERS				and with these bytes what it asks the kernel by;
 *					nothing: there is none
 */
#ifndef DAEMON_LEND_H
#define DAEMON_LEND_H

#include "net/listen.h"
#include "net/visitor.h"

/*
 * The door's side: adds to `listeners` what is not `there`, which stays open whatever comes.
 * ERROR_LATER, or ERROR_CONFIG: one of them cannot be had; some may have been added.
 */
bool lend_take(const char *keeper, const struct listeners *there, struct listeners *listeners,
	       struct error *err);

/* The same for a register, which stays closed where there is none. */
void lend_take_register(const char *keeper, struct visitor_register *visitors);

/* The keeper's side, by the settings of now. */
void lend_give(int door, const char *config);
void lend_give_register(int door);

#endif
