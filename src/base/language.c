/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is said to people may be in their language; what goes into logs, files and onto
 * the wire never is, as others have to understand it.
 */
#include "base/language.h"

#include <langinfo.h>
#include <libintl.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>

static const char domain[] = "acsmtp";

/*
 * Not the locale of the process: that one decides how libraries and the C library speak,
 * and what they say goes into logs, too.
 */
static locale_t people;
static bool is_utf8, is_on;

void language_init(void)
{
	if (people)
		return;
	people = newlocale(LC_CTYPE_MASK | LC_MESSAGES_MASK, "", (locale_t)0);
	is_utf8 = people && !strcmp(nl_langinfo_l(CODESET, people), "UTF-8");
	if (!is_utf8)
		return;
	bindtextdomain(domain, ACSMTP_LOCALEDIR);
	bind_textdomain_codeset(domain, "UTF-8");
	is_on = true;
}

void language_leave(void)
{
	is_on = false;
}

bool language_is_utf8(void)
{
	return is_utf8;
}

bool language_is_on(void)
{
	return is_on;
}

const char *tr(const char *text)
{
	locale_t before;

	if (!is_on || !*text)	/* gettext("") would be the catalog's header */
		return text;
	before = uselocale(people);
	text = dgettext(domain, text);
	uselocale(before);
	return text;
}

const char *tr_n(const char *one, const char *many, unsigned long number)
{
	const char *text = number == 1 ? one : many;
	locale_t before;

	if (!is_on)
		return text;
	before = uselocale(people);
	text = dngettext(domain, one, many, number);
	uselocale(before);
	return text;
}

const char *language_reason(int number)
{
	return is_on ? strerror_l(number, people) : strerror(number);
}

/* --- columns */

static size_t bytes_of(const char *text)
{
	size_t len = 1;

	while (((unsigned char)text[len] & 0xc0) == 0x80)
		len++;
	return len;
}

size_t language_character(const char *text, int *columns)
{
	mbstate_t state = { 0 };
	locale_t before;
	size_t len;
	wchar_t c;

	*columns = 1;
	if ((unsigned char)*text < 0x80 || !people)
		return bytes_of(text);
	before = uselocale(people);
	len = mbrtowc(&c, text, strlen(text), &state);
	if (len <= strlen(text) && wcwidth(c) >= 0)
		*columns = wcwidth(c);
	uselocale(before);
	return len <= strlen(text) ? len : bytes_of(text);
}

size_t language_width(const char *text)
{
	size_t width = 0;
	int columns;

	while (*text) {
		text += language_character(text, &columns);
		width += (size_t)columns;
	}
	return width;
}

size_t language_cut(const char *text, size_t most)
{
	size_t at = 0, width = 0, len;
	int columns;

	for (; text[at]; at += len) {
		len = language_character(text + at, &columns);
		width += (size_t)columns;
		if (width > most)
			break;
	}
	return at;
}
