/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets that listen, who connects to them, and networks, with real sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/listen.h"
#include "net/networks.h"
#include "net/visitor.h"

/* --- networks */

static struct ip_address address_of(const char *text)
{
	struct ip_address address;

	assert_true(ip_address_parse(text, &address));
	return address;
}

static void test_networks(void **state)
{
	static const struct { const char *networks, *address; bool is_in; } cases[] = {
		{ "127.0.0.0/8", "127.1.2.3", true },
		{ "127.0.0.0/8", "128.0.0.1", false },
		{ "127.0.0.0/8", "::ffff:127.0.0.1", true },
		{ "127.0.0.0/8", "::1", false },
		{ "10.0.0.0/8, 192.168.1.128/25", "192.168.1.200", true },
		{ "10.0.0.0/8, 192.168.1.128/25", "192.168.1.127", false },
		{ "10.1.2.3", "10.1.2.3", true },
		{ "10.1.2.3", "10.1.2.4", false },
		{ "0.0.0.0/0", "8.8.8.8", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "[::1]/128", "::1", true },
		{ "::ffff:10.0.0.0/104", "10.9.9.9", true },
		{ "", "127.0.0.1", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ip_address address = address_of(cases[i].address);
		struct networks networks;
		struct error err;

		assert_true(networks_parse(cases[i].networks, &networks, &err));
		if (networks_contain(&networks, &address) != cases[i].is_in)
			fail_msg("%s in %s", cases[i].address, cases[i].networks);
	}
}

static void test_no_networks(void **state)
{
	static const char *const wrong[] = {
		"localhost", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.1/8", "::1/64",
		"10.0.0.0/8/8", "300.0.0.0/8", "fe80::/129",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct networks networks;
		struct error err;

		if (networks_parse(wrong[i], &networks, &err))
			fail_msg("%s", wrong[i]);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_non_null(strstr(err.text, wrong[i]));
	}
}

static void test_loopback(void **state)
{
	static const struct { const char *address; bool is_loopback; } cases[] = {
		{ "127.0.0.1", true }, { "127.255.0.1", true }, { "::1", true },
		{ "::ffff:127.0.0.1", true }, { "0.0.0.0", false }, { "::", false },
		{ "10.0.0.1", false }, { "::2", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ip_address address = address_of(cases[i].address);

		assert_int_equal(ip_address_is_loopback(&address), cases[i].is_loopback);
	}
}

/* --- TCP */

static void test_parse(void **state)
{
	static const char *const wrong[] = {
		"127.0.0.1", "25", ":25", "localhost:25", "127.0.0.1:0", "127.0.0.1:65536",
		"::1:25", "[::1]", "[127.0.0.1:25", "127.0.0.1:25x", "[::1]:25 x",
	};
	struct addresses found;
	struct error err;

	(void)state;
	assert_true(listen_parse(" 127.0.0.1:25, [::1]:2525\t0.0.0.0:587 ", &found, &err));
	assert_int_equal(found.count, 3);
	assert_int_equal(found.list[0].socket.v4.sin_port, htons(25));
	assert_int_equal(found.list[1].socket.v6.sin6_port, htons(2525));
	assert_true(listen_parse("", &found, &err));
	assert_int_equal(found.count, 0);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		if (listen_parse(wrong[i], &found, &err))
			fail_msg("%s", wrong[i]);
		assert_int_equal(err.kind, ERROR_CONFIG);
	}
}

static struct ip_address bound_to(int fd)
{
	struct ip_address address = { .len = sizeof(address.socket) };

	assert_int_equal(getsockname(fd, &address.socket.any, &address.len), 0);
	return address;
}

static int call(const struct ip_address *address)
{
	int fd = socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, &address->socket.any, address->len), 0);
	return fd;
}

static void test_network(void **state)
{
	struct listeners l = { .count = 0 };
	struct ip_address any_port = address_of("127.0.0.1"), bound;
	struct ip_address elsewhere = address_of("192.0.2.1");
	struct visitor visitor;
	struct error err;
	int ours, theirs;

	(void)state;
	assert_true(listen_network(&l, &any_port, false, &err));
	assert_int_equal(l.count, 1);
	bound = bound_to(l.list[0].fd);
	theirs = call(&bound);
	ours = accept(l.list[0].fd, NULL, NULL);
	assert_true(visitor_learn(ours, &visitor, &err));
	assert_false(visitor.is_local);
	assert_true(ip_address_is_loopback(&visitor.address));

	assert_false(listen_network(&l, &bound, false, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "cannot listen at 127.0.0.1:"));
	assert_non_null(strstr(err.advice, "another program listens there"));
	assert_int_equal(l.count, 1);
	assert_false(listen_network(&l, &elsewhere, false, &err));
	assert_non_null(strstr(err.advice, "does not have that address"));
	close(ours);
	close(theirs);
	listeners_close(&l);
	/* With the connection hardly gone its port can be had again. */
	assert_true(listen_network(&l, &bound, false, &err));
	listeners_close(&l);
}

static void test_all_beside_one(void **state)
{
	struct listeners l = { .count = 0 };
	struct ip_address any_port = address_of("127.0.0.1"), all = address_of("0.0.0.0"), one;
	struct error err;

	(void)state;
	assert_true(listen_network(&l, &any_port, false, &err));
	one = bound_to(l.list[0].fd);
	all.socket.v4.sin_port = one.socket.v4.sin_port;
	listeners_close(&l);
	assert_true(listen_network(&l, &one, false, &err));
	assert_ptr_equal(listen_find(&l, &one), &l.list[0]);
	assert_null(listen_find(&l, &all));
	assert_false(listen_network(&l, &all, true, &err));
	listeners_share(&l, true);
	assert_false(listen_network(&l, &all, false, &err));
	assert_true(listen_network(&l, &all, true, &err));
	assert_int_equal(l.count, 2);
	/* What is open is not for others: they have to know of it. */
	listeners_share(&l, false);
	assert_false(listen_network(&l, &all, false, &err));
	assert_false(listen_network(&l, &one, false, &err));
	listeners_close(&l);
}

