/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SCRAM-SHA-256 by the example of RFC 7677 section 3, what a server may not say, CRAM-MD5
 * by that of RFC 2195, and passwords that are typed in more than one way (RFC 4013).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "smtp/saslprep.h"
#include "smtp/scram.h"

#define OURS	"rOprNGfwEbeRWgbNEkqO"
#define NONCE	OURS "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SALT	"W22ZaJ0SNY7soEsUEjb6gQ=="
#define FIRST	"r=" NONCE ",s=" SALT ",i=4096"
#define PROOF	"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define LAST	"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

enum { SAID_MAX = 1000 };

struct talk {
	struct scram scram;
	struct secret password;
	struct buf said;
	struct error err;
};

static bool say(struct talk *t, const char *user, const char *challenge, size_t len)
{
	OWNED_BUF heard = BUF_INIT(SAID_MAX);

	buf_free(&t->said);
	t->said = (struct buf)BUF_INIT(SAID_MAX);
	if (!challenge)
		return scram_next(&t->scram, user, &t->password, NULL, &t->said, &t->err);
	if (len > 0)
		buf_add_bytes(&heard, challenge, len);
	return scram_next(&t->scram, user, &t->password, &heard, &t->said, &t->err);
}

static bool hear(struct talk *t, const char *challenge)
{
	return say(t, "user", challenge, strlen(challenge));
}

/* Begins, and then has the nonce of the example. */
static void begin(struct talk *t)
{
	*t = (struct talk){ 0 };
	assert_true(secret_set(&t->password, "pencil", 6));
	assert_true(say(t, "user", NULL, 0));
	snprintf(t->scram.nonce, sizeof(t->scram.nonce), "%s", OURS);
	buf_free(&t->scram.first);
	t->scram.first = (struct buf)BUF_INIT(SCRAM_FIRST_MAX);
	buf_add(&t->scram.first, "n=user,r=" OURS);
}

static void end(struct talk *t)
{
	scram_free(&t->scram);
	secret_free(&t->password);
	buf_free(&t->said);
}

static void test_first_words(void **state)
{
	struct talk a = { 0 }, b = { 0 };

	(void)state;
	assert_true(say(&a, "us,er=1", NULL, 0));
	assert_true(say(&b, "us,er=1", NULL, 0));
	assert_memory_equal(a.said.text, "n,,n=us=2Cer=3D1,r=", 19);
	assert_string_equal(buf_text(&a.said) + 19, a.scram.nonce);
	assert_int_equal(strlen(a.scram.nonce), SCRAM_NONCE_SIZE - 1);
	assert_string_not_equal(a.scram.nonce, b.scram.nonce);
	end(&a);
	end(&b);
}

static void test_example(void **state)
{
	struct talk t;

	(void)state;
	begin(&t);
	assert_true(hear(&t, FIRST));
	assert_string_equal(buf_text(&t.said), "c=biws,r=" NONCE ",p=" PROOF);
	assert_false(t.scram.is_proven);
	assert_true(hear(&t, LAST));
	assert_int_equal(t.said.len, 0);
	assert_true(t.scram.is_proven);
	/* Once is enough. */
	assert_false(hear(&t, LAST));
	assert_false(t.scram.is_proven);
	end(&t);
}

static const struct {
	const char *first;
	size_t len;		/* 0: up to its NUL */
} senseless[] = {
	{ "", 0 }, { "e=other-error", 0 }, { "r=" NONCE, 0 }, { "r=" NONCE ",s=" SALT, 0 },
	/* Not our nonce, or nothing of theirs behind it. */
	{ "r=" OURS ",s=" SALT ",i=4096", 0 }, { "r=,s=" SALT ",i=4096", 0 },
	{ "r=rOprNGfwEbeRWgbNEkq,s=" SALT ",i=4096", 0 },
	{ "r=another" OURS "x,s=" SALT ",i=4096", 0 },
	/* An extension that must be known (RFC 5802 section 5.1), another order, no names. */
	{ "m=x," FIRST, 0 }, { "s=" SALT ",r=" NONCE ",i=4096", 0 }, { NONCE "," SALT ",4096", 0 },
	{ "r=" NONCE ",s=,i=4096", 0 }, { "r=" NONCE ",s=W22Z!,i=4096", 0 },
	{ "r=" NONCE ",s=" SALT ",i=", 0 }, { "r=" NONCE ",s=" SALT ",i=0", 0 },
	{ "r=" NONCE ",s=" SALT ",i=-1", 0 }, { "r=" NONCE ",s=" SALT ",i=4096x", 0 },
	{ "r=" NONCE ",s=" SALT ",i=2000001", 0 },
	{ "r=" NONCE ",s=" SALT ",i=99999999999999999999", 0 },
	{ FIRST "\0x", sizeof(FIRST "\0x") - 1 },
};

static void test_first_answer_without_sense(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(senseless); i++) {
		const char *first = senseless[i].first;
		struct talk t;

		begin(&t);
		if (say(&t, "user", first, senseless[i].len ? senseless[i].len : strlen(first)))
			fail_msg("\"%s\" is answered", first);
		assert_int_equal(t.err.kind, ERROR_PROTOCOL);
		assert_int_equal(t.said.len, 0);
		end(&t);
	}
}

