/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looking at a session, and asking it without sending: for who wants to know what works.
 */
#include "smtp/session.h"

#include <string.h>

#include "base/text.h"

static bool ask(struct session *s, const char *command, const char *mailbox,
		enum reply_at at, struct error *err)
{
	bool needs_utf8 = s->can.smtputf8 && text_has_8bit(mailbox, strlen(mailbox));
	OWNED_REPLY reply = REPLY_INIT;

	if (!session_say(s, err, "%s:<%s>%s", command, mailbox,
			 needs_utf8 && at == AT_MAIL ? " SMTPUTF8" : "") ||
	    !session_flush(s, err) || !session_hear(s, &reply, 1, err))
		return error_context(err, "%s <%s>", command, mailbox);
	if (reply.code / 100 == 2)
		return true;
	session_refused(s, &reply, at, err);
	return error_context(err, "%s <%s>", command, mailbox);
}

bool smtp_probe(struct session *s, const char *sender, const char *recipient,
		struct error *err)
{
	struct error unheard;
	bool ok;

	if (s->is_dirty && !session_reset(s, err))
		return false;
	s->is_dirty = true;
	ok = ask(s, "MAIL FROM", sender, AT_MAIL, err) &&
	     ask(s, "RCPT TO", recipient, AT_RCPT, err);
	/* Taken back whatever was said; what was said first is what counts. */
	if (!s->is_broken && session_reset(s, ok ? err : &unheard))
		s->is_dirty = false;
	else
		ok = false;
	return ok;
}

const struct extensions *smtp_extensions(const struct session *s)
{
	return &s->can;
}

const char *smtp_mechanism(const struct session *s)
{
	return s->mechanism;
}
