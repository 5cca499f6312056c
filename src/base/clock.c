/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Deadlines are on the monotonic clock, which nobody can set. Dates and ids are on the
 * other one, as people read them.
 */
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_after(long seconds)
{
	return clock_ms() + (int64_t)seconds * 1000;
}

int clock_left(int64_t deadline)
{
	int64_t left = deadline - clock_ms();

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

int clock_sooner(int one, int other)
{
	return one < 0 || (other >= 0 && other < one) ? other : one;
}

/* Names by hand: strftime's %a and %b speak the locale's language. */
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void clock_date(time_t when, char date[CLOCK_DATE_SIZE])
{
	static const char days[] = "SunMonTueWedThuFriSat";
	struct tm t = { 0 };
	char zone[8] = "+0000";

	localtime_r(&when, &t);
	strftime(zone, sizeof(zone), "%z", &t);
	snprintf(date, CLOCK_DATE_SIZE, "%.3s, %d %.3s %d %02d:%02d:%02d %s",
		 days + 3 * (t.tm_wday % 7), t.tm_mday, months + 3 * (t.tm_mon % 12),
		 t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec, zone);
}

void clock_syslog(time_t when, char date[CLOCK_DATE_SIZE])
{
	struct tm t = { 0 };

	localtime_r(&when, &t);
	snprintf(date, CLOCK_DATE_SIZE, "%.3s %2d %02d:%02d:%02d",
		 months + 3 * (t.tm_mon % 12), t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

void clock_stamp(time_t when, char stamp[CLOCK_DATE_SIZE])
{
	struct tm t = { 0 };

	localtime_r(&when, &t);
	if (!strftime(stamp, CLOCK_DATE_SIZE, "%Y-%m-%dT%H:%M:%S%z", &t))
		stamp[0] = '\0';
}

void clock_day_text(time_t when, char day[CLOCK_DAY_SIZE])
{
	struct tm t;

	day[0] = '\0';
	if (localtime_r(&when, &t) && strftime(day, CLOCK_DAY_SIZE, "%Y-%m-%d", &t) == 0)
		day[0] = '\0';
}

bool clock_day(const char *day, time_t *begins)
{
	struct tm t = { .tm_isdst = -1 }, given;
	const char *end = strptime(day, "%Y-%m-%d", &t);

	if (!end || *end || strlen(day) != strlen("2027-03-01"))
		return false;
	given = t;
	*begins = mktime(&t);
	/* The 30th of February would be another day. */
	return *begins != (time_t)-1 && t.tm_mday == given.tm_mday && t.tm_mon == given.tm_mon;
}

void clock_rfc3339(time_t when, char stamp[CLOCK_DATE_SIZE])
{
	enum { MINUTES = 2 };	/* digits of the zone behind the colon */
	size_t len;

	clock_stamp(when, stamp);
	len = strlen(stamp);
	if (len < MINUTES || len + 1 >= CLOCK_DATE_SIZE)
		return;
	memmove(stamp + len - MINUTES + 1, stamp + len - MINUTES, MINUTES + 1);
	stamp[len - MINUTES] = ':';
}

/* 40 bits of time keep ids in order, 40 random bits part them. */
void id_new(char id[ID_SIZE])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	uint64_t time_part, random_part = 0;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	time_part = (uint64_t)now.tv_sec << 8 | (uint64_t)(now.tv_nsec >> 22);
	/* Early in a boot there is none yet: mail does not wait for it. */
	if (getrandom(&random_part, sizeof(random_part), GRND_NONBLOCK) < 0)
		random_part = (uint64_t)now.tv_nsec << 20 ^ (uint64_t)getpid();
	for (int i = 7; i >= 0; i--, time_part >>= 5, random_part >>= 5) {
		id[i] = digits[time_part & 31];
		id[i + 8] = digits[random_part & 31];
	}
	id[16] = '\0';
}

uint32_t chance_new(void)
{
	uint32_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint32_t)clock_ms() * 2654435761U ^ (uint32_t)getpid();
	return number;
}
