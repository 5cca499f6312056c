/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who has come to the door in vain of late: he was refused, or went without having given a
 * message. Five times a second may be so for ever, and a hundred times at once: a monitor,
 * or a program with a mistake, does not notice. Whoever does it more often waits before he
 * is heard, a moment at first and a second in the end. One message, and all is forgotten;
 * or half a minute.
 */
#ifndef DAEMON_VAIN_H
#define DAEMON_VAIN_H

#include "base/base.h"

enum { VAIN_PLACES = 1024 };

struct vain {			/* zeroed: nobody has; it does not grow */
	struct vain_visitor {
		uint64_t whose;		/* admission_whose() */
		int64_t until;		/* clock_ms() at which all is forgotten */
		bool is_told;
	} places[VAIN_PLACES];
};

/* That one has come in vain, or has given a message. */
void vain_count(struct vain *v, uint64_t whose, int64_t now);
void vain_forget(struct vain *v, uint64_t whose);

/* Milliseconds that he waits who comes now; mostly 0. */
int vain_pause(const struct vain *v, uint64_t whose, int64_t now);

/* Whether it has not been asked since that one began to wait. */
bool vain_is_news(struct vain *v, uint64_t whose);

#endif
