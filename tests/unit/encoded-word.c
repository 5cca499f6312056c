/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encoded words: what is one, and that what we write can be read by anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "mail/encoded_word.h"

enum {
	TEXT_MAX = 20000,
	WORD_MAX = 75,			/* RFC 2047 section 2 */
	ENCODED_LINE_MAX = 76,		/* there too, for a line that holds one */
	FIELD_MAX = sizeof("Resent-From: ") - 1
};

/* What follows the word is there to be left alone. */
static const struct {
	const char *text;
	size_t length;
} words[] = {
	{ "=?UTF-8?B?5pel5pys?=", 20 },
	{ "=?utf-8?b?5pel5pys?= more", 20 },
	{ "=?iso-8859-1?Q?a=E4b_c?=x", 24 },
	{ "=?iso-8859-1?q?a?==?x?q?b?=", 18 },
	{ "=?US-ASCII*en-gb?Q?Keith?=", 26 },
	{ "=?x?q?a,b(c)<d>\"e\"@;:?=", 23 },	/* forbidden in names, and seen there */
	{ "=?x?q?=?=", 9 },
	{ "=?a?q?b?=", 9 },
	{ "", 0 },
	{ "=", 0 },
	{ "=?", 0 },
	{ "plain", 0 },
	{ "x=?a?q?b?=", 0 },
	{ "=?a?q?b?", 0 },
	{ "=?a?q?b=", 0 },
	{ "=?a?q?b", 0 },
	{ "=?a?q?b? =", 0 },
	{ "=?a?x?b?=", 0 },
	{ "=?a?qq?b?=", 0 },
	{ "=?a??b?=", 0 },
	{ "=??q?b?=", 0 },
	{ "=?a q?b?=", 0 },
	{ "=?a b?q?c?=", 0 },
	{ "=?a(b?q?c?=", 0 },
	{ "=?a?q?b c?=", 0 },
	{ "=?a?q?b\tc?=", 0 },
	{ "=?a?q?b\r\n c?=", 0 },
	{ "=?a?q?b?c?=", 0 },
	{ "=?a?q?b\x7f?=", 0 },
	{ "=?a?q?\xc3\xa4?=", 0 },
	{ "=? a?q?b?=", 0 },
	{ "?=a?q?b?=", 0 },
};

/* The bytes alone, without a NUL after them: for the address sanitizer. */
static size_t length_of_exact(const char *text, size_t len)
{
	char *exact = xmalloc(len);
	size_t length;

	memcpy(exact, text, len);
	length = encoded_word_length(exact, len);
	free(exact);
	return length;
}

static void test_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		size_t len = strlen(words[i].text);

		for (size_t cut = 0; cut <= len; cut++) {
			bool whole = words[i].length && cut >= words[i].length;
			size_t length = length_of_exact(words[i].text, cut);

			if (length != (whole ? words[i].length : 0))
				fail_msg("the first %zu of %s: %zu", cut, words[i].text,
					 length);
		}
	}
	assert_int_equal(encoded_word_length("=?a\0b?q?c?=", 11), 0);
	assert_int_equal(encoded_word_length("=?a?\0?c?=", 9), 0);
	assert_int_equal(encoded_word_length("=?a?q?b\0c?=", 11), 0);
}

#define LETTERS_AND_DIGITS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t decode_q(const char *in, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (in[i] != '=') {
			out[n++] = in[i] == '_' ? ' ' : in[i];
			continue;
		}
		assert_true(i + 2 < len && hex(in[i + 1]) >= 0 && hex(in[i + 2]) >= 0);
		out[n++] = (char)(hex(in[i + 1]) << 4 | hex(in[i + 2]));
		i += 2;
	}
	return n;
}

static size_t decode_b(const char *in, size_t len, char *out)
{
	const char *digits = LETTERS_AND_DIGITS "+/";
	unsigned bits = 0, have = 0;
	size_t n = 0;

	assert_int_equal(len % 4, 0);
	for (size_t i = 0; i < len && in[i] != '='; i++) {
		const char *digit = strchr(digits, in[i]);

		assert_non_null(digit);
		bits = bits << 6 | (unsigned)(digit - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have);
			bits &= (1U << have) - 1;
		}
	}
	return n;
}

/* RFC 2047 section 5 (3): all that may stand in a word within a name. */
static void assert_safe(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(LETTERS_AND_DIGITS "!*+-/=_", text[i]))
			fail_msg("'%c' in a name", text[i]);
}

