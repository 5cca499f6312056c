/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The spool, with a disk that fails: each call of the system that an operation makes fails
 * in turn, or is the last before the process dies. What is left is the old state or the
 * new one, and nothing that a sweep does not remove. The link editor puts the __wrap_
 * functions below in the way of the library (Makefile.am).
 */
#include <dirent.h>
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/sum.h"
#include "spool/spool.h"

enum { NOW = 1800000000, AGES = 10 * 365 * 86400, DIED = 42, SHORT = -1, DIES = -2 };

/* --- a disk that fails */

static struct {
	const char *call; /* whose turn is counted; NULL: all of them */
	int turn;	  /* the one that fails, from 1; 0: none */
	int number;	  /* errno; SHORT: one byte is written; DIES */
	int seen;
} fault;

static void set_fault(const char *call, int turn, int number)
{
	fault.call = call;
	fault.turn = turn;
	fault.number = number;
	fault.seen = 0;
}

static bool was_reached(void)
{
	bool reached = fault.seen >= fault.turn;

	fault.turn = 0;
	return reached;
}

static bool is_turn_of(const char *call)
{
	if (!fault.turn || (fault.call && strcmp(fault.call, call) != 0) ||
	    ++fault.seen != fault.turn)
		return false;
	if (fault.number == DIES)
		_exit(DIED);
	errno = fault.number > 0 ? fault.number : 0;
	return true;
}

#define REAL_AND_WRAPPED(type, name, parameters) \
	type __real_##name parameters;           \
	type __wrap_##name parameters

#define FAILING(name, parameters, arguments)                             \
	REAL_AND_WRAPPED(int, name, parameters);                         \
	int __wrap_##name parameters                                     \
	{                                                                \
		return is_turn_of(#name) ? -1 : __real_##name arguments; \
	}

/* NOLINTBEGIN(bugprone-reserved-identifier): the names are the link editor's */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) /* no test loses its power, and disks are slow */
{
	(void)fd;
	return is_turn_of("fsync") ? -1 : 0;
}
FAILING(renameat, (int from, const char *name, int to, const char *other),
	(from, name, to, other))

static bool is_read_only;	/* nothing can be removed any more */

REAL_AND_WRAPPED(int, unlinkat, (int dir, const char *name, int flags));
int __wrap_unlinkat(int dir, const char *name, int flags)
{
	if (is_turn_of("unlinkat"))
		return -1;
	errno = EROFS;
	return is_read_only ? -1 : __real_unlinkat(dir, name, flags);
}
FAILING(linkat, (int from, const char *name, int to, const char *other, int flags),
	(from, name, to, other, flags))
FAILING(mkdirat, (int dir, const char *name, mode_t mode), (dir, name, mode))
FAILING(flock, (int fd, int how), (fd, how))

REAL_AND_WRAPPED(ssize_t, write, (int fd, const void *bytes, size_t len));
ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
	if (fd > STDERR_FILENO && is_turn_of("write"))
		return fault.number == SHORT ? __real_write(fd, bytes, len > 0) : -1;
	return __real_write(fd, bytes, len);
}

REAL_AND_WRAPPED(ssize_t, read, (int fd, void *bytes, size_t len));
ssize_t __wrap_read(int fd, void *bytes, size_t len)
{
	return is_turn_of("read") ? -1 : __real_read(fd, bytes, len);
}

REAL_AND_WRAPPED(ssize_t, pread, (int fd, void *bytes, size_t len, off_t at));
ssize_t __wrap_pread(int fd, void *bytes, size_t len, off_t at)
{
	return is_turn_of("pread") ? -1 : __real_pread(fd, bytes, len, at);
}

