/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The door accepts, counts and forks; it reads nothing that a client says. A client has a
 * process of its own, so that whatever it does to that process it does to itself alone,
 * and the kernel clears up behind it; if it comes again at once, which programs do that
 * make a connection for each message, it finds it still there (daemon/again.h). What all
 * need is read before the first one comes (daemon/provision.h). The listening sockets are
 * inherited, never opened here.
 *
 * Started by `acsmtp daemon` it reports there, and another door takes its place when the
 * settings change. Started apart, as a service of its own, it speaks to the service
 * manager, reads its settings anew itself, and outlives a keeper that is away.
 */
#include "daemon/door.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
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
#include "daemon/door_clients.h"
#include "daemon/door_places.h"
#include "daemon/lend.h"
#include "daemon/provision.h"

enum {
	BUSY_PAUSE_MS = 100,	/* when the system has no more descriptors or processes */
	KEEPER_PATIENCE = 5,	/* seconds until one that is not there is done without */
	KEEPER_PAUSE_MS = 1000,	/* until it is asked again */
	MAPPED_FROM = 8 * 1024,	/* bytes that are asked for at once */
	FIXED = 2,		/* of what is listened to: signals, and who is free */
	GRACE = 2,		/* seconds that messages may take that have begun when it ends */
};

struct gate {
	struct door door;	/* what it knows: when `clients.settings` are there */
	bool is_apart;
	struct door_places places;
	int signals;
	bool is_over;		/* nobody more is let in */
	int64_t grace;		/* clock_ms() at which its sessions have to end; 0: never */
	struct door_clients clients;
	int64_t full_until;	/* clock_ms(): the system had no room */
};

/* --- its clients */

/* In a process of its own. */
static _Noreturn void serve(void *gate, int client, const struct visitor *who, int line)
{
	struct gate *g = gate;
	sigset_t none;

	sigemptyset(&none);
	/* SIGHUP is for the door alone: its sessions stay to their end. */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_IGN);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close(g->signals);
	door_places_leave(&g->places);
	session_run(&g->door, client, who, line);
}

static void take_client(struct gate *g, int listener)
{
	/* cppcheck-suppress nullPointer ; who it is is asked later */
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (client >= 0) {
		door_clients_come(&g->clients, client);
	} else if (errno_is_lack(errno)) {
		/* It stays in the line; to ask again at once would not help. */
		g->full_until = clock_ms() + BUSY_PAUSE_MS;
	}
}

/* --- what it knows */

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

/* Apart it has no network, so that the kernel would tell it nothing of ours. */
static void know_owners(struct gate *g)
{
	struct visitor_register *visitors = &g->clients.visitors;

	if (!visitors->is_open && g->is_apart)
		lend_take_register(g->door.keeper, visitors);
	else if (!visitors->is_open)
		visitor_register_open(visitors);
}

/* False: it knows what it knew before, and listens where it did. */
static bool provide(struct gate *g, int seconds, struct error *err)
{
	struct door fresh = { .keeper = g->door.keeper, .counts = g->door.counts };

	if (!provision_get(&fresh, seconds, err) || !door_places_follow(&g->places, &fresh, err)) {
		provision_free(&fresh);
		return false;
	}
	if (!fresh.counts && fresh.config.daemon.max_per_user_per_hour > 0)
		fresh.counts = admission_counts_new(g->is_apart ? -1 : STDIN_FILENO);
	provision_free(&g->door);
	g->door = fresh;
	g->clients.settings = &g->door.config.daemon;
	know_owners(g);
	door_clients_renew(&g->clients);
	spare_sessions();
	return true;
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

/* --- its life */

/* Apart the keeper goes on, and perhaps another door comes: nobody needs to be refused. */
static void end(struct gate *g)
{
	g->is_over = true;
	door_clients_dismiss(&g->clients);
	if (!g->is_apart) {
		door_clients_tell(&g->clients, SIGTERM);
		return;
	}
	notify_say("STOPPING=1");
	door_clients_tell(&g->clients, SESSION_LAST_CALL);
	g->grace = clock_after(GRACE);
}

/*
 * Another door has taken the places over, or some of them: at the others nobody may wait for
 * this one. Who is here stays, to the end of this visit.
 */
static void give_way(struct gate *g)
{
	g->is_over = true;
	door_clients_renew(&g->clients);
	door_places_leave(&g->places);
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
			give_way(g);
	}
	return is_new;
}

static int own_pause(const struct gate *g, bool listens)
{
	if (g->is_over)
		return g->grace ? clock_left(g->grace) + 1 : -1;
	if (!listens)
		return BUSY_PAUSE_MS;
	if (!g->clients.settings)
		return KEEPER_PAUSE_MS;
	return g->places.again_at ? clock_left(g->places.again_at) + 1 : -1;
}

/* Milliseconds that it may be asleep: -1, for ever. */
static int pause_ms(const struct gate *g, bool listens)
{
	return clock_sooner(own_pause(g, listens), door_clients_pause(&g->clients));
}

/* True: the listeners may be others now. */
static bool do_what_is_due(struct gate *g)
{
	if (g->grace && clock_left(g->grace) == 0) {
		door_clients_tell(&g->clients, SIGTERM);
		g->grace = 0;
	}
	door_clients_call(&g->clients);
	if (g->is_over)
		return false;
	if (!g->clients.settings)
		return catch_up(g);
	return door_places_ask_again(&g->places, &g->door);
}

static void live(struct gate *g)
{
	struct pollfd fds[FIXED + LISTENERS_MAX] = {
		{ .fd = g->signals, .events = POLLIN },
		{ .fd = g->clients.again.events, .events = POLLIN },
	};

	while (!g->is_over || door_clients_remain(&g->clients)) {
		bool is_new, listens = !g->is_over && clock_left(g->full_until) == 0;
		/*
		 * While there is no room the listeners are not asked: they would be
		 * ready again at once.
		 */
		nfds_t count = FIXED + (listens ? g->places.open.count : 0);

		/* They may be others after each reload. */
		for (size_t i = FIXED; i < count; i++)
			fds[i] = (struct pollfd){ .fd = g->places.open.list[i - FIXED].fd,
						  .events = POLLIN };
		(void)poll(fds, count, pause_ms(g, listens));
		is_new = fds[0].revents && hear_signal(g);
		if (fds[1].revents)
			door_clients_hear(&g->clients);
		is_new = do_what_is_due(g) || is_new;
		for (size_t i = FIXED; !is_new && !g->is_over && i < count; i++)
			if (fds[i].revents)
				take_client(g, fds[i].fd);
		if (fds[0].revents)
			door_clients_bury(&g->clients);
	}
}

/* --- its beginning */

static bool prepare_gate(struct gate *g, struct error *err)
{
	g->signals = beginning_signals("the door", err);
	if (g->signals < 0 || !again_begin(&g->clients.again, err) ||
	    !door_places_begin(&g->places, g->is_apart, err))
		return false;
	if (provide(g, KEEPER_PATIENCE, err))
		return g->places.open.count > 0 ||
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
	long log = -1;
	bool ok;

	g->clients.serve = serve;
	g->clients.gate = g;
	g->is_apart = argc > 1 && !strcmp(argv[1], "--apart");
	if (argc != 2 + g->is_apart &&
	    (g->is_apart || argc != 3 || !text_to_number(argv[2], 3, INT_MAX, &log))) {
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
	log_inherit((int)log);
	ok = prepare_gate(g, &err);
	report(g, ok, &err);
	if (ok) {
		confine_begin();
		live(g);
	}
	return ok ? EX_OK : error_exit_status(&err);
}
