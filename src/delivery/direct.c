/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "delivery/direct.h"

#include <stdio.h>
#include <unistd.h>

#include "delivery/attempt.h"

bool deliver_directly(const struct delivery *d, struct envelope *e,
		      const struct message *m, struct error *err)
{
	struct connection c = { 0 };
	struct attempt attempt;
	bool ok;

	attempt_begin(&attempt, d->account, d->id, getuid());
	ok = connection_open(&c, d->account, d->trace, err);
	snprintf(attempt.peer, sizeof(attempt.peer), "%s", c.peer);
	ok = ok && attempt_send(&attempt, &c, e, m, err);
	connection_close(&c);
	return attempt_end(&attempt, ok, e, m, err);
}