int __real_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...)
{
	va_list rest;
	mode_t mode = 0;

	if (flags & O_CREAT) {
		va_start(rest, flags);
		mode = va_arg(rest, mode_t);
		va_end(rest);
	}
	return is_turn_of(flags & O_CREAT ? "create" : "openat")
		       ? -1
		       : __real_openat(dir, name, flags, mode);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static const char *const calls[] = {
	"write",  "fsync",   "renameat", "create", "openat", "unlinkat",
	"linkat", "mkdirat", "flock",	 "read",   "pread",
};
static const int numbers[] = { EIO, ENOSPC, EDQUOT, ENOMEM };

/* --- a spool of one message */

#define ID "0123456789abcdef"
static const char id[ID_SIZE] = ID;
static const char header[] = "To: a@example.org\r\n", body[] = "Hello\r\nagain\r\n";

struct place {
	char path[200], log[220];
	struct spool spool;
};

static void place_make(struct place *p)
{
	const char *temp = getenv("TMPDIR");
	struct error err;

	*p = (struct place){ .spool = SPOOL_CLOSED };
	snprintf(p->path, sizeof(p->path), "%.100s/spool.XXXXXX", temp ? temp : "/tmp");
	assert_non_null(mkdtemp(p->path));
	snprintf(p->log, sizeof(p->log), "%s.log", p->path);
	log_open((struct log_place){ p->log, LOG_AS_TEXT }, "test");
	if (!spool_open(&p->spool, p->path, &err))
		fail_msg("%s", err.text);
}

static void empty(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = fdopendir(fd);
	const struct dirent *file;

	assert_non_null(stream);
	while ((file = readdir(stream)))
		if (strcmp(file->d_name, ".") && strcmp(file->d_name, "..") &&
		    unlinkat(fd, file->d_name, 0) < 0) {
			empty(fd, file->d_name);
			unlinkat(fd, file->d_name, AT_REMOVEDIR);
		}
	closedir(stream);
}

static void place_remove(struct place *p)
{
	log_close();
	spool_close(&p->spool);
	empty(AT_FDCWD, p->path);
	assert_int_equal(rmdir(p->path), 0);
	unlink(p->log);
}

static void read_log(const struct place *p, char *text, size_t size)
{
	OWNED_FD fd = open(p->log, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
}

static bool has_file(const struct place *p, const char *name)
{
	return faccessat(p->spool.dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void make_message(struct message *m)
{
	struct error err;

	message_init(m);
	buf_add(&m->header, header);
	m->longest_line = 18;
	assert_true(message_add_body(m, body, strlen(body), &err));
	assert_true(message_finish(m, &err));
}

static void make_entry(struct entry *e)
{
	memcpy(e->id, id, ID_SIZE);
	e->arrived = e->next = NOW;
	e->account = text_copy("work");
	e->config = text_copy("");
	e->envelope.sender = text_copy("s@example.org");
	envelope_add(&e->envelope, "a@example.org");
	envelope_add(&e->envelope, "b@example.org");
}

static bool add(const struct place *p, struct error *err)
{
	OWNED_MESSAGE m;
	OWNED_ENTRY e = { 0 };

	make_message(&m);
	make_entry(&e);
	return spool_add(&p->spool, &e, &m, err);
}

static enum taken take(const struct place *p, bool from_failed, struct item *item,
		       struct error *err)
{
	return spool_take(&p->spool, id, from_failed, item, err);
}

/* Whether it is there: and then it is whole. */
static bool is_whole_in(const struct place *p, bool in_failed, time_t *next)
{
	OWNED_ITEM item = ITEM_NONE;
	OWNED_MESSAGE m;
	struct error err;
	enum taken taken = take(p, in_failed, &item, &err);

	message_init(&m);
	if (taken == TAKEN_GONE)
		return false;
	if (taken != TAKEN)
		fail_msg("taken is %d: %s", taken, err.text);
	if (!item_message(&item, &m, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&m.header), header);
	assert_string_equal(buf_text(&m.body), body);
	assert_string_equal(item.entry.envelope.sender, "s@example.org");
	assert_int_equal(item.entry.envelope.count, 2);
	*next = item.entry.next;
	return true;
}

/* After a long time nothing is there but what `is_here` and `is_failed` say. */
static void assert_no_litter(const struct place *p, bool is_here, bool is_failed)
{
	time_t next;

	spool_sweep(&p->spool, time(NULL) + AGES, 2 * (time_t)AGES);
	assert_int_equal(is_whole_in(p, false, &next), is_here);
	assert_int_equal(is_whole_in(p, true, &next), is_failed);
	assert_int_equal(has_file(p, ID ".msg"), is_here);
	assert_int_equal(has_file(p, ID ".env"), is_here);
	assert_int_equal(has_file(p, "failed/" ID ".msg"), is_failed);
	assert_int_equal(has_file(p, "failed/" ID ".env"), is_failed);
	assert_false(has_file(p, ID ".new"));
	assert_false(has_file(p, "failed/" ID ".new"));
	assert_false(has_file(p, "damaged"));
	assert_int_equal(has_file(p, ID ".try"), false);
}

/* --- operations */

static bool do_add(const struct place *p, struct error *err)
{
	return add(p, err);
}

static bool with_item(const struct place *p, bool from_failed, struct error *err,
		      bool (*change)(const struct spool *, struct item *, struct error *))
{
	OWNED_ITEM item = ITEM_NONE;
	enum taken taken = take(p, from_failed, &item, err);

	if (taken != TAKEN) {
		assert_int_equal(taken, TAKEN_ERROR);
		return false;
	}
	item.entry.next = NOW + 1;
	return change(&p->spool, &item, err);
}

static bool do_update(const struct place *p, struct error *err)
{
	return with_item(p, false, err, spool_update);
}

static bool do_remove(const struct place *p, struct error *err)
{
	return with_item(p, false, err, spool_remove);
}

static bool do_fail(const struct place *p, struct error *err)
{
	return with_item(p, false, err, spool_fail);
}

static bool bring_back(const struct spool *s, struct item *item, struct error *err)
{
	struct spool_change change = { .item = item, .what = SPOOL_BRING_BACK };

	spool_change_together(s, &change, 1);
	if (!change.ok)
		*err = change.err;
	return change.ok;
}

static bool do_bring_back(const struct place *p, struct error *err)
{
	return with_item(p, true, err, bring_back);
}

static bool do_update_failed(const struct place *p, struct error *err)
{
	return with_item(p, true, err, spool_update);
}

static bool do_remove_failed(const struct place *p, struct error *err)
{
	return with_item(p, true, err, spool_remove);
}

enum where { NOWHERE, HERE, FAILED };
static const struct operation {
	const char *name;
	bool (*run)(const struct place *p, struct error *err);
	enum where before, after;
} operations[] = {
	{ "add", do_add, NOWHERE, HERE },
	{ "update", do_update, HERE, HERE },
	{ "remove", do_remove, HERE, NOWHERE },
	{ "fail", do_fail, HERE, FAILED },
	{ "bring back", do_bring_back, FAILED, HERE },
	{ "update in failed", do_update_failed, FAILED, FAILED },
	{ "remove from failed", do_remove_failed, FAILED, NOWHERE },
};

static void prepare(struct place *p, const struct operation *o)
{
	struct error err;

	place_make(p);
	if (o->before != NOWHERE)
		assert_true(add(p, &err));
	if (o->before == FAILED) {
		OWNED_ITEM item = ITEM_NONE;

		assert_int_equal(take(p, false, &item, &err), TAKEN);
		assert_true(spool_fail(&p->spool, &item, &err));
	}
}

/* The old state, the new one, or on the way both; never neither, unless that is the aim. */
static void assert_whole(const struct place *p, const struct operation *o, bool is_done)
{
	time_t next = NOW, next_failed = NOW;
	bool is_here = is_whole_in(p, false, &next);
	bool is_failed = is_whole_in(p, true, &next_failed);
	bool may_be_nowhere = o->before == NOWHERE || o->after == NOWHERE;

	if (is_done) {
		assert_int_equal(is_here, o->after == HERE);
		assert_int_equal(is_failed, o->after == FAILED);
		assert_int_equal(is_here ? next : NOW,
				 is_here && o->before ? NOW + 1 : NOW);
		assert_int_equal(is_failed ? next_failed : NOW,
				 is_failed ? NOW + 1 : NOW);
	}
	assert_true(is_here || is_failed || may_be_nowhere);
	assert_true(!is_here || o->before == HERE || o->after == HERE);
	assert_true(!is_failed || o->before == FAILED || o->after == FAILED);
	assert_in_range(next, NOW, NOW + 1);
	assert_in_range(next_failed, NOW, NOW + 1);
	assert_no_litter(p, is_here, is_failed);
}

static bool fail_once(const struct operation *o, const char *call, int turn, int number)
{
	struct error err = { .kind = ERROR_NONE };
	struct place p;
	bool ok, reached;

	prepare(&p, o);
	set_fault(call, turn, number);
	ok = o->run(&p, &err);
	reached = was_reached();
	if (!reached || number == SHORT)
		assert_true(ok);
	if (!ok && !strstr(err.text, strerror(number)))
		fail_msg("%s: %s %d: no reason in \"%s\"", o->name, call, turn, err.text);
	if (!ok && !strstr(err.text, id) && !strstr(err.text, p.path))
		fail_msg("%s: %s %d: no place in \"%s\"", o->name, call, turn, err.text);
	assert_whole(&p, o, ok);
	place_remove(&p);
	return reached;
}

static void test_each_call_fails(void **state)
{
	int reached = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(operations); i++)
		for (size_t k = 0; k < COUNT_OF(calls); k++)
			for (size_t n = 0; n < COUNT_OF(numbers); n++)
				for (int turn = 1; fail_once(&operations[i], calls[k],
							     turn, numbers[n]);
				     turn++)
					reached++;
	assert_true(reached > 50 * (int)COUNT_OF(numbers));
}

static void test_short_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(operations); i++)
		for (int turn = 1; fail_once(&operations[i], "write", turn, SHORT);
		     turn++)
			;
}

static bool die_once(const struct operation *o, int turn)
{
	struct error err;
	struct place p;
	pid_t child;
	int status;

	prepare(&p, o);
	child = fork();
	if (child == 0) {
		set_fault(NULL, turn, DIES);
		_exit(!o->run(&p, &err));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DIED);
	assert_whole(&p, o, WEXITSTATUS(status) == 0);
	place_remove(&p);
	return WEXITSTATUS(status) == DIED;
}

static void test_death_before_each_call(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(operations); i++) {
		int turn = 1;

		while (die_once(&operations[i], turn))
			turn++;
		assert_true(turn > 5);
	}
}

