/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists as this machine means them: names with commas, domains that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "mail/people.h"

static bool is_here(const void *local, const char *domain)
{
	return text_is(domain, local);
}

/* "name" stands for what is known here: root is a user of every machine. */
static const struct {
	const char *text;
	const char *list;	/* mailbox, "=name" of a joined one, a blank */
	size_t faults;
	bool are_authors;
} rows[] = {
	{ "Doe, John <john@x>", "john@x=Doe, John ", 0, false },
	{ "\"Doe\", John <john@x>", "john@x=Doe, John ", 0, false },
	{ "Doe, John Q. <john@x>", "john@x=Doe, John Q. ", 0, false },
	{ "Smith, Dr., John <j@x>", "j@x=Smith, Dr., John ", 0, false },
	{ "van der Berg, Jan <j@x>", "j@x=van der Berg, Jan ", 0, false },
	{ "Garcia Lopez, Prof. Dr., Ana <a@x>", "a@x=Garcia Lopez, Prof. Dr., Ana ", 0, false },
	{ "M\xc3\xbcller, J\xc3\xb6rg <j@x>", "j@x=M\xc3\xbcller, J\xc3\xb6rg ", 0, false },
	{ "M\xfcller, Jan <j@x>", "j@x=M\xfcller, Jan ", 0, false },
	{ "=?utf-8?q?M=C3=BCller?=, Jan <j@x>", "j@x==?utf-8?q?M=C3=BCller?=, Jan ", 0, false },
	{ "Doe,\r\n John\r\n <john@x>", "john@x=Doe, John ", 0, false },
	{ "Doe (x, y), John <john@x>", "Doe john@x ", 0, false },	/* it has a name of its own */
	{ "(note) van Doe (x), John <john@x>", "john@x=van Doe, John ", 0, false },
	{ "(note) |cat x, John <john@x>", "john@x ", 1, false },
	{ "Doe,, John <john@x>", "john@x=Doe, John ", 0, false },
	{ "Doe, John <john@x>, Roe, Jane <jane@x>", "john@x=Doe, John jane@x=Roe, Jane ", 0, false },
	{ "a@x, Doe, John <john@x>, b@x", "a@x john@x=Doe, John b@x ", 0, false },
	{ "Team: Doe, John <john@x>;, b@x", "john@x=Doe, John b@x ", 0, false },
	{ "root, John <john@x>", "root john@x ", 0, false },
	{ "WWW, John <john@x>", "WWW john@x ", 0, false },
	{ "root, Doe, John <john@x>", "root john@x=Doe, John ", 0, false },
	{ "root, John <john@x>", "john@x=root, John ", 0, true },
	{ "Doe, <john@x>", "Doe john@x ", 0, false },
	{ "Doe, <john@x> (John)", "Doe john@x ", 0, false },
	{ "Doe, john@x (John)", "Doe john@x ", 0, false },
	{ "Doe; John <john@x>", "Doe john@x ", 0, false },
	{ "Team: Doe;, John <john@x>", "Doe john@x ", 0, false },
	{ "John <john@x>, Doe", "john@x Doe ", 0, false },
	{ "<Doe>, John <john@x>", "Doe john@x ", 0, false },
	{ "\"|cat\", John <john@x>", "|cat john@x ", 0, false },
	{ "/var/mail/x, John <john@x>", "/var/mail/x john@x ", 0, false },
	{ "a@x, John <john@x>", "a@x john@x ", 0, false },
	{ "a@@x, John <john@x>", "john@x ", 1, false },
	{ "|/bin/cat x, John <john@x>", "john@x ", 1, false },
	{ "Jane Doe, a@x", "a@x ", 1, false },
	{ "root@here, a@HERE, b@there, \"c d\"@here", "root a b@there \"c d\" ", 0, false },
	{ "root@here, John <john@here>", "root john ", 0, false },
	{ "Doe@here, John <john@x>", "Doe john@x ", 0, false },
};

static void check(struct aliases *aliases, size_t i)
{
	OWNED_PEOPLE to = { .aliases = aliases, .are_authors = rows[i].are_authors };
	OWNED_BUF text = BUF_INIT(1000);
	struct error err = { 0 };

	/* Behind others, which stay what they are. */
	assert_true(people_read(&to, "first, x y", 10, &err));
	assert_true(people_read(&to, rows[i].text, strlen(rows[i].text), &err));
	for (size_t k = 1; k < to.list.count; k++) {
		const struct address *a = &to.list.items[k];

		buf_addf(&text, "%s%s%s ", a->mailbox, a->is_joined ? "=" : "",
			 a->is_joined ? a->name : "");
	}
	if (strcmp(buf_text(&text), rows[i].list) != 0 || to.faults.count != rows[i].faults + 1)
		fail_msg("%s: %s, faults: %zu", rows[i].text, buf_text(&text),
			 to.faults.count - 1);
	assert_string_equal(to.list.items[0].mailbox, "first");
}

static void test_rows(void **state)
{
	char path[] = "/tmp/people.XXXXXX";
	struct aliases aliases;
	OWNED_FD fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0 && write_all(fd, "www: a@x\n*: all@x\n", 18));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		aliases_init(&aliases, path, "local@x");
		aliases.is_local = is_here;
		aliases.local = "here";
		check(&aliases, i);
		aliases_free(&aliases);
	}
	assert_int_equal(unlink(path), 0);
}

/* It may hold a name that is not known to be none: nothing is joined then. */
static void test_unreadable_aliases(void **state)
{
	static const char text[] = "Doe, John <john@x>";
	struct aliases aliases;
	OWNED_PEOPLE to = { .aliases = &aliases };
	struct error err = { 0 };

	(void)state;
	aliases_init(&aliases, "/nonexistent/aliases", "");
	assert_true(people_read(&to, text, strlen(text), &err));
	assert_int_equal(to.list.count, 2);
	aliases_free(&aliases);
}

static void test_local_targets(void **state)
{
	char path[] = "/tmp/people.XXXXXX";
	static const char text[] = "root: admin@here\nadmin: a@x\nme@here: me@here\n";
	struct aliases aliases;
	OWNED_ADDRESSES found = { 0 };
	OWNED_FD fd = mkstemp(path);
	struct error err = { 0 };

	(void)state;
	assert_true(fd >= 0 && write_all(fd, text, sizeof(text) - 1));
	aliases_init(&aliases, path, "local@x");
	aliases.is_local = is_here;
	aliases.local = "here";
	assert_true(aliases_resolve(&aliases, "root", &found, &err));
	assert_true(aliases_resolve(&aliases, "me", &found, &err));
	assert_int_equal(found.count, 2);
	assert_string_equal(found.items[0].mailbox, "a@x");
	assert_string_equal(found.items[1].mailbox, "local@x");
	aliases.local_recipients = "root@here";
	assert_false(aliases_resolve(&aliases, "me", &found, &err));
	assert_int_equal(err.kind, ERROR_NO_USER);
	aliases_free(&aliases);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_unreadable_aliases),
		cmocka_unit_test(test_local_targets),
	};

	return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
