/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings as they are written: what comes back, and what becomes of the rest of a
 * file.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "config/file.h"
#include "config/write.h"

/* In the place of the C library's: thousands of files that nobody needs after a crash. */
static unsigned synced;

int fsync(int fd)
{
	(void)fd;
	synced++;
	return 0;
}

static char directory[] = "/tmp/acsmtp-write.XXXXXX";

static void path_of(const char *name, char path[100])
{
	snprintf(path, 100, "%s/%s", directory, name);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void assert_content(const char *path, const char *text)
{
	FILE *in = fopen(path, "r");
	char is[8000];
	size_t len;

	assert_non_null(in);
	len = fread(is, 1, sizeof(is) - 1, in);
	is[len] = '\0';
	fclose(in);
	assert_string_equal(is, text);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* Nothing of ours is left behind beside what is there. */
static void assert_alone(const char *name)
{
	char command[200];

	snprintf(command, sizeof(command), "%s/.%s.%ld", directory, name, (long)getpid());
	assert_int_equal(access(command, F_OK), -1);
}

static void set_password(struct draft *d, const char *text)
{
	OWNED_SECRET secret = { 0 };
	struct error err;

	assert_true(secret_set(&secret, text, strlen(text)));
	assert_true(draft_set_password(d, &secret, &err));
}

static struct draft draft_of(enum section_kind kind, const char *name)
{
	return (struct draft){ .kind = kind, .name = name ? text_copy(name) : NULL };
}

static bool write_drafts(const char *path, struct draft *drafts, size_t count,
			 enum write_mode mode, struct error *err)
{
	struct write_job job = { .path = path, .drafts = drafts, .count = count,
				 .mode = mode };

	return settings_write(&job, err);
}

/* --- values come back as they were */

static void assert_reads_back(const char *path, const char *value)
{
	struct draft d = draft_of(SECTION_ACCOUNT, "a");
	struct error err = { 0 };
	OWNED_CONFIG config = { 0 };

	unlink(path);
	if (!draft_set(&d, "from_name", value, &err))
		fail_msg("<%s>: %s", value, err.text);
	if (!write_drafts(path, &d, 1, WRITE_NEW, &err) ||
	    !config_read(&config, path, &err))
		fail_msg("<%s>: %s", value, err.text);
	if (strcmp(config.accounts[0].from_name, value) != 0)
		fail_msg("<%s>: came back as <%s>", value, config.accounts[0].from_name);
	draft_free(&d);
}

static const char *const values[] = {
	"plain",
	"two words",
	"a;b",
	"a#b",
	"; a",
	"# a",
	"a ; b",
	"a \"b\" c",
	"\"a",
	"a\"",
	"\"a\"",
	"'a'",
	"'",
	"\"",
	"it's",
	"it's; a",
	"say \"x\"; y",
	" a",
	"a ",
	"  a  ",
	"a\\b",
	"a\\b c",
	"\\a",
	"a=b",
	"=",
	"[a]",
	"[",
	"]",
	"a:b",
	"J\xc3\xbcrgen",
	"\xe6\x97\xa5\xe6\x9c\xac",
	"%s%n",
	"$HOME",
	"`a`",
	"''",
	"a''b",
	"a, b",
	"on",
};

static void test_values(void **state)
{
	char path[100], longest[1011];

	(void)state;
	path_of("values.ini", path);
	for (size_t i = 0; i < COUNT_OF(values); i++)
		assert_reads_back(path, values[i]);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_reads_back(path, longest);
}

static const struct {
	const char *name, *value, *says;
} unwritable[] = {
	{ "from_name", "a\\", "from_name: it holds a backslash beside" },
	{ "from_name", "a;b\\c", "from_name: it holds a backslash beside" },
	{ "from_name", " a\\c", "from_name: it holds a backslash beside" },
	{ "from_name", "a\"b'c;d", "from_name: it holds quotes of both kinds" },
	{ "from_name", "'a'\" ", "from_name: it holds quotes of both kinds" },
	{ "password_command", "echo 'a' \"b\" # c", "password_command: it holds quotes" },
	{ "from_name", "a\nb", "from_name: a control character" },
	{ "from_name", "a\tb", "from_name: a control character" },
	{ "from_name", "B\xfcro", "from_name: it is not written in UTF-8" },
	{ "port", "66000", "port: \"66000\" is not a number" },
	{ "host", "a:25", "host: it is the name of a server alone" },
	{ "tls", "maybe", "tls: \"maybe\" is none of" },
	{ "from", "me", "from: it is no address alone" },
};

static void test_unwritable(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(unwritable); i++) {
		struct draft d = draft_of(SECTION_ACCOUNT, "a");
		struct error err = { 0 };

		if (draft_set(&d, unwritable[i].name, unwritable[i].value, &err))
			fail_msg("<%s>: taken", unwritable[i].value);
		if (err.kind != ERROR_CONFIG || !strstr(err.text, unwritable[i].says))
			fail_msg("<%s>: %s", unwritable[i].value, err.text);
		assert_true(draft_is_empty(&d));
		draft_free(&d);
	}
}

static void test_too_long(void **state)
{
	struct draft d = draft_of(SECTION_ACCOUNT, "a");
	struct error err = { 0 };
	char value[1012];

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	assert_false(draft_set(&d, "from_name", value, &err));
	assert_non_null(
		strstr(err.text, "from_name: its line would have more than 1022"));
	value[1009] = '\0';		/* the quotes make it longer, too */
	value[0] = ';';
	assert_false(draft_set(&d, "from_name", value, &err));
	value[1008] = '\0';
	assert_true(draft_set(&d, "from_name", value, &err));
	draft_free(&d);
}

/*
 * Any text, in the letters that are traps: it comes back, or it is refused with a
 * reason.
 */
static void test_any_value(void **state)
{
	static const char letters[] = "ab \"';#\\=[]";
	unsigned seed = 1, taken = 0;
	char path[100];

	(void)state;
	path_of("any.ini", path);
	for (int n = 0; n < 1500; n++) {
		struct draft d = draft_of(SECTION_ACCOUNT, "a");
		OWNED_CONFIG config = { 0 };
		OWNED_SECRET secret = { 0 };
		struct error err = { 0 };
		char value[9] = "";
		bool has_name, has_password;

		for (size_t i = 0; i < 1 + (seed >> 8) % 7; i++) {
			seed = seed * 1103515245 + 12345;
			value[i] = letters[(seed >> 16) % (sizeof(letters) - 1)];
		}
		unlink(path);
		has_name = draft_set(&d, "from_name", value, &err);
		assert_true(secret_set(&secret, value, strlen(value)));
		has_password = draft_set_password(&d, &secret, &err);
		if (!write_drafts(path, &d, 1, WRITE_NEW, &err) ||
		    !config_read(&config, path, &err))
			fail_msg("<%s>: %s", value, err.text);
		if (has_name && strcmp(config.accounts[0].from_name, value) != 0)
			fail_msg("<%s>: name <%s>", value, config.accounts[0].from_name);
		if (has_password && !config_password(&config.accounts[0], &secret, &err))
			fail_msg("<%s>: %s", value, err.text);
		if (has_password && strcmp(secret.bytes, value) != 0)
			fail_msg("<%s>: password <%s>", value,
				 secret.bytes);
		taken += has_name + has_password;
		draft_free(&d);
	}
	assert_true(taken > 2000);	/* of 3000 */
}

static void test_passwords(void **state)
{
	static const char *const passwords[] = {
		"abc",	"a;b#c\"d'\\", "\"",	   "\\",   " a ",
		"\"\"", "a\" b",       "\xff\xfe", "a\tb",
	};
	char path[100], token[5001];

	(void)state;
	path_of("password.ini", path);
	memset(token, 't', sizeof(token) - 1);
	token[sizeof(token) - 1] = '\0';
	for (size_t i = 0; i <= COUNT_OF(passwords); i++) {
		const char *password = i < COUNT_OF(passwords) ? passwords[i] : token;
		struct draft d = draft_of(SECTION_ACCOUNT, "a");
		OWNED_SECRET read = { 0 };
		OWNED_CONFIG config = { 0 };
		struct error err = { 0 };

		unlink(path);
		set_password(&d, password);
		assert_true(write_drafts(path, &d, 1, WRITE_NEW, &err));
		assert_int_equal(mode_of(path), 0600);
		assert_true(config_read(&config, path, &err));
		assert_true(config_password(&config.accounts[0], &read, &err));
		assert_string_equal(read.bytes, password);
		draft_free(&d);
	}
}

static void test_password_that_cannot_be_written(void **state)
{
	static const char *const passwords[] = { "a\" #b", "a\"\t;b", "a\nb", "a\001" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(passwords); i++) {
		struct draft d = draft_of(SECTION_ACCOUNT, "a");
		OWNED_SECRET secret = { 0 };
		struct error err = { 0 };

		assert_true(secret_set(&secret, passwords[i], strlen(passwords[i])));
		assert_false(draft_set_password(&d, &secret, &err));
		assert_non_null(
			strstr(err.text, "password: it holds a control character, or a"));
		assert_non_null(strstr(err.advice, "password_file"));
		assert_null(strstr(err.text, "a\""));
		draft_free(&d);
	}
}

static void test_names(void **state)
{
	struct error err;
	OWNED_TEXT name = draft_name("Work.1+a@B", &err);

	(void)state;
	assert_string_equal(name, "work.1+a@b");
	assert_null(draft_name("", &err));
	assert_null(draft_name("a b", &err));
	assert_non_null(strstr(err.text, "the account's name holds a character"));
	assert_null(draft_name("a]\n[b", &err));
}

/* --- into a file */

#define OLD \
	"# mine\n" \
	"[account work] ; the first\n" \
	"host = old.example.org\n" \
	"  ; about the port\n" \
	"port = 25 ; why\n" \
	"password_command = cat x\n" \
	"\n" \
	"[defaults]\n" \
	"timeout = 5\n" \
	"# between\n" \
	"[account home]\n" \
	"host = home.example.org\n" \
	"# the end"

static void fill_work(struct draft drafts[2])
{
	struct error err;

	drafts[0] = draft_of(SECTION_ACCOUNT, "work");
	drafts[1] = draft_of(SECTION_DEFAULTS, NULL);
	assert_true(draft_set(&drafts[0], "host", "new.example.org", &err));
	assert_true(draft_set(&drafts[0], "user", "me;too", &err));
	set_password(&drafts[0], "s3cret");
	assert_true(draft_set(&drafts[1], "default_account", "work", &err));
}

static const struct {
	enum write_mode mode;
	const char *after;
} merged[] = {
	{ WRITE_REPLACE,
	  "# mine\n"
	  "[account work] ; the first\n"
	  "host = new.example.org\n"
	  "  ; about the port\n"
	  "user = \"me;too\"\n"
	  "password = \"s3cret\"\n"
	  "\n"
	  "[defaults]\n"
	  "timeout = 5\n"
	  "default_account = work\n"
	  "# between\n"
	  "[account home]\n"
	  "host = home.example.org\n"
	  "# the end\n" },
	{ WRITE_UPDATE,
	  "# mine\n"
	  "[account work] ; the first\n"
	  "host = new.example.org\n"
	  "  ; about the port\n"
	  "port = 25 ; why\n"
	  "user = \"me;too\"\n"
	  "password = \"s3cret\"\n"
	  "\n"
	  "[defaults]\n"
	  "timeout = 5\n"
	  "default_account = work\n"
	  "# between\n"
	  "[account home]\n"
	  "host = home.example.org\n"
	  "# the end\n" },
};

static void test_merge(void **state)
{
	char path[100];

	(void)state;
	path_of("merge.ini", path);
	for (size_t i = 0; i < COUNT_OF(merged); i++) {
		struct draft drafts[2];
		struct error err;

		write_file(path, OLD, 0644);
		fill_work(drafts);
		if (!write_drafts(path, drafts, 2, merged[i].mode, &err))
			fail_msg("%s", err.text);
		assert_content(path, merged[i].after);
		/*
		 * The first secret comes into the file: it is nobody else's from now
		 * on.
		 */
		assert_int_equal(mode_of(path), 0600);
		/* Once more changes nothing. */
		assert_true(write_drafts(path, drafts, 2, merged[i].mode, &err));
		assert_content(path, merged[i].after);
		draft_free(&drafts[0]);
		draft_free(&drafts[1]);
	}
}

static void test_new_account(void **state)
{
	struct draft drafts[2];
	OWNED_BUF kept = BUF_INIT(100);
	struct error err;
	char path[100];
	struct write_job job = { .path = path, .drafts = drafts, .count = 2,
				 .mode = WRITE_NEW,
				 .kept = &kept, .same_everywhere = true };

	(void)state;
	path_of("new.ini", path);
	write_file(path,
		   "[defaults]\ndefault_account = a\nport = 26\npassword_file = /x\n"
		   "[account a]",
		   0640);
	drafts[0] = draft_of(SECTION_ACCOUNT, "b");
	drafts[0].comment = text_copy("from\nsomewhere");
	drafts[1] = draft_of(SECTION_DEFAULTS, NULL);
	assert_true(draft_set(&drafts[0], "user", "u", &err));
	assert_true(draft_set(&drafts[1], "default_account", "b", &err));
	assert_true(settings_write(&job, &err));
	/* What the defaults say is hidden from it, and they stay as they are. */
	assert_content(path,
		       "[defaults]\ndefault_account = a\nport = 26\npassword_file = /x\n"
		       "[account a]\n\n# from?somewhere\n[account b]\nport =\nuser = u\n"
		       "password_file =\n");
	assert_string_equal(buf_text(&kept), "default_account");
	assert_int_equal(mode_of(path), 0640);
	draft_free(&drafts[0]);
	draft_free(&drafts[1]);
}

static void test_made(void **state)
{
	struct draft d = draft_of(SECTION_ACCOUNT, "a");
	struct error err;
	char path[100];

	(void)state;
	path_of("made/made.ini", path);
	synced = 0;
	assert_true(draft_set(&d, "user", "u", &err));
	assert_true(write_drafts(path, &d, 1, WRITE_NEW, &err));
	assert_content(path, "[account a]\nuser = u\n");
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(synced, 2);	/* the file, and the directory that names it */
	path_of("made", path);
	assert_int_equal(mode_of(path), 0700);
	path_of("there/is/none.ini", path);
	assert_false(write_drafts(path, &d, 1, WRITE_NEW, &err));
	assert_int_equal(err.kind, ERROR_CREATE);
	draft_free(&d);
}

static void test_link(void **state)
{
	struct draft d = draft_of(SECTION_ACCOUNT, "a");
	char path[100], link[100];
	struct error err;
	struct stat st;

	(void)state;
	path_of("real.ini", path);
	path_of("link.ini", link);
	write_file(path, "[account b]\n", 0600);
	assert_int_equal(symlink("real.ini", link), 0);
	assert_true(write_drafts(link, &d, 1, WRITE_NEW, &err));
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_content(path, "[account b]\n\n[account a]\n");
	draft_free(&d);
}

/* What it leads to may be on a disk that is not there now. */
static void test_link_to_nothing(void **state)
{
	struct draft d = draft_of(SECTION_ACCOUNT, "a");
	char link[100];
	struct error err;
	struct stat st;

	(void)state;
	path_of("away.ini", link);
	assert_int_equal(symlink("none/real.ini", link), 0);
	assert_false(write_drafts(link, &d, 1, WRITE_NEW, &err));
	assert_int_equal(err.kind, ERROR_CREATE);
	assert_non_null(strstr(err.text, "where this link leads"));
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	draft_free(&d);
}

static const struct {
	const char *text;
	mode_t mode;
	enum write_mode how;
	const char *says;
} refused[] = {
	{ "[account a]\n", 0600, WRITE_NEW, "line 1: account \"a\" is there already" },
	{ "[account b]\nhots = x\n", 0600, WRITE_NEW, "line 2: [account b] unknown setting" },
	{ "[account b]\nport = x\n", 0600, WRITE_NEW, "line 2: [account b] port:" },
	{ "[account b]\n", 0666, WRITE_NEW, "others can write it" },
	{ "[account b]\npassword = x\n", 0666, WRITE_NEW, "others can" },
	/* What comes out is read before it takes the place. */
	{ "[defaults]\nservice = other\n", 0600, WRITE_NEW, "not written, for it would not be" },
};

static void test_refused(void **state)
{
	char path[100];

	(void)state;
	path_of("refused.ini", path);
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct draft d = draft_of(SECTION_ACCOUNT, "a");
		struct error err = { 0 };

		write_file(path, refused[i].text, refused[i].mode);
		if (write_drafts(path, &d, 1, refused[i].how, &err))
			fail_msg("%s: written", refused[i].text);
		if (!strstr(err.text, refused[i].says))
			fail_msg("%s: %s", refused[i].text, err.text);
		assert_content(path, refused[i].text);
		assert_int_equal(mode_of(path), refused[i].mode);
		assert_alone("refused.ini");
		draft_free(&d);
	}
}