/* --- what the power takes: what was not synced */

static void count_syncs(const char *call, int turn)
{
	set_fault(call, turn, EIO);
}

/* Two files and one directory for a message; each new directory once. */
static void test_what_is_synced(void **state)
{
	OWNED_ITEM item = ITEM_NONE;
	struct error err;
	struct place p;

	(void)state;
	place_make(&p);
	count_syncs("fsync", 1000);
	assert_true(add(&p, &err));
	assert_int_equal(fault.seen, 3);
	assert_int_equal(take(&p, false, &item, &err), TAKEN);
	count_syncs("fsync", 1000);
	assert_true(spool_fail(&p.spool, &item, &err));
	/* failed/ in the spool; its entry, and it; the spool without the message. */
	assert_int_equal(fault.seen, 4);
	fault.turn = 0;
	item_release(&item);
	place_remove(&p);
}

static void test_new_spool_is_synced(void **state)
{
	struct spool spool = SPOOL_CLOSED;
	struct error err;
	struct place p;
	char path[256];

	(void)state;
	place_make(&p);
	snprintf(path, sizeof(path), "%s/state/acsmtp/spool", p.path);
	count_syncs("fsync", 1000);
	assert_true(spool_open(&spool, path, &err));
	assert_int_equal(fault.seen, 3);
	spool_close(&spool);
	assert_true(spool_open(&spool, path, &err));
	assert_int_equal(fault.seen, 3);
	/* As if whoever made it had died before its name was on the disk. */
	spool_close(&spool);
	assert_int_equal(chmod(path, 01700), 0);
	assert_true(spool_open(&spool, path, &err));
	assert_int_equal(fault.seen, 4);
	spool_close(&spool);
	assert_true(spool_open(&spool, path, &err));
	assert_int_equal(fault.seen, 4);
	/* And if it cannot be: nothing of value goes into it. */
	spool_close(&spool);
	assert_int_equal(chmod(path, 01700), 0);
	count_syncs("fsync", 1);
	assert_false(spool_open(&spool, path, &err));
	assert_int_equal(err.kind, ERROR_CREATE);
	fault.turn = 0;
	assert_true(spool_open(&spool, path, &err));
	spool_close(&spool);
	place_remove(&p);
}

