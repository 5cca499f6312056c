/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whoever of the two comes last, the thread or who waits for it, frees what they share.
 */
#include "net/errand.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"

struct errand_run {
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool is_over, is_abandoned;
	struct errand errand;
};

static void run_free(struct errand_run *run)
{
	pthread_cond_destroy(&run->over);
	pthread_mutex_destroy(&run->lock);
	free(run);
}

static void *thread_main(void *argument)
{
	struct errand_run *run = argument;
	bool is_abandoned;

	run->errand.run(run->errand.work);
	pthread_mutex_lock(&run->lock);
	run->is_over = true;
	is_abandoned = run->is_abandoned;
	pthread_cond_signal(&run->over);
	pthread_mutex_unlock(&run->lock);
	if (is_abandoned) {
		run->errand.release(run->errand.work);
		run_free(run);
	}
	return NULL;
}

static struct errand_run *run_new(const struct errand *errand)
{
	struct errand_run *run = xcalloc(1, sizeof(*run));
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&run->over, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&run->lock, NULL);
	run->errand = *errand;
	return run;
}

static bool start(struct errand_run *run, struct error *err)
{
	sigset_t all, old;
	pthread_t thread;
	int problem;

	/* Signals are for those who wait for them, not for this thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	problem = pthread_create(&thread, NULL, thread_main, run);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (problem) {
		errno = problem;
		return error_errno(err, ERROR_SYSTEM, "no thread for looking up a name");
	}
	pthread_detach(thread);
	return true;
}

/* False: it is not over in time, and `run` belongs to the thread. */
static bool wait_for(struct errand_run *run, int64_t deadline)
{
	struct timespec until = {
		.tv_sec = deadline / 1000,
		.tv_nsec = deadline % 1000 * 1000000,
	};
	bool is_over;

	pthread_mutex_lock(&run->lock);
	while (!run->is_over &&
	       pthread_cond_timedwait(&run->over, &run->lock, &until) != ETIMEDOUT)
		;
	is_over = run->is_over;
	run->is_abandoned = !is_over;
	pthread_mutex_unlock(&run->lock);
	return is_over;
}

enum errand_end errand_run(const struct errand *errand, int64_t deadline, struct error *err)
{
	struct errand_run *run = run_new(errand);

	if (!start(run, err)) {
		run_free(run);
		return ERRAND_NOT_BEGUN;
	}
	if (!wait_for(run, deadline))
		return ERRAND_LATE;
	run_free(run);
	return ERRAND_DONE;
}
