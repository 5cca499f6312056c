/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loaded before the C library: the clock of the day is wrong by as many seconds as the file
 * $CLOCK_SHIFT says, which may change at any moment. Clocks that only go on are right.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t which, struct timespec *at)
{
	const char *name = getenv("CLOCK_SHIFT");
	FILE *file = name && which == CLOCK_REALTIME ? fopen(name, "re") : NULL;
	long long shift = 0;

	if (syscall(SYS_clock_gettime, which, at) < 0)
		return -1;
	if (file && fscanf(file, "%lld", &shift) == 1)
		at->tv_sec += shift;
	if (file)
		fclose(file);
	return 0;
}

time_t time(time_t *at)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (at)
		*at = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	at->tv_sec = now.tv_sec;
	at->tv_usec = now.tv_nsec / 1000;
	return 0;
}