static void test_one_at_a_time(void **state)
{
	struct draft d = draft_of(SECTION_ACCOUNT, "a");
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err;
	char path[100];

	(void)state;
	path_of("locked.ini", path);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_false(write_drafts(path, &d, 1, WRITE_NEW, &err));
	assert_int_equal(err.kind, ERROR_LATER);
	assert_int_equal(access(path, F_OK), -1);
	close(fd);
	assert_true(write_drafts(path, &d, 1, WRITE_NEW, &err));
	draft_free(&d);
}

/* Passwords are shown only where they are asked for. */
static void test_instead(void **state)
{
	struct draft d = draft_of(SECTION_ACCOUNT, "a");
	OWNED_INI_TEXT hidden = { 0 }, shown = { 0 };
	struct error err;

	(void)state;
	set_password(&d, "s3cret");
	assert_true(draft_add(&hidden, &d, "password: elsewhere", &err));
	assert_string_equal(hidden.at, "[account a]\n# password: elsewhere\n");
	assert_true(draft_add(&shown, &d, NULL, &err));
	assert_string_equal(shown.at, "[account a]\npassword = \"s3cret\"\n");
	draft_free(&d);
}

static int make_directory(void **state)
{
	(void)state;
	umask(077);
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	static const char *const names[] = {
		"values.ini", "any.ini", "password.ini", "merge.ini", "new.ini",
		"made/made.ini", "link.ini", "away.ini", "real.ini", "refused.ini", "locked.ini",
	};
	char path[100];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		path_of(names[i], path);
		unlink(path);
	}
	path_of("made", path);
	rmdir(path);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_unwritable),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_any_value),
		cmocka_unit_test(test_passwords),
		cmocka_unit_test(test_password_that_cannot_be_written),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_new_account),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_link_to_nothing),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_instead),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
