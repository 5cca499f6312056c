/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is true of the mail if this process ended now, so that whatever ends it (a signal,
 * memory that is not there) tells the caller the truth.
 */
#ifndef BASE_FATE_H
#define BASE_FATE_H

#include <sys/types.h>

#include "base/base.h"

enum fate {
	FATE_NOT_SENT,		/* nobody has it: the beginning */
	FATE_PERHAPS,		/* somebody may have it, or some have it and others not */
	FATE_SENT,		/* everybody who will get it has it */
	FATE_QUEUED,		/* we have it, on the disk */
	FATE_STORED,		/* the same, and what we are about to do others can do as well */
	FATE_AWAITED,		/* the disk has it, or soon will, and somebody else perhaps: what
				   comes of it is worth waiting for */
};
/*
 * A signal that was put off ends us with the next FATE_NOT_SENT or FATE_STORED; where it
 * came while an answer is awaited, after a minute at the latest.
 */
void fate_set(enum fate fate);
enum fate fate_now(void);

/*
 * Signals wait while `hold` is on, which is never twice: what is going on must be over, or
 * not have begun, when one ends us. Those that waited before wait afterwards.
 */
void fate_hold(bool hold);

/* Whether such a signal waits for that. */
bool fate_is_put_off(void);

/* What else is known of a message of which FATE_PERHAPS is true, "" nothing; copied. */
void fate_explain(const char *words);

/*
 * From now on SIGTERM, SIGINT and SIGHUP, unless our caller has them ignored, kill us
 * only while nothing is sent. After that they end us with a complaint (base/self.h), and
 * EX_TEMPFAIL or what FATE_STORED has; they are put off once all is sent or queued, and
 * while an answer is awaited. self_begin() comes first.
 */
void fate_catch_signals(void);

/* A process group that such a signal kills before us; 0: none any more. */
void fate_take_along(pid_t group);

/*
 * Says "NAME: WHY: " and what became of the mail where complaints go, reads what the
 * caller is still writing (drain), and ends the process: EX_OK when it was sent or
 * queued, else EX_TEMPFAIL. Needs no memory; safe in signal handlers.
 */
_Noreturn void fate_end(const char *why);

#endif
