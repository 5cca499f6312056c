/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pieces of which files in the spool are made. They are read as strictly as they
 * are written: one blank, digits alone, each number in its range. The seal tells a
 * whole file from one that was cut short, for nothing else that is read in it can.
 */
#include "spool/codec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sum.h"

static const char seal_format[] = "end %016" PRIx64 "\n";
enum { SEAL_SIZE = sizeof("end 0123456789abcdef\n") };

void codec_seal(struct buf *text, size_t start)
{
	buf_addf(text, seal_format, sum_add(SUM_INIT, buf_text(text) + start, text->len - start));
}

size_t codec_sealed(const char *text, size_t len)
{
	char seal[SEAL_SIZE];
	size_t before = len - (SEAL_SIZE - 1);

	if (len < SEAL_SIZE)
		return 0;
	snprintf(seal, sizeof(seal), seal_format, sum_add(SUM_INIT, text, before));
	return memcmp(text + before, seal, SEAL_SIZE - 1) == 0 ? before : 0;
}

const char *codec_after(const char *text, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(text, word, len) && text[len] == ' ' ? text + len + 1 : NULL;
}

void scanner_words(struct scanner *s, const char *words)
{
	size_t len = strlen(words);

	s->ok = s->ok && !strncmp(s->at, words, len);
	s->at += s->ok ? len : 0;
}

uint64_t scanner_number(struct scanner *s, uint64_t least, uint64_t most)
{
	char *end;
	unsigned long long n;

	/* strtoull(3) takes blanks and signs too. */
	s->ok = s->ok && *s->at >= '0' && *s->at <= '9';
	if (!s->ok)
		return least;
	errno = 0;
	n = strtoull(s->at, &end, 10);
	s->ok = errno == 0 && n >= least && n <= most;
	s->at = end;
	return s->ok ? n : least;	/* which no sum with it overflows */
}

uint64_t scanner_next(struct scanner *s, uint64_t least, uint64_t most)
{
	scanner_words(s, " ");
	return scanner_number(s, least, most);
}

uint64_t scanner_sum(struct scanner *s)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t n = 0;

	for (int i = 0; i < 16; i++) {
		const char *digit = s->ok && *s->at ? strchr(digits, *s->at) : NULL;

		s->ok = digit != NULL;
		if (!s->ok)
			return 0;
		n = n << 4 | (uint64_t)(digit - digits);
		s->at++;
	}
	return n;
}

void scanner_rest(struct scanner *s, char *text, size_t size)
{
	size_t len;

	scanner_words(s, " ");
	len = s->ok ? strcspn(s->at, "\n") : 0;
	s->ok = s->ok && len < size;
	text[0] = '\0';
	if (s->ok) {
		memcpy(text, s->at, len);
		text[len] = '\0';
		s->at += len;
	}
	scanner_words(s, "\n");
}
