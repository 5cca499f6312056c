/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RFC 2047. Whatever may be read in two ways is written in the narrow one: of a "Q" word
 * all that a phrase does not allow is encoded (section 5, rule 3), so a word may stand
 * anywhere. Reading is lenient, as programs divide and pad their words as they like; what
 * cannot be read stays as it is, for the reader may know the charset.
 */
#include "mail/encoded_word.h"

#include <string.h>

#include "base/base64.h"
#include "base/charset.h"
#include "base/hex.h"
#include "base/text.h"

/* RFC 2047 section 2: 75, and 76 for a line, on which "Resent-From: " may stand too. */
enum { WORD_MAX = 60, CHARSET_MAX = 60, PIECE = 40, DECODED_MAX = 32 * 1024 * 1024 };

static bool is_letter_or_digit(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 2047 section 5 (3): as itself in a "Q" word within a name. */
static bool is_safe(char c)
{
	return is_letter_or_digit(c) || (c && strchr("!*+-/", c));
}

/* A charset's name, and a language after "*" (RFC 2231 section 5). */
static bool is_charset_char(char c)
{
	return is_letter_or_digit(c) || (c && strchr("-_.*:+", c));
}

size_t encoded_word_length(const char *text, size_t len)
{
	size_t at = 2;

	if (len < 8 || text[0] != '=' || text[1] != '?')
		return 0;
	while (at < len && is_charset_char(text[at]))
		at++;
	if (at == 2 || at - 2 >= CHARSET_MAX || len - at < 5 || text[at] != '?' || !text[at + 1] ||
	    !strchr("BbQq", text[at + 1]) || text[at + 2] != '?')
		return 0;
	at += 3;
	while (at < len && text[at] > ' ' && text[at] <= '~' && text[at] != '?')
		at++;
	return len - at >= 2 && text[at] == '?' && text[at + 1] == '=' ? at + 2 : 0;
}

static void add_q(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == ' ')
			buf_add_char(out, '_');
		else if (is_safe(text[i]))
			buf_add_char(out, text[i]);
		else
			buf_addf(out, "=%02X", (unsigned)(unsigned char)text[i]);
	}
}

static size_t q_length(const char *text, size_t len)
{
	size_t total = 0;

	for (size_t i = 0; i < len; i++)
		total += text[i] == ' ' || is_safe(text[i]) ? 1 : 3;
	return total;
}

static size_t b_length(size_t len)
{
	return (len + 2) / 3 * 4;
}

void encoded_word_add(struct buf *out, const char *text, size_t len)
{
	bool utf8 = text_is_utf8(text, len);
	const char *charset = utf8 ? "UTF-8" : "unknown-8bit";
	bool q = q_length(text, len) <= b_length(len);
	size_t room = WORD_MAX - strlen("=?" "?Q?" "?=") - strlen(charset);

	for (size_t at = 0, end; at < len; at = end) {
		size_t used = 0;

		for (end = at; end < len; ) {
			uint32_t code;
			size_t n = utf8 ? text_next(text + end, len - end, &code) : 1;

			used = q ? used + q_length(text + end, n) : b_length(end + n - at);
			if (used > room)
				break;
			end += n;
		}
		buf_addf(out, "%s=?%s?%c?", at ? " " : "", charset, q ? 'Q' : 'B');
		if (q)
			add_q(out, text + at, end - at);
		else
			buf_add_base64(out, text + at, end - at);
		buf_add(out, "?=");
	}
}

void encoded_word_add_safely(struct buf *out, const char *word, size_t len)
{
	const char *encoding = memchr(word + 2, '?', len - 2);

	for (const char *c = word; c < word + len; c++) {
		bool is_text = c > encoding + 2 && c < word + len - 2;

		if (is_text && !is_safe(*c) && *c != '=' && *c != '_')
			buf_addf(out, "=%02X", (unsigned)(unsigned char)*c);
		else
			buf_add_char(out, *c);
	}
}

void encoded_word_divide(struct buf *out, const char *word, size_t len)
{
	const char *encoding = memchr(word + 2, '?', len - 2), *end = word + len - 2;
	bool is_q = encoding[1] == 'Q' || encoding[1] == 'q';

	for (const char *text = encoding + 3, *next; text < end; text = next) {
		next = end - text > PIECE ? text + PIECE : end;
		/* Not within "=XX"; PIECE is whole groups of base64. */
		for (int back = 1; is_q && back <= 2 && next < end; back++)
			if (next[-back] == '=')
				next -= back;
		if (text > encoding + 3)
			buf_add_char(out, ' ');
		buf_add_bytes(out, word, (size_t)(encoding + 3 - word));
		buf_add_bytes(out, text, (size_t)(next - text));
		buf_add(out, "?=");
	}
}

/* --- decoding */

/*
 * A "=" that is none of the encoding stands for itself: some programs forget to encode
 * it.
 */
static void add_decoded_q(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool is_code = text[i] == '=' && len - i > 2 && hex_value(text[i + 1]) >= 0 &&
			       hex_value(text[i + 2]) >= 0;

		if (!is_code) {
			buf_add_char(out, text[i] == '_' ? ' ' : text[i]);
			continue;
		}
		buf_add_char(out, (char)(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2])));
		i += 2;
	}
}

static bool add_decoded_b(struct buf *out, const char *text, size_t len)
{
	char *bytes = buf_reserve(out, len);
	size_t count;

	if (!bytes || !base64_decode(text, len, "+/", bytes, &count))
		return false;
	out->len += count;
	out->text[out->len] = '\0';
	return true;
}

static bool decode_word(const char *word, size_t len, struct buf *out)
{
	OWNED_BUF bytes = BUF_INIT(DECODED_MAX);
	char charset[CHARSET_MAX];
	const char *name = word + 2, *encoding = memchr(name, '?', len - 2);
	const char *text = encoding + 3;
	size_t name_len = strcspn(name, "?*"), text_len = len - (size_t)(text - word) - 2;

	memcpy(charset, name, name_len);
	charset[name_len] = '\0';
	if (encoding[1] == 'Q' || encoding[1] == 'q')
		add_decoded_q(&bytes, text, text_len);
	else if (!add_decoded_b(&bytes, text, text_len))
		return false;
	return charset_to_utf8(charset, buf_text(&bytes), bytes.len, out);
}

bool encoded_word_is_in(const char *text, size_t len)
{
	for (const char *c = text; (c = memmem(c, (size_t)(text + len - c), "=?", 2)); c += 2)
		if (encoded_word_length(c, (size_t)(text + len - c)))
			return true;
	return false;
}

/* The place of the encoded word behind blanks alone; 0: there is none. */
static size_t next_word(const char *text, size_t at, size_t len)
{
	while (at < len && text_is_white(text[at]))
		at++;
	return at < len && encoded_word_length(text + at, len - at) ? at : 0;
}

bool encoded_words_decode(const char *text, size_t len, struct buf *out)
{
	OWNED_BUF plain = BUF_INIT(DECODED_MAX);
	bool has_any = false;

	for (size_t at = 0; at < len; ) {
		size_t word = encoded_word_length(text + at, len - at), next;

		if (!word) {
			buf_add_char(&plain, text[at++]);
			continue;
		}
		if (!decode_word(text + at, word, &plain))
			return false;
		has_any = true;
		at += word;
		next = next_word(text, at, len);
		at = next ? next : at;
	}
	if (!has_any || buf_is_full(&plain))
		return false;
	buf_add_bytes(out, buf_text(&plain), plain.len);
	return true;
}
