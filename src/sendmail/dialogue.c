/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whoever speaks SMTP to us on a pipe is the user who started us: what is asked of a message
 * is what the command line asks. One reply stands for all recipients, so that who was refused
 * while others have the message is told by mail.
 */
#include "sendmail/dialogue.h"

#include <string.h>
#include <unistd.h>

#include "base/fate.h"
#include "base/log.h"
#include "delivery/attempt.h"
#include "sendmail/recipients.h"
#include "net/net.h"
#include "net/pair.h"
#include "smtp/server.h"

enum {
	IDLE = 300,		/* seconds: RFC 5321 section 4.5.3.2.7 */
	RECIPIENTS_MOST = 1000,
};

struct dialogue {
	struct server_taker taker;	/* first */
	struct call *call;
};

static struct call *call_of(struct server_taker *t)
{
	return ((struct dialogue *)t)->call;
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

	return recipients_resolve(&call_of(t)->aliases, mailbox, &found, err);
}

/* What the server has of the message is the call's from now on. */
static bool take_over(struct call *call, struct envelope *e, struct message *m,
		      struct error *err)
{
	call_forget_message(call);
	id_new(call->id);
	call->message = *m;
	message_init(m);
	aliases_localize(&call->aliases, e->sender);
	call->sender = e->sender;
	call->envelope.notify = e->notify ? text_copy(e->notify) : NULL;
	call->envelope.ret = e->ret ? text_copy(e->ret) : NULL;
	call->envelope.envid = e->envid ? text_copy(e->envid) : NULL;
	for (size_t i = 0; i < e->count; i++) {
		OWNED_ADDRESSES found = { 0 };

		if (!recipients_resolve(&call->aliases, e->recipients[i].mailbox, &found, err))
			return false;
		for (size_t k = 0; k < found.count; k++)
			envelope_add(&call->envelope, found.items[k].mailbox);
	}
	return true;
}

/* Some have the message: whatever the reason, a client that tries again would send it twice. */
static bool refuse_rest(const struct call *call, struct error *err)
{
	err->kind = ERROR_REFUSED;
	return error_context(err, "it was sent to %zu of %zu recipients, do not send it to them "
			     "again", envelope_count(&call->envelope, VERDICT_ACCEPTED),
			     call->envelope.count);
}

static bool submit_it(struct call *call, struct error *err)
{
	if (!call_find_account(call, err) || !call_prepare(call, err)) {
		attempt_log_not_taken(call->id, &call->caller, err);
		return false;
	}
	/* Where we have it, who was refused is told by a report. */
	if (call_submit(call, err) || call->submittal.is_queued ||
	    (call->submittal.is_kept && call->submittal.keeps_some))
		return true;
	return envelope_count(&call->envelope, VERDICT_ACCEPTED) == 0 ? false :
	       refuse_rest(call, err);
}

static bool take_message(struct server_taker *t, struct envelope *e, struct message *m,
			 char id[ID_SIZE], struct error *err)
{
	struct call *call = call_of(t);
	bool ok = take_over(call, e, m, err) && submit_it(call, err);

	memcpy(id, call->id, ID_SIZE);
	return ok;
}

/* A signal that came in between was put off until the client knew. */
static void be_between_messages(struct server_taker *t)
{
	(void)t;
	fate_set(FATE_NOT_SENT);
}

static void turn_away(struct transport *wire, const struct server_options *options,
		      const struct call *call, const struct error *why)
{
	struct error unheard;

	log_open((struct log_place){ "syslog", LOG_AS_TEXT },
		 call->options.log_tag ? call->options.log_tag : "acsmtp");
	log_problem("nobody is served by -bs: %s", why->text);
	(void)smtp_turn_away(wire, options, why, &unheard);
}

static void converse(struct call *call, struct transport *wire,
		     const struct server_options *options)
{
	struct dialogue d = {
		.taker = { take_sender, take_recipient, take_message, be_between_messages },
		.call = call,
	};
	struct error err;

	log_open(config_log(&call->config),
		 call->options.log_tag ? call->options.log_tag : "acsmtp");
	if (!smtp_serve(wire, options, &d.taker, &err))
		log_problem("-bs: uid=%ld error=%s", (long)call->caller.uid, err.text);
}

bool dialogue_hold(struct call *call, struct error *err)
{
	struct transport *wire = pair_open(STDIN_FILENO, STDOUT_FILENO);
	OWNED_TEXT name = net_host_name();
	struct server_options options = {
		.name = name,
		.max_recipients = RECIPIENTS_MOST,
		.idle_timeout = IDLE,
	};
	bool ok = call_read_config(call, err) &&
		  queue_open(&call->queue, &call->config.delivery, err);

	call->trace.fds[0] = -1;	/* -v would speak into the dialogue */
	options.max_size = call_largest(call);
	if (ok)
		converse(call, wire, &options);
	else
		turn_away(wire, &options, call, err);
	wire->close(wire);
	return ok;
}
