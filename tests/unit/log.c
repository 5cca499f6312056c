/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log: what its lines look like, and that it never stands in a mail's way. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "base/self.h"
#include "base/text.h"
#include "unit/pki.h"

enum { LOG_SIZE = 30000 };

static int saved_stderr = -1;

/* What is said on standard error goes into a file until heard() gives it. */
static void listen_to_stderr(void)
{
	OWNED_FD fd = open(scratch("stderr"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			   0600);

	assert_true(fd >= 0);
	fflush(stderr);
	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_true(saved_stderr >= 0);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
}

static char *content(const char *path)
{
	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	OWNED_BUF b = BUF_INIT(LOG_SIZE);
	struct error err;

	assert_true(fd >= 0);
	assert_true(file_read(fd, &b, &err));
	return buf_take(&b);
}

static char *heard(void)
{
	fflush(stderr);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	saved_stderr = -1;
	return content(scratch("stderr"));
}

/* Cuts the first line off; it must be "TIME TAG[PID]: WORDS". */
static void assert_line(char **text, const char *tag, const char *words)
{
	char rest[200], *end = strchr(*text, '\n');

	assert_non_null(end);
	*end = '\0';
	snprintf(rest, sizeof(rest), " %s[%ld]: %s", tag, (long)getpid(), words);
	if (strlen(*text) != 24 + strlen(rest) || strcmp(*text + 24, rest) != 0)
		fail_msg("\"%s\"", *text);
	for (size_t i = 0; i < 24; i++) {
		char shape = "0000-00-00T00:00:00+0000"[i], c = (*text)[i];

		if (shape == '0' ? c < '0' || c > '9' :
		    shape == '+' ? c != '+' && c != '-' : c != shape)
			fail_msg("no time: \"%s\"", *text);
	}
	*text = end + 1;
}

static void test_file(void **state)
{
	const char *path = scratch("log");
	mode_t old = umask(0);
	OWNED_TEXT text = NULL;
	char tag[] = "acsmtp", where[100], *rest;
	struct stat st;

	(void)state;
	snprintf(where, sizeof(where), "%s", path);
	log_open((struct log_place){ where, LOG_AS_TEXT }, tag);
	tag[0] = where[0] = '!';	/* both were copied */
	log_info("from=%s size=%d", "a@x", 42);
	umask(old);
	log_problem("%s", "100 %s of it");
	log_close();
	log_info("nowhere");
	log_open((struct log_place){ path, LOG_AS_TEXT }, "other");
	log_info("%s", "");
	log_close();
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	rest = text = content(path);
	assert_line(&rest, "acsmtp", "from=a@x size=42");
	assert_line(&rest, "acsmtp", "100 %s of it");
	assert_line(&rest, "other", "");
	assert_string_equal(rest, "");
	unlink(path);
}

/* One line stays one line, whatever a server says. */
static void test_control_characters(void **state)
{
	const char *path = scratch("log");
	OWNED_TEXT text = NULL;
	char controls[40], marks[40], *rest;
	int len = 0;

	(void)state;
	for (int c = 1; c < 32; c++)
		controls[len++] = (char)c;
	controls[len++] = 127;
	controls[len] = '\0';
	memset(marks, '?', (size_t)len);
	marks[len] = '\0';
	log_open((struct log_place){ path, LOG_AS_TEXT }, "t");
	log_info("%s", controls);
	log_problem("a\r\nb\033[2Jc\td");
	log_info("%s", "~ \xe6\x97\xa5\xe6\x9c\xac\xf0\x9f\x98\x80");
	log_close();
	rest = text = content(path);
	assert_line(&rest, "t", marks);
	assert_line(&rest, "t", "a??b?[2Jc?d");
	assert_line(&rest, "t", "~ \xe6\x97\xa5\xe6\x9c\xac\xf0\x9f\x98\x80");
	assert_string_equal(rest, "");
	unlink(path);
}

static const char *const some[] = { "a@x", "b@x" };

static void log_some_facts(const char *account, int64_t code)
{
	OWNED_LOG_LIST to = { .items = NULL };
	const struct log_fact facts[] = {
		{ "uid", LOG_NUMBER, .number = 7 },
		{ "account", LOG_WORD, .text = account },
		{ "from", LOG_ADDRESS, .text = "" },
		{ "to", LOG_ADDRESSES, .list = &to },
		{ "accepted", LOG_PART, .number = 1, .whole = 2 },
		{ "recipients", LOG_NUMBER, .number = 2, .is_implied = true },
		{ "duration", LOG_SECONDS, .number = 1042 },
		{ "reply", LOG_QUOTED, .text = "250 \"Ok\"" },
		{ "error", LOG_WORD, .text = NULL },
		{ "code", LOG_CODE, .number = code, .is_implied = true },
	};

	for (size_t i = 0; i < COUNT_OF(some); i++)
		log_list_add(&to, some[i], 1000);
	log_facts(false, "id1", "sent", facts, COUNT_OF(facts));
}

/* Facts are listed once, and a line of text is what it always was. */
static void test_facts_as_text(void **state)
{
	const char *path = scratch("log");
	OWNED_TEXT text = NULL;
	char *rest;

	(void)state;
	log_open((struct log_place){ path, LOG_AS_TEXT }, "t");
	log_some_facts("work", 250);
	log_problem_of("id2", "waits: %s", "held");
	log_close();
	rest = text = content(path);
	assert_line(&rest, "t", "id1: sent: uid=7 account=work from=<> to=<a@x>,<b@x> "
		    "accepted=1/2 duration=1.042s reply=\"250 \"Ok\"\"");
	assert_line(&rest, "t", "id2: waits: held");
	assert_string_equal(rest, "");
	unlink(path);
}

/* One object a line; the end of each, as the time before differs. */
static void assert_object(char **text, const char *end)
{
	static const char time[] = "{\"time\": \"0000-00-00T00:00:00+00:00\", \"tag\": \"t\", \"pid\": ";
	char *line = *text, *after = strchr(line, '\n');

	assert_non_null(after);
	*after = '\0';
	*text = after + 1;
	for (size_t i = 0; i < strlen(time); i++) {
		bool is_digit = i > strlen("{\"time\": ") && time[i] == '0';

		if (is_digit ? line[i] < '0' || line[i] > '9' :
		    time[i] == '+' ? line[i] != '+' && line[i] != '-' : line[i] != time[i])
			fail_msg("\"%s\"", line);
	}
	if (strlen(line) < strlen(end) || strcmp(line + strlen(line) - strlen(end), end) != 0)
		fail_msg("\"%s\"", line);
	assert_true(text_is_utf8(line, strlen(line)));
}

static void test_json(void **state)
{
	const char *path = scratch("log");
	OWNED_TEXT text = NULL;
	char *rest, *words = xmalloc(20001);

	(void)state;
	log_open((struct log_place){ path, LOG_AS_JSON }, "t");
	log_some_facts("w\xff\n\xc3\xa4", 250);
	log_some_facts(NULL, 0);
	log_problem_of("id2", "waits: %s", "held");
	log_info("%s", "a \"b\"");
	memset(words, 'x', 20000);
	memcpy(words + 3999, "\xe6\x97\xa5", 3);	/* where it is cut */
	words[20000] = '\0';
	log_info("%s", words);
	log_close();
	free(words);
	rest = text = content(path);
	assert_object(&rest, "\"level\": \"info\", \"id\": \"id1\", \"event\": \"sent\", \"uid\": 7, "
		      "\"account\": \"w\xef\xbf\xbd\\n\xc3\xa4\", \"from\": \"\", "
		      "\"to\": [\"a@x\", \"b@x\"], \"accepted\": 1, \"recipients\": 2, "
		      "\"duration\": 1.042, \"reply\": \"250 \\\"Ok\\\"\", \"code\": 250}");
	assert_object(&rest, "\"reply\": \"250 \\\"Ok\\\"\"}");
	assert_object(&rest, "\"level\": \"problem\", \"id\": \"id2\", "
		      "\"message\": \"waits: held\"}");
	assert_object(&rest, "\"level\": \"info\", \"message\": \"a \\\"b\\\"\"}");
	assert_object(&rest, "xxx\"}");
	assert_string_equal(rest, "");
	unlink(path);
}

static void test_list(void **state)
{
	OWNED_LOG_LIST list = { .items = NULL };

	(void)state;
	log_list_add(&list, "a@x", 11);
	log_list_add(&list, "b@x", 11);
	assert_false(list.is_cut);
	assert_int_equal(list.len, strlen("<a@x>,<b@x>"));
	log_list_add(&list, "c@example", 11);
	log_list_add(&list, "", 100);	/* nothing stands behind the cut */
	assert_true(list.is_cut);
	assert_int_equal(list.count, 2);
}

/* Too long a line is cut, and the next one stands below it. */
static void test_long_line(void **state)
{
	const char *path = scratch("log");
	OWNED_TEXT text = NULL;
	char *words = xmalloc(20001), *end, *rest;

	(void)state;
	memset(words, 'x', 20000);
	words[20000] = '\0';
	log_open((struct log_place){ path, LOG_AS_TEXT }, "t");
	log_info("%s", words);
	log_info("next");
	log_close();
	free(words);
	text = content(path);
	end = strchr(text, '\n');
	assert_non_null(end);
	assert_in_range(end - text, 1000, 20000);
	rest = end + 1;
	assert_line(&rest, "t", "next");
	unlink(path);
}

static void test_stderr(void **state)
{
	OWNED_TEXT text = NULL;
	char *rest;

	(void)state;
	listen_to_stderr();
	log_open((struct log_place){ "stderr", LOG_AS_TEXT }, "t");
	log_info("one");
	log_problem("two");
	log_close();
	assert_true(fcntl(STDERR_FILENO, F_GETFD) >= 0);
	rest = text = heard();
	assert_line(&rest, "t", "one");
	assert_line(&rest, "t", "two");
	assert_string_equal(rest, "");
}

static void test_no_log(void **state)
{
	const char *places[] = { "", NULL };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		OWNED_TEXT text = NULL;

		listen_to_stderr();
		log_open((struct log_place){ places[i], LOG_AS_TEXT }, "t");
		log_info("one");
		log_problem("two");
		log_close();
		log_close();
		text = heard();
		assert_string_equal(text, "");
	}
}

