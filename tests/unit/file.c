/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files and directories: whole or not at all, and nobody else's. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/directory.h"
#include "base/file.h"
#include "unit/pki.h"

enum { MANY = 1000000, TICK = 1000, SOME_USER = 65534, PATIENCE = 20000 };

static void write_file(const char *path, const char *text, mode_t mode)
{
	OWNED_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_true(write_all(fd, text, strlen(text)));
	assert_int_equal(fchmod(fd, mode), 0);
}

static void assert_content(const char *path, const char *text)
{
	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	OWNED_BUF b = BUF_INIT(1000);
	struct error err;

	assert_true(fd >= 0);
	assert_true(file_read(fd, &b, &err));
	assert_string_equal(buf_text(&b), text);
}

static void assert_mode(const char *path, mode_t mode)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode, mode);
}

static void tick(int number)
{
	(void)number;
}

/* A signal each millisecond, which interrupts system calls. */
static void start_ticking(void)
{
	struct sigaction action = { .sa_handler = tick };
	struct itimerval often = { { 0, TICK }, { 0, TICK } };

	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void stop_ticking(void)
{
	struct itimerval never = { 0 };

	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_DFL);
}

static pid_t run_child(void (*play)(int fd), int theirs, int ours)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		close(ours);
		play(theirs);
		_exit(1);
	}
	close(theirs);
	return pid;
}

/* Reads "xxx..." after a while; exit status 0 if it was all there. */
static void slow_reader(int fd)
{
	static char block[50000];
	size_t len = 0;
	ssize_t n;

	usleep(20 * TICK);
	while ((n = read(fd, block, sizeof(block))) > 0)
		for (ssize_t i = 0; i < n; i++)
			len += block[i] == 'x';
	_exit(len == MANY ? 0 : 1);
}

static void slow_writer(int fd)
{
	usleep(20 * TICK);
	_exit(write(fd, "late", 4) == 4 ? 0 : 1);
}

static void test_interruptions(void **state)
{
	char *bytes = xmalloc(MANY), late[8];
	int to[2], from[2], status;
	pid_t reader, writer;

	(void)state;
	memset(bytes, 'x', MANY);
	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	reader = run_child(slow_reader, to[0], to[1]);
	start_ticking();
	assert_true(write_all(to[1], bytes, MANY));
	stop_ticking();
	close(to[1]);
	free(bytes);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);

	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	writer = run_child(slow_writer, from[1], from[0]);
	start_ticking();
	assert_int_equal(read_some(from[0], late, sizeof(late)), 4);
	assert_int_equal(read_some(from[0], late, sizeof(late)), 0);
	stop_ticking();
	close(from[0]);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
}

/* What is written is all read, or given up when nobody reads; SIGALRM comes in between. */
static void test_patience(void **state)
{
	char *bytes = xmalloc(MANY);
	int ends[2], status;
	pid_t reader;

	(void)state;
	memset(bytes, 'x', MANY);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	reader = run_child(slow_reader, ends[0], ends[1]);
	start_ticking();
	assert_true(write_patiently(ends[1], bytes, MANY, PATIENCE));
	stop_ticking();
	close(ends[1]);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	start_ticking();
	assert_false(write_patiently(ends[1], bytes, MANY, 20));
	stop_ticking();
	assert_int_equal(errno, EAGAIN);
	assert_false(write_patiently(ends[1], "a", 1, 0));
	assert_int_equal(errno, EAGAIN);
	close(ends[0]);
	close(ends[1]);
	free(bytes);
}

static void test_write_fails(void **state)
{
	OWNED_FD full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(full >= 0);
	assert_false(write_all(full, "a", 1));
	assert_int_equal(errno, ENOSPC);
	assert_false(write_patiently(full, "a", 1, PATIENCE));
	assert_int_equal(errno, ENOSPC);
	assert_true(write_all(-1, "", 0));
	assert_false(write_all(-1, "a", 1));
	assert_int_equal(errno, EBADF);
}

static void test_read_limit(void **state)
{
	enum { SIZE = 10000 };
	const struct {
		size_t limit;
		bool ok;
	} rows[] = {
		{ SIZE + 1, true }, { SIZE, true }, { SIZE - 1, false }, { 0, false },
	};
	char *bytes = xmalloc(SIZE);

	(void)state;
	memset(bytes, 'x', SIZE);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED_BUF b = BUF_INIT(rows[i].limit);
		struct error err = { 0 };
		OWNED_FD fd = file_unnamed(&err);

		assert_true(write_all(fd, bytes, SIZE));
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		assert_int_equal(file_read(fd, &b, &err), rows[i].ok);
		assert_int_equal(err.kind, rows[i].ok ? ERROR_NONE : ERROR_DATA);
		if (rows[i].ok)
			assert_memory_equal(buf_text(&b), bytes, SIZE);
	}
	free(bytes);
}