/* Reads words of one charset with one blank between them; each is checked as a word. */
static size_t decode(const char *text, const char *charset, char *out)
{
	char head[30];
	size_t n = 0, head_len;

	snprintf(head, sizeof(head), "=?%s?", charset);
	head_len = strlen(head);
	while (*text) {
		size_t len = encoded_word_length(text, strlen(text)), piece;
		const char *inner = text + head_len + 2;
		bool q = text[head_len] == 'Q';

		if (!len || strncmp(text, head, head_len) != 0)
			fail_msg("no word of %s: %s", charset, text);
		assert_in_range(len, 1, WORD_MAX);
		assert_in_range(len, 1, ENCODED_LINE_MAX - FIELD_MAX);
		assert_true(q || text[head_len] == 'B');
		assert_safe(inner, len - head_len - 4);
		piece = (q ? decode_q : decode_b)(inner, len - head_len - 4, out + n);
		assert_true(piece > 0);
		if (!strcmp(charset, "UTF-8") && !text_is_utf8(out + n, piece))
			fail_msg("a character is split: %s", text);
		n += piece;
		text += len;
		if (!*text)
			break;
		assert_true(*text == ' ' && text[1]);
		text++;
	}
	return n;
}

static void there_and_back(const char *bytes, size_t len)
{
	OWNED_BUF out = BUF_INIT(10 * TEXT_MAX);
	char *back = xmalloc(TEXT_MAX);
	size_t n;

	encoded_word_add(&out, bytes, len);
	assert_false(buf_is_full(&out));
	n = decode(buf_text(&out), text_is_utf8(bytes, len) ? "UTF-8" : "unknown-8bit",
		   back);
	if (n != len || memcmp(back, bytes, len) != 0)
		fail_msg("became %s", buf_text(&out));
	free(back);
}

static const struct {
	const char *text, *encoded;
} encodings[] = {
	{ "", "" },
	{ "\xc3\xa4", "=?UTF-8?B?w6Q=?=" },
	{ "J\xc3\xbcrgen M.", "=?UTF-8?Q?J=C3=BCrgen_M=2E?=" },
	{ "\xe6\x97\xa5\xe6\x9c\xac", "=?UTF-8?B?5pel5pys?=" },
	{ "Andr\xe9", "=?unknown-8bit?Q?Andr=E9?=" },
};

static void test_encodings(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(encodings); i++) {
		OWNED_BUF out = BUF_INIT(200);

		buf_add(&out, "> ");
		encoded_word_add(&out, encodings[i].text, strlen(encodings[i].text));
		assert_string_equal(buf_text(&out) + 2, encodings[i].encoded);
	}
}

/* Characters of 1 to 4 bytes, at every offset to the ends of words. */
static void test_there_and_back(void **state)
{
	const char *characters[] = {
		"a", " ", "\"", "?", "=", "_", "\r\n", "\xc3\xa4", "\xe6\x97\xa5",
		"\xf0\x9f\x98\x80", "\xff", "\xe4 ", "\xed\xa0\x80",
		"abcdefghijklmnop\xc3\xa4", "\xe6\x97\xa5 ",
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(characters); i++) {
		size_t size = strlen(characters[i]);

		for (size_t offset = 0; offset < 5; offset++) {
			size_t len = offset;

			memset(text, 'x', offset);
			while (len + size <= sizeof(text)) {
				memcpy(text + len, characters[i], size);
				len += size;
				there_and_back(text, len);
			}
		}
	}
}

static void test_every_byte(void **state)
{
	char bytes[256];

	(void)state;
	for (int c = 0; c < 256; c++) {
		bytes[c] = (char)c;
		there_and_back(bytes + c, 1);
	}
	there_and_back(bytes, 256);
	there_and_back(bytes, 128);
}

static void test_long(void **state)
{
	char *text = xmalloc(TEXT_MAX);

	(void)state;
	for (size_t i = 0; i + 3 <= TEXT_MAX; i += 3)
		memcpy(text + i, "\xe6\x97\xa5", 3);
	there_and_back(text, TEXT_MAX / 3 * 3);
	free(text);
}

/* A buffer that is too small is full, whatever is added to it. */
static void test_no_room(void **state)
{
	OWNED_BUF out = BUF_INIT(15);

	(void)state;
	encoded_word_add(&out, "\xc3\xa4", 2);
	assert_true(buf_is_full(&out));
}

