/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Parsing all roots of a system costs far more than the rest of a delivery. So each
 * block is decoded just far enough to see its subject, and the few that are wanted
 * are decoded whole.
 */
#include "net/roots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { PREFIX = 448 };		/* bytes of DER that nearly always hold both names */

struct wanted {
	struct der names[2 * CHAIN_MAX];
	size_t count;
};

struct decoder {
	unsigned char value[256];	/* of a base64 digit; NO_DIGIT */
	unsigned char *der;		/* room for CERTIFICATE_MAX */
};
enum { NO_DIGIT = 255 };

const char *roots_system_file(void)
{
	static const char *const places[] = {
#ifdef ACSMTP_TRUST_FILE
		ACSMTP_TRUST_FILE,
#else
		"/etc/ssl/certs/ca-certificates.crt",	/* Debian, Arch, Alpine */
		"/etc/pki/tls/certs/ca-bundle.crt",	/* Fedora and its family */
		"/etc/ssl/ca-bundle.pem",		/* SUSE */
#endif
	};

	for (size_t i = 0; i < COUNT_OF(places); i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	return NULL;
}

static void decoder_init(struct decoder *d)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";

	memset(d->value, NO_DIGIT, sizeof(d->value));
	for (unsigned char i = 0; i < 64; i++)
		d->value[(unsigned char)digits[i]] = i;
	d->der = xmalloc(CERTIFICATE_MAX);
}

/*
 * Decodes base64 in groups of four digits, as far as these go; returns where they end.
 * With a table, and not by base/base64.h, as all roots of the system come by here to find
 * a few.
 */
static const char *take_groups(const struct decoder *d, const char *at, const char *end,
			       unsigned char **out, const unsigned char *last)
{
	size_t most = (size_t)(last - *out) / 3, groups = (size_t)(end - at) / 4;
	const unsigned char *in = (const unsigned char *)at;
	unsigned char *o = *out;

	for (groups = groups < most ? groups : most; groups > 0;
	     groups--, in += 4, o += 3) {
		uint32_t a = d->value[in[0]], b = d->value[in[1]];
		uint32_t c = d->value[in[2]], e = d->value[in[3]];
		uint32_t bits = a << 18 | b << 12 | c << 6 | e;

		if ((a | b | c | e) > 63)
			break;
		o[0] = (unsigned char)(bits >> 16);
		o[1] = (unsigned char)(bits >> 8);
		o[2] = (unsigned char)bits;
	}
	*out = o;
	return (const char *)in;
}

/*
 * Decodes base64 until there are `most` bytes (or up to 3 fewer), or the end, or a "=".
 * Lines may break anywhere, also within a group.
 */
static struct der decode(const struct decoder *d, const char *at, const char *end,
			 size_t most)
{
	unsigned char *out = d->der, *last = d->der + most;
	unsigned int bits = 0, digits = 0;

	while (last - out >= 3) {
		if (digits == 0)
			at = take_groups(d, at, end, &out, last);
		if (at == end || *at == '=' || last - out < 3)
			break;
		if (d->value[(unsigned char)*at] != NO_DIGIT) {
			bits = bits << 6 | d->value[(unsigned char)*at];
			if (digits++)
				*out++ = (unsigned char)(bits >> (8 - 2 * digits));
			digits %= 4;
		}
		at++;
	}
	return (struct der){ d->der, (size_t)(out - d->der) };
}

static void want(struct wanted *wanted, const struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++) {
		struct der *place = wanted->names + wanted->count;

		if (der_names(chain->certificates[i], &place[0], &place[1]))
			wanted->count += 2;
	}
}

static bool is_wanted(const struct wanted *wanted, struct der subject)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (der_equal(wanted->names[i], subject))
			return true;
	return false;
}

static void keep(struct roots *roots, struct der certificate)
{
	unsigned char *copy;

	if (roots->count == ROOTS_MAX)
		return;
	copy = xmalloc(certificate.len);
	memcpy(copy, certificate.bytes, certificate.len);
	roots->found[roots->count++] = (struct der){ copy, certificate.len };
}

/* Whether the block holds a certificate; it is kept if it is wanted. */
static bool look_at(const struct decoder *d, const char *at, const char *end,
		    const struct wanted *wanted, struct roots *roots)
{
	struct der issuer, subject;

	if (!der_names(decode(d, at, end, PREFIX), &issuer, &subject) &&
	    !der_names(decode(d, at, end, CERTIFICATE_MAX), &issuer, &subject))
		return false;
	if (is_wanted(wanted, subject))
		keep(roots, decode(d, at, end, CERTIFICATE_MAX));
	return true;
}

/* Where `marker`, which begins with a dash, stands next; NULL: nowhere. */
static const char *find_marker(const char *at, const char *end, const char *marker)
{
	size_t len = strlen(marker);

	while ((at = memchr(at, '-', (size_t)(end - at)))) {
		if ((size_t)(end - at) < len)
			return NULL;
		if (memcmp(at, marker, len) == 0)
			return at;
		at++;
	}
	return NULL;
}

static size_t scan(const char *at, const char *end, const struct wanted *wanted,
		   struct roots *roots)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	static const char finish[] = "-----END CERTIFICATE-----";
	struct decoder decoder;
	size_t certificates = 0;

	decoder_init(&decoder);
	while ((at = find_marker(at, end, begin))) {
		const char *block = at + strlen(begin);

		at = find_marker(block, end, finish);
		if (!at)
			break;
		certificates += look_at(&decoder, block, at, wanted, roots);
		at += strlen(finish);
	}
	free(decoder.der);
	return certificates;
}

/* The whole file: mapping it would end us with SIGBUS if somebody shortened it. */
static char *read_whole(int fd, size_t size, size_t *len, struct error *err)
{
	char *text = xmalloc(size + 1);
	ssize_t n = 0;

	*len = 0;
	while (*len < size && (n = read_some(fd, text + *len, size - *len)) > 0)
		*len += (size_t)n;
	if (n >= 0)
		return text;
	error_errno(err, ERROR_CONFIG, "cannot read it");
	free(text);
	return NULL;
}

static char *slurp(const char *path, size_t *len, struct error *err)
{
	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		error_errno(err, ERROR_CONFIG, "cannot open it");
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		error_set(err, ERROR_CONFIG, "not a regular file");
		return NULL;
	}
	if (st.st_size > ROOTS_FILE_MAX) {
		error_set(err, ERROR_CONFIG, "larger than %d bytes", ROOTS_FILE_MAX);
		return NULL;
	}
	return read_whole(fd, (size_t)st.st_size, len, err);
}

bool roots_find(const char *path, const struct chain *chain, struct roots *roots,
		struct error *err)
{
	struct wanted wanted = { .count = 0 };
	OWNED_TEXT text = NULL;
	size_t len;

	roots->count = 0;
	text = slurp(path, &len, err);
	if (!text)
		return error_context(err, "trusted certificates in %s", path);
	want(&wanted, chain);
	if (scan(text, text + len, &wanted, roots) > 0)
		return true;
	error_set(err, ERROR_CONFIG, "%s holds no certificate", path);
	return error_advise(err, "`tls_ca_file` must name certificates in PEM form, "
				 "which begin with -----BEGIN CERTIFICATE-----");
}

void roots_free(struct roots *roots)
{
	for (size_t i = 0; i < roots->count; i++)
		free((void *)roots->found[i].bytes);
	roots->count = 0;
}
