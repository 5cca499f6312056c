/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is trusted: our words, and GnuTLS's verdict when it loads every certificate. */
#include <ctype.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <gnutls/gnutls.h>

#include "base/file.h"
#include "net/resolve.h"
#include "net/trust.h"
#include "unit/pki.h"

#define HOST "mail.example"

enum { LIST_MAX = 6, RANDOM_ROUNDS = 400 };

/* Everybody in the play. */
enum who {
	NOBODY,
	ROOT, SUB, SUB_SUB,
	LEAF,				/* by SUB: the usual chain */
	DEEP,				/* by SUB_SUB */
	ROOT_NAMESAKE,			/* another root with ROOT's name */
	OTHER_ROOT, CROSS,		/* ROOT's key, certified by OTHER_ROOT */
	SUB_RENEWED,			/* SUB's name and key, by ROOT again */
	ALONE,				/* self-signed server */
	EXPIRED, FUTURE, FOREIGN_NAME, NAMELESS, WILD, NUMERIC, CLIENT, WEAK,
	OLD_SUB, BY_OLD_SUB,		/* an expired authority */
	BY_LEAF,			/* signed by one that is no authority */
	EVERYBODY
};

static struct identity *cast[EVERYBODY];

static const struct part {
	enum who who, issuer, twin;
	struct recipe recipe;
} parts[] = {
	{ ROOT, NOBODY, NOBODY, { .name = "Root", .is_authority = true } },
	{ SUB, ROOT, NOBODY, { .name = "Sub", .is_authority = true } },
	{ SUB_SUB, SUB, NOBODY, { .name = "Sub Sub", .is_authority = true } },
	{ LEAF, SUB, NOBODY, { .name = HOST, .hosts = HOST } },
	{ DEEP, SUB_SUB, NOBODY, { .name = HOST, .hosts = HOST } },
	{ ROOT_NAMESAKE, NOBODY, NOBODY, { .name = "Root", .is_authority = true } },
	{ OTHER_ROOT, NOBODY, NOBODY, { .name = "Other Root", .is_authority = true } },
	{ CROSS, OTHER_ROOT, ROOT, { .name = "Root", .is_authority = true } },
	{ SUB_RENEWED, ROOT, SUB, { .name = "Sub", .is_authority = true } },
	{ ALONE, NOBODY, NOBODY, { .name = HOST, .hosts = HOST } },
	{ EXPIRED, SUB, NOBODY, { .name = HOST, .hosts = HOST, .starts = -9 * DAY, .ends = -DAY } },
	{ FUTURE, SUB, NOBODY, { .name = HOST, .hosts = HOST, .starts = DAY, .ends = 9 * DAY } },
	{ FOREIGN_NAME, SUB, NOBODY, { .name = HOST, .hosts = "a.example b.example 192.0.2.1" } },
	{ NAMELESS, SUB, NOBODY, { .name = "Elsewhere" } },
	{ WILD, SUB, NOBODY, { .name = "Wild", .hosts = "*.hosted.example" } },
	{ NUMERIC, SUB, NOBODY, { .name = "Numeric", .hosts = "192.0.2.7" } },
	{ CLIENT, SUB, NOBODY, { .name = HOST, .hosts = HOST, .is_for_clients = true } },
	{ WEAK, SUB, NOBODY, { .name = HOST, .hosts = HOST, .rsa_bits = 1024 } },
	{ OLD_SUB, ROOT, NOBODY,
	  { .name = "Old Sub", .is_authority = true, .starts = -9 * DAY, .ends = -DAY } },
	{ BY_OLD_SUB, OLD_SUB, NOBODY, { .name = HOST, .hosts = HOST } },
	{ BY_LEAF, LEAF, NOBODY, { .name = HOST, .hosts = HOST } },
};

struct scene {
	const char *title;
	enum who chain[LIST_MAX], trusted[LIST_MAX];
	const char *says;		/* part of the error; NULL: it is trusted */
	const char *host;		/* NULL: HOST */
};