static const struct {
	const char *word, *safe;
} unsafe[] = {
	{ "=?UTF-8?Q?a?=", "=?UTF-8?Q?a?=" },
	{ "=?UTF-8?Q?a=2Cb_c!*+-/?=", "=?UTF-8?Q?a=2Cb_c!*+-/?=" },
	{ "=?UTF-8?Q?a,b(c)?=", "=?UTF-8?Q?a=2Cb=28c=29?=" },
	{ "=?utf-8?q?<d@e>\"f\".;:?=", "=?utf-8?q?=3Cd=40e=3E=22f=22=2E=3B=3A?=" },
	{ "=?a.b:c*d-e_f?Q?,?=", "=?a.b:c*d-e_f?Q?=2C?=" },	/* the charset is left alone */
	{ "=?UTF-8?B?5pel+/A=?=", "=?UTF-8?B?5pel+/A=?=" },
};

static void test_safely(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(unsafe); i++) {
		size_t len = strlen(unsafe[i].word);
		OWNED_BUF out = BUF_INIT(200);
		char *exact = xmalloc(len);

		memcpy(exact, unsafe[i].word, len);
		assert_int_equal(encoded_word_length(exact, len), len);
		buf_add(&out, "> ");
		encoded_word_add_safely(&out, exact, len);
		free(exact);
		assert_string_equal(buf_text(&out) + 2, unsafe[i].safe);
		len = strlen(unsafe[i].safe);
		assert_int_equal(encoded_word_length(unsafe[i].safe, len), len);
	}
}

static const struct {
	const char *text, *plain;	/* NULL: it cannot be decoded */
} decodings[] = {
	{ "=?UTF-8?B?5pel5pys?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?utf-8?q?a_b=5F=c3=A4?=", "a b_\xc3\xa4" },
	{ "=?UTF8*de?q?a?=", "a" },
	{ "=?us-ascii?Q?a=b=?=", "a=b=" },
	{ "=?utf-8?b?w6Q=?= \r\n\t =?utf-8?b?w7Y=?=", "\xc3\xa4\xc3\xb6" },
	{ "x =?utf-8?b?w6Q=?= y=?utf-8?b?w7Y=?=", "x \xc3\xa4 y\xc3\xb6" },
	{ "=?utf-8?b?w6Q=w7Y=?=", "\xc3\xa4\xc3\xb6" },
	{ "=?utf-8?b?" "?=", "" },
	{ "=?iso-8859-1?q?=E4=FC?=", "\xc3\xa4\xc3\xbc" },
	{ "=?windows-1252?q?=80?=", "\xe2\x82\xac" },
	{ "=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?Shift_JIS?B?k/qWew==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?gb18030?B?yNWxvg==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "", NULL },
	{ "plain", NULL },
	{ "=?utf-8?b?w6?= ", NULL },		/* a character is cut */
	{ "=?utf-8?b?w6Q=w?=", NULL },
	{ "=?utf-8?b?w6Q!?=", NULL },
	{ "=?utf-8?q?=E4?=", NULL },		/* it is something else */
	{ "=?us-ascii?q?=E4?=", NULL },
	{ "=?Shift_JIS?q?=81?=", NULL },
	{ "=?x-unknown?q?a?=", NULL },
	{ "=?utf-7?q?+ZeVnLA-?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?utf-16?b?ZeVnLA==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?utf-16?b?//7lZSxn?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?utf-16le?b?5WUsZw==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?iso-8859-1-and-a-name-that-is-longer-than-any-charset-has-ever-been-called?q?a?=",
	  NULL },
	{ "=?utf-8?q?a?= =?x-unknown?q?a?=", NULL },
};

static void test_decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(decodings); i++) {
		size_t len = strlen(decodings[i].text);
		OWNED_BUF out = BUF_INIT(200);
		char *exact = xmalloc(len);
		bool ok;

		memcpy(exact, decodings[i].text, len);
		buf_add(&out, "> ");
		ok = encoded_words_decode(exact, len, &out);
		free(exact);
		if (ok != (decodings[i].plain != NULL) ||
		    strcmp(buf_text(&out) + 2, ok ? decodings[i].plain : "") != 0)
			fail_msg("%s: %s", decodings[i].text, ok ? out.text : "not decoded");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_safely),
		cmocka_unit_test(test_decode),
	};

	return cmocka_run_group_tests_name("encoded-word", tests, NULL, NULL);
}
