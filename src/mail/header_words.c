/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between two encoded words blanks are none (RFC 2047 section 6.2), next to others they
 * are seen. So neighbouring bad words become one run with their blanks in it, and a run
 * next to an encoded word that was there takes in the blank between the two. The rest
 * stays as it is.
 */
#include "mail/header_words.h"

#include <string.h>

#include "base/text.h"
#include "mail/encoded_word.h"
#include "mail/lexer.h"

enum {
	LINE_WISH = 76,			/* RFC 2047 section 2 */
	TEXT_MAX = 32 * 1024 * 1024,	/* more than any header can become */
};

struct words {
	const char *text;
	size_t len;
	enum words_kind kind;
	bool keeps_8bit;
	struct buf *out;
	bool after_encoded;	/* the word before is an encoded one that was there */
	bool after_ours;	/* the word before is one of ours */
};

/* Beside words that are encoded, lenient readers take it for another one. */
static bool has_broken_word(const char *word, size_t len)
{
	const char *end = word + len;

	for (const char *c = word; (c = memmem(c, (size_t)(end - c), "=?", 2)); ) {
		size_t whole = encoded_word_length(c, (size_t)(end - c));

		if (!whole)
			return true;
		c += whole;
	}
	return false;
}

/* Whether it must be encoded: NUL, its length, and, unless bytes over 127 may stay, these
   and what begins like an encoded word and is none. */
static bool is_bad_word(const char *word, size_t len, bool keeps_8bit)
{
	return len > HEADER_WORD_MAX || memchr(word, '\0', len) ||
	       (!keeps_8bit && (text_has_8bit(word, len) || has_broken_word(word, len)));
}

static size_t blanks_end(const struct words *w, size_t at)
{
	while (at < w->len && text_is_white(w->text[at]))
		at++;
	return at;
}

/* The place behind a quoted string; the end of the text if nothing closes it. */
static size_t quoted_end(const struct words *w, size_t at)
{
	size_t end = lexer_quoted_end(w->text, at, w->len);

	return end ? end : w->len;
}

/* The place behind the word at `at`, which is no blank. */
static size_t word_end(const struct words *w, size_t at)
{
	bool is_comment = w->kind == WORDS_COMMENT;

	if (is_comment && (w->text[at] == '(' || w->text[at] == ')'))
		return at + 1;
	while (at < w->len && !text_is_white(w->text[at])) {
		if (is_comment && (w->text[at] == '(' || w->text[at] == ')'))
			break;
		if (w->kind == WORDS_PHRASE && w->text[at] == '"')
			at = quoted_end(w, at);
		else if (is_comment && w->text[at] == '\\' && at + 1 < w->len)
			at += 2;
		else
			at++;
	}
	return at;
}

static bool is_encoded_word(const struct words *w, size_t from, size_t to)
{
	return to > from && encoded_word_length(w->text + from, to - from) == to - from;
}

static void add_unfolded(struct buf *plain, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != '\r' && text[i] != '\n')
			buf_add_char(plain, text[i]);
}

/* The text itself: without quotes and backslashes. */
static void add_literal(const struct words *w, size_t from, size_t to, struct buf *plain)
{
	if (w->kind == WORDS_TEXT || w->kind == WORDS_UNKNOWN) {
		add_unfolded(plain, w->text + from, to - from);
		return;
	}
	if (w->kind == WORDS_COMMENT) {
		lexer_add_inside(plain, w->text + from, to - from);
		return;
	}
	for (size_t at = from, end; at < to; at = end) {
		const char *quote = memchr(w->text + at, '"', to - at);

		end = quote ? (size_t)(quote - w->text) : to;
		add_unfolded(plain, w->text + at, end - at);
		if (!quote)
			break;
		at = end;
		end = quoted_end(w, at);
		lexer_add_inside(plain, w->text + at + 1, end - at - 1 - (end - at > 1 &&
				 w->text[end - 1] == '"'));
	}
}

/*
 * What people read where this stands. Encoded words may be too long for a line, as Python
 * writes them: these become others, which say the same.
 */
static void add_plain(const struct words *w, size_t from, size_t to, struct buf *plain)
{
	OWNED_BUF literal = BUF_INIT(TEXT_MAX);

	add_literal(w, from, to, &literal);
	if (to - from <= HEADER_WORD_MAX ||
	    !encoded_words_decode(buf_text(&literal), literal.len, plain))
		buf_add_bytes(plain, buf_text(&literal), literal.len);
}

/*
 * Longer than a line, and for nobody here to read: encoded once more it would be for
 * none.
 */
static bool cannot_be_decoded(const struct words *w, size_t from, size_t to)
{
	OWNED_BUF literal = BUF_INIT(TEXT_MAX), plain = BUF_INIT(TEXT_MAX);

	add_literal(w, from, to, &literal);
	return encoded_word_is_in(buf_text(&literal), literal.len) &&
	       !encoded_words_decode(buf_text(&literal), literal.len, &plain);
}