static const struct scene scenes[] = {
	{ "as it should be", { LEAF, SUB }, { ROOT }, NULL, NULL },
	{ "the root is sent too", { LEAF, SUB, ROOT }, { OTHER_ROOT, ROOT }, NULL, NULL },
	{ "deep", { DEEP, SUB_SUB, SUB }, { ROOT }, NULL, NULL },
	{ "out of order", { DEEP, ROOT, SUB, SUB_SUB }, { ROOT }, NULL, NULL },
	{ "with what does not belong to it", { LEAF, SUB, OTHER_ROOT }, { ROOT }, NULL, NULL },
	{ "intermediate missing", { LEAF }, { ROOT },
	  "comes from \"CN=Sub\", which is not in ", NULL },
	{ "intermediate missing, but trusted", { LEAF }, { SUB }, NULL, NULL },
	{ "intermediate trusted, root unknown", { LEAF, SUB }, { SUB }, NULL, NULL },
	{ "one in the middle missing", { DEEP, SUB }, { ROOT }, "CN=Sub Sub", NULL },
	{ "root unknown", { LEAF, SUB }, { OTHER_ROOT }, "comes from \"CN=Root\"", NULL },
	{ "root unknown but sent", { LEAF, SUB, ROOT }, { OTHER_ROOT }, "CN=Root", NULL },
	{ "a namesake of the root", { LEAF, SUB }, { ROOT_NAMESAKE }, "a signature on ", NULL },
	{ "the root beside its namesake", { LEAF, SUB }, { ROOT_NAMESAKE, ROOT }, NULL, NULL },
	{ "cross-signed, old root trusted", { LEAF, SUB, CROSS }, { OTHER_ROOT }, NULL, NULL },
	{ "cross-signed, new root trusted", { LEAF, SUB, CROSS }, { ROOT }, NULL, NULL },
	{ "cross-signed, both", { LEAF, SUB, CROSS }, { ROOT, OTHER_ROOT }, NULL, NULL },
	{ "renewed intermediate trusted", { LEAF, SUB }, { SUB_RENEWED }, NULL, NULL },
	{ "self-signed", { ALONE }, { ROOT }, "is self-signed, and not in ", NULL },
	{ "self-signed and trusted", { ALONE }, { ALONE }, NULL, NULL },
	{ "the server's own certificate trusted", { LEAF }, { LEAF }, NULL, NULL },
	{ "expired", { EXPIRED, SUB }, { ROOT }, "the server's certificate expired on 20", NULL },
	{ "not yet valid", { FUTURE, SUB }, { ROOT }, "is not valid before 20", NULL },
	{ "expired above", { BY_OLD_SUB, OLD_SUB }, { ROOT },
	  "the certificate \"CN=Old Sub\" above the server's expired on 20", NULL },
	{ "other names", { FOREIGN_NAME, SUB }, { ROOT },
	  "is for a.example, b.example, not for " HOST, NULL },
	{ "no name but the common one", { NAMELESS, SUB }, { ROOT },
	  "is for Elsewhere, not for " HOST, NULL },
	{ "wildcard", { WILD, SUB }, { ROOT }, NULL, "mx.hosted.example" },
	{ "wildcards have one level", { WILD, SUB }, { ROOT }, "is for *.hosted.example, not for",
	  "a.b.hosted.example" },
	{ "address", { NUMERIC, SUB }, { ROOT }, NULL, "192.0.2.7" },
	{ "other address", { NUMERIC, SUB }, { ROOT }, "not for 192.0.2.8", "192.0.2.8" },
	{ "for clients", { CLIENT, SUB }, { ROOT }, "not meant for TLS servers", NULL },
	{ "1024 bits", { WEAK, SUB }, { ROOT }, "too weak", NULL },
	{ "signed by a server", { BY_LEAF, LEAF, SUB }, { ROOT }, "may not sign", NULL },
};

static struct chain chain_of(const enum who *who)
{
	struct chain chain = { .count = 0 };

