/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of an account: there and back, and whatever may have become of it. */
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

#include "base/log.h"
#include "base/sum.h"
#include "spool/account_state.h"
#include "unit/pki.h"

enum { NOW = 1800000000 };

static struct spool spool = SPOOL_CLOSED;
static const char *file;		/* where the account "work" is kept */
static const struct state_place work = { "mx.example.org", "me", 587, "work" };

/* Something in each field. */
static struct pace busy(void)
{
	static const struct setback setback = { "quota", "450 4.5.127 \x1b\nslow", true, 600,
						   0x123456789abcdef0 };
	const struct quota quota = { 30, 100 };
	struct moment moment = { .now = NOW, .random = 12345 };
	struct pace p;
	time_t at;

	pace_init(&p);
	for (int i = 0; i < 50; i++) {
		moment.now += 40;
		assert_true(pace_ask(&p, &quota, 1, moment, &at));
		pace_accepted(&p, &quota, moment.now);
	}
	pace_failed(&p, &quota, &setback, moment);
	moment.now += 600;
	assert_true(pace_ask(&p, &quota, 1, moment, &at));
	return p;
}

static void assert_same(const struct pace *a, const struct pace *b)
{
	assert_int_equal(a->stamp, b->stamp);
	assert_memory_equal(&a->minute, &b->minute, sizeof(a->minute));
	assert_memory_equal(&a->hour, &b->hour, sizeof(a->hour));
	assert_int_equal(a->share, b->share);
	assert_int_equal(a->goal, b->goal);
	assert_int_equal(a->seen, b->seen);
	assert_int_equal(a->cut, b->cut);
	assert_int_equal(a->grown, b->grown);
	assert_int_equal(a->due, b->due);
	assert_int_equal(a->until, b->until);
	assert_int_equal(a->failures, b->failures);
	assert_int_equal(a->is_probed, b->is_probed);
	assert_string_equal(a->class, b->class);
	assert_true(a->about == b->about);
	assert_int_equal(a->last_success, b->last_success);
}

static bool is_fresh(const struct pace *p)
{
	OWNED_BUF text = BUF_INIT(STATE_TEXT_MAX), other = BUF_INIT(STATE_TEXT_MAX);
	struct pace fresh;

	pace_init(&fresh);
	account_state_write(p, &text);
	account_state_write(&fresh, &other);
	return !strcmp(buf_text(&text), buf_text(&other));
}

static void test_there_and_back(void **state)
{
	OWNED_BUF text = BUF_INIT(STATE_TEXT_MAX);
	struct pace p = busy(), back = { 0 };

	(void)state;
	account_state_write(&p, &text);
	assert_true(account_state_read(&back, buf_text(&text), text.len));
	assert_same(&p, &back);
	assert_string_equal(back.why, "450 4.5.127 ??slow");
	buf_clear(&text);
	pace_init(&p);
	account_state_write(&p, &text);
	assert_true(account_state_read(&back, buf_text(&text), text.len));
	assert_int_equal(back.share, PACE_ALL);
}

/* The longest that there can be. */
static void test_room(void **state)
{
	OWNED_BUF text = BUF_INIT(STATE_TEXT_MAX);
	struct pace p = busy(), back;

	(void)state;
	for (int i = 0; i < PACE_SLOTS; i++)
		p.minute.counts[i] = p.hour.counts[i] = PACE_COUNT_MAX;
	memset(p.why, 'x', sizeof(p.why) - 1);
	p.why[sizeof(p.why) - 1] = '\0';
	memset(p.class, 'x', sizeof(p.class) - 1);
	p.class[sizeof(p.class) - 1] = '\0';
	account_state_write(&p, &text);
	assert_false(buf_is_full(&text));
	assert_true(account_state_read(&back, buf_text(&text), text.len));
	assert_same(&p, &back);
	assert_string_equal(p.why, back.why);
}

static void test_damage(void **state)
{
	OWNED_BUF text = BUF_INIT(STATE_TEXT_MAX);
	struct pace p = busy(), back = { .share = 42 };

	(void)state;
	account_state_write(&p, &text);
	for (size_t len = 0; len < text.len; len++) {
		OWNED_TEXT cut = text_copy_n(buf_text(&text), len);

		assert_false(account_state_read(&back, cut, len));
	}
	for (size_t i = 0; i < text.len; i++) {
		text.text[i] ^= 1;
		assert_false(account_state_read(&back, buf_text(&text), text.len));
		text.text[i] ^= 1;
	}
	buf_add_char(&text, '\n');
	assert_false(account_state_read(&back, buf_text(&text), text.len));
	assert_int_equal(back.share, 42);	/* and nothing was changed */
}