/* The same of failed/: before it is synced nothing goes into it. */
static void test_half_made_directory_in_it(void **state)
{
	OWNED_ITEM item = ITEM_NONE;
	struct error err;
	struct place p;
	char path[256];

	(void)state;
	place_make(&p);
	assert_true(add(&p, &err));
	assert_int_equal(take(&p, false, &item, &err), TAKEN);
	snprintf(path, sizeof(path), "%s/failed", p.path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 01700), 0);
	set_fault("fsync", 1, EIO);
	assert_false(spool_fail(&p.spool, &item, &err));
	assert_true(was_reached());
	assert_false(has_file(&p, "failed/" ID ".msg"));
	assert_true(spool_fail(&p.spool, &item, &err));
	item_release(&item);
	assert_no_litter(&p, false, true);
	place_remove(&p);
}

/* --- what is not a message */

static void put(const struct place *p, const char *suffix, const char *text, size_t len)
{
	char name[64];
	OWNED_FD fd = -1;

	snprintf(name, sizeof(name), "%s%s", id, suffix);
	unlinkat(p->spool.dir, name, 0);
	fd = openat(p->spool.dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && write(fd, text, len) == (ssize_t)len);
}

static void spoil_with_nothing(const struct place *p, const char *name)
{
	unlinkat(p->spool.dir, name, 0);
}

static void spoil_with_fifo(const struct place *p, const char *name)
{
	unlinkat(p->spool.dir, name, 0);
	assert_int_equal(mkfifoat(p->spool.dir, name, 0600), 0);
}

static void spoil_with_link(const struct place *p, const char *name)
{
	renameat(p->spool.dir, name, p->spool.dir, "elsewhere");
	assert_int_equal(symlinkat("elsewhere", p->spool.dir, name), 0);
}

static void spoil_with_directory(const struct place *p, const char *name)
{
	unlinkat(p->spool.dir, name, 0);
	assert_int_equal(mkdirat(p->spool.dir, name, 0700), 0);
}

static void spoil_by_cutting(const struct place *p, const char *name)
{
	OWNED_FD fd = openat(p->spool.dir, name, O_WRONLY | O_CLOEXEC);

	assert_int_equal(ftruncate(fd, 10), 0);
}

static void spoil_with_a_byte(const struct place *p, const char *name)
{
	OWNED_FD fd = openat(p->spool.dir, name, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "\xff", 1, 20), 1);
}

static void spoil_with_more(const struct place *p, const char *name)
{
	OWNED_FD fd = openat(p->spool.dir, name, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_int_equal(write(fd, "x", 1), 1);
}

static void spoil_with_version(const struct place *p, const char *name)
{
	OWNED_FD fd = openat(p->spool.dir, name, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "acsmtp-spool 2", 14, 0), 14);
}

static const struct spoiling {
	const char *suffix;
	void (*spoil)(const struct place *p, const char *name);
	const char *words;
} spoilings[] = {
	{ ".msg", spoil_with_nothing, "No such file" },
	{ ".msg", spoil_with_fifo, "not a regular file of this user" },
	{ ".msg", spoil_with_link, "not a regular file of this user" },
	{ ".msg", spoil_with_directory, "not a regular file of this user" },
	{ ".msg", spoil_by_cutting, "has 10 bytes instead of" },
	{ ".msg", spoil_with_a_byte, "its checksum is wrong" },
	{ ".msg", spoil_with_more, "bytes instead of" },
	{ ".env", spoil_with_fifo, "not a regular file of this user" },
	{ ".env", spoil_with_link, "not a regular file of this user" },
	{ ".env", spoil_with_directory, "not a regular file of this user" },
	{ ".env", spoil_by_cutting, "cut short" },
	{ ".env", spoil_with_a_byte, "its checksum is wrong" },
	{ ".env", spoil_with_more, "its checksum is wrong" },
	{ ".env", spoil_with_version, "its checksum is wrong" },
};