/* --- unix sockets */

static char directory[64], path[128];

static int set_up(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/listen.XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/made/socket", directory);
	return 0;
}

static int tear_down(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command), "%s/made", directory);
	(void)unlink(path);
	(void)rmdir(command);
	return rmdir(directory);
}

static int call_local(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void test_local(void **state)
{
	struct listeners l = { .count = 0 };
	struct visitor visitor;
	struct error err;
	struct stat st;
	int ours, theirs;

	(void)state;
	assert_true(listen_local(&l, path, 0666, &err));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	theirs = call_local();
	assert_true(theirs >= 0);
	ours = accept(l.list[0].fd, NULL, NULL);
	assert_true(visitor_learn(ours, &visitor, &err));
	assert_true(visitor.is_local);
	assert_int_equal(visitor.uid, getuid());
	assert_int_equal(visitor.gid, getgid());
	assert_int_equal(visitor.pid, getpid());
	close(ours);
	close(theirs);
	listeners_close(&l);
	assert_int_equal(stat(path, &st), -1);
}

/* Who died has left a path that nobody answers at; who lives keeps his. */
static void test_stale(void **state)
{
	struct listeners first = { .count = 0 }, second = { .count = 0 };
	struct error err;
	struct stat st;
	int fd;

	(void)state;
	assert_true(listen_local(&first, path, 0600, &err));
	assert_false(listen_local(&second, path, 0600, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "somebody does already"));
	close(first.list[0].fd);
	assert_true(listen_local(&second, path, 0600, &err));
	fd = call_local();
	assert_true(fd >= 0);
	close(fd);
	/* The first one's end is not the second one's. */
	first.list[0].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	listeners_close(&first);
	assert_int_equal(stat(path, &st), 0);
	listeners_close(&second);
}

static void test_other_things(void **state)
{
	struct listeners l = { .count = 0 };
	struct error err;
	char longest[200];
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_false(listen_local(&l, path, 0600, &err));
	assert_non_null(strstr(err.text, "something else has that name"));
	unlink(path);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_false(listen_local(&l, longest, 0600, &err));
	assert_non_null(strstr(err.text, "the path of a socket has"));
	assert_false(listen_local(&l, "/nowhere/at/all", 0600, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(l.count, 0);
}

/* --- systemd */

/* In a process of its own: descriptors from 3 on, as systemd hands them over. */
static void inherit(const char *names, bool is_ours, const char *words)
{
	struct listeners l = { .count = 0 }, made = { .count = 0 };
	struct ip_address any_port = address_of("127.0.0.1");
	struct error err = { 0 };
	char number[16];
	bool ok;

	if (!listen_local(&made, path, 0600, &err) || !listen_network(&made, &any_port, false, &err))
		_exit(1);
	/* Out of the way first, where they are 3 or 4 already. */
	made.list[0].fd = fcntl(made.list[0].fd, F_DUPFD, 20);
	made.list[1].fd = fcntl(made.list[1].fd, F_DUPFD, 20);
	dup2(made.list[0].fd, 3);
	dup2(made.list[1].fd, 4);
	snprintf(number, sizeof(number), "%ld", (long)getpid() + !is_ours);
	setenv("LISTEN_PID", number, 1);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", names, 1);
	ok = listen_inherit(&l, &err);
	if (getenv("LISTEN_PID") || getenv("LISTEN_FDS") || getenv("LISTEN_FDNAMES"))
		_exit(2);
	if (words)
		_exit(ok || !strstr(err.text, words) ? 3 : 0);
	if (!ok || l.count != (is_ours ? 2 : 0))
		_exit(4);
	if (is_ours && (!l.list[0].is_local || l.list[1].is_local || !l.list[0].is_inherited ||
			!(fcntl(4, F_GETFD) & FD_CLOEXEC) || !(fcntl(3, F_GETFL) & O_NONBLOCK)))
		_exit(5);
	/* What the manager keeps is not removed. */
	listeners_close(&l);
	_exit(access(path, F_OK) == 0 ? 0 : 6);
}

static void test_inherit(void **state)
{
	static const struct { const char *names; bool is_ours; const char *words; } cases[] = {
		{ "socket:listen", true, NULL },
		{ "acsmtp.socket:other", true, NULL },
		{ "", true, NULL },
		{ "socket:listen", false, NULL },
		{ "listen:socket", true, "is the other kind of socket" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			inherit(cases[i].names, cases[i].is_ours, cases[i].words);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("%s: status %d", cases[i].names, WEXITSTATUS(status));
	}
}

/* In a user namespace with one user in it everybody else is nobody. */
static void know_nobody(void)
{
	int map;

	if (unshare(CLONE_NEWUSER) < 0)
		_exit(77);
	map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (map < 0 || write(map, "0 0 1", 5) != 5)
		_exit(77);
	_exit(visitors_are_known());
}

static void test_visitors(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		know_nobody();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_no_networks),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_all_beside_one),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_other_things),
		cmocka_unit_test(test_inherit),
		cmocka_unit_test(test_visitors),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
