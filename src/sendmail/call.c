/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each step leaves what it found in the call, and the next ones take it from there. */
#include "sendmail/call.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/drain.h"
#include "base/log.h"
#include "base/text.h"
#include "delivery/by_daemon.h"
#include "delivery/local.h"
#include "talk/ask.h"
#include "talk/say.h"
#include "sendmail/recipients.h"

struct caller call_from_here(void)
{
	const char *name = getenv("NAME");

	return (struct caller){ .uid = getuid(), .full_name = name && *name ? name : NULL,
				.asker = &ask_at_terminal };
}

bool call_may_say(const struct call *call)
{
	return call->options.complaint != COMPLAIN_QUIETLY &&
	       !(call->submittal.is_kept &&
		 call->options.complaint == COMPLAIN_BY_MAIL_ALONE);
}

void call_print_error(const struct call *call, const struct error *err)
{
	if (call_may_say(call))
		(void)say_error(err);
}

bool call_read_config(struct call *call, struct error *err)
{
	const char *file = call->options.config_file;
	bool ok = by_daemon_load(&call->config, file && *file ? file : NULL, err);

	if (call_may_say(call))
		say_warning(call->config.passed_over);
	if (!ok)
		return false;
	local_init(&call->aliases, &call->config);
	by_daemon_leave_names(&call->config, &call->aliases);
	if (call->sender_address.mailbox)
		aliases_localize(&call->aliases, call->sender_address.mailbox);
	return true;
}

/* Nobody should have to write a message first, and a person at a terminal wonder. */
bool call_check_recipients(struct call *call, struct error *err)
{
	return recipients_are_told(&call->options) || recipients_refuse_none(err);
}

bool call_read_sender(struct call *call, struct error *err)
{
	struct error *fault = &call->sender_fault;
	char shown[SHOWN_SIZE];

	(void)err;
	if (!call->options.sender)
		return true;
	if (!address_parse(&call->sender_address, call->options.sender, fault)) {
		fault->kind = ERROR_USAGE;
		error_context(fault, "-%c \"%s\"", call->options.sender_letter,
			      text_show(call->options.sender, shown));
		return true;
	}
	return true;
}

bool call_read_message(struct call *call, struct error *err)
{
	enum ending_rule rule = call->options.dot_is_text ? ENDS_WITH_INPUT : ENDS_AT_DOT;

	/*
	 * What is far too large need not be read, what is just too large is: to tell its
	 * size.
	 */
	if (!message_read(&call->message, STDIN_FILENO, rule, 2 * submit_largest(&call->config), err))
		return error_context(err, "reading the message from standard input");
	/* Behind a lone dot the caller waits for us, and we for nothing. */
	drain_expect(-1);
	return true;
}

bool call_find_recipients(struct call *call, struct error *err)
{
	struct recipient_sources sources = {
		.options = &call->options,
		.settings = &call->config.delivery,
		.aliases = &call->aliases,
		.joined = &call->joined,
	};

	return recipients_gather(&sources, &call->message, &call->envelope, err);
}

static struct wishes wishes_of(struct call *call)
{
	const struct options *o = &call->options;
	bool is_traced = call->trace.fds[0] >= 0 || call->trace.fds[1] >= 0;

	return (struct wishes){
		.account = o->account,
		.full_name = o->full_name,
		.log_tag = o->log_tag,
		.trace = is_traced ? &call->trace : NULL,
		/* Whoever wants to see the dialogue waits for it. */
		.mode = o->verbose ? SUBMIT_DIRECTLY : o->delivery,
		.holds = o->holds,
		.is_bare = o->no_repairs,
		.keeps_failures = o->complaint >= COMPLAIN_BY_MAIL,
	};
}

struct submittal call_submittal(struct call *call)
{
	return (struct submittal){
		.caller = &call->caller,
		.config = &call->config,
		.config_file = call->options.config_file,
		.aliases = &call->aliases,
		.queue = &call->queue,
		.wishes = wishes_of(call),
		.id = call->id,
		.sender = call->sender_address.mailbox,
		.sender_fault = call->sender_fault.kind ? &call->sender_fault : NULL,
		.joined = &call->joined,
	};
}

void call_free(struct call *call)
{
	address_free(&call->sender_address);
	address_list_free(&call->joined);
	envelope_free(&call->envelope);
	message_free(&call->message);
	queue_close(&call->queue);
	aliases_free(&call->aliases);
	config_free(&call->config);
	if (call->trace.fds[1] >= 0)
		close(call->trace.fds[1]);
	log_close();
}