/* As a worker does it; false: there was nothing to take. */
static bool take_and_read(const struct place *p)
{
	OWNED_ITEM item = ITEM_NONE;
	OWNED_MESSAGE m;
	struct error err;
	enum taken taken = take(p, false, &item, &err);

	message_init(&m);
	assert_true(taken == TAKEN || taken == TAKEN_BROKEN || taken == TAKEN_GONE);
	if (taken == TAKEN && !item_message(&item, &m, &err)) {
		assert_int_equal(err.kind, ERROR_DATA);
		taken = TAKEN_BROKEN;
	}
	assert_int_not_equal(taken, TAKEN);
	if (taken == TAKEN_BROKEN)
		(void)spool_set_aside(&p->spool, &item, err.text);
	return taken == TAKEN_BROKEN;
}

static void test_damage_is_set_aside(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(spoilings); i++) {
		const struct spoiling *s = &spoilings[i];
		char name[64], log[2000];
		struct error err;
		struct place p;

		place_make(&p);
		assert_true(add(&p, &err));
		snprintf(name, sizeof(name), "%s%s", id, s->suffix);
		s->spoil(&p, name);
		assert_true(take_and_read(&p));
		assert_false(take_and_read(&p));
		read_log(&p, log, sizeof(log));
		if (!strstr(log, s->words) || !strstr(log, "set aside in"))
			fail_msg("row %zu: \"%s\" is not in: %s", i, s->words, log);
		assert_false(has_file(&p, ID ".env") || has_file(&p, ID ".msg"));
		assert_true(has_file(&p, "damaged/" ID ".env"));
		place_remove(&p);
	}
}

static void put_foreign(const struct place *p, struct error *err)
{
	OWNED_BUF text = BUF_INIT(2000);

	assert_true(add(p, err));
	buf_add(&text, "acsmtp-spool 2\nfancy 1\nsender a@example.org\nto sent b@example.org\n");
	buf_addf(&text, "end %016llx\n",
		 (unsigned long long)sum_add(SUM_INIT, buf_text(&text), text.len));
	put(p, ".env", buf_text(&text), text.len);
}

static bool see_foreign(void *seer, const char *name, const struct entry_start *start)
{
	(void)name;
	*(bool *)seer = start->is_foreign;
	return true;
}

/* Mail of another version is whole: it stays, is known as such, and can be removed. */
static void test_another_version_is_left_alone(void **state)
{
	OWNED_ITEM item = ITEM_NONE, other = ITEM_NONE;
	bool is_foreign = false;
	struct error err;
	struct place p;

	(void)state;
	place_make(&p);
	put_foreign(&p, &err);
	assert_true(spool_scan(&p.spool, SPOOL_QUEUE, see_foreign, &is_foreign, &err));
	assert_true(is_foreign);
	assert_int_equal(take(&p, false, &item, &err), TAKEN_FOREIGN);
	assert_non_null(strstr(err.text, "another version"));
	assert_string_equal(item.entry.envelope.sender, "a@example.org");
	assert_int_equal(take(&p, false, &other, &err), TAKEN_BUSY);
	spool_sweep(&p.spool, time(NULL) + 100L * 86400, 86400);
	assert_true(has_file(&p, ID ".env") && has_file(&p, ID ".msg"));
	assert_true(spool_remove(&p.spool, &item, &err));
	assert_false(has_file(&p, ID ".env") || has_file(&p, ID ".msg"));
	place_remove(&p);
}

/* What cannot be set aside is not said to be: neither without a place nor without a rename. */
static void test_damage_that_cannot_be_set_aside(void **state)
{
	static const struct {
		const char *call;
		int turn;
	} failing[] = { { "mkdirat", 1 }, { "renameat", 1 }, { "renameat", 2 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(failing); i++) {
		char log[2000];
		struct error err;
		struct place p;

		place_make(&p);
		assert_true(add(&p, &err));
		put(&p, ".env", "x", 1);
		set_fault(failing[i].call, failing[i].turn, EROFS);
		assert_true(take_and_read(&p));
		assert_true(was_reached());
		read_log(&p, log, sizeof(log));
		assert_null(strstr(log, "set aside in"));
		assert_non_null(strstr(log, "cannot be set aside"));
		assert_non_null(strstr(log, strerror(EROFS)));
		/* A message that is left alone would be litter; so it is met again. */
		assert_true(has_file(&p, ID ".env"));
		assert_true(take_and_read(&p));
		assert_true(has_file(&p, "damaged/" ID ".env") &&
			    has_file(&p, "damaged/" ID ".msg"));
		place_remove(&p);
	}
}

/* Files that only root could have put there, or a socket: nobody waits for those. */
static void test_files_of_others_are_set_aside(void **state)
{
	static const int refusals[] = { EACCES, ENXIO, ELOOP };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(refusals); i++)
		for (int turn = 1; turn <= 2; turn++) {
			struct error err;
			struct place p;

			place_make(&p);
			assert_true(add(&p, &err));
			set_fault("openat", turn, refusals[i]);
			assert_true(take_and_read(&p));
			assert_true(was_reached());
			assert_true(has_file(&p, "damaged/" ID ".env"));
			place_remove(&p);
		}
}

