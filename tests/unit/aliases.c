/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The aliases file: tests/data/aliases/README tells how its files are read here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "mail/aliases.h"

static char path[] = "/tmp/acsmtp-aliases.XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

/* Whoever has the checkout: the file is ours alone. */
static void write_file(const char *text, size_t len)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

static char *read_data(const char *name)
{
	const char *source = getenv("srcdir");
	OWNED_BUF file = BUF_INIT(1000);
	struct buf text = BUF_INIT(100000);
	struct error err;
	FILE *in;

	buf_addf(&file, "%s/tests/data/aliases/%s", source ? source : ".", name);
	in = fopen(buf_text(&file), "r");
	if (!in)
		fail_msg("%s cannot be opened", buf_text(&file));
	assert_true(file_read(fileno(in), &text, &err));
	fclose(in);
	return buf_take(&text);
}

/* --- what the comments of a data file expect */

static char *list_text(const struct address_list *list)
{
	struct buf text = BUF_INIT(1000000);

	buf_add(&text, "");
	for (size_t i = 0; i < list->count; i++)
		buf_addf(&text, "%s%s", i > 0 ? ", " : "", list->items[i].mailbox);
	return buf_take(&text);
}

static void expect_resolved(struct aliases *a, const char *name, const char *expected)
{
	OWNED_ADDRESSES list = { 0 };
	OWNED_TEXT text = NULL;
	struct error err = { 0 };

	if (!aliases_resolve(a, name, &list, &err))
		fail_msg("%s: %s", name, err.text);
	text = list_text(&list);
	if (strcmp(text, expected) != 0)
		fail_msg("%s: %s", name, text);
}

static void expect_refused(struct aliases *a, const char *name, const char *words)
{
	OWNED_ADDRESSES list = { 0 };
	struct error err = { 0 };

	if (aliases_resolve(a, name, &list, &err))
		fail_msg("%s: taken", name);
	assert_int_equal(list.count, 0);
	if (!strstr(err.text, words) || !text_after(err.text, "recipient \""))
		fail_msg("%s: %s", name, err.text);
	assert_int_equal(err.kind, strstr(err.text, "has no domain") ? ERROR_NO_USER :
			 ERROR_CONFIG);
}

/* "name = addresses" or "name ! words" */
static void expect(struct aliases *a, char *line)
{
	char *refused = strstr(line, " ! "), *resolved = strstr(line, " = ");

	assert_true(refused || resolved);
	*(resolved ? resolved : refused) = '\0';
	if (resolved)
		expect_resolved(a, line, resolved + 3);
	else
		expect_refused(a, line, refused + 3);
}

/* What follows `mark` in the next line that begins with it; the caller frees. */
static char *next_marked(const char **at, const char *mark)
{
	while (**at) {
		const char *line = *at;
		size_t len = strcspn(line, "\n");

		*at += len + (line[len] == '\n');
		if (!strncmp(line, mark, strlen(mark)))
			return text_copy_n(line + strlen(mark), len - strlen(mark));
	}
	return NULL;
}

struct expected {
	const char *faults, *warnings;	/* the data file from here on is not seen yet */
};

static void take_fault(void *taker, const struct error *fault)
{
	struct expected *expected = taker;
	bool is_fault = fault->kind == ERROR_CONFIG;
	OWNED_TEXT words = is_fault ? next_marked(&expected->faults, "#! ") :
				      next_marked(&expected->warnings, "#w ");

	if (!words || !strstr(fault->text, words) || strncmp(fault->text, path, strlen(path)))
		fail_msg("expected %s: %s", words ? words : "nothing", fault->text);
	assert_true(is_fault || fault->kind == ERROR_NO_USER);
}

static size_t resolve_all(const char *text, const char *local)
{
	OWNED_ALIASES a;
	size_t count = 0;
	char *line;

	aliases_init(&a, path, local);
	for (; (line = next_marked(&text, "#? ")); free(line), count++)
		expect(&a, line);
	return count;
}

static void check_all(const char *text, const char *local)
{
	struct expected expected = { text, text };
	OWNED_TEXT fault = NULL;
	OWNED_TEXT warning = NULL;
	OWNED_ALIASES a;
	struct error err;

	aliases_init(&a, path, local);
	if (!aliases_check(&a, take_fault, &expected, &err))
		fail_msg("%s", err.text);
	fault = next_marked(&expected.faults, "#! ");
	warning = next_marked(&expected.warnings, "#w ");
	if (fault || warning)
		fail_msg("not found: %s", fault ? fault : warning);
}