static int count(const char *text, const char *word)
{
	int times = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		times++;
	}
	return times;
}

/* Logs twice to where that is impossible: said once, and that is all. */
static void assert_one_complaint(const char *where, const char *reason)
{
	OWNED_TEXT text = NULL;

	listen_to_stderr();
	log_open((struct log_place){ where, LOG_AS_TEXT }, "t");
	log_info("one");
	log_problem("two");
	log_close();
	text = heard();
	if (count(text, "\n") != 1 || strncmp(text, "t: warning: ", 12) != 0 ||
	    !strstr(text, where) || !strstr(text, reason))
		fail_msg("%s: \"%s\"", where, text);
}

static void test_cannot_write(void **state)
{
	OWNED_FD reader = -1;
	char block[4096];
	int filler;

	(void)state;
	assert_one_complaint(scratch("absent/log"), strerror(ENOENT));
	assert_one_complaint(scratch_directory(), strerror(EISDIR));
	assert_one_complaint("/dev/full", strerror(ENOSPC));
	/* A pipe that nobody reads must not stop us, neither empty nor full. */
	assert_int_equal(mkfifo(scratch("fifo"), 0600), 0);
	assert_one_complaint(scratch("fifo"), strerror(ENXIO));
	reader = open(scratch("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	filler = open(scratch("fifo"), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0 && filler >= 0);
	memset(block, 'x', sizeof(block));
	while (write(filler, block, sizeof(block)) > 0)
		;
	assert_one_complaint(scratch("fifo"), strerror(EAGAIN));
	close(filler);
	unlink(scratch("fifo"));
}

/* The program ignores SIGPIPE; a reader that goes away is one more complaint. */
static void test_reader_leaves(void **state)
{
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	OWNED_TEXT text = NULL;
	int reader;

	(void)state;
	assert_int_equal(mkfifo(scratch("fifo"), 0600), 0);
	reader = open(scratch("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	listen_to_stderr();
	log_open((struct log_place){ scratch("fifo"), LOG_AS_TEXT }, "t");
	log_info("read");
	close(reader);
	log_info("lost");
	log_info("lost too");
	log_close();
	signal(SIGPIPE, old);
	text = heard();
	assert_int_equal(count(text, "\n"), 1);
	assert_non_null(strstr(text, strerror(EPIPE)));
	unlink(scratch("fifo"));
}

/* Another log may take over from one that failed, and may complain for itself. */
static void test_change(void **state)
{
	const char *path = scratch("log");
	OWNED_TEXT text = NULL;
	OWNED_TEXT said = NULL;
	char *rest;

	(void)state;
	listen_to_stderr();
	log_open((struct log_place){ "/dev/full", LOG_AS_TEXT }, "t");
	log_info("lost");
	log_open((struct log_place){ path, LOG_AS_TEXT }, "t");
	log_info("kept");
	log_open((struct log_place){ "/dev/full", LOG_AS_TEXT }, "t");
	log_info("lost");
	log_close();
	said = heard();
	assert_string_equal(said, "");	/* test_cannot_write() has said it today */
	rest = text = content(path);
	assert_line(&rest, "t", "kept");
	assert_string_equal(rest, "");
	unlink(path);
}

static int remove_scratch(void **state)
{
	(void)state;
	scratch_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_facts_as_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_stderr),
		cmocka_unit_test(test_no_log),
		cmocka_unit_test(test_cannot_write),
		cmocka_unit_test(test_reader_leaves),
		cmocka_unit_test(test_change),
	};

	self_begin("log", STDERR_FILENO, false);
	/* What was said is remembered, and not by whoever runs the tests. */
	setenv("XDG_STATE_HOME", scratch_directory(), true);
	return cmocka_run_group_tests_name("log", tests, NULL, remove_scratch);
}
