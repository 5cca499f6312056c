/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A door that turns this caller away lives all the same: it is full for the moment, or
 * this user may not send. One that says that the system is at fault (4.3.x, RFC 3463)
 * serves nobody.
 */
#include "daemon/doorbell.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "daemon/handover.h"
#include "delivery/daemon_socket.h"
#include "net/net.h"
#include "net/tcp.h"
#include "smtp/client.h"

enum {
	PATIENCE = 5,		/* seconds, for all of them */
	TICK_MS = 50,		/* between two looks at a greeting that has only begun */
};

/* --- call */

struct ringing {		/* the doorbells at which somebody has taken the call */
	struct pollfd fds[DOORBELLS_MAX];	/* as in struct doorbells; -1: nobody has */
	int64_t deadline;
};

/* Where it was is said anyway. */
static void keep_reason(struct error *why)
{
	errno = why->number;
	if (errno)
		error_reason(why, ERROR_LATER);
}

/* Until when this one may take: those behind it share what it leaves. */
static int64_t share_of(const struct ringing *all, size_t left)
{
	return clock_ms() + clock_left(all->deadline) / (int64_t)left;
}

static int call_address(const char *name, int64_t deadline, struct error *err)
{
	const struct ip_address *winner;
	struct addresses addresses;

	return listen_parse(name, &addresses, err) ?
	       tcp_connect(&addresses, deadline, &winner, err) : -1;
}

static int call(const struct doorbell *bell, const struct daemon_settings *settings,
		int64_t deadline, struct error *err)
{
	int fd = strchr(bell->where, '/') ?
		 daemon_socket_connect(settings, bell->where, 1 + clock_left(deadline) / 1000, err) :
		 call_address(bell->where, deadline, err);

	if (fd < 0)
		keep_reason(err);
	return fd;
}

/* --- and hear who answers */

/* How much has come of a greeting, without reading it; 0: nothing, or the end. */
static size_t look(int fd, char said[HANDOVER_LINE_MAX])
{
	ssize_t n = recv(fd, said, HANDOVER_LINE_MAX, MSG_PEEK | MSG_DONTWAIT);

	return n > 0 ? (size_t)n : 0;
}

/* As soon as one has said all, or hung up, nothing more is to be waited for. */
static bool is_done(const struct pollfd *fd)
{
	char said[HANDOVER_LINE_MAX];
	size_t len = fd->revents ? look(fd->fd, said) : 0;

	return (fd->revents && len == 0) || len == sizeof(said) || memchr(said, '\n', len);
}

/* How many are still to be waited for, and of them those of whom something has come. */
static size_t count_waiting(struct pollfd *left, size_t count, size_t *begun)
{
	size_t waiting = 0;

	*begun = 0;
	for (size_t i = 0; i < count; i++) {
		if (left[i].fd >= 0 && is_done(&left[i]))
			left[i].fd = -1;
		waiting += left[i].fd >= 0;
		*begun += left[i].fd >= 0 && left[i].revents;
	}
	return waiting;
}

/* Each is waited for in the time of all. */
static void await(const struct ringing *all, size_t count)
{
	struct pollfd left[DOORBELLS_MAX];
	size_t begun;

	memcpy(left, all->fds, count * sizeof(*left));
	while (count_waiting(left, count, &begun) > 0 && clock_left(all->deadline) > 0) {
		/* What has begun would wake us again and again. */
		if (begun > 0)
			(void)poll(NULL, 0, TICK_MS);
		(void)poll(left, count, clock_left(all->deadline));
	}
}

/* Whether this is a greeting of smtp/server_dialogue.c. */
static bool is_ours(const char *said, size_t len)
{
	static const char name[] = " ESMTP acsmtp\r\n";

	return memmem(said, len, name, sizeof(name) - 1);
}

static bool is_living(const struct error *why)
{
	return why->reply && !text_after(why->status, "4.3.");
}

/* Takes the descriptor. */
static bool hear(const char *where, int fd, bool ours, struct error *why)
{
	/* What it has to say has come. */
	const struct smtp_options options = {
		.service = "daemon", .helo = "localhost", .auth = AUTH_OFF, .timeout = 1,
	};
	struct session *session = smtp_new(net_over(fd, where), &options);
	bool ok = smtp_advance(session, SMTP_GREETED, why);

	smtp_close(session);
	if (ok && !ours)
		return error_set(why, ERROR_BARRED, "another program answers there");
	if (ok)
		why->kind = ERROR_NONE;
	return ok || is_living(why);
}

static void hear_one(struct doorbell *bell, struct pollfd *fd)
{
	char said[HANDOVER_LINE_MAX];
	size_t len = look(fd->fd, said);

	if (len > 0 || poll(fd, 1, 0) > 0) {
		bell->is_answered = hear(bell->where, fd->fd, is_ours(said, len), &bell->why);
		return;
	}
	close(fd->fd);
	error_text(&bell->why, ERROR_LATER, N_("who listens there says nothing"));
}

/* --- all of it */

static void add(struct doorbells *bells, const char *where, size_t len)
{
	if (bells->count < DOORBELLS_MAX)
		snprintf(bells->list[bells->count++].where, sizeof(bells->list->where), "%.*s",
			 (int)len, where);
}

void doorbells_ring(struct doorbells *bells, const struct daemon_settings *settings,
		    const char *path, const char *listen)
{
	struct ringing all = { .deadline = clock_after(PATIENCE) };

	if (path)
		add(bells, path, strlen(path));
	for (size_t len; (len = text_item(&listen, ", \t")); listen += len)
		add(bells, listen, len);
	for (size_t i = 0; i < bells->count; i++) {
		struct doorbell *bell = &bells->list[i];
		int64_t share = share_of(&all, bells->count - i);

		all.fds[i] = (struct pollfd){ .fd = call(bell, settings, share, &bell->why),
					      .events = POLLIN };
	}
	await(&all, bells->count);
	for (size_t i = 0; i < bells->count; i++)
		if (all.fds[i].fd >= 0)
			hear_one(&bells->list[i], &all.fds[i]);
}

bool doorbells_are_answered(const struct doorbells *bells, struct error *err)
{
	const struct doorbell *first = NULL;
	bool is_taken;
	size_t silent = 0;

	for (size_t i = 0; i < bells->count; i++)
		if (!bells->list[i].is_answered) {
			first = first ? first : &bells->list[i];
			silent++;
		}
	if (!first)
		return true;
	*err = first->why;
	is_taken = err->kind == ERROR_BARRED;
	err->kind = ERROR_LATER;
	err->advice = NULL;
	if (silent > 1)
		error_context(err, "nobody serves clients at %s, nor at %zu more of %zu places",
			      first->where, silent - 1, bells->count);
	else
		error_context(err, "nobody serves clients at %s", first->where);
	if (is_taken)
		return error_advise(err, "end that program, or choose another address in `listen`");
	return error_advise(err, err->number == EACCES ? daemon_socket_not_for_user :
			    N_("start it anew: `systemctl restart acsmtp.socket acsmtp-door`, or "
			       "without systemd `acsmtp daemon stop` and `acsmtp daemon`; its log "
			       "says what cannot be had"));
}
