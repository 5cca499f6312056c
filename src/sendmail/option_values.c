/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values with a form of their own. Intervals are what sendmail and systemd write:
 * "1h30m", "90 min", and a bare number is minutes. The words of DSN are those of RFC
 * 3461.
 */
#include "sendmail/option_values.h"

#include <string.h>

#include "base/hex.h"
#include "base/text.h"

enum { INTERVAL_MAX = 365 * 86400, COUNT_MAX = 100000 };

/*
 * Seconds of a unit by the words of sendmail(8) and of systemd.time(7); 0: there is none.
 */
static long unit_seconds(const char *word, size_t len)
{
	static const struct { const char *word; long seconds; } units[] = {
		{ "s", 1 }, { "sec", 1 }, { "second", 1 }, { "seconds", 1 },
		{ "m", 60 }, { "min", 60 }, { "minute", 60 }, { "minutes", 60 },
		{ "h", 3600 }, { "hr", 3600 }, { "hour", 3600 }, { "hours", 3600 },
		{ "d", 86400 }, { "day", 86400 }, { "days", 86400 },
		{ "w", 604800 }, { "week", 604800 }, { "weeks", 604800 },
	};

	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (len == strlen(units[i].word) && !strncmp(word, units[i].word, len))
			return units[i].seconds;
	return 0;
}

bool option_interval_read(const char *value, long *seconds)
{
	static const char blank[] = " \t";

	for (*seconds = 0; *(value += strspn(value, blank)); ) {
		size_t digits = strspn(value, "0123456789"), letters;
		OWNED_TEXT text = text_copy_n(value, digits);
		long number, unit;

		if (!text_to_number(text, 0, COUNT_MAX, &number))
			return false;
		value += digits;
		value += strspn(value, blank);
		letters = strcspn(value, " \t0123456789");
		unit = letters ? unit_seconds(value, letters) : 60;
		if (!unit || number > (INTERVAL_MAX - *seconds) / unit)
			return false;
		*seconds += number * unit;
		value += letters;
	}
	return true;
}

bool option_notify_is_valid(const char *value)
{
	static const char *const words[] = { "SUCCESS", "FAILURE", "DELAY" };
	const char *at = value;

	if (text_is(value, "NEVER"))
		return true;
	for (;; at++) {
		size_t len = strcspn(at, ","), i = 0;

		while (i < COUNT_OF(words) && !text_is_n(at, len, words[i]))
			i++;
		if (i == COUNT_OF(words))
			return false;
		at += len;
		if (!*at)
			return true;
	}
}

bool option_envid_is_valid(const char *value)
{
	return strlen(value) <= 100 && hex_is_xtext(value, false);
}