/* With a good checksum: no number goes where it makes no sense. */
static void test_nonsense(void **state)
{
	static const struct { const char *old, *new; } changes[] = {
		{ "acsmtp-account 2", "acsmtp-account 3" }, { "acsmtp-account 2", "acsmtp-account 1" }, { "stamp 1", "stamp -1" },
		{ "minute 1", "minute 9" }, { "share 9", "share 99999999" },
		{ "pause 1", "pause 9" }, { "pause 1800002720 1", "pause 1800002720 99999999999" },
		{ " 1 quota", " 2 quota" }, { " 1 quota", " 1 " }, { " 1 quota", " 1 quotaquotaquotaq" },
		{ "success 1", "success 9" }, { "hour 30", "hour x" }, { "why ", "what " },
		{ "about 123456789abcdef0", "about 123456789ABCDEF0" },
		{ "about 123456789abcdef0", "about 123456789abcdef" },
		{ "about 123456789abcdef0", "about 123456789abcdef00" },
		{ "stamp 1", "stamp 99999999999999999999" }, { "stamp 1", "stamp 9223372036854775807 1" },
		{ "\nend", "\n\nend" }, { "\nshare", " 4294967296\nshare" },
		{ "\nshare", " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
			     " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\nshare" },
	};
	OWNED_BUF good = BUF_INIT(STATE_TEXT_MAX);
	struct pace p = busy();

	(void)state;
	account_state_write(&p, &good);
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		OWNED_BUF bad = BUF_INIT(STATE_TEXT_MAX);
		const char *at = strstr(buf_text(&good), changes[i].old);
		const char *end = strstr(buf_text(&good), "end ");

		if (!at)
			fail_msg("change %zu: no \"%s\" in\n%s", i, changes[i].old, buf_text(&good));
		buf_add_bytes(&bad, good.text, (size_t)(at - good.text));
		buf_add(&bad, changes[i].new);
		at += strlen(changes[i].old);
		if (at < end)
			buf_add_bytes(&bad, at, (size_t)(end - at));
		else
			bad.len -= 3;		/* "end" was replaced too */
		buf_addf(&bad, "end %016llx\n",
			 (unsigned long long)sum_add(SUM_INIT, bad.text, bad.len));
		if (account_state_read(&p, bad.text, bad.len))
			fail_msg("change %zu was taken:\n%s", i, bad.text);
	}
}

/* What was written before "about" was: the quota is known still. */
static void test_version_before(void **state)
{
	OWNED_BUF text = BUF_INIT(STATE_TEXT_MAX), old = BUF_INIT(STATE_TEXT_MAX);
	struct pace p = busy(), back;
	const char *about, *after;

	(void)state;
	account_state_write(&p, &text);
	about = strstr(buf_text(&text), "about ");
	after = strstr(about, "success ");
	buf_add(&old, "acsmtp-account 1\n");
	buf_add_bytes(&old, text.text + old.len, (size_t)(about - text.text) - old.len);
	buf_add_bytes(&old, after, (size_t)(strstr(after, "end ") - after));
	buf_addf(&old, "end %016llx\n",
		 (unsigned long long)sum_add(SUM_INIT, old.text, old.len));
	assert_true(account_state_read(&back, buf_text(&old), old.len));
	p.about = 0;
	assert_same(&p, &back);
}

static void test_names(void **state)
{
	static const struct { struct state_place place; const char *name; } rows[] = {
		{ { "mx.example.org", "me", 587, "x" }, "mx.example.org:587:me" },
		{ { "MX.example.org", "Me", 25, "y" }, "mx.example.org:25:%4De" },
		{ { "::1", "", 25, "" }, "%3A%3A1:25:" },
		{ { ".", "a|b/c:d~e@f", 1, "" }, "%2E:1:a%7Cb%2Fc%3Ad%7Ee@f" },
		{ { "localhost", "\xc3\xa9", 465, "" }, "localhost:465:%C3%A9" },
	};
	char name[STATE_NAME_SIZE], other[STATE_NAME_SIZE], longest[1001];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		state_file_name(&rows[i].place, name);
		assert_string_equal(name, rows[i].name);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	state_file_name(&(struct state_place){ "mx", longest, 25, "" }, name);
	assert_in_range(strlen(name), 200, STATE_NAME_SIZE - 1);
	longest[sizeof(longest) - 2] = 'y';
	state_file_name(&(struct state_place){ "mx", longest, 25, "" }, other);
	assert_string_not_equal(name, other);
	assert_true(state_file_name_before("a/b", name));
	assert_string_equal(name, "a%2Fb");
	assert_false(state_file_name_before("", name));
	assert_false(state_file_name_before(longest, name));
}

/* --- the file */

static bool load(bool make, struct pace *p)
{
	OWNED_ACCOUNT_STATE found = ACCOUNT_STATE_NONE;
	bool ok = account_state_open(&spool, &work, make, &found);

	*p = found.pace;
	return ok;
}