	for (size_t i = 0; i < LIST_MAX && who[i]; i++)
		chain.certificates[chain.count++] = cast[who[i]]->der;
	return chain;
}

static const char *file_of(const enum who *who)
{
	const struct identity *list[LIST_MAX + 1] = { NULL };
	const char *path = scratch("trusted.pem");

	for (size_t i = 0; i < LIST_MAX && who[i]; i++)
		list[i] = cast[who[i]];
	write_pems(path, list);
	return path;
}

static bool verify(const char *path, const enum who *who, const char *host,
		   const char *pin, struct error *err)
{
	struct endpoint endpoint = { .host = host, .ca_file = path, .fingerprint = pin };
	struct chain chain = chain_of(who);
	time_t expires = 0;
	bool ok = trust_verify(&endpoint, &chain, &expires, err);

	assert_int_equal(expires, !ok ? 0 :
			 gnutls_x509_crt_get_expiration_time(cast[who[0]]->certificate));
	return ok;
}

/* The verdict of GnuTLS alone, with all of the file loaded. */
static bool verify_eagerly(const char *path, const enum who *who, const char *host)
{
	gnutls_typed_vdata_st demands[] = {
		{ GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)host, 0 },
		{ GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)GNUTLS_KP_TLS_WWW_SERVER, 0 },
	};
	gnutls_x509_crt_t chain[LIST_MAX];
	gnutls_x509_trust_list_t list;
	struct ip_address address;
	unsigned int count = 0, status = 0;
	int result;

	while (count < LIST_MAX && who[count]) {
		chain[count] = cast[who[count]]->certificate;
		count++;
	}
	if (ip_address_parse(host, &address)) {
		size_t len;

		demands[0].type = GNUTLS_DT_IP_ADDRESS;
		demands[0].data = (unsigned char *)ip_address_bytes(&address, &len);
		demands[0].size = (unsigned int)len;
	}
	assert_return_code(gnutls_x509_trust_list_init(&list, 0), 0);
	assert_true(gnutls_x509_trust_list_add_trust_file(
			    list, path, NULL, GNUTLS_X509_FMT_PEM, 0, 0) > 0);
	result = gnutls_x509_trust_list_verify_crt2(
		list, chain, count, demands, 2,
		GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM), &status, NULL);
	gnutls_x509_trust_list_deinit(list, 1);
	return result >= 0 && status == 0;
}

static void test_scenes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(scenes); i++) {
		const struct scene *s = &scenes[i];
		const char *path = file_of(s->trusted), *host = s->host ? s->host : HOST;
		struct error err = { .text = "" };
		bool ok = verify(path, s->chain, host, "", &err);

		if (ok != !s->says || (!ok && !strstr(err.text, s->says)) ||
		    (!ok && err.kind != ERROR_TLS)) {
			print_error("%s: %s\n", s->title, ok ? "trusted" : err.text);
			fail();
		}
		if (verify_eagerly(path, s->chain, host) != ok) {
			print_error("%s: GnuTLS thinks otherwise\n", s->title);
			fail();
		}
	}
}

/* Any chain with any file, whether it makes sense or not: the same verdict. */
static void test_same_verdict(void **state)
{
	unsigned int seed = 8305, trusted = 0;

	(void)state;
	for (int round = 0; round < RANDOM_ROUNDS; round++) {
		enum who chain[LIST_MAX] = { NOBODY }, file[LIST_MAX] = { NOBODY };
		size_t sent = 1 + (size_t)rand_r(&seed) % 4;
		size_t known = 1 + (size_t)rand_r(&seed) % 4;
		static const enum who likely[] = { LEAF, DEEP, LEAF, WILD, BY_LEAF, ALONE };
		struct error err;
		const char *path;
		bool ok;

		chain[0] = likely[(size_t)rand_r(&seed) % COUNT_OF(likely)];
		for (size_t i = 1; i < sent; i++)
			chain[i] = ROOT + (enum who)rand_r(&seed) % (ALONE - ROOT);
		for (size_t i = 0; i < known; i++)
			file[i] = ROOT + (enum who)rand_r(&seed) % (EXPIRED - ROOT);
		path = file_of(file);
		ok = verify(path, chain, HOST, "", &err);
		trusted += ok;
		if (ok == verify_eagerly(path, chain, HOST))
			continue;
		print_error("round %d: we say %s\n", round, ok ? "yes" : err.text);
		for (size_t i = 0; i < LIST_MAX; i++)
			print_error("  sent %d, in the file %d\n", chain[i], file[i]);
		fail();
	}
	/* Both verdicts are common, or this test says little. */
	assert_in_range(trusted, RANDOM_ROUNDS / 10, RANDOM_ROUNDS * 9 / 10);
}

