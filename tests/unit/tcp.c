/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names to addresses, and addresses to one connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/net.h"
#include "net/tcp.h"

enum {
	QUEUE = 6,		/* of a listener */
	FILLERS = 12,		/* more than fit into it */
	LATE = 600		/* ms that a busy machine may take for nothing */
};

/* ---- the name system, as the tests want it ---------------------------------- */

static struct {
	int result;
	int reason;			/* errno */
	unsigned int takes;		/* ms */
	const char *addresses[ADDRESSES_MAX + 4];
} answer;

static struct addrinfo *one(const char *text, struct addrinfo *next)
{
	struct addrinfo *info = xcalloc(1, sizeof(*info));
	struct ip_address *address = xcalloc(1, sizeof(*address));

	assert_true(ip_address_parse(text, address));
	info->ai_family = address->socket.any.sa_family;
	info->ai_addr = &address->socket.any;
	info->ai_addrlen = address->len;
	info->ai_next = next;
	return info;
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		struct addrinfo **list)
{
	size_t count = 0;

	(void)host;
	(void)port;
	(void)hints;
	usleep(answer.takes * 1000);
	errno = answer.reason;
	*list = NULL;
	while (answer.addresses[count])
		count++;
	while (count > 0)
		*list = one(answer.addresses[--count], *list);
	return answer.result;
}

void freeaddrinfo(struct addrinfo *list)
{
	while (list) {
		struct addrinfo *next = list->ai_next;

		free(list->ai_addr);
		free(list);
		list = next;
	}
}

static void test_known_names(void **state)
{
	static const struct { const char *host, *first; size_t count; } cases[] = {
		{ "192.0.2.1", "192.0.2.1", 1 },
		{ "2001:db8::1", "2001:db8::1", 1 },
		{ "[2001:db8::1]", "2001:db8::1", 1 },
		{ "localhost", "127.0.0.1", 2 },
		{ "LocalHost", "127.0.0.1", 2 },
		{ "mail.localhost", "127.0.0.1", 2 },
	};

	(void)state;
	memset(&answer, 0, sizeof(answer));
	answer.result = EAI_FAIL;	/* nobody is asked */
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[ADDRESS_TEXT_SIZE];
		struct addresses found;
		struct error err;

		assert_true(resolve(cases[i].host, 587, clock_after(5), &found, &err));
		assert_int_equal(found.count, cases[i].count);
		ip_address_text(&found.list[0], text);
		assert_string_equal(text, cases[i].first);
		assert_int_equal(ntohs(found.list[0].socket.v4.sin_port), 587);
	}
}

static void test_asked_names(void **state)
{
	static const struct {
		int result, reason;
		enum error_kind kind;
		const char *says;
	} no[] = {
		{ EAI_NONAME, 0, ERROR_NO_HOST, "there is no host named mail.example" },
		{ EAI_NODATA, 0, ERROR_NO_HOST, "mail.example has no address" },
		{ 0, 0, ERROR_NO_HOST, "mail.example has no address" },
		{ EAI_AGAIN, 0, ERROR_NETWORK, "no name server answers" },
		{ EAI_FAIL, 0, ERROR_NETWORK, "cannot look up mail.example" },
		{ EAI_SYSTEM, EMFILE, ERROR_NETWORK, "Too many open files" },
	};
	struct addresses found;
	struct error err;
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(no); i++) {
		memset(&answer, 0, sizeof(answer));
		answer.result = no[i].result;
		answer.reason = no[i].reason;
		assert_false(resolve("mail.example", 25, clock_after(5), &found, &err));
		assert_int_equal(err.kind, no[i].kind);
		assert_non_null(strstr(err.text, no[i].says));
	}
	memset(&answer, 0, sizeof(answer));
	for (size_t i = 0; i < ADDRESSES_MAX + 3; i++)
		answer.addresses[i] = i % 2 ? "192.0.2.9" : "2001:db8::9";
	assert_true(resolve("mail.example", 25, clock_after(5), &found, &err));
	assert_int_equal(found.count, ADDRESSES_MAX);
	ip_address_text(&found.list[0], text);
	assert_string_equal(text, "2001:db8::9");
	assert_int_equal(ntohs(found.list[0].socket.v6.sin6_port), 25);
}

static void test_slow_names(void **state)
{
	int64_t start = clock_ms();
	struct addresses found;
	struct error err;

	(void)state;
	memset(&answer, 0, sizeof(answer));
	answer.takes = 600;
	answer.addresses[0] = "192.0.2.9";
	assert_false(resolve("mail.example", 25, start + 100, &found, &err));
	assert_in_range(clock_ms() - start, 90, 400);
	assert_int_equal(err.kind, ERROR_NETWORK);
	/* The thread that was left behind comes to its end undisturbed. */
	usleep(700 * 1000);
	answer.takes = 50;
	assert_true(resolve("mail.example", 25, clock_after(5), &found, &err));
}

/* ---- sockets ------------------------------------------------------------------ */

static struct ip_address at(const char *text, in_port_t port)
{
	struct ip_address address;

	assert_true(ip_address_parse(text, &address));
	address.socket.v4.sin_port = port;
	return address;
}