static void save(const struct pace *p)
{
	OWNED_ACCOUNT_STATE found = ACCOUNT_STATE_NONE;

	assert_true(account_state_open(&spool, &work, true, &found));
	found.pace = *p;
	account_state_save(&found, &work);
}

static void test_file(void **state)
{
	struct pace p, fresh;
	struct stat st;

	(void)state;
	assert_false(load(false, &p));
	assert_true(is_fresh(&p));
	assert_int_equal(access(file, F_OK), -1);
	assert_true(load(true, &p));
	assert_true(is_fresh(&p));
	assert_return_code(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	p = busy();
	save(&p);
	assert_true(load(false, &fresh));
	assert_same(&p, &fresh);
	/* A shorter one leaves nothing of the longer behind. */
	pace_init(&p);
	save(&p);
	assert_true(load(false, &fresh));
	assert_true(is_fresh(&fresh));
}

static void test_damaged_file(void **state)
{
	struct pace p = busy(), found;
	struct stat st;

	(void)state;
	save(&p);
	assert_return_code(stat(file, &st), 0);
	for (off_t len = st.st_size - 1; len > 0; len -= 37) {
		assert_return_code(truncate(file, len), 0);
		assert_true(load(false, &found));	/* it can be written anew */
		assert_true(is_fresh(&found));
	}
	assert_return_code(truncate(file, STATE_TEXT_MAX * 2), 0);
	assert_true(load(false, &found));
	assert_true(is_fresh(&found));
	save(&p);
	assert_true(load(false, &found));
	assert_same(&p, &found);
}

static void test_what_is_no_file_of_ours(void **state)
{
	struct pace p = busy(), found;
	const char *elsewhere = scratch("elsewhere");
	struct stat st;

	(void)state;
	save(&p);
	assert_return_code(chmod(file, 0644), 0);
	assert_false(load(true, &found));
	assert_true(is_fresh(&found));
	assert_return_code(chmod(file, 0600), 0);
	assert_true(load(true, &found));
	assert_return_code(rename(file, elsewhere), 0);
	assert_return_code(symlink(elsewhere, file), 0);
	assert_false(load(true, &found));
	assert_return_code(unlink(file), 0);
	assert_return_code(mkfifo(file, 0600), 0);
	assert_false(load(true, &found));
	assert_return_code(unlink(file), 0);
	assert_return_code(mkdir(file, 0700), 0);
	assert_false(load(true, &found));
	assert_return_code(rmdir(file), 0);
	/* the directory */
	assert_return_code(rename(scratch("spool/accounts"), scratch("spool/other")), 0);
	assert_return_code(close(open(scratch("spool/accounts"), O_CREAT | O_WRONLY, 0600)), 0);
	assert_false(load(true, &found));
	assert_return_code(unlink(scratch("spool/accounts")), 0);
	assert_true(load(true, &found));
	assert_return_code(stat(scratch("spool/accounts"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

/* A file by the account's name goes on under the new one; what nobody takes over goes. */
static void test_files_of_before(void **state)
{
	const char *old = scratch("spool/accounts/work"), *litter = scratch("spool/accounts/gone");
	struct timespec then[2] = { { 1000, 0 }, { 1000, 0 } };
	struct pace p = busy(), found;

	(void)state;
	save(&p);
	assert_return_code(rename(file, old), 0);
	assert_true(load(false, &found));
	assert_same(&p, &found);
	assert_int_equal(access(old, F_OK), -1);
	assert_return_code(close(open(litter, O_CREAT | O_WRONLY, 0600)), 0);
	account_state_sweep(&spool, time(NULL));
	assert_return_code(access(litter, F_OK), 0);	/* an older program may be running */
	assert_return_code(utimensat(AT_FDCWD, litter, then, 0), 0);
	assert_return_code(utimensat(AT_FDCWD, file, then, 0), 0);
	account_state_sweep(&spool, time(NULL));
	assert_int_equal(access(litter, F_OK), -1);
	assert_return_code(access(file, F_OK), 0);
}

static void test_closed_spool(void **state)
{
	const struct spool closed = SPOOL_CLOSED;
	struct account_state found = ACCOUNT_STATE_NONE;

	(void)state;
	assert_false(account_state_open(&closed, &work, true, &found));
	assert_true(is_fresh(&found.pace));
	account_state_save(&found, &work);
	account_state_close(&found);
}

static int set_up(void **state)
{
	struct error err;

	(void)state;
	log_open((struct log_place){ "off", LOG_AS_TEXT }, "test");
	file = scratch("spool/accounts/mx.example.org:587:me");
	return spool_open(&spool, scratch("spool"), &err) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	spool_close(&spool);
	scratch_remove();
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_version_before),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_damaged_file),
		cmocka_unit_test(test_what_is_no_file_of_ours),
		cmocka_unit_test(test_files_of_before),
		cmocka_unit_test(test_closed_spool),
	};

	return cmocka_run_group_tests_name("account-state", tests, set_up, tear_down);
}
