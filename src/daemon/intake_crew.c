/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keeper keeps its own descriptor of what it lends, so that nothing is sent back but a
 * byte. Members are used from the last one that has become free on: what it needs is in the
 * processor's caches, and the others get old and go.
 */
#include "daemon/intake_crew.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/background.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parcel.h"

enum {
	WARM_MS = 10 * 1000,	/* that one waits, who is not the last */
	GOOD = 'g', OVER = 'o',	/* what becomes of a connection, in their words */
};

static bool is_waiting(const struct intake_member *m)
{
	return m->line >= 0 && m->client < 0;
}

static struct intake_member *last_free(struct intake_crew *c)
{
	struct intake_member *last = NULL;

	for (struct intake_member *m = c->members; m < c->members + c->count; m++)
		if (is_waiting(m) && (!last || m->since > last->since))
			last = m;
	return last;
}

/*
 * Its end is seen when it has come; bury() then. A child that has just been forked may have
 * the line still, so that to close it is not enough.
 */
static void dismiss(const struct intake_crew *c, struct intake_member *m)
{
	if (m->line >= 0)
		(void)epoll_ctl(c->events, EPOLL_CTL_DEL, m->line, NULL);
	fd_cleanup(&m->line);
	m->line = -1;
}

/* --- one of them */

static _Noreturn void work(const struct intake_job *job, int line)
{
	int client[PARCEL_MAX];
	size_t count;
	char word = OVER;

	job->begin(job->keeper);
	background_set_title("acsmtp: takes mail in");
	while (parcel_receive(line, &word, 1, client, &count) == 1 && count == 1) {
		word = job->serve(job->keeper, *client) ? GOOD : OVER;
		close(*client);
		if (!write_all(line, &word, 1))
			break;
	}
	_exit(0);
}

/* Once until it is over: each message, and each moment that one waits, tries again. */
static void complain_of_lack(struct intake_crew *c)
{
	if (!c->lacks)
		log_problem("nobody more can be started to take mail in: %s", strerror(errno));
	c->lacks = true;
}

static struct intake_member *start(struct intake_crew *c)
{
	struct intake_member *m = &c->members[c->count];
	struct epoll_event event = { .events = EPOLLIN };
	int ends[2];

	if (c->count == INTAKE_CREW_MAX)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		complain_of_lack(c);
		return NULL;
	}
	*m = (struct intake_member){ .line = ends[0], .client = -1, .since = clock_ms() };
	/* Among the others, so that the child leaves this line with theirs. */
	c->count++;
	event.data.fd = m->line;
	m->pid = epoll_ctl(c->events, EPOLL_CTL_ADD, m->line, &event) == 0 ? fork() : -1;
	if (m->pid == 0)
		work(c->job, ends[1]);
	if (m->pid < 0)
		complain_of_lack(c);
	close(ends[1]);
	if (m->pid > 0) {
		c->lacks = false;
		return m;
	}
	close(ends[0]);
	c->count--;
	return NULL;
}

/* --- the keeper's side */

static bool lend(const struct intake_crew *c, struct intake_member *m, int client)
{
	if (!parcel_send(m->line, "", 1, &client, 1)) {
		dismiss(c, m);
		return false;
	}
	m->client = client;
	return true;
}

bool intake_crew_lend(struct intake_crew *c, int client)
{
	struct intake_member *m;

	/* One that has just died is seen by that. */
	while ((m = last_free(c)))
		if (lend(c, m, client))
			return true;
	m = start(c);
	return m && lend(c, m, client);
}

void intake_crew_be_ready(struct intake_crew *c)
{
	if (!last_free(c))
		(void)start(c);
}

static struct intake_member *find(struct intake_crew *c, int line)
{
	for (struct intake_member *m = c->members; m < c->members + c->count; m++)
		if (m->line == line)
			return m;
	return NULL;
}

bool intake_crew_hear(struct intake_crew *c, int line, int *client, bool *is_good)
{
	struct intake_member *m = find(c, line);
	char word = OVER;
	ssize_t n;

	if (!m)
		return false;
	*client = -1;
	*is_good = true;
	n = recv(line, &word, 1, MSG_DONTWAIT);
	/* What was heard may have been of one that had the same number until just now. */
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	*client = m->client;
	*is_good = word == GOOD;
	m->client = -1;
	m->since = clock_ms();
	/* None: it has died, and where it was in a message nobody knows. */
	if (n != 1 || m->is_old)
		dismiss(c, m);
	return true;
}

/* The one that goes next: it has waited for the longest time, and is not the only one. */
static struct intake_member *first_free(const struct intake_crew *c)
{
	const struct intake_member *first = NULL;
	size_t count = 0;

	for (const struct intake_member *m = c->members; m < c->members + c->count; m++) {
		if (!is_waiting(m))
			continue;
		count++;
		if (!first || m->since < first->since)
			first = m;
	}
	return count > 1 ? (struct intake_member *)first : NULL;
}

int intake_crew_pause(const struct intake_crew *c)
{
	const struct intake_member *first = first_free(c);

	return first ? clock_left(first->since + WARM_MS) + 1 : -1;
}

void intake_crew_rest(struct intake_crew *c)
{
	struct intake_member *first;

	while ((first = first_free(c)) && clock_left(first->since + WARM_MS) == 0)
		dismiss(c, first);
}

void intake_crew_renew(struct intake_crew *c)
{
	for (struct intake_member *m = c->members; m < c->members + c->count; m++) {
		m->is_old = true;
		if (is_waiting(m))
			dismiss(c, m);
	}
	intake_crew_be_ready(c);
}

bool intake_crew_bury(struct intake_crew *c, pid_t pid, int *client)
{
	for (struct intake_member *m = c->members; m < c->members + c->count; m++)
		if (m->pid == pid) {
			*client = m->client;
			dismiss(c, m);
			*m = c->members[--c->count];
			return true;
		}
	return false;
}

void intake_crew_end(const struct intake_crew *c)
{
	for (size_t i = 0; i < c->count; i++)
		kill(c->members[i].pid, SIGTERM);
}

void intake_crew_leave(const struct intake_crew *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->members[i].line >= 0)
			close(c->members[i].line);
}