static void test_data(void **state)
{
	const char *const names[] = { "debian", "forms", "catch-all", "default", "loops",
				      "refused", "faults", "nowhere" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		OWNED_TEXT text = read_data(names[i]);
		const char *at = text;
		OWNED_TEXT local = next_marked(&at, "#local ");

		print_message("# %s\n", names[i]);
		write_file(text, strlen(text));
		assert_true(resolve_all(text, local) > 0);
		check_all(text, local);
	}
}

/* --- forms that an editor would not keep in a data file */

static const struct {
	const char *text;
	size_t len;
	const char *to;		/* where root goes */
} bytes[] = {
#define TEXT(text)	text, sizeof(text) - 1
	{ TEXT("root: a@x"), "a@x" },
	{ TEXT("root: a@x\r\n"), "a@x" },
	{ TEXT("www: x@x\r\nroot: a@x,\r\n\tb@x,\r\n\r\n# c\r\n c@x\r\n"),
	  "a@x, b@x, c@x" },
	{ TEXT("root: a@x, \\\r\nb@x"), "a@x, b@x" },
	{ TEXT("\xef\xbb\xbfroot: a@x\n"), "a@x" },
	{ TEXT("# caf\xe9\nroot: a@x\n"), "a@x" },
	{ TEXT("root: a@x\\"), "a@x" },
	{ TEXT("\n\n \n\t\nroot:\t a@x \t\n"), "a@x" },
	{ TEXT(""), NULL },
	{ TEXT("\n"), NULL },
	{ TEXT("#"), NULL },
	{ TEXT("root"), NULL },
	{ TEXT(":"), NULL },
	{ TEXT("root:"), NULL },
	{ TEXT("root: \\"), NULL },
	{ TEXT("root: \""), NULL },
	{ TEXT("root: (a@x"), NULL },
	{ TEXT("root: caf\xe9@x\n"), NULL },
	{ TEXT("root: a@x\rwww: b@x\r"), NULL },
	{ TEXT("root: a@x\n\0"), NULL },
	{ TEXT("\0\0\0\0"), NULL },
	{ TEXT("root: a@x\x01\n"), NULL },
};

static void test_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bytes); i++) {
		OWNED_ADDRESSES list = { 0 };
		OWNED_TEXT text = NULL;
		OWNED_ALIASES a;
		struct error err = { 0 };
		bool ok;

		write_file(bytes[i].text, bytes[i].len);
		aliases_init(&a, path, "");
		ok = aliases_resolve(&a, "root", &list, &err);
		text = list_text(&list);
		if (ok != (bytes[i].to != NULL) || (ok && strcmp(text, bytes[i].to) != 0))
			fail_msg("row %zu: %s%s", i, text, err.text);
	}
}

/* --- the file itself */

static void refuse_file(const char *file, const char *words)
{
	OWNED_ALIASES a;
	OWNED_ADDRESSES list = { 0 };
	struct error err = { 0 };

	aliases_init(&a, file, "local@x");
	for (int round = 0; round < 2; round++) {	/* it is not forgotten */
		assert_false(aliases_resolve(&a, "root", &list, &err));
		if (!strstr(err.text, file) || !strstr(err.text, words))
			fail_msg("%s", err.text);
		assert_int_equal(err.kind, ERROR_CONFIG);
	}
	assert_false(aliases_check(&a, take_fault, NULL, &err));
}

static void test_files(void **state)
{
	OWNED_BUF text = BUF_INIT(2 * (size_t)ALIASES_FILE_MAX);

	(void)state;
	refuse_file("/nonexistent/aliases", "No such file");
	refuse_file("/tmp", "not a regular file");
	refuse_file("/dev/zero", "not a regular file");
	while (text.len <= ALIASES_FILE_MAX)
		buf_add(&text, "root: a@x, b@x, c@x, d@x, e@x, f@x, g@x, h@x, i@x, j@x, k@x\n");
	write_file(text.text, text.len);
	refuse_file(path, "more than 1048576 bytes");
	write_file("root: a@x\n", 10);
	assert_int_equal(chmod(path, 0622), 0);
	refuse_file(path, "others can write it");
	assert_int_equal(chmod(path, 0644), 0);
	write_file("root: a\0@x\n", 11);
	refuse_file(path, "line 1: it holds a NUL");
}

