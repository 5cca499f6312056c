/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The leader. A member is started when its account has mail, and told to go by the end of
 * its orders. The leader never waits for a pipe: what does not fit becomes a round, in
 * which the member finds by itself what waits.
 *
 * What an account has may be parted among several, by id: a message then is one member's
 * alone, as another would not know what this one knows and the disk does not. So the
 * number of parts changes only while nobody of the account is at work or owes.
 */
#include "delivery/crew.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "delivery/batch.h"

enum {
	DEATH_PAUSE = 60,	/* after one of them ended as it should not */
	STOP_PATIENCE = 75,	/* for the answer to a message that is on its way */
	SHARED_LEAST = 8,	/* messages that are worth another connection */
	PILE_MAX = 16,		/* that one is told of, until it is seen whether others should help */
};

void crew_begin(struct crew *c, const struct run *run)
{
	sigset_t set;

	*c = (struct crew){ .run = run };
	signal(SIGCHLD, SIG_DFL);	/* our caller may have had it ignored */
	crew_member_endings(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	c->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void dismiss(struct crew_member *m)
{
	fd_cleanup(&m->to);
	m->to = -1;
}

/*
 * It keeps what it is at, and leaves when it goes on; its account gets another one, but
 * for what the disk does not know. Whatever else it was told of, or was to be, is looked
 * for anew: who is at work on it holds it.
 */
static bool is_stopped(struct crew *c, struct crew_member *m)
{
	siginfo_t info = { .si_pid = 0 };

	if (m->owes ||
	    waitid(P_PID, (id_t)m->pid, &info, WSTOPPED | WNOHANG) < 0 || info.si_pid == 0)
		return false;
	log_problem("process %ld, which sends mail of the queue, was stopped: another one takes "
		    "its place", (long)m->pid);
	dismiss(m);
	c->wants_look = c->wants_look || m->orders > 0 || m->wants_round;
	return true;
}

static struct crew_member *find(struct crew *c, uint64_t account, unsigned lane)
{
	for (size_t i = 0; i < c->count; i++) {
		struct crew_member *m = &c->members[i];

		if (m->account == account && m->lane == lane && m->to >= 0 && !is_stopped(c, m))
			return m;
	}
	return NULL;
}

/* With a copy of another's pipe here neither of its ends would see the other one go. */
static void leave_to_leader(const void *leader)
{
	const struct crew *c = leader;

	for (size_t i = 0; i < CREW_PRIVATE; i++)
		if (c->private[i] && *c->private[i] >= 0)
			close(*c->private[i]);
	for (size_t i = 0; i < c->count; i++) {
		if (c->members[i].to >= 0)
			close(c->members[i].to);
		close(c->members[i].from);
	}
	if (c->signals >= 0)
		close(c->signals);
}

static struct crew_member *hire(struct crew *c, uint64_t account, unsigned lane)
{
	struct crew_member *m = &c->members[c->count];
	const struct crew_birth birth = { c->run, c->remembers, leave_to_leader, c };
	struct error err;

	/* Whoever is idle makes room, and whoever is done; then `has_room` says so. */
	if (c->count == CREW_MAX) {
		c->is_wanted = true;
		for (size_t i = 0; i < c->count; i++)
			if (c->members[i].orders == 0 && !c->members[i].owes)
				dismiss(&c->members[i]);
		return NULL;
	}
	*m = (struct crew_member){ .account = account, .lane = lane };
	if (crew_member_start(m, &birth, &err)) {
		c->count++;
		c->has_failed = false;
		return m;
	}
	log_problem("mail cannot be sent for now: %s", err.text);
	c->has_failed = true;
	return NULL;
}

/* In how many parts the mail of an account is, or may be from now on. */
static unsigned parts_of(const struct crew *c, uint64_t account, size_t backlog)
{
	unsigned most = c->run->connections > 1 ? (unsigned)c->run->connections : 1, others = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct crew_member *m = &c->members[i];

		if (m->account == account && (m->orders > 0 || m->owes))
			return m->lanes;
		others += m->account != account;
	}
	if (backlog <= SHARED_LEAST || others + 1 >= CREW_MAX)
		return 1;
	/* A place is left for an account that has nobody yet. */
	return most < CREW_MAX - 1 - others ? most : CREW_MAX - 1 - others;
}

static bool give(struct crew *c, uint64_t account, const struct crew_task *order)
{
	struct crew_member *m = find(c, account, order->lane);
	bool is_round = !order->id[0];

	if (!m)
		m = hire(c, account, order->lane);
	if (!m)
		return false;
	m->lanes = order->lanes;
	m->is_piled = m->is_piled || (!is_round && m->lanes == 1 && c->run->connections > 1 &&
				      m->orders >= PILE_MAX);
	/* One round behind another is enough, or where others want a place; or a pipe is full. */
	if (((is_round || c->is_wanted) && m->orders > 0) || m->is_piled ||
	    write(m->to, order, sizeof(*order)) != (ssize_t)sizeof(*order)) {
		m->wants_round = true;
		m->wants_flush = m->wants_flush || order->is_flush;
	} else {
		m->orders++;
		m->is_flushing = m->is_flushing || order->is_flush;
	}
	return true;
}

void crew_want_flush(struct crew *c, uint64_t account)
{
	for (size_t i = 0; i < c->unflushed_count; i++)
		if (c->unflushed[i] == account)
			return;
	if (c->unflushed_count < ACCOUNTS_MAX)
		c->unflushed[c->unflushed_count++] = account;
}

static bool take_wish(struct crew *c, uint64_t account)
{
	for (size_t i = 0; i < c->unflushed_count; i++)
		if (c->unflushed[i] == account) {
			c->unflushed[i] = c->unflushed[--c->unflushed_count];
			return true;
		}
	return false;
}

bool crew_order(struct crew *c, uint64_t account, const char *id, bool is_flush, size_t backlog)
{
	struct crew_task order = { .is_flush = is_flush, .lanes = parts_of(c, account, backlog) };
	bool ok = true;

	if (id) {
		snprintf(order.id, sizeof(order.id), "%s", id);
		order.lane = round_lane(id, order.lanes);
		return give(c, account, &order);
	}
	order.is_flush = take_wish(c, account) || is_flush;
	for (; order.lane < order.lanes; order.lane++)
		ok = give(c, account, &order) && ok;
	if (!ok && order.is_flush)
		crew_want_flush(c, account);
	return ok;
}

/* What it was not told of: of its own part, or with all who may help. */
static void order_rest(struct crew *c, struct crew_member *m)
{
	const struct crew_task order = { .lane = m->lane, .lanes = m->lanes,
				     .is_flush = m->wants_flush };
	size_t backlog = m->is_piled ? SHARED_LEAST + 1 : 0;

	m->wants_round = m->wants_flush = m->is_piled = false;
	if (m->lanes > 1)
		(void)give(c, m->account, &order);
	else
		(void)crew_order(c, m->account, NULL, order.is_flush, backlog);
}

bool crew_is_busy(const struct crew *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->members[i].orders > 0)
			return true;
	return false;
}

