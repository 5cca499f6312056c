/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables of RFC 3454, and the normalization of libunistring, which GnuTLS has loaded anyway.
 * Whether letters that run from the right stand where they may is not looked at: it could
 * only keep a login from being tried.
 */
#include "smtp/saslprep.h"

#include <stdlib.h>
#include <string.h>

#ifdef UNISTRING_SONAME
#include <uninorm.h>
#endif

#include "base/library.h"
#include "base/text.h"

#ifdef UNISTRING_SONAME
struct range {
	uint32_t first, last;
};

static const struct range spaces[] = {		/* C.1.2: become a blank */
	{ 0x00a0, 0x00a0 }, { 0x1680, 0x1680 }, { 0x2000, 0x200b }, { 0x202f, 0x202f },
	{ 0x205f, 0x205f }, { 0x3000, 0x3000 },
};
static const struct range nothing[] = {		/* B.1: are left out */
	{ 0x00ad, 0x00ad }, { 0x034f, 0x034f }, { 0x1806, 0x1806 }, { 0x180b, 0x180d },
	{ 0x200c, 0x200d }, { 0x2060, 0x2060 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
};
static const struct range forbidden[] = {	/* C.2.1 to C.9, those that UTF-8 can have */
	{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x0340, 0x0341 }, { 0x06dd, 0x06dd },
	{ 0x070f, 0x070f }, { 0x180e, 0x180e }, { 0x200e, 0x200f }, { 0x2028, 0x202e },
	{ 0x2061, 0x2063 }, { 0x206a, 0x206f }, { 0x2ff0, 0x2ffb }, { 0xe000, 0xf8ff },
	{ 0xfdd0, 0xfdef }, { 0xfff9, 0xffff }, { 0x1d173, 0x1d17a }, { 0xe0001, 0xe0001 },
	{ 0xe0020, 0xe007f }, { 0xf0000, 0x10ffff },
};

static bool is_in(uint32_t code, const struct range *table, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (code >= table[i].first && code <= table[i].last)
			return true;
	return false;
}

static bool is_allowed(const char *text, size_t len)
{
	uint32_t code;

	for (size_t i = 0, n; i < len; i += n) {
		n = text_next(text + i, len - i, &code);
		if (n == 0 || is_in(code, forbidden, COUNT_OF(forbidden)) ||
		    (code & 0xfffe) == 0xfffe)
			return false;
	}
	return true;
}

/* Never longer than the text. */
static size_t map(const char *text, size_t len, char *mapped)
{
	size_t count = 0;
	uint32_t code;

	for (size_t i = 0, n; i < len; i += n) {
		n = text_next(text + i, len - i, &code);
		if (n == 0)
			return count;
		if (is_in(code, spaces, COUNT_OF(spaces))) {
			mapped[count++] = ' ';
		} else if (!is_in(code, nothing, COUNT_OF(nothing))) {
			memcpy(mapped + count, text + i, n);
			count += n;
		}
	}
	return count;
}

static uint8_t *normalize(const struct secret *text, char *normal, size_t *size)
{
	const struct unicode_normalization_form *nfkc = library_symbol(LIBRARY_UNISTRING,
								       "uninorm_nfkc");
	__typeof__(u8_normalize) *find = (__typeof__(u8_normalize) *)
					 library_symbol(LIBRARY_UNISTRING, "u8_normalize");

	return find(nfkc, (const uint8_t *)text->bytes, text->len, (uint8_t *)normal, size);
}

static bool can_prepare(struct error *err)
{
	return library_load(LIBRARY_UNISTRING, err);
}

/* RFC 4013 section 2: map, normalize, and see whether anything is forbidden. */
static bool prepare(const char *text, size_t len, struct secret *secret)
{
	OWNED_SECRET mapped = { 0 };
	size_t count = SECRET_MAX;
	uint8_t *normal;
	bool ok;

	secret_make_room(&mapped);
	mapped.len = map(text, len, mapped.bytes);
	secret_make_room(secret);
	normal = normalize(&mapped, secret->bytes, &count);
	ok = normal == (uint8_t *)secret->bytes && is_allowed(secret->bytes, count);
	if (normal && normal != (uint8_t *)secret->bytes) {
		wipe(normal, count);
		free(normal);
	}
	if (ok) {
		secret->bytes[count] = '\0';
		secret->len = count;
	}
	return ok;
}
#else
static bool can_prepare(struct error *err)
{
	(void)err;
	return true;
}

static bool prepare(const char *text, size_t len, struct secret *secret)
{
	(void)text;
	(void)len;
	(void)secret;
	return false;
}
#endif

bool saslprep(const char *text, size_t len, struct secret *secret, struct error *err)
{
	if (len > SECRET_MAX)
		return error_set(err, ERROR_CONFIG, "the user name or the password is too long");
	if (text_has_8bit(text, len) && text_is_utf8(text, len)) {
		if (!can_prepare(err))
			return false;
		if (prepare(text, len, secret))
			return true;
	}
	/* It has been measured. */
	return secret_set(secret, text, len);
}
