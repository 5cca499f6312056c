/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server's end of sendmail -bs. Each message goes the way of one from the command
 * line. A client that is told "no" sends again: so it is told so only while nobody has
 * the message, and otherwise why it must not.
 */
#include "delivery/reception.h"

#include <string.h>

#include "base/fate.h"
#include "delivery/attempt.h"
#include "delivery/local.h"

static struct submittal *common_of(struct server_taker *t)
{
	return &((struct reception *)t)->common;
}

static bool take_sender(struct server_taker *t, const char *mailbox, struct error *err)
{
	(void)t;
	(void)mailbox;
	(void)err;
	return true;	/* which account it is for is known with the message */
}

static bool take_recipient(struct server_taker *t, const char *mailbox, struct error *err)
{
	OWNED_ADDRESSES found = { 0 };

	return local_resolve(common_of(t)->aliases, mailbox, &found, err);
}

bool reception_resolve(struct aliases *aliases, const struct envelope *said,
		       struct envelope *found, struct error *err)
{
	found->notify = said->notify ? text_copy(said->notify) : NULL;
	found->ret = said->ret ? text_copy(said->ret) : NULL;
	found->envid = said->envid ? text_copy(said->envid) : NULL;
	for (size_t i = 0; i < said->count; i++) {
		OWNED_ADDRESSES list = { 0 };

		if (!local_resolve(aliases, said->recipients[i].mailbox, &list, err))
			return false;
		for (size_t k = 0; k < list.count; k++)
			envelope_add(found, list.items[k].mailbox);
	}
	return true;
}

/*
 * Some have the message: whatever the reason, a client that tries again would send it
 * twice.
 */
static bool refuse_rest(const struct envelope *e, size_t accepted, struct error *err)
{
	err->kind = ERROR_REFUSED;
	return error_context(err, "it was sent to %zu of %zu recipients, do not send it to them "
			     "again", accepted, e->count);
}

static bool take_message(struct server_taker *t, struct envelope *given, struct message *m,
			 char id[ID_SIZE], struct error *err)
{
	struct submittal s = *common_of(t);
	OWNED_ENVELOPE e = { 0 };
	size_t accepted;

	id_new(id);
	aliases_localize(s.aliases, given->sender);
	s.id = id;
	s.sender = given->sender;
	if (reception_resolve(s.aliases, given, &e, err) && submit(&s, &e, m, err))
		return true;
	if (!s.is_begun)
		attempt_log_not_taken(id, s.caller, err);
	/* Where we have it, who was refused is told by a report. */
	if (s.is_queued || (s.is_kept && s.wishes.keeps_some))
		return true;
	accepted = envelope_count(&e, VERDICT_ACCEPTED);
	return accepted > 0 && refuse_rest(&e, accepted, err);
}

/* A signal that came in between was put off until the client knew. */
static void be_between_messages(struct server_taker *t)
{
	(void)t;
	fate_set(FATE_NOT_SENT);
}

void reception_begin(struct reception *r, const struct submittal *common)
{
	r->taker = (struct server_taker){ .sender = take_sender, .recipient = take_recipient,
					  .message = take_message,
					  .answered = be_between_messages };
	r->common = *common;
	r->common.wishes.keeps_some = true;
}
