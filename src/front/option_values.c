/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "front/option_values.h"

#include <string.h>

#include "base/text.h"

bool interval_read(const char *value, long *seconds)
{
	static const struct { char letter; long seconds; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 },
	};

	for (*seconds = 0; *value; ) {
		size_t digits = strspn(value, "0123456789"), i = 0;
		OWNED_TEXT text = text_copy_n(value, digits);
		long number;

		if (!text_to_number(text, 0, 100000, &number))
			return false;
		value += digits;
		while (i < COUNT_OF(units) && *value != units[i].letter)
			i++;
		if (*value && i == COUNT_OF(units))
			return false;
		*seconds += number * (*value ? units[i].seconds : 60);
		value += *value != '\0';
	}
	return *seconds <= 365 * 86400L;
}

bool notify_is_valid(const char *value)
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

/* Printable ASCII without "=", and "+" only before two capital hex digits. */
bool envid_is_valid(const char *value)
{
	static const char hex[] = "0123456789ABCDEF";
	bool ok = *value && strlen(value) <= 100;

	for (const char *c = value; ok && *c; c++) {
		ok = *c > ' ' && *c <= '~' && *c != '=';
		if (*c == '+')
			ok = c[1] && strchr(hex, c[1]) && c[2] && strchr(hex, c[2]);
	}
	return ok;
}