static void test_without_file(void **state)
{
	OWNED_ALIASES a;
	OWNED_ADDRESSES list = { 0 };
	struct error err = { 0 };

	(void)state;
	aliases_init(&a, "off", NULL);
	assert_null(a.path);
	assert_false(aliases_resolve(&a, "root", &list, &err));
	assert_string_equal(err.text, "recipient \"root\": it has no domain, and there is no "
			    "local delivery");
	aliases_init(&a, "off", "a@x, B <b@x>");
	assert_true(aliases_resolve(&a, "root", &list, &err));
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[1].name, "B");
	aliases_init(&a, "/etc/aliases", "");
	assert_true(a.may_be_missing);
}

/* --- large and deep */

static void test_depth(void **state)
{
	OWNED_BUF text = BUF_INIT(10000);
	OWNED_ALIASES a;

	(void)state;
	for (int i = 0; i < 30; i++)
		buf_addf(&text, "n%d: n%d\n", i, i + 1);
	buf_add(&text, "n30: end@x\n");
	write_file(text.text, text.len);
	aliases_init(&a, path, "");
	expect_resolved(&a, "n11", "end@x");
	expect_refused(&a, "n10", "line 30: more than 20 aliases one behind the other");
}

/* Each alias leads to the next one by many ways: 10 to the 19th of them. */
static void test_woven(void **state)
{
	OWNED_BUF text = BUF_INIT(10000);
	OWNED_ALIASES a;

	(void)state;
	for (int i = 0; i < 19; i++) {
		buf_addf(&text, "n%d: ", i);
		for (int k = 0; k < 10; k++)
			buf_addf(&text, "n%d,", i + 1);
		buf_add(&text, "\n");
	}
	buf_add(&text, "n19: end@x\n");
	write_file(text.text, text.len);
	aliases_init(&a, path, "");
	expect_resolved(&a, "n0", "end@x");
}

static void test_large(void **state)
{
	enum { MANY = 30000 };
	OWNED_BUF text = BUF_INIT(ALIASES_FILE_MAX);
	OWNED_ADDRESSES list = { 0 };
	OWNED_ALIASES a;
	struct error err;
	char name[20], to[20];

	(void)state;
	buf_add(&text, "all: ");
	for (int i = 0; i < MANY; i++)
		buf_addf(&text, "u%d%s", i, i % 2 ? ",\n\t" : ",");
	buf_add(&text, "\n");
	for (int i = 0; i < MANY; i++)
		buf_addf(&text, "u%d: %d@x\n", i, i);
	assert_false(buf_is_full(&text));
	write_file(text.text, text.len);
	aliases_init(&a, path, "");
	for (int i = 0; i < MANY; i += 7) {
		snprintf(name, sizeof(name), "U%d", i);
		snprintf(to, sizeof(to), "%d@x", i);
		expect_resolved(&a, name, to);
	}
	assert_true(aliases_resolve(&a, "all", &list, &err));
	assert_int_equal(list.count, MANY);
	assert_int_equal(a.count, MANY + 1);
}

static void test_too_many_addresses(void **state)
{
	OWNED_BUF text = BUF_INIT(ALIASES_FILE_MAX);
	OWNED_ALIASES a;

	(void)state;
	buf_add(&text, "root: ");
	for (int i = 0; i <= ADDRESS_LIST_MAX; i++)
		buf_add(&text, "a@x,");
	write_file(text.text, text.len);
	aliases_init(&a, path, "");
	expect_refused(&a, "root", "it leads to more than 100000 addresses");
}

static void test_figures(void **state)
{
	static const char text[] = "root: admin@x\n\nwww:\troot,\n  web@x # comment\n\n#\n";
	OWNED_ALIASES a;
	struct expected none = { "", "" };
	struct error err;

	(void)state;
	write_file(text, strlen(text));
	aliases_init(&a, path, "");
	assert_true(aliases_check(&a, take_fault, &none, &err));
	assert_int_equal(a.count, 2);
	assert_int_equal(a.longest, strlen("root,\n  web@x"));
	assert_int_equal(a.total, strlen("root" "admin@x" "www" "root,\n  web@x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_without_file),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_woven),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_too_many_addresses),
		cmocka_unit_test(test_figures),
	};

	return cmocka_run_group_tests_name("aliases", tests, make_file, remove_file);
}
