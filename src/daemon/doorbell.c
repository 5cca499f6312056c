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

enum { PATIENCE = 10 };		/* seconds, for all of them */

static bool is_living(const struct error *why)
{
	return why->reply && !text_after(why->status, "4.3.");
}

/* Without reading it: whether the greeting is one of smtp/server_dialogue.c. */
static bool is_ours(int fd, int64_t deadline)
{
	static const char name[] = " ESMTP acsmtp\r\n";
	struct pollfd in = { .fd = fd, .events = POLLIN };
	char said[HANDOVER_LINE_MAX];
	ssize_t n;

	(void)poll(&in, 1, clock_left(deadline));
	n = recv(fd, said, sizeof(said), MSG_PEEK | MSG_DONTWAIT);
	return n > 0 && memmem(said, (size_t)n, name, sizeof(name) - 1);
}

/* Takes the descriptor. */
static void hear(struct doorbell *bell, int fd, int64_t deadline)
{
	const struct smtp_options options = {
		.service = "daemon", .helo = "localhost", .auth = AUTH_OFF,
		.timeout = 1 + clock_left(deadline) / 1000,
	};
	bool ours = is_ours(fd, deadline);
	struct session *session = smtp_new(net_over(fd, bell->where), &options);

	bell->is_answered = smtp_advance(session, SMTP_GREETED, &bell->why);
	if (bell->is_answered && !ours)
		bell->is_answered = error_set(&bell->why, ERROR_BARRED, "another program answers there");
	else if (bell->is_answered)
		bell->why.kind = ERROR_NONE;
	else
		bell->is_answered = is_living(&bell->why);
	smtp_close(session);
}

/* Where it was is said anyway. */
static void keep_reason(struct error *why)
{
	errno = why->number;
	if (errno)
		error_reason(why, ERROR_LATER);
}

static struct doorbell *add(struct doorbells *bells, const char *where)
{
	struct doorbell *bell;

	if (bells->count == DOORBELLS_MAX)
		return NULL;
	bell = &bells->list[bells->count++];
	snprintf(bell->where, sizeof(bell->where), "%s", where);
	return bell;
}

static void ring_socket(struct doorbells *bells, const struct daemon_settings *settings,
			const char *path, int64_t deadline)
{
	struct doorbell *bell = add(bells, path);
	int fd = bell ? daemon_socket_connect(settings, path, &bell->why) : -1;

	if (fd >= 0)
		hear(bell, fd, deadline);
	else if (bell)
		keep_reason(&bell->why);
}

static void ring_address(struct doorbells *bells, const char *name, int64_t deadline)
{
	struct doorbell *bell = add(bells, name);
	const struct ip_address *winner;
	struct addresses addresses;
	int fd;

	if (!bell || !listen_parse(name, &addresses, &bell->why))
		return;
	fd = tcp_connect(&addresses, deadline, &winner, &bell->why);
	if (fd >= 0)
		hear(bell, fd, deadline);
	else
		keep_reason(&bell->why);
}

void doorbells_ring(struct doorbells *bells, const struct daemon_settings *settings,
		    const char *path, const char *listen)
{
	int64_t deadline = clock_after(PATIENCE);

	if (path)
		ring_socket(bells, settings, path, deadline);
	for (size_t len; (len = text_item(&listen, ", \t")); listen += len) {
		OWNED_TEXT one = text_copy_n(listen, len);

		ring_address(bells, one, deadline);
	}
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
