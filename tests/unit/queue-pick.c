/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which messages of the queue a command line means, and how their facts read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/language.h"
#include "queue/pick.h"
#include "base/language.h"
#include "talk/queue_words.h"

static void ids(void **state)
{
	static const struct {
		const char *word;
		bool is_id;
	} cases[] = {
		{ "0", true }, { "3v8k1q", true }, { "0123456789abcdef", true },
		{ "0123456789abcdef0", false }, { "", false }, { "w", false }, { "A", false },
		{ "3v*", false }, { "a@b", false }, { "<>", false }, { "3v ", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (pick_is_id(cases[i].word) != cases[i].is_id)
			fail_msg("\"%s\"", cases[i].word);
}

/* --- patterns and filters */

static void fill(struct entry *e, const char *sender)
{
	*e = (struct entry){ .id = "0123456789abcdef" };
	e->account = text_copy("work");
	e->envelope.sender = text_copy(sender);
	e->envelope.origin = text_copy("root");
	envelope_add(&e->envelope, "One@Example.org");
	envelope_add(&e->envelope, "two@example.net");
}

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *sender;
		bool fits;
	} cases[] = {
		{ "*", "a@b.c", true },
		{ "a@b.c", "a@b.c", true },
		{ "A@B.C", "a@b.c", true },
		{ "a@b", "a@b.c", false },
		{ "*@b.c", "a@b.c", true },
		{ "*@example.org", "a@b.c", true },
		{ "two@*", "a@b.c", true },
		{ "three@*", "a@b.c", false },
		{ "0123*", "a@b.c", true },
		{ "[0-9]*f", "a@b.c", true },
		{ "?123", "a@b.c", false },
		{ "<>", "", true },
		{ "<>", "a@b.c", false },
		{ "roo?", "a@b.c", true },
		{ "", "a@b.c", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		OWNED_ENTRY e;

		fill(&e, cases[i].sender);
		if (pick_fits(cases[i].pattern, &e) != cases[i].fits)
			fail_msg("\"%s\" and sender <%s>", cases[i].pattern, cases[i].sender);
	}
}

static void filters(void **state)
{
	static const struct {
		struct pick pick;
		bool passes;
	} cases[] = {
		{ { .all = true }, true },
		{ { .account = "work" }, true },
		{ { .account = "w*" }, true },
		{ { .account = "home" }, false },
		{ { .sender = "a@*" }, true },
		{ { .sender = "root" }, true },
		{ { .sender = "one@*" }, false },
		{ { .recipient = "one@*" }, true },
		{ { .recipient = "a@*" }, false },
		{ { .account = "work", .sender = "a@b.c", .recipient = "*.net" }, true },
		{ { .account = "work", .sender = "a@b.c", .recipient = "*.com" }, false },
		{ { .account = "home", .sender = "a@b.c", .recipient = "*.net" }, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		OWNED_ENTRY e;

		fill(&e, "a@b.c");
		if (pick_passes(&cases[i].pick, &e) != cases[i].passes)
			fail_msg("case %zu", i);
	}
}

static void said(void **state)
{
	char star[] = "*", *words[] = { star };
	const struct {
		struct pick pick;
		bool is_made;
	} cases[] = {
		{ { .count = 0 }, false },
		{ { .failed = true }, false },	/* where, and not which */
		{ { .all = true }, true },
		{ { .words = words, .count = 1 }, true },
		{ { .account = "a" }, true },
		{ { .sender = "a" }, true },
		{ { .recipient = "a" }, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (pick_is_made(&cases[i].pick) != cases[i].is_made)
			fail_msg("case %zu", i);
}

/* --- rows by their ids, which takes no spool */

static void rows(void **state)
{
	static const struct queue_row all[] = {
		{ .id = "abc0000000000000" }, { .id = "abd0000000000000" },
		{ .id = "fff0000000000000", .place = SPOOL_FAILED },
		{ .id = "0000000000000000" }, { .id = "0000000000000000", .place = SPOOL_FAILED },
	};
	static const struct {
		const char *words[3];
		bool failed;
		const char *left;	/* the first letters of those that are meant */
		enum error_kind kind;
		const char *error;
	} cases[] = {
		{ { NULL }, false, "aa0", ERROR_NONE, NULL },
		{ { NULL }, true, "f0", ERROR_NONE, NULL },
		{ { "abc" }, false, "a", ERROR_NONE, NULL },
		{ { "abc0000000000000" }, false, "a", ERROR_NONE, NULL },
		{ { "ab" }, false, "aaf00", ERROR_USAGE, "\"ab\" is the beginning of 2 ids" },
		{ { "abc", "ab" }, false, "aaf00", ERROR_USAGE, "\"ab\"" },
		{ { "f" }, false, "f", ERROR_NONE, NULL },
		{ { "f" }, true, "f", ERROR_NONE, NULL },
		{ { "abc", "f" }, false, "af", ERROR_NONE, NULL },
		{ { "abc", "abc0" }, false, "a", ERROR_NONE, NULL },
		{ { "0" }, false, "00", ERROR_NONE, NULL },	/* in both places */
		{ { "0" }, true, "0", ERROR_NONE, NULL },
		{ { "abc" }, true, "", ERROR_UNAVAILABLE, "no message fits \"abc\" in failed/" },
		{ { "1", "abc" }, false, "a", ERROR_UNAVAILABLE, "no message fits \"1\"" },
		{ { "1", "2", "f" }, false, "f", ERROR_UNAVAILABLE, "\"1\", nor 1 more" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct pick pick = { .words = (char **)cases[i].words, .failed = cases[i].failed };
		struct queue_view view = QUEUE_VIEW_NONE;
		OWNED_ROWS left = { 0 };
		struct error err = { 0 };
		char letters[8] = "";
		bool ok;

		for (; pick.count < 3 && pick.words[pick.count]; pick.count++)
			;
		left.count = left.room = COUNT_OF(all);
		left.items = xmalloc(sizeof(all));
		memcpy(left.items, all, sizeof(all));
		ok = pick_apply(&pick, &view, &left, &err);
		for (size_t k = 0; k < left.count; k++)
			letters[k] = left.items[k].id[0];
		if (ok != (cases[i].kind == ERROR_NONE) || err.kind != cases[i].kind ||
		    strcmp(letters, cases[i].left) != 0 ||
		    (cases[i].error && !strstr(err.text, cases[i].error)))
			fail_msg("case %zu: \"%s\" is left, error: %s", i, letters, err.text);
	}
}

static void no_rows(void **state)
{
	struct pick all = { .all = true }, filtered = { .account = "work" };
	struct queue_view view = QUEUE_VIEW_NONE;
	OWNED_ROWS none = { 0 };
	struct error err;

	(void)state;
	assert_true(pick_apply(&all, &view, &none, &err));
	assert_false(pick_apply(&filtered, &view, &none, &err));
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
}

/* --- words */

static void spans(void **state)
{
	static const struct {
		time_t seconds;
		const char *words;
	} cases[] = {
		{ -5, "0 s" }, { 0, "0 s" }, { 119, "119 s" }, { 120, "2 min" },
		{ 7199, "119 min" }, { 7200, "2 h" }, { 172799, "47 h" }, { 172800, "2 d" },
		{ INT32_MAX, "24855 d" },
	};
	char words[WORDS_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_string_equal(words_span(cases[i].seconds, words), cases[i].words);
}

static void sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *words;
	} cases[] = {
		{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.0 KiB" }, { 2150, "2.1 KiB" },
		{ 10 * 1024 * 1024, "10.0 MiB" }, { UINT64_C(5) << 40, "5.0 TiB" },
		{ UINT64_C(5) << 50, "5120.0 TiB" },
	};
	char words[WORDS_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_string_equal(words_size(cases[i].bytes, words), cases[i].words);
}

static void states(void **state)
{
	static const struct {
		struct queue_look look;
		const char *name, *text;
	} cases[] = {
		{ { .taken = TAKEN, .entry.next = 1000 }, "due", "due now" },
		{ { .taken = TAKEN, .entry.next = 1300 }, "waiting", "next try in 5 min" },
		{ { .taken = TAKEN, .entry.next = 1300, .entry.is_in_doubt = true }, "waiting",
		  "next try in 5 min, perhaps sent already" },
		{ { .taken = TAKEN, .entry.is_held = true }, "held", "held" },
		{ { .taken = TAKEN_BUSY, .entry.is_held = true }, "sending", "being sent" },
		{ { .taken = TAKEN, .place = SPOOL_FAILED }, "failed", "failed" },
		{ { .taken = TAKEN_BROKEN, .place = SPOOL_FAILED }, "damaged", "damaged" },
		{ { .taken = TAKEN, .place = SPOOL_DAMAGED }, "damaged", "damaged" },
		{ { .taken = TAKEN_FOREIGN }, "foreign", "of another version" },
		{ { .taken = TAKEN_ERROR }, "unreadable", "cannot be read" },
	};
	char words[WORDS_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct queue_look *look = &cases[i].look;

		assert_string_equal(words_state_name(words_state(look, 1000)), cases[i].name);
		assert_string_equal(words_state_text(look, 1000, words), cases[i].text);
	}
}

/* Columns count characters: a line is never cut within one. */
static void columns(void **state)
{
	static const struct {
		const char *text;
		size_t most, len, width;
	} cases[] = {
		{ "", 5, 0, 0 }, { "abc", 5, 3, 3 }, { "abc", 2, 2, 3 }, { "abc", 0, 0, 3 },
		{ "\xc3\xa4\xc3\xb6", 1, 2, 2 }, { "\xe2\x82\xac!", 1, 3, 2 },
		{ "\xe2\x82\xac!", 2, 4, 2 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(language_cut(cases[i].text, cases[i].most), cases[i].len);
		assert_int_equal(language_width(cases[i].text), cases[i].width);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids), cmocka_unit_test(patterns), cmocka_unit_test(filters),
		cmocka_unit_test(said), cmocka_unit_test(rows), cmocka_unit_test(no_rows),
		cmocka_unit_test(spans), cmocka_unit_test(sizes), cmocka_unit_test(states),
		cmocka_unit_test(columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