static bool is_bad(const struct words *w, size_t from, size_t to)
{
	const char *word = w->text + from;
	size_t len = to - from;

	if (!is_bad_word(word, len, w->keeps_8bit))
		return false;
	if (len <= HEADER_WORD_MAX || memchr(word, '\0', len) ||
	    (!w->keeps_8bit && text_has_8bit(word, len)))
		return true;
	if (w->kind == WORDS_UNKNOWN && !encoded_word_is_in(word, len))
		return false;
	return !cannot_be_decoded(w, from, to);
}

/* The end of the bad words that begin with the one that ends at `end`. */
static size_t run_end(const struct words *w, size_t end)
{
	for (;;) {
		size_t next = blanks_end(w, end);
		size_t next_end = next < w->len ? word_end(w, next) : next;

		if (next == next_end || !is_bad(w, next, next_end))
			return end;
		end = next_end;
	}
}

static size_t column(const struct buf *out)
{
	size_t n = 0;

	while (n < out->len && n < LINE_WISH && out->text[out->len - 1 - n] != '\n')
		n++;
	return n;
}

/*
 * Together if all of it is UTF-8, else each word, with the blanks before it, is declared
 * as what it is.
 */
static void encode(struct buf *encoded, const char *text, size_t len)
{
	bool is_utf8 = text_is_utf8(text, len);

	for (size_t at = 0, end; at < len; at = end) {
		end = is_utf8 ? len : at;
		while (end < len && text_is_blank(text[end]))
			end++;
		while (end < len && !text_is_blank(text[end]))
			end++;
		if (at)
			buf_add_char(encoded, ' ');
		encoded_word_add(encoded, text + at, end - at);
	}
}

/* Encoded words, each on a new line where it would be too long on this one. */
static void add_encoded(const struct words *w, const struct buf *plain, size_t from,
			size_t blanks)
{
	OWNED_BUF encoded = BUF_INIT(TEXT_MAX);
	const char *word, *gap = w->text + from;
	bool has_fold = memchr(gap, '\n', blanks) != NULL;

	encode(&encoded, buf_text(plain), plain->len);
	word = buf_text(&encoded);
	if (!blanks && w->kind != WORDS_COMMENT && w->out->len &&
	    !text_is_white(w->out->text[w->out->len - 1])) {
		gap = " ";
		blanks = 1;
	}
	while (*word) {
		size_t len = strcspn(word, " ");

		if (blanks && !has_fold && column(w->out) + blanks + len > LINE_WISH)
			buf_add(w->out, "\r\n");
		buf_add_bytes(w->out, gap, blanks);
		buf_add_bytes(w->out, word, len);
		word += len + (word[len] == ' ');
		gap = " ";
		blanks = 1;
		has_fold = false;
	}
}

/* The bad words of [at, end), after the blanks that begin at `from`. */
static void add_run(struct words *w, size_t from, size_t at, size_t end)
{
	OWNED_BUF plain = BUF_INIT(TEXT_MAX);
	size_t next = blanks_end(w, end);
	bool is_first = true, was_encoded = w->after_encoded;

	for (size_t word, stop; at < end; at = stop, is_first = false) {
		bool is_encoded;

		word = blanks_end(w, at);
		stop = word_end(w, word);
		is_encoded = is_encoded_word(w, word, stop);
		/*
		 * They are seen, but between two encoded words and before a word of its
		 * own.
		 */
		if (!(was_encoded && is_encoded) && (was_encoded || !is_first))
			add_unfolded(&plain, w->text + (is_first ? from : at),
				     word - (is_first ? from : at));
		add_plain(w, word, stop, &plain);
		was_encoded = is_encoded;
		if (stop >= end)
			break;
	}
	if (!was_encoded && next > end && next < w->len &&
	    is_encoded_word(w, next, word_end(w, next)))
		add_unfolded(&plain, w->text + end, next - end);
	if (plain.len)
		add_encoded(w, &plain, from, blanks_end(w, from) - from);
}

/*
 * A word that stays, but for encoded ones that no line has room for and nobody here can
 * read.
 */
static void add_good(const struct words *w, size_t at, size_t end)
{
	bool is_long = end - at > HEADER_WORD_MAX;

	while (at < end) {
		size_t len = is_long ? encoded_word_length(w->text + at, end - at) : 0;

		if (len)
			encoded_word_divide(w->out, w->text + at, len);
		else
			buf_add_bytes(w->out, w->text + at, len = is_long ? 1 : end - at);
		at += len;
	}
}

void header_words_add(struct buf *out, const char *text, size_t len, enum words_kind kind,
		      bool keeps_8bit)
{
	struct words w = { .text = text, .len = len, .kind = kind,
			   .keeps_8bit = keeps_8bit, .out = out };
	size_t at = 0;

	while (at < len) {
		size_t word = blanks_end(&w, at);
		size_t end = word < len ? word_end(&w, word) : word;

		if (word < len && is_bad(&w, word, end)) {
			end = run_end(&w, end);
			add_run(&w, at, word, end);
			w.after_encoded = false;
			w.after_ours = true;
		} else {
			buf_add_bytes(out, text + at, word - at);
			add_good(&w, word, end);
			w.after_encoded = is_encoded_word(&w, word, end);
			w.after_ours = false;
		}
		at = end;
	}
	/* RFC 2047 section 5 (3): not next to a "<" or a comment. */
	if (kind == WORDS_PHRASE && w.after_ours)
		buf_add_char(out, ' ');
}
