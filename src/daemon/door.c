/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The door accepts, counts and forks; it reads nothing that a client says. A client has a
 * process of its own, so that whatever it does to that process it does to itself alone,
 * and the kernel clears up behind it. What all need is read before the first one comes
 * (daemon/provision.h). The listening sockets are inherited, never opened here.
 *
 * Started by `acsmtp daemon` it reports there, and another door takes its place when the
 * settings change. Started apart, as a service of its own, it speaks to the service
 * manager, reads its settings anew itself, and outlives a keeper that is away.
 */
#include "daemon/door.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/background.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/secret.h"
#include "base/self.h"
#include "base/text.h"
#include "daemon/beginning.h"
#include "daemon/confine.h"
#include "daemon/lend.h"
#include "daemon/provision.h"
#include "daemon/sockets.h"
#include "net/listen.h"

enum {
	CLIENTS_MAX = 2000,
	BUSY_PAUSE_MS = 100,	/* when the system has no more descriptors or processes */
	KEEPER_PATIENCE = 5,	/* seconds until one that is not there is done without */
	KEEPER_PAUSE_MS = 1000,	/* until it is asked again */
	LISTEN_PAUSE = 3,	/* seconds; the same for what it could not lend */
	MAPPED_FROM = 8 * 1024,	/* bytes that are asked for at once */
	GRACE = 2,		/* seconds that messages may take that have begun when it ends */
};

struct client {
	pid_t pid;
	uint64_t whose;		/* a user's or an address's */
};

struct gate {
	struct door door;
	bool is_provided;	/* the door knows what it has to */
	bool is_apart;
	struct listeners listeners;
	size_t inherited;	/* of them, which stand first; the others the keeper lends */
	int64_t lend_at;	/* clock_ms() at which it is asked for those again; 0: not */
	int signals;
	bool is_over;		/* nobody more is let in */
	int64_t grace;		/* clock_ms() at which its sessions have to end; 0: never */
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

/* Whoever was served by one that died has heard nothing of it. */
static void warn_of_end(int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM)
		log_problem("a session has died: signal %d", WTERMSIG(status));
	else if (WIFEXITED(status) && WEXITSTATUS(status) != EX_OK)
		log_problem("a session has ended early: status %d", WEXITSTATUS(status));
}

static void reap(struct gate *g)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		warn_of_end(status);
		for (size_t i = 0; i < g->count; i++)
			if (g->clients[i].pid == pid)
				g->clients[i--] = g->clients[--g->count];
	}
}

/*
 * At once and without a process: who comes too often costs as little as can be. 4.3.2:
 * it is not for the client that nobody is served.
 */