static void wake_at(struct crew *c, time_t when)
{
	if (when && (!c->wake || when < c->wake))
		c->wake = when;
}

static void add_counts(struct work_counts *sum, const struct work_counts *now,
		       const struct work_counts *before)
{
	sum->sent += now->sent - before->sent;
	sum->deferred += now->deferred - before->deferred;
	sum->failed += now->failed - before->failed;
	sum->left += now->left - before->left;
	sum->reached += now->reached - before->reached;
	sum->unreached += now->unreached - before->unreached;
}

static void take_report(struct crew *c, struct crew_member *m,
			const struct crew_report *report)
{
	add_counts(&c->counts, &report->counts, &m->counts);
	m->counts = report->counts;
	m->owes = report->owes;
	if (c->run->progress)
		c->run->progress(c->run->taker, &c->counts, 0);
	if (!report->is_done)
		return;
	m->orders -= m->orders > 0;
	m->is_flushing = m->is_flushing && m->orders > 0;
	c->unread += report->unread;
	c->unwritten += report->unwritten;
	c->spool_fails = c->spool_fails || report->spool_fails;
	wake_at(c, report->spool_fails ? time(NULL) + DEATH_PAUSE : report->wake);
	if (c->is_wanted && m->orders == 0 && !m->owes)
		dismiss(m);	/* however much more there is: that makes another look */
	else if (m->wants_round && m->to >= 0 && m->orders == 0)
		order_rest(c, m);
}