/* Listens there; *port is in network order, 0: any, and filled. */
static int listen_at(const char *text, in_port_t *port)
{
	struct ip_address address = at(text, *port);
	int fd = socket(address.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_return_code(bind(fd, &address.socket.any, address.len), errno);
	assert_return_code(listen(fd, QUEUE), errno);
	assert_return_code(getsockname(fd, &address.socket.any, &address.len), errno);
	*port = address.socket.v4.sin_port;
	return fd;
}

/* Fills the queue of a listener that never accepts, until it answers nobody. */
static void make_hole(const char *text, in_port_t port, int fillers[FILLERS])
{
	struct ip_address address = at(text, port);

	for (size_t i = 0; i < FILLERS; i++) {
		fillers[i] =
			socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fillers[i], &address.socket.any, address.len);
	}
	usleep(20 * 1000);
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

/* Connects to all of these on the port; the winner's address, or "" and the error. */
static const char *race(const char *const *texts, in_port_t port, int64_t milliseconds,
			struct error *err)
{
	static char text[ADDRESS_TEXT_SIZE];
	struct addresses addresses = { .count = 0 };
	const struct ip_address *winner;
	int on = 0, fd;
	socklen_t len = sizeof(on);

	for (; *texts; texts++)
		addresses.list[addresses.count++] = at(*texts, port);
	fd = tcp_connect(&addresses, clock_ms() + milliseconds, &winner, err);
	if (fd < 0)
		return "";
	assert_return_code(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), errno);
	assert_true(on);
	close(fd);
	ip_address_text(winner, text);
	return text;
}

static void test_first_that_answers(void **state)
{
	static const char *const both[] = { "127.0.0.2", "127.0.0.3", NULL };
	in_port_t port = 0;
	int64_t start = clock_ms();
	struct error err;
	int listener = listen_at("127.0.0.3", &port);

	(void)state;
	assert_string_equal(race(both, port, 5000, &err), "127.0.0.3");
	/* Who refuses makes room for the next at once. */
	assert_in_range(clock_ms() - start, 0, LATE);
	close(listener);
}

static void test_who_does_not_answer(void **state)
{
	static const char *const both[] = { "127.0.0.2", "127.0.0.3", NULL };
	static const char *const many[] = { "127.0.0.2", "127.0.0.4", "127.0.0.5",
					    "127.0.0.6", "127.0.0.3", NULL };
	static const char *const hole[] = { "127.0.0.2", NULL };
	in_port_t port = 0;
	int fillers[FILLERS];
	int listeners[2] = { listen_at("127.0.0.2", &port),
			     listen_at("127.0.0.3", &port) };
	int64_t start;
	struct error err;

	(void)state;
	make_hole("127.0.0.2", port, fillers);
	start = clock_ms();
	assert_string_equal(race(both, port, 5000, &err), "127.0.0.3");
	assert_in_range(clock_ms() - start, 240, 240 + LATE);
	/* Three refuse, each as soon as it is asked, and the last need not wait for them. */
	start = clock_ms();
	assert_string_equal(race(many, port, 5000, &err), "127.0.0.3");
	assert_in_range(clock_ms() - start, 240, 240 + LATE);
	start = clock_ms();
	assert_string_equal(race(hole, port, 300, &err), "");
	assert_in_range(clock_ms() - start, 290, 290 + LATE);
	assert_int_equal(err.kind, ERROR_NETWORK);
	assert_string_equal(err.text, "no connection: 127.0.0.2: Connection timed out");
	close_all(fillers, FILLERS);
	close_all(listeners, 2);
}

static void test_nobody(void **state)
{
	static const char *const turns[] = { "127.0.0.2", "127.0.0.3", "127.0.0.4", "::1",
					     NULL };
	in_port_t port = 0;
	struct error err;

	(void)state;
	close(listen_at("127.0.0.2", &port));
	assert_string_equal(race(turns, port, 5000, &err), "");
	assert_int_equal(err.kind, ERROR_NETWORK);
	/* RFC 8305 section 4: the families take turns. */
	assert_ptr_equal(strstr(err.text,
				"no connection: 127.0.0.2: Connection refused; ::1: "),
			 err.text);
	assert_non_null(strstr(err.text, "; 127.0.0.3: Connection refused; 127.0.0.4: "));
	assert_string_equal(race(turns, port, 0, &err), "");
	assert_non_null(strstr(err.text, "127.0.0.2: not tried in time"));
}

static void test_net_open_says_it(void **state)
{
	struct endpoint endpoint = { .timeout = 5, .ca_file = "", .fingerprint = "" };
	in_port_t port = 0;
	struct error err;

	(void)state;
	close(listen_at("127.0.0.1", &port));
	endpoint.host = "127.0.0.1";
	endpoint.port = ntohs(port);
	assert_null(net_open(&endpoint, &err));
	assert_int_equal(err.kind, ERROR_NETWORK);
	assert_string_equal(err.text, "no connection: 127.0.0.1: Connection refused");
	memset(&answer, 0, sizeof(answer));
	answer.result = EAI_NONAME;
	endpoint.host = "mail.example.";
	assert_null(net_open(&endpoint, &err));
	assert_int_equal(err.kind, ERROR_NO_HOST);
	assert_non_null(strstr(err.text, "mail.example"));
}

static void test_own_name(void **state)
{
	OWNED_TEXT name = net_host_name();

	(void)state;
	assert_true(strlen(name) > 0);
	assert_int_equal(strspn(name,
				"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789.-"),
			 strlen(name));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_names),
		cmocka_unit_test(test_asked_names),
		cmocka_unit_test(test_slow_names),
		cmocka_unit_test(test_first_that_answers),
		cmocka_unit_test(test_who_does_not_answer),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_net_open_says_it),
		cmocka_unit_test(test_own_name),
	};

	return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