/* A disk that cannot be read for now is no damage. */
static void test_a_failing_disk_is_no_damage(void **state)
{
	static const char *const reading[] = { "openat", "read", "flock" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(reading); i++)
		for (int turn = 1;; turn++) {
			OWNED_ITEM item = ITEM_NONE;
			struct error err;
			struct place p;
			enum taken taken;
			bool reached;
			time_t next;

			place_make(&p);
			assert_true(add(&p, &err));
			set_fault(reading[i], turn, EIO);
			taken = take(&p, false, &item, &err);
			reached = was_reached();
			assert_int_equal(taken, reached ? TAKEN_ERROR : TAKEN);
			item_release(&item);
			assert_true(is_whole_in(&p, false, &next));
			assert_false(has_file(&p, "damaged"));
			place_remove(&p);
			if (!reached)
				break;
		}
}

/* --- locks, the mark, the sweep, the scan */

static void test_one_at_a_time(void **state)
{
	OWNED_ITEM item = ITEM_NONE, other = ITEM_NONE;
	OWNED_FD lock = -1, second = -1;
	struct error err;
	struct place p;

	(void)state;
	place_make(&p);
	assert_int_equal(take(&p, false, &item, &err), TAKEN_GONE);
	assert_int_equal(take(&p, true, &item, &err), TAKEN_GONE);
	assert_true(add(&p, &err));
	assert_false(add(&p, &err)); /* the id is taken, and stays whole */
	assert_int_equal(take(&p, false, &item, &err), TAKEN);
	assert_int_equal(take(&p, false, &other, &err), TAKEN_BUSY);
	item_release(&item);
	assert_int_equal(take(&p, false, &item, &err), TAKEN);
	item_release(&item);
	assert_true(spool_lock(&p.spool, SPOOL_RESIDENT, &lock, &err) && lock >= 0);
	assert_true(spool_lock(&p.spool, SPOOL_RESIDENT, &second, &err) && second < 0);
	fd_cleanup(&lock);
	assert_true(spool_lock(&p.spool, SPOOL_RESIDENT, &lock, &err) && lock >= 0);
	place_remove(&p);
}

static void test_mark_of_a_dialogue(void **state)
{
	struct error err;
	struct place p;

	(void)state;
	place_make(&p);
	assert_true(add(&p, &err));
	for (int i = 0; i < 2; i++) {
		OWNED_ITEM item = ITEM_NONE;

		assert_int_equal(take(&p, false, &item, &err), TAKEN);
		assert_int_equal(item.was_interrupted, i == 1);
		assert_true(spool_begin_try(&p.spool, &item, false, &err));
		if (i == 1)
			spool_end_try(&p.spool, &item);
	}
	assert_false(has_file(&p, ID ".try"));
	place_remove(&p);
}

/* Where nothing can be written nothing is tried; a full disk is no such reason. */
static void test_mark_that_cannot_be_made(void **state)
{
	static const struct {
		int number;
		bool may;
	} refusals[] = {
		{ EROFS, false }, { EIO, false }, { EACCES, false }, { EMFILE, false },
		{ ENOSPC, true }, { EDQUOT, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		OWNED_ITEM item = ITEM_NONE;
		struct error err;
		struct place p;

		place_make(&p);
		assert_true(add(&p, &err));
		assert_int_equal(take(&p, false, &item, &err), TAKEN);
		set_fault("create", 1, refusals[i].number);
		if (spool_begin_try(&p.spool, &item, false, &err) != refusals[i].may)
			fail_msg("%s", strerror(refusals[i].number));
		assert_true(was_reached());
		assert_true(refusals[i].may || strstr(err.text, strerror(refusals[i].number)));
		place_remove(&p);
	}
}

/* No room for a file: a bit of the message says the same. */
static void test_mark_without_room(void **state)
{
	struct error err;
	struct place p;

	(void)state;
	place_make(&p);
	assert_true(add(&p, &err));
	for (int i = 0; i < 3; i++) {
		OWNED_ITEM item = ITEM_NONE;

		assert_int_equal(take(&p, false, &item, &err), TAKEN);
		assert_int_equal(item.was_interrupted, i == 1);
		if (i < 2) {
			set_fault("create", 1, ENOSPC);
			assert_true(spool_begin_try(&p.spool, &item, true, &err));
			assert_true(was_reached());
		}
		if (i == 1)
			spool_end_try(&p.spool, &item);
	}
	assert_false(has_file(&p, ID ".try"));
	place_remove(&p);
}

/* Asked for, it is on the disk before anybody can have the message. */
static void test_durable_mark(void **state)
{
	(void)state;
	for (int is_durable = 0; is_durable < 2; is_durable++) {
		OWNED_ITEM item = ITEM_NONE;
		struct error err;
		struct place p;

		place_make(&p);
		assert_true(add(&p, &err));
		assert_int_equal(take(&p, false, &item, &err), TAKEN);
		set_fault("fsync", 1, EIO);
		assert_int_equal(spool_begin_try(&p.spool, &item, is_durable, &err), !is_durable);
		assert_int_equal(was_reached(), is_durable);
		place_remove(&p);
	}
}

static void judge(struct item *item)
{
	struct error why;

	error_set(&why, ERROR_LATER, "450 4.2.1 a reason of some length");
	envelope_judge(&item->entry.envelope, &item->entry.envelope.recipients[0], VERDICT_ACCEPTED, NULL);
	envelope_judge(&item->entry.envelope, &item->entry.envelope.recipients[1], VERDICT_LATER, &why);
}

/* A disk that is full by the time there are verdicts: the reasons are what is left out. */
static void test_reserved_room(void **state)
{
	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		OWNED_ITEM item = ITEM_NONE;
		struct error err;
		struct place p;

		place_make(&p);
		assert_true(add(&p, &err));
		assert_int_equal(take(&p, false, &item, &err), TAKEN);
		assert_true(spool_reserve(&p.spool, &item, &err));
		assert_true(has_file(&p, ID ".new"));
		judge(&item);
		set_fault("write", turn, ENOSPC);
		assert_true(spool_update(&p.spool, &item, &err));
		assert_true(turn == 0 || was_reached());
		fault.turn = 0;
		assert_false(has_file(&p, ID ".new"));
		item_release(&item);
		assert_int_equal(take(&p, false, &item, &err), TAKEN);
		assert_int_equal(item.entry.envelope.recipients[0].verdict, VERDICT_ACCEPTED);
		assert_int_equal(item.entry.envelope.recipients[1].verdict, VERDICT_LATER);
		assert_int_equal(item.entry.envelope.recipients[1].why != NULL, turn == 0);
		assert_true(spool_reserve(&p.spool, &item, &err));
		spool_end_try(&p.spool, &item);
		assert_false(has_file(&p, ID ".new"));
		place_remove(&p);
	}
}