static void test_pins(void **state)
{
	static const enum who root[LIST_MAX] = { ROOT };
	static const enum who leaf[LIST_MAX] = { LEAF, SUB }, alone[LIST_MAX] = { ALONE };
	OWNED_TEXT pin_of_leaf = text_copy(fingerprint_of(cast[LEAF]));
	OWNED_TEXT pin_of_alone = text_copy(fingerprint_of(cast[ALONE]));
	char bare[65] = "";
	struct error err;

	(void)state;
	for (size_t i = 0, to = 0; pin_of_alone[i]; i++)
		if (pin_of_alone[i] != ':')
			bare[to++] = (char)tolower((unsigned char)pin_of_alone[i]);
	/* The pin alone decides, whatever the name. */
	assert_true(verify("", alone, "elsewhere.example", pin_of_alone, &err));
	assert_true(verify("", alone, HOST, bare, &err));
	assert_false(verify("", alone, HOST, pin_of_leaf, &err));
	assert_int_equal(err.kind, ERROR_TLS);
	assert_non_null(strstr(err.text, pin_of_alone));
	/* A CA file is asked besides. */
	assert_true(verify(file_of(root), leaf, HOST, pin_of_leaf, &err));
	assert_false(verify(file_of(root), leaf, HOST, pin_of_alone, &err));
	assert_false(verify(file_of(root), alone, HOST, pin_of_alone, &err));
	assert_non_null(strstr(err.text, "self-signed"));
	/* What is no pin is no missing pin. */
	assert_false(verify("", alone, HOST, "AB:CD", &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	bare[63] = '\0';
	assert_false(verify("", alone, HOST, bare, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void test_unusable_files(void **state)
{
	static const enum who leaf[LIST_MAX] = { LEAF, SUB };
	const char *path = scratch("odd.pem");
	struct error err;

	(void)state;
	put(path, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
	assert_false(verify(path, leaf, HOST, "", &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "no certificate"));
	put(path, "");
	assert_false(verify(path, leaf, HOST, "", &err));
	assert_non_null(strstr(err.text, "no certificate"));
	assert_false(verify(scratch("missing.pem"), leaf, HOST, "", &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "missing.pem: cannot open it: No such file"));
	assert_false(verify(scratch_directory(), leaf, HOST, "", &err));
	assert_non_null(strstr(err.text, "not a regular file"));
}

/* The same certificate, however its text was treated. */
static void test_shapes_of_files(void **state)
{
	static const enum who leaf[LIST_MAX] = { LEAF, SUB };
	static const enum who root[LIST_MAX] = { OTHER_ROOT, ROOT };
	const char *good = file_of(root), *path = scratch("shaped.pem");
	OWNED_BUF whole = BUF_INIT(65536), shaped = BUF_INIT(131072);
	OWNED_FD fd = open(good, O_RDONLY);
	struct error err;
	size_t column = 0;

	(void)state;
	assert_true(file_read(fd, &whole, &err));
	/* Line ends of Windows, and words before and behind. */
	buf_add(&shaped, "# - a comment -----\r\n");
	for (const char *c = whole.text; *c; c++)
		buf_addf(&shaped, *c == '\n' ? "\r\n" : "%c", *c);
	buf_add(&shaped, "and - more");
	put(path, shaped.text);
	assert_true(verify(path, leaf, HOST, "", &err));
	assert_true(verify_eagerly(path, leaf, HOST));
	/* Joined by cat without a line end between, the last one without one either. */
	buf_clear(&shaped);
	for (const char *c = whole.text; *c; c++)
		if (*c != '\n' || (strncmp(c, "\n-----BEGIN", 11) != 0 && c[1]))
			buf_add_char(&shaped, *c);
	put(path, shaped.text);
	assert_true(verify(path, leaf, HOST, "", &err));
	assert_true(verify_eagerly(path, leaf, HOST));
	/* Lines of 61 characters, which end within a group. */
	buf_clear(&shaped);
	for (const char *c = whole.text; *c; c++) {
		bool is_marker_near = *c == '-' || c[1] == '-' ||
				      (c > whole.text && c[-1] == '-');

		if (*c == '\n' && !is_marker_near)
			continue;
		column = *c == '\n' ? 0 : column + 1;
		buf_add_char(&shaped, *c);
		if (column == 61 && !memchr(c - 30, '-', 60)) {
			buf_add_char(&shaped, '\n');
			column = 0;
		}
	}
	put(path, shaped.text);
	assert_true(verify(path, leaf, HOST, "", &err));
	assert_true(verify_eagerly(path, leaf, HOST));
}

/* The names need no more than what comes before the subject's end. */
static void test_names(void **state)
{
	struct der whole = cast[LEAF]->der, issuer, subject, sub_issuer, sub_subject;
	size_t enough;

	(void)state;
	assert_true(der_names(cast[SUB]->der, &sub_issuer, &sub_subject));
	assert_true(der_names(whole, &issuer, &subject));
	assert_true(der_equal(issuer, sub_subject));
	assert_false(der_equal(issuer, sub_issuer));
	enough = (size_t)(subject.bytes + subject.len - whole.bytes);
	assert_in_range(enough, 1, whole.len - 1);
	for (size_t len = 0; len <= whole.len; len++) {
		whole.len = len;
		assert_int_equal(der_names(whole, &issuer, &subject), len >= enough);
		whole.len = cast[LEAF]->der.len;
	}
}

static void test_broken_chains(void **state)
{
	static const enum who root[LIST_MAX] = { ROOT };
	struct endpoint endpoint = {
		.host = HOST,
		.ca_file = file_of(root),
		.fingerprint = "",
	};
	struct chain chain = { .count = 1 };
	struct error err;
	time_t expires;

	(void)state;
	/* Cut anywhere, or with a byte changed: not trusted, not read beyond its end. */
	for (size_t len = 0; len < cast[LEAF]->der.len; len++) {
		OWNED_TEXT bytes = text_copy_n((const char *)cast[LEAF]->der.bytes, len);

		chain.certificates[0] = (struct der){ (unsigned char *)bytes, len };
		assert_false(trust_verify(&endpoint, &chain, &expires, &err));
	}
	chain.certificates[1] = cast[SUB]->der;
	chain.count = 2;
	for (size_t i = 0; i < cast[LEAF]->der.len; i += 7) {
		OWNED_TEXT bytes = text_copy_n((const char *)cast[LEAF]->der.bytes,
					       cast[LEAF]->der.len);

		bytes[i] ^= 0x41;
		chain.certificates[0] = (struct der){ (unsigned char *)bytes,
						      cast[LEAF]->der.len };
		assert_false(trust_verify(&endpoint, &chain, &expires, &err));
	}
	chain.count = 0;
	assert_false(trust_verify(&endpoint, &chain, &expires, &err));
}

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		cast[parts[i].who] = certify(&parts[i].recipe, cast[parts[i].issuer],
					     cast[parts[i].twin]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove();
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_same_verdict),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_unusable_files),
		cmocka_unit_test(test_shapes_of_files),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_broken_chains),
	};

	return cmocka_run_group_tests_name("trust", tests, set_up, tear_down);
}
