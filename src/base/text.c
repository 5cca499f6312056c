/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For ASCII and UTF-8 only, by hand: what the C library does with letters depends on
 * the locale, and no protocol does.
 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

size_t text_item(const char **list, const char *separators)
{
	*list += strspn(*list, separators);
	return strcspn(*list, separators);
}

bool text_list_has(const char *list, const char *separators, const char *word)
{
	size_t wanted = strlen(word);

	for (size_t len; (len = text_item(&list, separators)); list += len)
		if (len == wanted && !strncasecmp(list, word, len))
			return true;
	return false;
}

bool text_is_n(const char *bytes, size_t len, const char *word)
{
	for (; len > 0 && *word; len--, bytes++, word++)
		if (lower(*bytes) != lower(*word))
			return false;
	return len == 0 && !*word;
}

bool text_is(const char *a, const char *b)
{
	return text_is_n(a, strlen(a), b);
}

const char *text_after(const char *text, const char *prefix)
{
	for (; *prefix; text++, prefix++)
		if (lower(*text) != lower(*prefix))
			return NULL;
	return text;
}

static bool has_control(const char *text, char allowed)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != allowed) || *text == 127)
			return true;
	return false;
}

bool text_has_control(const char *text)
{
	return has_control(text, '\0');
}

bool text_has_control_but_tab(const char *text)
{
	return has_control(text, '\t');
}

bool text_has_8bit(const char *bytes, size_t len)
{
	uint64_t all = 0, word;

	/* Whole messages come through here: eight bytes at a time. */
	for (; len >= sizeof(word); bytes += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		all |= word;
	}
	for (; len > 0; bytes++, len--)
		all |= (unsigned char)*bytes;
	return all & UINT64_C(0x8080808080808080);
}

/* RFC 3629 section 4: overlong forms, surrogates, and what is beyond U+10FFFF. */
static bool is_forbidden(unsigned char first, unsigned char second)
{
	return (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
	       (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
}

/* The length of the sequence that begins here, or 0. */
static size_t utf8_sequence(const unsigned char *s, size_t len)
{
	size_t more = s[0] < 0x80 ? 0 : s[0] < 0xc2 ? 4 : s[0] < 0xe0 ? 1 :
		      s[0] < 0xf0 ? 2 : s[0] < 0xf5 ? 3 : 4;

	if (more > 3 || more >= len)
		return 0;
	for (size_t i = 1; i <= more; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return more > 0 && is_forbidden(s[0], s[1]) ? 0 : more + 1;
}

bool text_is_utf8(const char *bytes, size_t len)
{
	size_t step;

	for (size_t i = 0; i < len; i += step)
		if (!(step = utf8_sequence((const unsigned char *)bytes + i, len - i)))
			return false;
	return true;
}

bool text_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool text_is_white(char c)
{
	return text_is_blank(c) || c == '\r' || c == '\n';
}

void text_lower(char *text)
{
	for (; *text; text++)
		*text = lower(*text);
}

void text_upper(char *text)
{
	for (; *text; text++)
		if (*text >= 'a' && *text <= 'z')
			*text = (char)(*text - 'a' + 'A');
}

static uint32_t decode(const unsigned char *s, size_t len)
{
	uint32_t code = len == 1 ? s[0] : s[0] & (0x7fU >> len);

	for (size_t i = 1; i < len; i++)
		code = code << 6 | (s[i] & 0x3f);
	return code;
}

static const struct {
	uint32_t first, last;
} harmful[] = {
	{ 0x00, 0x1f },		/* C0 */
	{ 0x7f, 0x9f },		/* DEL, C1 */
	{ 0x061c, 0x061c },	/* what changes the direction of the text after it */
	{ 0x200e, 0x200f },
	{ 0x2028, 0x202e },	/* and before that, ends of lines and paragraphs */
	{ 0x2066, 0x2069 },
};

bool text_is_harmful(uint32_t code)
{
	for (size_t i = 0; i < COUNT_OF(harmful); i++)
		if (code >= harmful[i].first && code <= harmful[i].last)
			return true;
	return false;
}

size_t text_next(const char *text, size_t len, uint32_t *code)
{
	size_t step = len > 0 ? utf8_sequence((const unsigned char *)text, len) : 0;

	if (step > 0)
		*code = decode((const unsigned char *)text, step);
	return step;
}

size_t text_whole(const char *bytes, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char c = (unsigned char)bytes[len - back];
		size_t whole = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

		if (c < 0x80 || c >= 0xc0)
			return back < whole ? len - back : len;
	}
	return len;
}

void text_make_printable(char *text)
{
	char *end = text + strlen(text);

	while (text < end) {
		uint32_t code;
		size_t step;

		if (*text >= ' ' && *text <= '~') {	/* nearly always */
			text++;
			continue;
		}
		step = text_next(text, (size_t)(end - text), &code);
		if (!step || text_is_harmful(code))
			memset(text, '?', step + !step);
		text += step + !step;
	}
}

const char *text_show(const char *text, char shown[SHOWN_SIZE])
{
	size_t len = strlen(text), most = SHOWN_SIZE - sizeof("...");

	if (len > most)
		len = text_whole(text, most);
	snprintf(shown, SHOWN_SIZE, "%.*s%s", (int)len, text, text[len] ? "..." : "");
	text_make_printable(shown);
	return shown;
}

enum { SERVER_MAX = 8192 };

char *text_server(const char *host, long port)
{
	bool has_colons = *host != '[' && strchr(host, ':');
	OWNED_BUF text = BUF_INIT(SERVER_MAX);

	buf_addf(&text, "%s%s%s:%ld", has_colons ? "[" : "", host, has_colons ? "]" : "", port);
	return buf_take(&text);
}

bool text_to_number(const char *text, long least, long most, long *number)
{
	long value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || *text - '0' > most ||
		    value > (most - (*text - '0')) / 10)
			return false;
		value = value * 10 + (*text - '0');
	}
	if (value < least)
		return false;
	*number = value;
	return true;
}

enum { WORD_MAX = 40 };	/* longer words are nobody's typing mistake */

static bool is_same(char a, char b)
{
	return lower(a) == lower(b);
}

static void lessen(size_t *best, size_t other)
{
	if (other < *best)
		*best = other;
}

/*
 * Levenshtein's distance, a row of the matrix at a time; but two letters that have changed
 * places are one mistake.
 */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], len = strlen(b), *row = rows[0];

	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		const size_t *above = row, *higher = rows[(i + 2) % 3];

		row = rows[(i + 1) % 3];
		row[0] = i + 1;
		for (size_t j = 0; j < len; j++) {
			size_t best = above[j] + !is_same(a[i], b[j]);

			lessen(&best, above[j + 1] + 1);
			lessen(&best, row[j] + 1);
			if (i > 0 && j > 0 && is_same(a[i], b[j - 1]) && is_same(a[i - 1], b[j]))
				lessen(&best, higher[j - 1] + 1);
			row[j + 1] = best;
		}
	}
	return row[len];
}

const char *text_nearest(const char *word, text_candidate *next, const void *of)
{
	const char *nearest = NULL, *candidate;
	/*
	 * A third of its letters may be wrong, and one more: any word is near to
	 * something.
	 */
	size_t best = strlen(word) / 3 + 2;

	if (strlen(word) > WORD_MAX)
		return NULL;
	for (size_t i = 0; (candidate = next(of, i)); i++) {
		size_t d;

		if (strlen(candidate) > WORD_MAX)
			continue;
		d = distance(word, candidate);
		if (d < best) {
			best = d;
			nearest = candidate;
		}
	}
	return nearest;
}
