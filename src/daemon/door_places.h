/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the door listens: at the sockets that it was started with, and apart also where
 * `listen` says, if none of those is an address. The keeper opens these (daemon/lend.h).
 */
#ifndef DAEMON_DOOR_PLACES_H
#define DAEMON_DOOR_PLACES_H

#include "daemon/session.h"
#include "net/listen.h"

struct door_places {
	struct listeners open;
	size_t inherited;	/* of them, which stand first; the others are lent */
	bool are_lent;		/* what `listen` says is asked of the keeper */
	int64_t again_at;	/* clock_ms() at which it is asked once more; 0: it is not */
};

/* What it was started with. ERROR_CONFIG, as listen_inherit(). */
bool door_places_begin(struct door_places *p, bool is_apart, struct error *err);

/*
 * Listens from now on where these settings say; what stays never closes. What the keeper
 * cannot lend now keeps nobody from the sockets that were inherited: true then as well,
 * and it is asked again. False: all is as it was; ERROR_CONFIG, or as lend_take().
 */
bool door_places_follow(struct door_places *p, const struct door *door, struct error *err);

/* When it is time for that. True: clients are served there now, too. */
bool door_places_ask_again(struct door_places *p, const struct door *door);

/* Closes all: in a session, as they are the door's alone, or where another door has them. */
void door_places_leave(struct door_places *p);

#endif