static void turn_away(int client, const char *why)
{
	char line[128];

	snprintf(line, sizeof(line), "421 %s\r\n", why);
	(void)send(client, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(client);
}

static void begin_session(struct gate *g, int client, const struct visitor *who, pid_t door)
{
	sigset_t none;

	/* Without the door nobody would count it. */
	self_end_with(door, SIGTERM);
	sigemptyset(&none);
	/* SIGHUP is for the door alone: its sessions stay to their end. */
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
	pid_t pid, door = getpid();

	if (!g->is_provided) {
		turn_away(client, "4.3.2 the keeper of the mail is not there or not ready, try again later");
		return;
	}
	if (g->count >= CLIENTS_MAX || (long)g->count >= settings->max_clients) {
		turn_away(client, "4.7.0 too many clients are here, try again later");
		return;
	}
	if (count_of(g, one) >= settings->max_clients_per_user) {
		turn_away(client, "4.7.0 you are here too often already, try again later");
		return;
	}
	pid = fork();
	if (pid == 0)
		begin_session(g, client, who, door);
	if (pid < 0) {
		log_problem("a client cannot be served: %s", strerror(errno));
		turn_away(client, "4.3.2 nobody can be served now, try again later");
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

/* --- what it knows */

static bool has_address(const struct gate *g)
{
	for (size_t i = 0; i < g->inherited; i++)
		if (!g->listeners.list[i].is_local)
			return true;
	return false;
}

static bool has_socket(const struct listeners *l, int fd)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->list[i].fd == fd)
			return true;
	return false;
}

/* What of them is not among the others. */
static void close_rest(const struct listeners *l, const struct listeners *others)
{
	for (size_t i = 0; i < l->count; i++)
		if (!has_socket(others, l->list[i].fd))
			close(l->list[i].fd);
}

/*
 * What clients come to from now on, of what is open and what is new. What systemd listens
 * at goes first, as in sockets_open().
 */
static bool borrow(const struct gate *g, const struct door *fresh, struct listeners *l,
		   struct error *err)
{
	const struct listener *there;
	struct addresses wanted;

	*l = g->listeners;
	if (!g->is_apart || has_address(g))
		return true;
	if (!listen_parse(fresh->config.daemon.listen, &wanted, err))
		return daemon_settings_blame(&fresh->config.daemon, "listen", err);
	l->count = g->inherited;
	for (size_t i = 0; i < wanted.count; i++)
		if ((there = listen_find(&g->listeners, &wanted.list[i])) &&
		    !has_socket(l, there->fd))
			l->list[l->count++] = *there;
	return l->count - g->inherited == wanted.count ||
	       lend_take(fresh->keeper, &g->listeners, l, err);
}

static void warn_of_listen(const struct error *why)
{
	log_problem("warning: clients are served at the socket alone: %s%s%s", why->text,
		    why->advice ? "; " : "", why->advice ? why->advice : "");
}

/*
 * An address that cannot be had keeps nobody from the socket of systemd; but those that are
 * served stay what they are.
 */
static bool find_places(struct gate *g, const struct door *fresh, struct listeners *l,
			struct error *err)
{
	const struct daemon_settings *settings = &fresh->config.daemon;
	bool is_there = borrow(g, fresh, l, err);
	struct error why;

	if (is_there && sockets_may_serve(l, settings, err)) {
		g->lend_at = 0;
		return true;
	}
	if (g->inherited == 0 || g->listeners.count > g->inherited)
		return false;
	why = *err;
	close_rest(l, &g->listeners);
	*l = g->listeners;
	if (!sockets_may_serve(l, settings, err))
		return false;
	warn_of_listen(&why);
	/* What must not be is mended by other settings, and not by time. */
	g->lend_at = is_there ? 0 : clock_after(LISTEN_PAUSE);
	return true;
}

/*
 * Each session would have pages of its own for what it is the first to find out, and for
 * large buffers of which it needs little: those are mapped where the heap has no room.
 */
static void spare_sessions(void)
{
	tzset();
	(void)getpwuid(self_user());
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
	(void)malloc_trim(0);
}

/* False: it knows what it knew before, and listens where it did. */
static bool provide(struct gate *g, int seconds, struct error *err)
{
	struct door fresh = { .keeper = g->door.keeper, .counts = g->door.counts };
	struct listeners l = g->listeners;

	if (!provision_get(&fresh, seconds, err) || !find_places(g, &fresh, &l, err)) {
		close_rest(&l, &g->listeners);
		provision_free(&fresh);
		return false;
	}
	close_rest(&g->listeners, &l);
	g->listeners = l;
	if (!fresh.counts && fresh.config.daemon.max_per_user_per_hour > 0)
		fresh.counts = admission_counts_new();
	provision_free(&g->door);
	g->door = fresh;
	spare_sessions();
	return g->is_provided = true;
}

static bool reload(struct gate *g)
{
	struct error err;

	notify_reloading();
	if (provide(g, KEEPER_PATIENCE, &err))
		log_info("the settings of the door were read again");
	else
		log_problem("the settings of the door stay as they were: %s", err.text);
	notify_say("READY=1");
	return true;
}

/* A keeper that was away at the beginning may be there now. */
static bool catch_up(struct gate *g)
{
	struct error err;

	if (!provide(g, 0, &err))
		return false;
	notify_say("STATUS=serves clients");
	return true;
}

static bool lend_again(struct gate *g)
{
	struct listeners l;
	struct error err;
	bool is_there = borrow(g, &g->door, &l, &err);

	if (!is_there || !sockets_may_serve(&l, &g->door.config.daemon, &err)) {
		close_rest(&l, &g->listeners);
		if (is_there)
			warn_of_listen(&err);
		g->lend_at = is_there ? 0 : clock_after(LISTEN_PAUSE);
		return false;
	}
	g->listeners = l;
	g->lend_at = 0;
	log_info("clients are served where listen says, too");
	return true;
}

/* --- its life */

static void tell_all(const struct gate *g, int number)
{
	for (size_t i = 0; i < g->count; i++)
		kill(g->clients[i].pid, number);
}

/* Apart the keeper goes on, and perhaps another door comes: nobody needs to be refused. */
static void end(struct gate *g)
{
	g->is_over = true;
	if (!g->is_apart) {
		tell_all(g, SIGTERM);
		return;
	}
	notify_say("STOPPING=1");
	tell_all(g, SESSION_LAST_CALL);
	g->grace = clock_after(GRACE);
}

/* True: the listeners may be others now. */
static bool hear_signal(struct gate *g)
{
	struct signalfd_siginfo info;
	bool is_new = false;

	while (read(g->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		if (info.ssi_signo != SIGHUP)
			end(g);
		else if (g->is_apart)
			is_new = reload(g);
		else
			g->is_over = true;	/* another follows; who is here stays */
	}
	return is_new;
}

/* Until when it may be asleep: -1, for ever. */
static int pause_ms(const struct gate *g, bool listens)
{
	if (g->is_over)
		return g->grace ? clock_left(g->grace) + 1 : -1;
	if (!listens)
		return BUSY_PAUSE_MS;
	return !g->is_provided ? KEEPER_PAUSE_MS : g->lend_at ? clock_left(g->lend_at) + 1 : -1;
}

/* True: the listeners may be others now. */
static bool do_what_is_due(struct gate *g)
{
	if (g->grace && clock_left(g->grace) == 0) {
		tell_all(g, SIGTERM);
		g->grace = 0;
	}
	if (g->is_over)
		return false;
	if (!g->is_provided)
		return catch_up(g);
	return g->lend_at && clock_left(g->lend_at) == 0 && lend_again(g);
}

static void live(struct gate *g)
{
	struct pollfd fds[LISTENERS_MAX + 1] = { { .fd = g->signals, .events = POLLIN } };

	while (!g->is_over || g->count > 0) {
		bool is_new, listens = !g->is_over && clock_left(g->full_until) == 0;
		/*
		 * While there is no room the listeners are not asked: they would be
		 * ready again at once.
		 */
		nfds_t count = listens ? g->listeners.count + 1 : 1;

		/* They may be others after each reload. */
		for (size_t i = 1; i < count; i++)
			fds[i] = (struct pollfd){ .fd = g->listeners.list[i - 1].fd,
						  .events = POLLIN };
		(void)poll(fds, count, pause_ms(g, listens));
		is_new = fds[0].revents && hear_signal(g);
		is_new = do_what_is_due(g) || is_new;
		for (size_t i = 1; !is_new && !g->is_over && i < count; i++)
			if (fds[i].revents)
				take_client(g, fds[i].fd);
		if (fds[0].revents)
			reap(g);
	}
}

/* --- its beginning */

static bool prepare_gate(struct gate *g, struct error *err)
{
	g->signals = beginning_signals("the door", err);
	if (g->signals < 0 || !listen_inherit(&g->listeners, err))
		return false;
	g->inherited = g->listeners.count;
	if (provide(g, KEEPER_PATIENCE, err))
		return g->listeners.count > 0 ||
		       error_set(err, ERROR_CONFIG, "the door has no socket");
	if (!g->is_apart || err->kind != ERROR_LATER || err->number == EMFILE)
		return false;
	/* Its clients are told; that is better than none who listens to them. */
	log_problem("the door waits for the keeper: %s", err->text);
	notify_say("STATUS=waits for the keeper, acsmtp.service");
	return true;
}

static void report(const struct gate *g, bool ok, const struct error *err)
{
	if (g->is_apart && ok) {
		notify_say("READY=1");
	} else if (g->is_apart) {
		dprintf(STDERR_FILENO, "acsmtp-door: ");
		beginning_tell(STDERR_FILENO, err);
	} else {
		beginning_tell(STDOUT_FILENO, ok ? NULL : err);
		/* Whoever waits for it sees the end. */
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	}
}

int door_run(int argc, char **argv)
{
	struct gate *g = xcalloc(1, sizeof(*g));
	struct error err;
	bool ok;

	g->is_apart = argc > 1 && !strcmp(argv[1], "--apart");
	if (argc != 2 + g->is_apart) {
		fprintf(stderr, "usage: acsmtp-door [--apart] KEEPER-SOCKET\n"
			"It is started by `acsmtp daemon`, or by systemd.\n");
		return EX_USAGE;
	}
	/*
	 * The key of the certificate will be in this memory, and passwords in that of
	 * sessions.
	 */
	secret_guard_process();
	limits_raise();
	signal(SESSION_LAST_CALL, SIG_IGN);
	g->door.keeper = argv[1 + g->is_apart];
	ok = prepare_gate(g, &err);
	report(g, ok, &err);
	if (ok) {
		confine_begin();
		live(g);
	}
	return ok ? EX_OK : error_exit_status(&err);
}