/* What is to be kept moves into the room as well. */
static void test_reserved_room_in_failed(void **state)
{
	OWNED_ITEM item = ITEM_NONE;
	struct error err;
	struct place p;
	time_t next;

	(void)state;
	place_make(&p);
	assert_true(add(&p, &err));
	assert_int_equal(take(&p, false, &item, &err), TAKEN);
	assert_true(spool_reserve(&p.spool, &item, &err));
	set_fault("create", 1, ENOSPC);
	assert_true(spool_fail(&p.spool, &item, &err));
	assert_false(was_reached());
	item_release(&item);
	assert_true(is_whole_in(&p, true, &next));
	assert_no_litter(&p, false, true);
	place_remove(&p);
}

static void test_no_room_to_reserve(void **state)
{
	static const int reasons[] = { ENOSPC, EDQUOT, EIO };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(reasons); i++) {
		OWNED_ITEM item = ITEM_NONE;
		struct error err;
		struct place p;

		place_make(&p);
		assert_true(add(&p, &err));
		assert_int_equal(take(&p, false, &item, &err), TAKEN);
		set_fault("create", 1, reasons[i]);
		assert_false(spool_reserve(&p.spool, &item, &err));
		assert_true(was_reached());
		assert_int_equal(error_is_no_room(&err), reasons[i] != EIO);
		assert_true(spool_update(&p.spool, &item, &err));
		place_remove(&p);
	}
}

/* What cannot be taken back is taken: it will be sent from here. */
static void test_commit_that_cannot_be_undone(void **state)
{
	char log[400];
	struct error err;
	struct place p;
	time_t next;

	(void)state;
	place_make(&p);
	is_read_only = true;
	set_fault("fsync", 3, EIO);	/* of the directory, which has the entry by now */
	assert_true(add(&p, &err));
	assert_true(was_reached());
	is_read_only = false;
	assert_true(is_whole_in(&p, false, &next));
	read_log(&p, log, sizeof(log));
	assert_non_null(strstr(log, "may not outlive a loss of power"));
	place_remove(&p);
}

static void make_in_the_way(const struct place *p, const char *name, int what)
{
	switch (what) {
	case 0:
		assert_int_equal(mkfifoat(p->spool.dir, name, 0600), 0);
		break;
	case 1:
		assert_int_equal(symlinkat("/etc/passwd", p->spool.dir, name), 0);
		break;
	default:
		assert_int_equal(symlinkat("nowhere", p->spool.dir, name), 0);
		break;
	}
}

/* A pipe must not stop us, nor a link lead anywhere. */
static void test_in_the_way(void **state)
{
	(void)state;
	for (int what = 0; what < 3; what++) {
		OWNED_ITEM item = ITEM_NONE;
		struct error err;
		struct place p;

		place_make(&p);
		assert_true(add(&p, &err));
		make_in_the_way(&p, ID ".new", what);
		make_in_the_way(&p, ID ".try", what);
		assert_int_equal(take(&p, false, &item, &err), TAKEN);
		item.entry.attempts = 5;
		assert_true(spool_update(&p.spool, &item, &err));
		assert_true(spool_begin_try(&p.spool, &item, false, &err));
		spool_end_try(&p.spool, &item);
		item_release(&item);
		assert_int_equal(take(&p, false, &item, &err), TAKEN);
		assert_int_equal(item.entry.attempts, 5);
		assert_false(item.was_interrupted);
		place_remove(&p);
	}
}