static void test_read(void **state)
{
	OWNED_FD directory = open(scratch_directory(), O_RDONLY | O_CLOEXEC);
	OWNED_FD nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	OWNED_BUF b = BUF_INIT(10);
	struct error err = { 0 };

	(void)state;
	buf_add(&b, "before");
	assert_true(file_read(nothing, &b, &err));
	assert_string_equal(buf_text(&b), "before");
	assert_false(file_read(directory, &b, &err));
	assert_int_equal(err.kind, ERROR_IO);
	assert_false(file_read(-1, &b, &err));
	assert_int_equal(err.kind, ERROR_IO);
	assert_string_equal(buf_text(&b), "before");
}

/* A new private directory in the scratch directory, opened. */
static int make_place(const char *name)
{
	struct error err;
	int fd = directory_private(scratch(name), &err);

	if (fd < 0)
		fail_msg("%s", err.text);
	return fd;
}

/* rmdir(2) says what else is in it: a temporary file, for one. */
static void remove_place(const char *name, const char *file)
{
	unlink(scratch(file));
	assert_int_equal(rmdir(scratch(name)), 0);
}

static void test_replace(void **state)
{
	OWNED_FD dir = make_place("r");
	mode_t old = umask(0);
	struct error err = { 0 };

	(void)state;
	assert_true(file_replace(dir, "f", "one", 3, &err));
	umask(old);
	assert_content(scratch("r/f"), "one");
	assert_mode(scratch("r/f"), S_IFREG | 0600);
	assert_int_equal(chmod(scratch("r/f"), 0644), 0);
	assert_true(file_replace(dir, "f", "", 0, &err));
	assert_content(scratch("r/f"), "");
	assert_mode(scratch("r/f"), S_IFREG | 0600);
	remove_place("r", "r/f");
}

/* A link in its place is replaced; what it names is left alone. */
static void test_replace_link(void **state)
{
	OWNED_FD dir = make_place("r");
	struct error err = { 0 };

	(void)state;
	write_file(scratch("other"), "mine", 0644);
	assert_int_equal(symlink(scratch("other"), scratch("r/f")), 0);
	assert_true(file_replace(dir, "f", "new", 3, &err));
	assert_mode(scratch("r/f"), S_IFREG | 0600);
	assert_content(scratch("r/f"), "new");
	assert_content(scratch("other"), "mine");
	remove_place("r", "r/f");
}

/* Nor is a link followed that waits where the temporary file is to be. */
static void test_replace_trap(void **state)
{
	OWNED_FD dir = make_place("r");
	struct error err = { 0 };
	char trap[100];

	(void)state;
	snprintf(trap, sizeof(trap), "r/.f.%ld", (long)getpid());
	write_file(scratch("other"), "mine", 0644);
	assert_int_equal(symlink(scratch("other"), scratch(trap)), 0);
	if (file_replace(dir, "f", "new", 3, &err))
		assert_content(scratch("r/f"), "new");
	else
		assert_int_equal(err.kind, ERROR_CREATE);
	assert_content(scratch("other"), "mine");
	unlink(scratch(trap));
	remove_place("r", "r/f");
}

/* What cannot be written or renamed leaves the old file, and nothing else. */
static void test_replace_fails(void **state)
{
	OWNED_FD dir = make_place("r");
	struct rlimit old, tiny = { 4, RLIM_INFINITY };
	struct error err = { 0 };
	char name[300];
	bool ok;

	(void)state;
	assert_true(file_replace(dir, "f", "old", 3, &err));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tiny.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &tiny);
	ok = file_replace(dir, "f", "longer", 6, &err);
	setrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_DFL);
	assert_false(ok);
	assert_int_equal(err.kind, ERROR_IO);
	assert_content(scratch("r/f"), "old");

	assert_int_equal(mkdir(scratch("r/d"), 0700), 0);
	assert_false(file_replace(dir, "d", "new", 3, &err));
	assert_int_equal(err.kind, ERROR_IO);
	assert_int_equal(rmdir(scratch("r/d")), 0);

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_false(file_replace(dir, name, "new", 3, &err));
	assert_int_equal(err.kind, ERROR_CREATE);
	name[254] = '\0';	/* alone it would do */
	assert_false(file_replace(dir, name, "new", 3, &err));
	assert_int_equal(err.kind, ERROR_CREATE);

	assert_false(file_replace(-1, "f", "new", 3, &err));
	assert_int_equal(err.kind, ERROR_CREATE);
	remove_place("r", "r/f");
}

