/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose a TCP connection of this machine is, with real ones. */
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/visitor.h"

enum { SOMEBODY = 4321, NOT_ALLOWED = 77 };

struct connection {
	int listener, theirs, ours;
};

static struct ip_address address_of(const char *text)
{
	struct ip_address address;

	assert_true(ip_address_parse(text, &address));
	return address;
}

/* From a socket of that kind; false: this machine has no such address. */
static bool connect_to(struct connection *c, struct ip_address at, const struct ip_address *call)
{
	struct ip_address to = call ? *call : at;

	c->listener = socket(at.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(c->listener, &at.socket.any, at.len) < 0) {
		close(c->listener);
		return false;
	}
	assert_int_equal(listen(c->listener, 1), 0);
	assert_int_equal(getsockname(c->listener, &at.socket.any, &at.len), 0);
	to.socket.v4.sin_port = at.socket.v4.sin_port;
	c->theirs = socket(to.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(c->theirs, &to.socket.any, to.len), 0);
	c->ours = accept(c->listener, NULL, NULL);
	assert_true(c->ours >= 0);
	return true;
}

static void disconnect(const struct connection *c)
{
	close(c->ours);
	close(c->theirs);
	close(c->listener);
}

static struct connection connected(const char *at)
{
	struct connection c;

	assert_true(connect_to(&c, address_of(at), NULL));
	return c;
}

static struct visitor visitor_at(struct visitor_register *r, int fd)
{
	struct visitor v;
	struct error err;

	assert_true(visitor_learn(fd, &v, &err));
	assert_false(v.is_here || v.has_owner);
	visitor_find_owner(r, fd, &v);
	return v;
}

static void assert_owned(struct visitor_register *r, int fd, uid_t uid)
{
	struct visitor v = visitor_at(r, fd);

	assert_true(v.is_here);
	assert_true(v.has_owner);
	assert_int_equal(v.owner, uid);
}

static void assert_not_known(struct visitor_register *r, int fd)
{
	struct visitor v = visitor_at(r, fd);

	assert_true(v.is_here);
	assert_false(v.has_owner);
}

static void test_kinds_of_address(void **state)
{
	static const struct { const char *at, *call; } cases[] = {
		{ "127.0.0.1", "127.0.0.1" }, { "127.0.0.1", "::ffff:127.0.0.1" },
		{ "127.1.2.3", "127.1.2.3" }, { "::1", "::1" }, { "::", "::1" },
		{ "::", "127.0.0.1" }, { "::", "::ffff:127.0.0.1" }, { "0.0.0.0", "127.0.0.1" },
		{ "::ffff:127.0.0.1", "127.0.0.1" },
	};
	struct visitor_register r = { 0 };

	(void)state;
	visitor_register_open(&r);
	assert_true(r.is_open);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ip_address call = address_of(cases[i].call);
		struct connection c;

		assert_true(connect_to(&c, address_of(cases[i].at), &call));
		assert_owned(&r, c.ours, geteuid());
		disconnect(&c);
	}
	visitor_register_close(&r);
	assert_false(r.is_open);
}

/* Whatever it has: from none of them it is another machine that calls. */
static void test_own_addresses(void **state)
{
	struct visitor_register r = { 0 };
	struct ifaddrs *all;

	(void)state;
	visitor_register_open(&r);
	assert_int_equal(getifaddrs(&all), 0);
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct ip_address at = { .len = sizeof(at.socket.v4) };
		struct connection c;

		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET &&
				     i->ifa_addr->sa_family != AF_INET6))
			continue;
		if (i->ifa_addr->sa_family == AF_INET6)
			at.len = sizeof(at.socket.v6);
		memcpy(&at.socket, i->ifa_addr, at.len);
		if (!connect_to(&c, at, NULL))
			continue;
		assert_owned(&r, c.ours, geteuid());
		disconnect(&c);
	}
	freeifaddrs(all);
	visitor_register_close(&r);
}

