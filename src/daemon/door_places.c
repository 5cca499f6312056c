/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * New places are complete, or not taken at all: they are gathered beside those that are
 * open, and only then what is not among them is closed.
 */
#include "daemon/door_places.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/lend.h"
#include "daemon/sockets.h"

enum { PAUSE = 3 };	/* seconds until what could not be lent is asked for again */

static bool has_address(const struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (!l->list[i].is_local)
			return true;
	return false;
}

bool door_places_begin(struct door_places *p, bool is_apart, struct error *err)
{
	if (!listen_inherit(&p->open, err))
		return false;
	p->inherited = p->open.count;
	p->are_lent = is_apart && !has_address(&p->open);
	return true;
}

/*
 * What clients come to from now on, of what is open and what is new. What systemd listens
 * at goes first, as in sockets_open().
 */
static bool gather(const struct door_places *p, const struct door *door, struct listeners *l,
		   struct error *err)
{
	const struct listener *there;
	struct addresses wanted;

	*l = p->open;
	if (!p->are_lent)
		return true;
	if (!listen_parse(door->config.daemon.listen, &wanted, err))
		return daemon_settings_blame(&door->config.daemon, "listen", err);
	l->count = p->inherited;
	for (size_t i = 0; i < wanted.count; i++)
		if ((there = listen_find(&p->open, &wanted.list[i])) &&
		    !listeners_have(l, there->fd))
			l->list[l->count++] = *there;
	return l->count - p->inherited == wanted.count ||
	       lend_take(door->keeper, &p->open, l, err);
}

/* False: nothing has changed but when it is asked again. */
static bool move(struct door_places *p, const struct door *door, struct error *err)
{
	struct listeners l;
	bool is_there = gather(p, door, &l, err);

	if (is_there && sockets_may_serve(&l, &door->config.daemon, err)) {
		listeners_close_rest(&p->open, &l);
		p->open = l;
		p->again_at = 0;
		return true;
	}
	listeners_close_rest(&l, &p->open);
	/* What must not be is mended by other settings, and not by time. */
	p->again_at = is_there ? 0 : clock_after(PAUSE);
	return false;
}

static void warn(const struct error *why)
{
	log_problem("warning: clients are served at the socket alone: %s%s%s", why->text,
		    why->advice ? "; " : "", why->advice ? why->advice : "");
}

bool door_places_follow(struct door_places *p, const struct door *door, struct error *err)
{
	const int64_t again_at = p->again_at;
	struct error why;

	if (move(p, door, err))
		return true;
	why = *err;
	/* Addresses that are served stay what they are. */
	if (p->inherited > 0 && p->open.count == p->inherited &&
	    sockets_may_serve(&p->open, &door->config.daemon, err)) {
		warn(&why);
		return true;
	}
	p->again_at = again_at;
	return false;
}

bool door_places_ask_again(struct door_places *p, const struct door *door)
{
	struct error err;

	if (p->again_at == 0 || clock_left(p->again_at) > 0)
		return false;
	if (move(p, door, &err)) {
		log_info("clients are served where listen says, too");
		return true;
	}
	if (p->again_at == 0)
		warn(&err);
	return false;
}

void door_places_leave(struct door_places *p)
{
	for (size_t i = 0; i < p->open.count; i++)
		close(p->open.list[i].fd);
	p->open.count = 0;
}
