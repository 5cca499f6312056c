/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The door accepts, counts and forks; it reads nothing that a client says. A client has
 * a process of its own, so that whatever it does to that process it does to itself
 * alone, and the kernel clears up behind it. What all need is read before the first one
 * comes: settings, certificate and key, who may log in. The listening sockets are
 * inherited, never opened here.
 */
#include "daemon/door.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/background.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "daemon/beginning.h"
#include "daemon/session.h"
#include "net/listen.h"
#include "net/net.h"
#include "net/tls_server.h"
#include "secret/users.h"

enum {
	CLIENTS_MAX = 2000,
	BUSY_PAUSE_MS = 100,	/* when the system has no more descriptors or processes */
	SOON = 14 * SECONDS_OF_DAY,	/* a certificate that ends by then is spoken of */
};

struct client {
	pid_t pid;
	uint64_t whose;		/* a user's or an address's */
};

struct gate {
	struct door door;
	struct listeners listeners;
	int signals;
	bool is_over;		/* nobody more is let in */
	struct client clients[CLIENTS_MAX];
	size_t count;
	int64_t full_until;	/* clock_ms(): the system had no room */
};

/* --- those who are here */

static long count_of(const struct gate *g, uint64_t one)
{
	long count = 0;

	for (size_t i = 0; i < g->count; i++)
		count += g->clients[i].whose == one;
	return count;
}

static void reap(struct gate *g)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < g->count; i++)
			if (g->clients[i].pid == pid)
				g->clients[i--] = g->clients[--g->count];
}

/* At once and without a process: who comes too often costs as little as can be. */
static void turn_away(int client, const char *why)
{
	char line[128];

	snprintf(line, sizeof(line), "421 4.7.0 %s\r\n", why);
	(void)send(client, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(client);
}

static void begin_session(struct gate *g, int client, const struct visitor *who)
{
	sigset_t none;

	/* Without the door nobody would count it. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	/*
	 * SIGTERM ends it, but for the moment in which the keeper is asked (session.c).
	 * SIGHUP is for the door alone: its sessions stay to their end.
	 */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_IGN);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close(g->signals);
	for (size_t i = 0; i < g->listeners.count; i++)
		close(g->listeners.list[i].fd);
	session_run(&g->door, client, who);
}

static void let_in(struct gate *g, int client, const struct visitor *who)
{
	const struct daemon_settings *settings = &g->door.config.daemon;
	uint64_t one = admission_whose(who);
	pid_t pid;

	if (g->count >= CLIENTS_MAX || (long)g->count >= settings->max_clients) {
		turn_away(client, "too many clients are here, try again later");
		return;
	}
	if (count_of(g, one) >= settings->max_clients_per_user) {
		turn_away(client, "you are here too often already, try again later");
		return;
	}
	pid = fork();
	if (pid == 0)
		begin_session(g, client, who);
	if (pid < 0) {
		log_problem("a client cannot be served: %s", strerror(errno));
		turn_away(client, "nobody can be served now, try again later");
		return;
	}
	g->clients[g->count++] = (struct client){ pid, one };
	close(client);
}

static void take_client(struct gate *g, int listener)
{
	/* cppcheck-suppress nullPointer ; who it is is asked later */
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct visitor who;
	struct error err;

	if (client >= 0 && visitor_learn(client, &who, &err)) {
		let_in(g, client, &who);
	} else if (client >= 0) {
		close(client);
	} else if (errno_is_lack(errno)) {
		/* It stays in the line; to ask again at once would not help. */
		g->full_until = clock_ms() + BUSY_PAUSE_MS;
	}
}

/* --- its life */