static void test_sweep_keeps_what_is_young_or_held(void **state)
{
	OWNED_FD fd = -1;
	struct error err;
	struct place p;
	time_t now = time(NULL);

	(void)state;
	place_make(&p);
	put(&p, ".msg", "x", 1);
	put(&p, ".new", "x", 1);
	put(&p, ".try", "", 0);
	spool_sweep(&p.spool, now + 35 * 3600, AGES);
	assert_true(has_file(&p, ID ".msg") && has_file(&p, ID ".new") &&
		    has_file(&p, ID ".try"));
	fd = openat(p.spool.dir, ID ".msg", O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	spool_sweep(&p.spool, now + 37 * 3600, AGES);
	/* Whoever writes holds the lock, whatever the clock says. */
	assert_true(has_file(&p, ID ".msg") && has_file(&p, ID ".new") &&
		    has_file(&p, ID ".try"));
	fd_cleanup(&fd);
	fd = -1;
	assert_no_litter(&p, false, false);
	/* A message is never litter, however old. */
	assert_true(add(&p, &err));
	spool_sweep(&p.spool, now + AGES, 0);
	assert_no_litter(&p, true, false);
	place_remove(&p);
}

static void test_sweep_of_failed(void **state)
{
	OWNED_ITEM item = ITEM_NONE;
	struct error err;
	struct place p;
	time_t next;

	(void)state;
	place_make(&p);
	assert_true(add(&p, &err));
	assert_int_equal(take(&p, false, &item, &err), TAKEN);
	assert_true(spool_fail(&p.spool, &item, &err));
	item_release(&item);
	spool_sweep(&p.spool, time(NULL) + 999, 1000);
	assert_true(is_whole_in(&p, true, &next));
	spool_sweep(&p.spool, time(NULL) + 1100, 1000);
	assert_false(is_whole_in(&p, true, &next));
	assert_false(has_file(&p, "failed/" ID ".msg"));
	place_remove(&p);
}

static bool count_one(void *seer, const char *name, const struct entry_start *start)
{
	time_t *next = seer;

	assert_string_equal(name, id);
	*next += 1 + start->next;
	return true;
}

static void test_scan(void **state)
{
	struct error err;
	struct place p;
	time_t seen = 0;

	(void)state;
	place_make(&p);
	assert_true(spool_scan(&p.spool, false, count_one, &seen, &err));
	assert_true(spool_scan(&p.spool, true, count_one, &seen, &err));
	assert_int_equal(seen, 0);
	assert_true(add(&p, &err));
	put(&p, ".new", "x", 1);
	assert_true(spool_scan(&p.spool, false, count_one, &seen, &err));
	assert_int_equal(seen, 1 + NOW);
	put(&p, ".env", "nonsense", 8); /* due since ever */
	seen = 0;
	assert_true(spool_scan(&p.spool, false, count_one, &seen, &err));
	assert_int_equal(seen, 1);
	set_fault("openat", 1, EMFILE);
	assert_false(spool_scan(&p.spool, false, count_one, &seen, &err));
	assert_true(was_reached());
	assert_non_null(strstr(err.text, strerror(EMFILE)));
	place_remove(&p);
}

static void test_bell(void **state)
{
	OWNED_FD bell = -1;
	struct place p;
	char rings[8];

	(void)state;
	place_make(&p);
	spool_wake_runner(&p.spool); /* nobody listens, and nothing is there */
	assert_false(has_file(&p, "bell"));
	bell = spool_open_bell(&p.spool);
	assert_true(bell >= 0);
	assert_int_equal(read(bell, rings, sizeof(rings)), -1);
	spool_wake_runner(&p.spool);
	assert_int_equal(read(bell, rings, sizeof(rings)), 1);
	fd_cleanup(&bell);
	bell = -1;
	unlinkat(p.spool.dir, "bell", 0);
	assert_int_equal(symlinkat("elsewhere", p.spool.dir, "bell"), 0);
	assert_int_equal(spool_open_bell(&p.spool), -1);
	spool_wake_runner(&p.spool);
	assert_false(has_file(&p, "elsewhere"));
	place_remove(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call_fails),
		cmocka_unit_test(test_short_writes),
		cmocka_unit_test(test_death_before_each_call),
		cmocka_unit_test(test_what_is_synced),
		cmocka_unit_test(test_new_spool_is_synced),
		cmocka_unit_test(test_half_made_directory_in_it),
		cmocka_unit_test(test_damage_is_set_aside),
		cmocka_unit_test(test_another_version_is_left_alone),
		cmocka_unit_test(test_damage_that_cannot_be_set_aside),
		cmocka_unit_test(test_files_of_others_are_set_aside),
		cmocka_unit_test(test_a_failing_disk_is_no_damage),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_mark_of_a_dialogue),
		cmocka_unit_test(test_mark_that_cannot_be_made),
		cmocka_unit_test(test_mark_without_room),
		cmocka_unit_test(test_durable_mark),
		cmocka_unit_test(test_reserved_room),
		cmocka_unit_test(test_reserved_room_in_failed),
		cmocka_unit_test(test_no_room_to_reserve),
		cmocka_unit_test(test_commit_that_cannot_be_undone),
		cmocka_unit_test(test_in_the_way),
		cmocka_unit_test(test_sweep_keeps_what_is_young_or_held),
		cmocka_unit_test(test_sweep_of_failed),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_bell),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