/* Who is told to end and has nothing to end properly just dies. */
static bool has_died(const struct crew *c, int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) != 0 :
	       c->ending == 0 || WTERMSIG(status) != c->ending;
}

/* With orders left, its end came between them and us, or it died. */
static void part_with(struct crew *c, size_t i)
{
	struct crew_member *m = &c->members[i];
	int status = 0;

	close(m->from);
	dismiss(m);
	while (waitpid(m->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (has_died(c, status)) {
		log_problem("a process that sends mail of the queue has ended too early (%s %d)",
			    WIFEXITED(status) ? "status" : "signal",
			    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		wake_at(c, time(NULL) + DEATH_PAUSE);
	} else if (m->orders > 0 || m->wants_round) {
		c->wants_look = true;
		if (m->is_flushing || m->wants_flush)
			crew_want_flush(c, m->account);
	}
	c->has_room = c->has_room || c->is_wanted;
	c->is_wanted = false;
	*m = c->members[--c->count];
}

static void listen_to(struct crew *c)
{
	struct crew_report report;

	for (size_t i = c->count; i-- > 0; ) {
		ssize_t n;

		while ((n = read_some(c->members[i].from, &report, sizeof(report))) ==
		       (ssize_t)sizeof(report))
			take_report(c, &c->members[i], &report);
		if (n == 0)
			part_with(c, i);
	}
}

static void wait_for_all(struct crew *c, int64_t deadline)
{
	for (size_t i = 0; i < c->count; i++)
		dismiss(&c->members[i]);
	while (c->count > 0 && (deadline < 0 || clock_left(deadline) > 0)) {
		struct pollfd fds[CREW_MAX];

		for (size_t i = 0; i < c->count; i++)
			fds[i] = (struct pollfd){ .fd = c->members[i].from, .events = POLLIN };
		(void)poll(fds, (nfds_t)c->count, 1000);
		listen_to(c);
		if (deadline < 0 && c->signals >= 0)
			crew_wait(c, -1, 0);
	}
}

/* They end what has to be ended; what is left of them then dies with us. */
static void stop_all(struct crew *c, int number)
{
	sigset_t set;

	c->ending = number;
	for (size_t i = 0; i < c->count; i++)
		kill(c->members[i].pid, number);
	wait_for_all(c, clock_after(STOP_PATIENCE));
	signal(number, SIG_DFL);
	raise(number);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void crew_wait(struct crew *c, int bell, int ms)
{
	struct pollfd fds[CREW_FDS + 1] = {
		{ .fd = bell, .events = POLLIN },
		{ .fd = c->signals, .events = POLLIN },
	};
	struct signalfd_siginfo signal_info;

	for (size_t i = 0; i < c->count; i++)
		fds[2 + i] = (struct pollfd){ .fd = c->members[i].from, .events = POLLIN };
	(void)poll(fds, (nfds_t)(2 + c->count), ms);
	if (c->signals >= 0 && read_some(c->signals, &signal_info, sizeof(signal_info)) ==
			       (ssize_t)sizeof(signal_info))
		stop_all(c, (int)signal_info.ssi_signo);
	listen_to(c);
}

void crew_end(struct crew *c)
{
	sigset_t set;

	wait_for_all(c, -1);
	crew_member_endings(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	fd_cleanup(&c->signals);
	c->signals = -1;
}