static int state_of(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_state;
}

static void test_states(void **state)
{
	struct visitor_register r = { 0 };
	struct connection c = connected("127.0.0.1");

	(void)state;
	visitor_register_open(&r);
	/* It has been told that we say no more. */
	shutdown(c.ours, SHUT_WR);
	assert_int_equal(state_of(c.theirs), TCP_CLOSE_WAIT);
	assert_owned(&r, c.ours, geteuid());
	disconnect(&c);

	c = connected("127.0.0.1");
	shutdown(c.theirs, SHUT_WR);
	assert_int_equal(state_of(c.ours), TCP_CLOSE_WAIT);
	assert_not_known(&r, c.ours);
	disconnect(&c);
	assert_true(r.is_open);
	visitor_register_close(&r);
}

/* The kernel says that they are root's, whoever had them. */
static void test_orphans(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };
	struct visitor_register r = { 0 };

	(void)state;
	visitor_register_open(&r);
	for (size_t i = 0; i < COUNT_OF(addresses); i++) {
		struct connection c = connected(addresses[i]);

		assert_int_equal(send(c.theirs, "EHLO me\r\n", 9, 0), 9);
		close(c.theirs);
		assert_not_known(&r, c.ours);
		c.theirs = dup(c.listener);
		disconnect(&c);
	}
	assert_true(r.is_open);
	visitor_register_close(&r);
}

