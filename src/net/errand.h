/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A call that may wait longer than we do: it is left behind when the time is up. */
#ifndef NET_ERRAND_H
#define NET_ERRAND_H

#include "base/error.h"

struct errand {
	void (*run)(void *work);	/* in a thread of its own, all signals blocked */
	void (*release)(void *work);	/* frees what it worked on */
	void *work;			/* nobody else may touch it while it runs */
};

enum errand_end {
	ERRAND_DONE,		/* `work` is the caller's again */
	ERRAND_LATE,		/* it runs on, and `work` is released when it ends */
	ERRAND_NOT_BEGUN,	/* ERROR_SYSTEM; `work` is the caller's still */
};

/* Runs it and waits until clock_ms() is past the deadline; `err` is for NOT_BEGUN. */
enum errand_end errand_run(const struct errand *errand, int64_t deadline, struct error *err);

#endif