static void hear_signal(struct gate *g)
{
	struct signalfd_siginfo info;

	while (read(g->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		g->is_over = true;
		/* SIGHUP: others follow, and those who are here stay. */
		if (info.ssi_signo != SIGHUP)
			for (size_t i = 0; i < g->count; i++)
				kill(g->clients[i].pid, SIGTERM);
	}
}

static void live(struct gate *g)
{
	struct pollfd fds[LISTENERS_MAX + 1] = { { .fd = g->signals, .events = POLLIN } };

	for (size_t i = 0; i < g->listeners.count; i++)
		fds[i + 1] = (struct pollfd){ .fd = g->listeners.list[i].fd, .events = POLLIN };
	while (!g->is_over || g->count > 0) {
		bool listens = !g->is_over && clock_left(g->full_until) == 0;
		/*
		 * While there is no room the listeners are not asked: they would be
		 * ready again at once.
		 */
		nfds_t count = listens ? g->listeners.count + 1 : 1;

		(void)poll(fds, count, g->is_over || listens ? -1 : BUSY_PAUSE_MS);
		if (fds[0].revents)
			hear_signal(g);
		for (size_t i = 1; !g->is_over && i < count; i++)
			if (fds[i].revents)
				take_client(g, fds[i].fd);
		reap(g);
	}
}

/* --- its beginning */

static void warn_of_end(const struct tls_identity *identity, const char *file)
{
	time_t begins, ends, now = time(NULL);

	tls_identity_validity(identity, &begins, &ends);
	if (now < begins)
		log_problem("warning: %s: the certificate is not valid yet", file);
	else if (ends <= now)
		log_problem("warning: %s: the certificate has expired; clients that look will not "
			    "send", file);
	else if (ends < now + SOON)
		log_problem("warning: %s: the certificate expires in %ld days", file,
			    (long)((ends - now) / SECONDS_OF_DAY));
}

static bool load_files(struct door *door, struct error *err)
{
	const struct daemon_settings *s = &door->config.daemon;

	if (*s->listen_cert) {
		door->identity = tls_identity_load(s->listen_cert, s->listen_key, err);
		if (!door->identity)
			return error_context(err, "[daemon] listen_cert");
		warn_of_end(door->identity, s->listen_cert);
	}
	if (*s->listen_users) {
		door->logins = users_load(s->listen_users, err);
		if (!door->logins)
			return error_context(err, "[daemon] listen_users");
	}
	return true;
}

static bool prepare_door(struct door *door, struct error *err)
{
	const struct daemon_settings *s = &door->config.daemon;

	/*
	 * By a descriptor and without secrets: its user may not open the files that
	 * have them.
	 */
	if (!config_read_opened(&door->config, STDIN_FILENO, "the settings of the door", err))
		return false;
	log_open(config_log(&door->config), "acsmtp");
	if (!allowed_users_parse(s->allow_users, &door->users, err))
		return error_context(err, "[daemon] allow_users");
	if (!networks_parse(*s->allow_from ? s->allow_from : "127.0.0.0/8 ::1/128",
			    &door->networks, err))
		return error_context(err, "[daemon] allow_from");
	if (s->max_per_user_per_hour > 0)
		door->counts = admission_counts_new();
	door->name = net_host_name();
	return load_files(door, err);
}

static bool prepare_gate(struct gate *g, struct error *err)
{
	g->signals = beginning_signals("the door", err);
	if (g->signals < 0 || !listen_inherit(&g->listeners, err) || !prepare_door(&g->door, err))
		return false;
	return g->listeners.count > 0 || error_set(err, ERROR_USAGE, "the door has no socket");
}

static void report(bool ok, const struct error *err)
{
	beginning_tell(STDOUT_FILENO, ok ? NULL : err);
	/* Whoever waits for it sees the end. */
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
}

int door_run(int argc, char **argv)
{
	struct gate *g = xcalloc(1, sizeof(*g));
	struct error err;
	bool ok;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: acsmtp-door KEEPER-SOCKET [CONFIGURATION]\n"
			"It is started by `acsmtp daemon`.\n");
		return EX_USAGE;
	}
	/*
	 * The key of the certificate will be in this memory, and passwords in that of
	 * sessions.
	 */
	secret_guard_process();
	limits_raise();
	g->door.keeper = argv[1];
	g->door.config_file = argv[2];
	ok = prepare_gate(g, &err);
	report(ok, &err);
	if (ok)
		live(g);
	return ok ? EX_OK : error_exit_status(&err);
}
