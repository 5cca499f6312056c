/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a certificate, and as a file of trusted ones. What is a certificate is
 * found again in a file that has it, with lines of any length; nothing else is.
 */
#include "fuzz.h"

#include "net/roots.h"

static bool is_within(struct der part, struct der whole)
{
	return part.bytes >= whole.bytes &&
	       part.bytes + part.len <= whole.bytes + whole.len;
}

/* The certificate between others, as PEM with lines of that many bytes. */
static void add_pem(struct buf *file, struct der certificate, size_t width)
{
	OWNED_BUF base64 = BUF_INIT(1024 * 1024);

	buf_add_base64(&base64, certificate.bytes, certificate.len);
	buf_add(file, "# a root\n-----BEGIN CERTIFICATE-----\n");
	for (size_t at = 0; at < base64.len; at += width) {
		size_t left = base64.len - at;

		buf_add_bytes(file, base64.text + at, left < width ? left : width);
		buf_add(file, "\r\n");
	}
	buf_add(file, "-----END CERTIFICATE-----\n");
}

static void check_found(const struct chain *chain, const struct roots *roots)
{
	MUST(roots->count <= ROOTS_MAX);
	for (size_t i = 0; i < roots->count; i++) {
		struct der issuer, subject, names[2];
		bool is_wanted = false;

		MUST(roots->found[i].len <= CERTIFICATE_MAX);
		MUST(der_names(roots->found[i], &issuer, &subject));
		for (size_t j = 0; j < chain->count; j++)
			is_wanted = is_wanted || (der_names(chain->certificates[j],
							    &names[0], &names[1]) &&
						  (der_equal(subject, names[0]) ||
						   der_equal(subject, names[1])));
		MUST(is_wanted);
	}
}

/* Whether one of the file is this one. */
static bool look_for(const struct buf *file, struct der certificate, struct der other)
{
	const struct chain chain = { .certificates = { certificate, other }, .count = 2 };
	OWNED_FD fd = fuzz_file(buf_text(file), file->len);
	OWNED_ROOTS roots = { .count = 0 };
	struct error err = { 0 };
	char path[FUZZ_PATH_SIZE];

	if (!roots_find(fuzz_path(fd, path), &chain, &roots, &err)) {
		MUST(err.kind == ERROR_CONFIG && roots.count == 0);
		fuzz_must_say_why(&err);
	}
	check_found(&chain, &roots);
	for (size_t i = 0; i < roots.count; i++)
		if (der_equal(roots.found[i], certificate))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char bytes[] = {
		/* as much of one as is looked at */
		0x30, 20, 0x30, 18,   0x02, 1,	  1, 0x30, 0, 0x30, 3,
		0x31, 1,  'I',	0x30, 0,    0x30, 3, 0x31, 1, 'S',
	};
	const struct der fixed = { bytes, sizeof(bytes) };
	struct der certificate = { data, size }, issuer, subject;
	OWNED_BUF file = BUF_INIT(4 * 1024 * 1024);
	bool is_one = der_names(certificate, &issuer, &subject);

	MUST(der_names(fixed, &issuer, &subject));
	if (is_one) {
		MUST(der_names(certificate, &issuer, &subject));
		MUST(is_within(issuer, certificate) && is_within(subject, certificate));
		MUST(issuer.len >= 2 && subject.bytes >= issuer.bytes + issuer.len);
	}
	buf_add_bytes(&file, data, size);
	(void)look_for(&file, fixed, certificate);
	buf_clear(&file);
	add_pem(&file, fixed, 64);
	add_pem(&file, certificate, 1 + size % 99);
	MUST(look_for(&file, certificate, fixed) == is_one);
	return 0;
}