static const struct {
	const char *last;
	bool ok, proven;
} lasts[] = {
	{ LAST, true, true },
	{ LAST ",x=y", true, true },
	{ "e=invalid-proof", true, false },	/* what is refused, the reply says */
	{ LAST "=", false, false },
	{ "v=", false, false },
	{ "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", false, false },
	{ "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4", false, false },
	{ "v=" PROOF, false, false },
	{ "", false, false },
	{ FIRST, false, false },
};

static void test_signature(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(lasts); i++) {
		struct talk t;

		begin(&t);
		assert_true(hear(&t, FIRST));
		if (hear(&t, lasts[i].last) != lasts[i].ok ||
		    t.scram.is_proven != lasts[i].proven)
			fail_msg("\"%s\"", lasts[i].last);
		if (!lasts[i].ok)
			assert_int_equal(t.err.kind, ERROR_PROTOCOL);
		end(&t);
	}
}

/* A server with another salt or number of rounds hears another proof. */
static void test_other_numbers(void **state)
{
	static const char *const firsts[] = { "r=" NONCE ",s=" SALT ",i=4097",
					      "r=" NONCE ",s=AAAA,i=4096", "r=" NONCE "x,s=" SALT ",i=4096" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(firsts); i++) {
		struct talk t;

		begin(&t);
		assert_true(hear(&t, firsts[i]));
		assert_null(strstr(buf_text(&t.said), PROOF));
		assert_false(hear(&t, LAST));
		end(&t);
	}
}

static void test_cram(void **state)
{
	static const char challenge[] = "<1896.697170952@postoffice.reston.mci.net>";
	OWNED_SECRET password = { 0 };
	OWNED_BUF heard = BUF_INIT(SAID_MAX), said = BUF_INIT(SAID_MAX);
	struct error err;

	(void)state;
	assert_true(secret_set(&password, "tanstaaftanstaaf", 16));
	buf_add(&heard, challenge);
	assert_true(smtp_cram_md5("tim", &password, &heard, &said, &err));
	assert_string_equal(buf_text(&said), "tim b913a602c7eda7a495b4e6e7334d3890");
}

#ifdef UNISTRING_SONAME
#define PREPARED(text, plain)	text
#else
#define PREPARED(text, plain)	plain
#endif

static const struct {
	const char *text, *prepared;
} prepared[] = {
	/* RFC 4013 section 3 */
	{ "I\xc2\xadX", PREPARED("IX", "I\xc2\xadX") },
	{ "user", "user" },
	{ "USER", "USER" },
	{ "\xc2\xaa", PREPARED("a", "\xc2\xaa") },
	{ "\xe2\x85\xa8", PREPARED("IX", "\xe2\x85\xa8") },
	/* What is forbidden stays: the server has to say what it thinks of it. */
	{ "\x07", "\x07" },
	{ "\xd8\xa7" "1", "\xd8\xa7" "1" },
	{ "e\xcc\x81\x07", "e\xcc\x81\x07" },
	{ "e\xcc\x81\xee\x80\x80", "e\xcc\x81\xee\x80\x80" },	/* U+E000 is nobody's */
	/* All kinds of blanks are one (table C.1.2), and letters are put together. */
	{ "a\xc2\xa0" "b\xe3\x80\x80" "c", PREPARED("a b c", "a\xc2\xa0" "b\xe3\x80\x80" "c") },
	{ "e\xcc\x81", PREPARED("\xc3\xa9", "e\xcc\x81") },
	{ "\xef\xbc\xa1", PREPARED("A", "\xef\xbc\xa1") },
	/* No UTF-8 at all. */
	{ "\xe9", "\xe9" },
	{ "", "" },
};

static void test_prepared(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(prepared); i++) {
		OWNED_SECRET secret = { 0 };
		struct error err;

		assert_true(saslprep(prepared[i].text, strlen(prepared[i].text), &secret, &err));
		assert_int_equal(secret.len, strlen(prepared[i].prepared));
		assert_string_equal(secret.bytes, prepared[i].prepared);
	}
}

/* NFKC makes of one character 18: there is room, or it stays as it is. */
static void test_prepared_at_length(void **state)
{
	OWNED_TEXT text = xcalloc(1, SECRET_MAX + 2);
	OWNED_SECRET secret = { 0 };
	struct error err;

	(void)state;
	for (size_t i = 0; i + 3 <= SECRET_MAX; i += 3)
		memcpy(text + i, "\xef\xb7\xba", 3);
	assert_true(saslprep(text, SECRET_MAX, &secret, &err));
	assert_int_equal(secret.len, SECRET_MAX);
	assert_memory_equal(secret.bytes, text, SECRET_MAX);
	assert_false(saslprep(text, SECRET_MAX + 1, &secret, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_words),
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_first_answer_without_sense),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_other_numbers),
		cmocka_unit_test(test_cram),
		cmocka_unit_test(test_prepared),
		cmocka_unit_test(test_prepared_at_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
