/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When a message that could not be sent is tried again; and whether at all, if it may
 * have been sent already, which is for the administrator to choose (on_lost_reply).
 */
#include "delivery/settle.h"

#include "base/log.h"
#include "delivery/retry.h"

static void note_doubt(const struct settlement *s, struct entry *e)
{
	e->is_in_doubt = true;
	if (s->settings->on_lost_reply == LOST_HOLD) {
		e->is_held = e->is_held_by_us = true;
		log_problem_of(e->id, "held: it may have been sent already (on_lost_reply = hold)");
	} else {
		log_problem_of(e->id, "it may have been sent already and will be sent again "
			       "(on_lost_reply = resend): message-id=%s",
			       e->message_id ? e->message_id : "");
	}
}

void settle_schedule(const struct settlement *s, struct entry *e, const struct error *why)
{
	entry_keep_reason(e, why);
	/* The clock was put back: it would not be given up for years. */
	if (e->arrived > s->now + RETRY_DELAY_MAX)
		e->arrived = s->now;
	if (envelope_count(&e->envelope, VERDICT_UNKNOWN) > 0)
		note_doubt(s, e);
	/*
	 * The account has a pause of its own then: its messages are due when that is
	 * over. Where there is none, as its file cannot be kept or only this process lacks
	 * something, nothing but the message itself can wait.
	 */
	if (retry_scope(why, s->had_session) == RETRY_ACCOUNT && s->account_until) {
		e->next = s->now;
		return;
	}
	e->next = s->now + retry_delay(why, e->attempts, s->random);
	e->attempts++;
}
