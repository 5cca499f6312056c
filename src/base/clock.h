/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time: how long something may take, and what a calendar says. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <time.h>

#include "base/base.h"

enum { SECONDS_OF_HOUR = 3600, SECONDS_OF_DAY = 24 * SECONDS_OF_HOUR };

/* Milliseconds that only ever go forward; the start is arbitrary. */
int64_t clock_ms(void);

/* The moment `seconds` from now, for comparison with clock_ms(). */
int64_t clock_after(long seconds);

/* Milliseconds until the deadline, 0 when it is past; fits poll(2). */
int clock_left(int64_t deadline);

/* The shorter of two waits in milliseconds, as for poll(2): less than 0 is for ever. */
int clock_sooner(int one, int other);

enum { CLOCK_DATE_SIZE = 40 };

/* RFC 5322 section 3.3, local time: "Tue, 24 Nov 2026 08:53:25 +0000". */
void clock_date(time_t when, char date[CLOCK_DATE_SIZE]);

/* RFC 3164 section 4.1.2, local time: "Nov 24 08:53:25". */
void clock_syslog(time_t when, char date[CLOCK_DATE_SIZE]);

/* For log lines, local time: "2026-11-24T08:53:25+0000". */
void clock_stamp(time_t when, char stamp[CLOCK_DATE_SIZE]);

enum { CLOCK_DAY_SIZE = 24 };

/* The local day, "2027-03-01"; "" for what no calendar has. */
void clock_day_text(time_t when, char day[CLOCK_DAY_SIZE]);

/* The moment at which the local day "2027-03-01" begins; false: it is none. */
bool clock_day(const char *day, time_t *begins);

/* For programs, RFC 3339: "2026-11-24T08:53:25+00:00". */
void clock_rfc3339(time_t when, char stamp[CLOCK_DATE_SIZE]);

/* A name for one message, unique on this machine and beyond: 16 of 0-9a-v. */
enum { ID_SIZE = 17 };
void id_new(char id[ID_SIZE]);

/* Any number, so that processes that wait do not all come back at one moment. */
uint32_t chance_new(void);

#endif
