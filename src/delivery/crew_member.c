/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "delivery/crew_member.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/background.h"
#include "base/file.h"
#include "base/log.h"
#include "base/self.h"
#include "delivery/hand.h"

enum {
	WARM = 10,		/* seconds that a connection is kept without use */
};

static const int endings[] = { SIGTERM, SIGINT, SIGHUP };

void crew_member_endings(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		struct sigaction now;

		if (sigaction(endings[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(set, endings[i]);
	}
}

struct crew_service {
	struct hand hand;
	int out;
};

static void tell(struct crew_service *s, bool is_done)
{
	const struct worker *w = &s->hand.worker;
	struct crew_report report = {
		.counts = w->counts,
		.wake = s->hand.round->wake,
		.unread = w->unread,
		.unwritten = w->unwritten,
		.spool_fails = w->spool_fails,
		.owes = w->owed.count > 0,
		.is_done = is_done,
	};

	(void)write_all(s->out, &report, sizeof(report));
}

static void tell_progress(void *taker, const struct work_counts *counts, size_t waiting)
{
	(void)counts;
	(void)waiting;
	tell(taker, false);
}

/* False: it is time to go. Nobody may go who knows what the disk does not. */
static bool take_order(int in, const struct hand *hand, struct crew_task *order)
{
	struct pollfd more = { .fd = in, .events = POLLIN };
	int patience = hand->worker.owed.count > 0 ? -1 : WARM * 1000;
	int n;

	do
		n = poll(&more, 1, patience);
	while (n < 0 && errno == EINTR);
	return n > 0 && read_some(in, order, sizeof(*order)) == sizeof(*order);
}

static void carry_out(struct crew_service *s, const struct crew_task *order)
{
	struct error err;

	s->hand.round->is_flush = order->is_flush;
	s->hand.round->lane = order->lane;
	s->hand.round->lanes = order->lanes;
	s->hand.round->is_asked_for = order->is_flush || s->hand.run->is_asked_for;
	/* Who asks for all may have mended something. */
	if (!order->id[0])
		worker_forget_config(&s->hand.worker);
	if (order->id[0]) {
		hand_do_one(&s->hand, order->id);
	} else if (!hand_do_round(&s->hand, &err)) {
		log_problem("the queue cannot be worked on: %s", err.text);
		s->hand.worker.unread++;
	}
	tell(s, true);
}

static _Noreturn void serve(const struct crew_birth *birth, uint64_t account,
			    const int ends[2], pid_t leader)
{
	struct crew_service service = { .out = ends[1] };
	struct run run = *birth->run;
	struct crew_task order;
	sigset_t set;

	self_end_with(leader, SIGKILL);
	birth->leave(birth->leader);
	crew_member_endings(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	if (birth->remembers) {
		run.config = run.config ? text_copy(run.config) : NULL;
		background_set_title("acsmtp: sends what waits");
	}
	run.progress = tell_progress;
	run.taker = &service;
	hand_begin(&service.hand, &run);
	service.hand.worker.remembers = birth->remembers;
	service.hand.round->has_only = true;
	service.hand.round->only = account;
	while (take_order(ends[0], &service.hand, &order))
		carry_out(&service, &order);
	hand_end(&service.hand);
	_exit(0);
}

bool crew_member_start(struct crew_member *m, const struct crew_birth *birth,
		       struct error *err)
{
	int orders[2], reports[2];
	pid_t leader = getpid();

	if (pipe2(orders, O_CLOEXEC) < 0)
		return error_errno(err, ERROR_SYSTEM, "pipe");
	if (pipe2(reports, O_CLOEXEC) < 0) {
		error_errno(err, ERROR_SYSTEM, "pipe");
		close(orders[0]);
		close(orders[1]);
		return false;
	}
	m->to = orders[1];
	m->from = reports[0];
	m->pid = fork();
	if (m->pid == 0) {
		close(m->to);
		close(m->from);
		serve(birth, m->account, (int[]){ orders[0], reports[1] }, leader);
	}
	/* While errno is still fork's; it counts only if that has failed. */
	error_errno(err, ERROR_SYSTEM, "fork");
	close(orders[0]);
	close(reports[1]);
	if (m->pid < 0) {
		close(m->to);
		close(m->from);
		return false;
	}
	/* A member that is stopped or stuck must not hold the leader. */
	fcntl(m->to, F_SETFL, O_NONBLOCK);
	fcntl(m->from, F_SETFL, O_NONBLOCK);
	return true;
}