/* Whoever breaks off does not make the register doubtful. */
static void test_reset(void **state)
{
	const struct linger at_once = { .l_onoff = 1 };
	struct visitor_register r = { 0 };
	struct connection c = connected("127.0.0.1");
	struct visitor v;
	struct error err;

	(void)state;
	visitor_register_open(&r);
	assert_true(visitor_learn(c.ours, &v, &err));
	setsockopt(c.theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(c.theirs);
	visitor_find_owner(&r, c.ours, &v);
	assert_false(v.has_owner);
	assert_true(r.is_open);
	c.theirs = dup(c.listener);
	disconnect(&c);
	visitor_register_close(&r);
}

/* What was not read is not taken for the answer to another question. */
static void test_stale_answers(void **state)
{
	struct {
		struct nlmsghdr head;
		struct sock_diag_req body;
	} nonsense = { .head = { .nlmsg_len = sizeof(nonsense), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
				 .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 7 } };
	struct visitor_register r = { 0 };
	struct connection c = connected("127.0.0.1");

	(void)state;
	visitor_register_open(&r);
	for (int i = 0; i < 5; i++)
		assert_true(send(r.fd, &nonsense, sizeof(nonsense), 0) > 0);
	assert_owned(&r, c.ours, geteuid());
	assert_owned(&r, c.ours, geteuid());
	disconnect(&c);
	visitor_register_close(&r);
}

static void test_closed(void **state)
{
	struct visitor_register r = { 0 };
	struct connection c = connected("127.0.0.1");

	(void)state;
	assert_not_known(&r, c.ours);
	visitor_register_close(&r);
	disconnect(&c);
}

/* It is whoever has made the socket that counts; only root can be another. */
static void test_users(void **state)
{
	struct visitor_register r = { 0 };
	uid_t uid = geteuid() ? geteuid() : SOMEBODY;
	struct visitor one, other;
	struct connection c, d;

	(void)state;
	visitor_register_open(&r);
	c = connected("127.0.0.1");
	assert_int_equal(seteuid(uid), 0);
	d = connected("127.0.0.1");
	assert_int_equal(seteuid(getuid()), 0);
	one = visitor_at(&r, c.ours);
	other = visitor_at(&r, d.ours);
	assert_true(one.has_owner && other.has_owner);
	assert_int_equal(one.owner, getuid());
	assert_int_equal(other.owner, uid);
	assert_true(visitor_is_same(&one, &one));
	assert_int_equal(visitor_is_same(&one, &other), uid == getuid());
	/* Nobody's now, and not root's. */
	assert_int_equal(send(d.theirs, "EHLO me\r\n", 9, 0), 9);
	close(d.theirs);
	assert_not_known(&r, d.ours);
	d.theirs = dup(d.listener);
	disconnect(&c);
	disconnect(&d);
	visitor_register_close(&r);
}

/* --- where the kernel knows less */

static int in_namespace(int kind, bool (*look)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(kind) < 0 ? NOT_ALLOWED : !look());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int inherited;

static bool is_seen_no_more(void)
{
	struct visitor_register r = { 0 };
	struct visitor v;
	struct error err;

	visitor_register_open(&r);
	if (!r.is_open || !visitor_learn(inherited, &v, &err))
		return false;
	visitor_find_owner(&r, inherited, &v);
	return v.is_here && !v.has_owner && !r.is_open;
}

static bool is_nobodys(void)
{
	struct visitor_register r = { 0 };
	struct visitor v;
	struct error err;

	visitor_register_open(&r);
	if (!r.is_open || !visitor_learn(inherited, &v, &err))
		return false;
	visitor_find_owner(&r, inherited, &v);
	return v.is_here && !v.has_owner && r.is_open;
}

static void test_namespaces(void **state)
{
	struct connection c = connected("127.0.0.1");
	int network, user;

	(void)state;
	inherited = c.ours;
	network = in_namespace(CLONE_NEWUSER | CLONE_NEWNET, is_seen_no_more);
	user = in_namespace(CLONE_NEWUSER, is_nobodys);
	disconnect(&c);
	if (network == NOT_ALLOWED || user == NOT_ALLOWED)
		skip();
	assert_int_equal(network, 0);
	assert_int_equal(user, 0);
}

/* --- one and another */

static void test_same(void **state)
{
	static const struct {
		const char *one, *other;
		bool is_here, has_owner;
		uid_t owner, others;
		bool are_same;
	} cases[] = {
		{ "127.0.0.1", "127.0.0.1", true, true, 7, 7, true },
		{ "127.0.0.1", "::ffff:127.0.0.1", true, true, 7, 7, true },
		{ "127.0.0.1", "127.0.0.1", true, true, 7, 8, false },
		{ "127.0.0.1", "127.0.0.2", true, true, 7, 7, false },
		{ "127.0.0.1", "127.0.0.1", true, false, 0, 0, false },
		{ "127.0.0.1", "127.0.0.1", false, false, 0, 0, false },
		{ "::1", "::1", true, false, 0, 0, false },
		{ "192.0.2.1", "192.0.2.1", true, true, 7, 8, false },
		{ "192.0.2.1", "192.0.2.1", true, true, 7, 7, true },
		{ "192.0.2.1", "192.0.2.1", true, false, 0, 0, false },
		{ "192.0.2.1", "192.0.2.1", false, false, 0, 0, true },
		{ "192.0.2.1", "192.0.2.2", false, false, 0, 0, false },
		{ "2001:db8::1", "2001:db8::1", false, false, 0, 0, true },
		{ "2001:db8::1", "2001:db8::2", false, false, 0, 0, false },
	};
	struct visitor user = { .is_local = true, .uid = 7 }, another = user;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct visitor one = { .is_here = cases[i].is_here, .owner = cases[i].owner,
				       .has_owner = cases[i].has_owner };
		struct visitor other = one;

		one.address = address_of(cases[i].one);
		other.address = address_of(cases[i].other);
		other.owner = cases[i].others;
		if (visitor_is_same(&one, &other) != cases[i].are_same)
			fail_msg("case %zu: %s and %s", i, cases[i].one, cases[i].other);
		assert_false(visitor_is_same(&one, &user));
	}
	assert_true(visitor_is_same(&user, &another));
	another.uid = 8;
	assert_false(visitor_is_same(&user, &another));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_of_address),
		cmocka_unit_test(test_own_addresses),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_stale_answers),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests_name("visitor", tests, NULL, NULL);
}
