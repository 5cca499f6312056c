/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base64.h"

int base64_value(char c, const char *last_digits)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == last_digits[0] ? 62 : c == last_digits[1] ? 63 : -1;
}

bool base64_decode(const char *text, size_t len, const char *last_digits, char *bytes,
		   size_t *count)
{
	unsigned bits = 0, waiting = 0;

	*count = 0;
	for (size_t i = 0; i < len; i++) {
		int value = base64_value(text[i], last_digits);

		if (text[i] == '=') {
			if (waiting >= 6)
				return false;
			bits = waiting = 0;
			continue;
		}
		if (value < 0)
			return false;
		bits = (bits << 6 | (unsigned)value) & 0xffff;
		waiting += 6;
		if (waiting >= 8) {
			waiting -= 8;
			bytes[(*count)++] = (char)(bits >> waiting);
		}
	}
	return waiting < 6;
}
