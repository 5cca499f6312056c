/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One who has connected to the keeper, in a process that ends with it. */
#ifndef DAEMON_VISIT_H
#define DAEMON_VISIT_H

#include "daemon/intake.h"
#include "daemon/status.h"
#include "net/visitor.h"

struct visit {				/* borrowed */
	const struct visitor *who;
	const struct intake_desk *intake;
	const struct status_facts *facts;
};

/* Whether it comes from the door, or from a user of whom there may be many. */
bool visit_is_of_door(uid_t uid, uid_t door_uid);
bool visit_is_limited(uid_t uid, uid_t door_uid);

/*
 * Whether it has just said that it is a session which gives mail; that line is taken. What
 * it gives may come much later, so that it needs no process until then. Does not wait: what
 * has come in parts only is for visit_serve().
 */
bool visit_begins_to_give(int client);

/*
 * What such a session gives, until it has said nothing more for so many milliseconds (-1:
 * however long it takes). False: it is over, or its connection is of no use any more.
 */
bool visit_take_mail(const struct intake_desk *desk, int client, int patience_ms);

/*
 * What it is for says its first line, and stays so: a session of the door gives mail and
 * asks for nothing, and whoever asks gives none.
 */
void visit_serve(const struct visit *visit, int client);

#endif
