/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "Nothing waits" must never be said wrongly. Before each call of the system that one of the
 * two sides makes the other one does all that it does, or the process dies. The link editor
 * puts the __wrap_ functions below in the way (Makefile.am).
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sum.h"
#include "spool/spool.h"

enum { NOW = 1800000000, DIED = 42 };

/* --- what comes in between */

struct place {
	char path[200];
	struct spool spool;
};

typedef void deed_fn(const struct place *p);

static struct {
	deed_fn *deed;		/* NULL: none, or it was done */
	const struct place *place;
	int turn, seen;
} between;

static void come_between(void)
{
	deed_fn *deed = between.deed;

	if (!deed || ++between.seen != between.turn)
		return;
	between.deed = NULL;
	deed(between.place);
}

#define WATCHED(name, parameters, arguments)         \
	int __real_##name parameters;                \
	int __wrap_##name parameters;                \
	int __wrap_##name parameters                 \
	{                                            \
		come_between();                      \
		return __real_##name arguments;      \
	}

/* NOLINTBEGIN(bugprone-reserved-identifier): the names are the link editor's */
WATCHED(unlinkat, (int dir, const char *name, int flags), (dir, name, flags))
WATCHED(renameat, (int from, const char *name, int to, const char *other),
	(from, name, to, other))
WATCHED(faccessat, (int dir, const char *name, int mode, int flags), (dir, name, mode, flags))
WATCHED(flock, (int fd, int how), (fd, how))

int __wrap_fsync(int fd);
int __wrap_fsync(int fd) /* no test loses its power, and disks are slow */
{
	(void)fd;
	come_between();
	return 0;
}

int __real_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...)
{
	va_list args;
	mode_t mode = 0;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	come_between();
	return __real_openat(dir, name, flags, mode);
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* --- a spool */

static void place_make(struct place *p)
{
	const char *temp = getenv("TMPDIR");
	struct error err;

	*p = (struct place){ .spool = SPOOL_CLOSED };
	snprintf(p->path, sizeof(p->path), "%.100s/emptiness.XXXXXX", temp ? temp : "/tmp");
	assert_non_null(mkdtemp(p->path));
	if (!spool_open(&p->spool, p->path, &err))
		fail_msg("%s", err.text);
}

static void place_remove(struct place *p)
{
	DIR *stream = opendir(p->path);
	const struct dirent *file;

	between.deed = NULL;
	assert_non_null(stream);
	while ((file = readdir(stream)))
		if (*file->d_name != '.')
			unlinkat(p->spool.dir, file->d_name, 0);
	closedir(stream);
	spool_close(&p->spool);
	assert_int_equal(rmdir(p->path), 0);
}

static void add(const struct place *p)
{
	OWNED_MESSAGE m;
	OWNED_ENTRY e = { .arrived = NOW, .next = NOW };
	struct error err;

	message_init(&m);
	buf_add(&m.header, "To: a@example.org\r\n");
	assert_true(message_finish(&m, &err));
	id_new(e.id);
	e.account = text_copy("work");
	e.config = text_copy("");
	e.envelope.sender = text_copy("s@example.org");
	envelope_add(&e.envelope, "a@example.org");
	if (!spool_add(&p->spool, &e, &m, &err))
		fail_msg("%s", err.text);
}

static void look(const struct place *p)
{
	(void)spool_mark_empty(&p->spool);
}

static void die(const struct place *p)
{
	(void)p;
	_exit(DIED);
}

static void both(const struct place *p)
{
	look(p);
	add(p);
}

/* Whether it was still at it when the turn of the other one came. */
static bool with_between(const struct place *p, int turn, deed_fn *one, deed_fn *other)
{
	bool has_come;

	between.place = p;
	between.turn = turn;
	between.seen = 0;
	between.deed = other;
	one(p);
	has_come = !between.deed;
	between.deed = NULL;
	return has_come;
}

static bool has_mail(const struct place *p)
{
	DIR *stream = opendir(p->path);
	const struct dirent *file;
	bool found = false;

	assert_non_null(stream);
	while ((file = readdir(stream)))
		found = found || strstr(file->d_name, ".env");
	closedir(stream);
	return found;
}

/* --- the tests */

static void test_it_is_said_while_it_is_so(void **state)
{
	struct place p;

	(void)state;
	place_make(&p);
	assert_false(spool_is_empty(&p.spool));
	assert_true(spool_mark_empty(&p.spool));
	assert_true(spool_is_empty(&p.spool));
	add(&p);
	assert_false(spool_is_empty(&p.spool));
	assert_false(spool_mark_empty(&p.spool));
	assert_false(spool_is_empty(&p.spool));
	place_remove(&p);
}

static void assert_never_wrong(deed_fn *one, deed_fn *other, bool is_marked_before)
{
	bool has_come = true;

	for (int turn = 1; has_come; turn++) {
		struct place p;

		place_make(&p);
		if (is_marked_before)
			look(&p);
		has_come = with_between(&p, turn, one, other);
		if (has_mail(&p) && spool_is_empty(&p.spool))
			fail_msg("at call %d", turn);
		place_remove(&p);
		assert_true(turn < 1000);
	}
}

static void test_a_message_comes_while_somebody_looks(void **state)
{
	(void)state;
	assert_never_wrong(look, add, false);
	assert_never_wrong(look, add, true);
}

static void test_somebody_looks_while_a_message_comes(void **state)
{
	(void)state;
	assert_never_wrong(add, look, false);
	assert_never_wrong(add, look, true);
	assert_never_wrong(add, both, true);
}

static void test_death_before_each_call(void **state)
{
	bool has_died = true;

	(void)state;
	for (int turn = 1; has_died; turn++) {
		struct place p;
		int status;
		pid_t child;

		place_make(&p);
		look(&p);
		child = fork();
		if (child == 0) {
			(void)with_between(&p, turn, add, die);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		has_died = WIFEXITED(status) && WEXITSTATUS(status) == DIED;
		assert_true(has_died || status == 0);
		if (has_mail(&p) && spool_is_empty(&p.spool))
			fail_msg("at call %d", turn);
		/* Its mail is found by whoever looks then. */
		assert_int_equal(spool_mark_empty(&p.spool), !has_mail(&p));
		place_remove(&p);
	}
}

static void test_mail_of_another_version_is_mail(void **state)
{
	static const char words[] = "acsmtp-spool 2\nwhat may stand here\n";
	char entry[100];
	struct place p;
	OWNED_FD fd = -1;

	(void)state;
	snprintf(entry, sizeof(entry), "%send %016llx\n", words,
		 (unsigned long long)sum_add(SUM_INIT, words, strlen(words)));
	place_make(&p);
	fd = openat(p.spool.dir, "0123456789abcdef.env", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, entry, strlen(entry)), strlen(entry));
	assert_false(spool_has_waiting(&p.spool));
	assert_false(spool_mark_empty(&p.spool));
	assert_false(spool_is_empty(&p.spool));
	place_remove(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_said_while_it_is_so),
		cmocka_unit_test(test_a_message_comes_while_somebody_looks),
		cmocka_unit_test(test_somebody_looks_while_a_message_comes),
		cmocka_unit_test(test_death_before_each_call),
		cmocka_unit_test(test_mail_of_another_version_is_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