static void test_directory(void **state)
{
	mode_t old = umask(0);
	struct error err = { 0 };
	int fd, again;

	(void)state;
	fd = directory_private(scratch("a/b"), &err);
	umask(old);
	assert_true(fd >= 0);
	assert_mode(scratch("a"), S_IFDIR | 0700);
	assert_mode(scratch("a/b"), S_IFDIR | 0700);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_true(file_replace(fd, "f", "x", 1, &err));
	again = directory_private(scratch("a/b"), &err);
	assert_true(again >= 0);
	assert_int_equal(faccessat(again, "f", F_OK, 0), 0);
	close(again);
	close(fd);
	/* Three missing parents are made, not four. */
	assert_int_equal(directory_private(scratch("p/q/r/s/t"), &err), -1);
	assert_int_equal(err.kind, ERROR_CREATE);
	assert_int_equal(access(scratch("p"), F_OK), -1);
	fd = directory_private(scratch("p/q/r/s"), &err);
	assert_true(fd >= 0);
	close(fd);
}

static void test_directory_modes(void **state)
{
	const struct {
		mode_t mode;
		bool ok;
	} rows[] = {
		{ 0700, true }, { 01700, true }, { 0500, true }, { 0755, false },
		{ 0750, false }, { 0770, false }, { 0710, false }, { 0701, false },
		{ 0702, false }, { 0704, false }, { 0777, false }, { 01777, false },
	};

	(void)state;
	assert_int_equal(mkdir(scratch("m"), 0700), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct error err = { 0 };
		OWNED_FD fd = -1;

		assert_int_equal(chmod(scratch("m"), rows[i].mode), 0);
		fd = directory_private(scratch("m"), &err);
		if ((fd >= 0) != rows[i].ok)
			fail_msg("mode %04o: %d", (unsigned)rows[i].mode, fd);
		assert_int_equal(err.kind, rows[i].ok ? ERROR_NONE : ERROR_CREATE);
		assert_true(rows[i].ok || strstr(err.text, scratch("m")));
	}
}

/* A link, a file, another's: whoever put it there is not to be trusted. */
static void test_directory_traps(void **state)
{
	struct error err;

	(void)state;
	close(make_place("mine"));
	assert_int_equal(symlink(scratch("mine"), scratch("link")), 0);
	assert_int_equal(directory_private(scratch("link"), &err), -1);
	assert_int_equal(err.kind, ERROR_CREATE);
	assert_int_equal(symlink(scratch("absent"), scratch("dangling")), 0);
	assert_int_equal(directory_private(scratch("dangling"), &err), -1);
	assert_int_equal(err.kind, ERROR_CREATE);
	assert_int_equal(access(scratch("absent"), F_OK), -1);
	write_file(scratch("file"), "", 0600);
	assert_int_equal(directory_private(scratch("file"), &err), -1);
	assert_int_equal(err.kind, ERROR_CREATE);
	assert_int_equal(directory_private(scratch("file/below"), &err), -1);
	assert_int_equal(err.kind, ERROR_CREATE);
	assert_int_equal(directory_private("", &err), -1);
	/* root can give a private directory away; others find / to be another's. */
	if (geteuid() == 0) {
		assert_int_equal(chown(scratch("mine"), SOME_USER, SOME_USER), 0);
		assert_int_equal(directory_private(scratch("mine"), &err), -1);
	} else {
		assert_int_equal(directory_private("/", &err), -1);
	}
	assert_int_equal(err.kind, ERROR_CREATE);
}

/* A file without a name still has a place. */
static void assert_in(int fd, const char *directory)
{
	char link[40], path[200] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	assert_true(readlink(link, path, sizeof(path) - 1) > 0);
	if (strncmp(path, directory, strlen(directory)) != 0)
		fail_msg("%s is not in %s", path, directory);
}

static void test_unnamed(void **state)
{
	const char *places[] = { scratch("t"), "/nowhere/at/all", "relative", "", NULL };
	OWNED_TEXT old_place = text_copy(getenv("TMPDIR") ? getenv("TMPDIR") : "");
	mode_t old = umask(0);

	(void)state;
	close(make_place("t"));
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		struct error err = { 0 };
		OWNED_FD fd = -1;
		struct stat st;
		char text[4] = "";

		if (places[i])
			setenv("TMPDIR", places[i], 1);
		else
			unsetenv("TMPDIR");
		fd = file_unnamed(&err);
		assert_true(fd >= 0);
		assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_mode, S_IFREG | 0600);
		assert_int_equal(st.st_nlink, 0);
		if (i == 0)
			assert_in(fd, places[i]);
		assert_true(write_all(fd, "abc", 3));
		assert_int_equal(pread(fd, text, 3, 0), 3);
		assert_string_equal(text, "abc");
	}
	umask(old);
	setenv("TMPDIR", old_place, 1);
	if (!*old_place)
		unsetenv("TMPDIR");
	assert_int_equal(rmdir(scratch("t")), 0);
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
		cmocka_unit_test(test_interruptions),
		cmocka_unit_test(test_patience),
		cmocka_unit_test(test_write_fails),
		cmocka_unit_test(test_read_limit),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_replace_link),
		cmocka_unit_test(test_replace_trap),
		cmocka_unit_test(test_replace_fails),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_directory_modes),
		cmocka_unit_test(test_directory_traps),
		cmocka_unit_test(test_unnamed),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, remove_scratch);
}
