/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A process that has served a client waits a moment whether the same client comes again: a
 * program that makes a connection for each message does so at once, and a new process would
 * cost more than the message. It never serves anybody else. Between it and the door there
 * is a line, over which it says that it is free, and gets the next connection; the door
 * alone decides when it has waited long enough, and closes the line.
 */
#ifndef DAEMON_AGAIN_H
#define DAEMON_AGAIN_H

#include "net/visitor.h"

/* --- the door's end; nothing waits */

enum { AGAIN_MAX = 256 };	/* lines; more processes have none */

struct again {
	int events;		/* an epoll(7): readable when again_hear() has something to do */
	struct again_line {
		int fd;
		struct visitor who;
		uint64_t whose;		/* admission_whose() */
		int64_t until;		/* clock_ms() to which it is free; 0: it serves */
	} lines[AGAIN_MAX];
	size_t count;
};

/* ERROR_SYSTEM: there is none. */
bool again_begin(struct again *a, struct error *err);

/*
 * A line for a process that is about to serve that one: its end of it, the caller's; -1: it
 * gets none, as who it is cannot be known for sure, or too many have one.
 */
int again_open(struct again *a, const struct visitor *who);

/*
 * True: one that has served him before, in the same group, has the connection, which stays
 * the caller's too.
 */
bool again_give(struct again *a, int client, const struct visitor *who);

/*
 * What one of those that have become free has said: whom it has served (admission_whose()),
 * and whether he has given a message. False: nobody has said anything more.
 */
bool again_hear(struct again *a, uint64_t *whose, bool *has_given);

/* How many of that one's are free, and of all of them. */
size_t again_free_of(const struct again *a, uint64_t whose);
size_t again_free(const struct again *a);

/* Lets those go that have waited long enough; milliseconds until the next, -1: there is none. */
void again_rest(struct again *a);
int again_pause(const struct again *a);

/* Lets all go, at the end of what they serve. */
void again_end(struct again *a);

/* In a child: the lines are the door's alone. */
void again_leave(const struct again *a);

/* --- a session's end */

/* Says that it is free. False: the door does not want to know. */
bool again_say(int line, bool has_given);

/*
 * Waits for the next connection after that, which is the caller's then; -1: there will be
 * none. It is not waited for when `keeper`, another line, has ended.
 */
int again_next(int line, int keeper);

#endif
