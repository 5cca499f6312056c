/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sendmail/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/drain.h"
#include "base/log.h"
#include "base/text.h"
#include "delivery/choose.h"
#include "delivery/local.h"
#include "sendmail/recipients.h"
#include "mail/submission.h"
#include "talk/ask.h"

struct caller call_from_here(void)
{
	const char *name = getenv("NAME");

	return (struct caller){ .uid = getuid(), .full_name = name && *name ? name : NULL,
				.asker = &ask_at_terminal };
}

void call_say(const struct call *call, const char *fmt, ...)
{
	char line[2 * ERROR_TEXT_MAX];
	va_list args;

	if (call->options.complaint == COMPLAIN_QUIETLY ||
	    (call->submittal.is_kept &&
	     call->options.complaint == COMPLAIN_BY_MAIL_ALONE))
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	text_make_printable(line);
	fprintf(stderr, "%s: %s\n", call->name, line);
}

void call_print_error(const struct call *call, const struct error *err)
{
	call_say(call, "%s%s%s", err->text, err->advice ? "; " : "",
		 err->advice ? err->advice : "");
}

bool call_read_config(struct call *call, struct error *err)
{
	const char *file = call->options.config_file;
	bool ok = config_load(&call->config, file && *file ? file : NULL, err);
	const struct error *passed_over = call->config.passed_over;

	if (passed_over)
		call_say(call, "warning: %s; %s", passed_over->text, passed_over->advice);
	if (!ok)
		return false;
	local_init(&call->aliases, &call->config);
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
	call->sender = call->sender_address.mailbox;
	return true;
}

uint64_t call_largest(const struct call *call)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < call->config.count; i++) {
		uint64_t most = (uint64_t)call->config.accounts[i].max_size;

		if (!most)
			return 0;
		largest = most > largest ? most : largest;
	}
	return largest;
}

bool call_read_message(struct call *call, struct error *err)
{
	enum ending_rule rule = call->options.dot_is_text ? ENDS_WITH_INPUT : ENDS_AT_DOT;

	/* What is far too large need not be read, what is just too large is: to tell its size. */
	if (!message_read(&call->message, STDIN_FILENO, rule, 2 * call_largest(call), err))
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

/* What would have been thrown away need not be an address. */
static bool sender_will_do(const struct call *call, struct error *err)
{
	if (!call->sender_fault.kind || call->account->sender_policy == SENDER_REWRITE)
		return true;
	*err = call->sender_fault;
	return false;
}

bool call_find_account(struct call *call, struct error *err)
{
	struct address author = { 0 };

	submission_author(&call->message, &call->aliases, &author);
	call->account = choose_account(&call->config, call->options.account, call->sender,
				       author.mailbox, &call->why_account, err);
	address_free(&author);
	return call->account && sender_will_do(call, err);
}

bool call_prepare(struct call *call, struct error *err)
{
	call->preparation = (struct preparation){
		.account = call->account,
		.sender = call->sender,
		.sender_fault = call->sender_fault.kind ? &call->sender_fault : NULL,
		.full_name = call->options.full_name,
		.is_by_default = call->why_account == choose_by_default,
		.caller = &call->caller,
		.aliases = &call->aliases,
		.joined = &call->joined,
		.why_sender = &call->why_sender,
		.repairs = !call->options.no_repairs,
		.id = call->id,
		.now = time(NULL),
	};

	log_open(account_log(call->account),
		 call->options.log_tag ? call->options.log_tag : "acsmtp");
	return prepare(&call->preparation, &call->message, &call->envelope, err) ||
	       error_context(err, "account %s", call->account->name);
}

enum submit_mode call_mode(const struct call *call)
{
	static const enum submit_mode modes[] = {
		[DELIVER_NOW] = SUBMIT_DIRECTLY,
		[DELIVER_IN_BACKGROUND] = SUBMIT_IN_BACKGROUND,
		[DELIVER_LATER] = SUBMIT_TO_QUEUE,
	};

	if (call->options.holds)
		return SUBMIT_TO_QUEUE;
	if (call->options.verbose) /* whoever wants to see the dialogue */
		return SUBMIT_DIRECTLY;
	if (call->options.delivery != DELIVER_AS_SET)
		return modes[call->options.delivery];
	return call->config.delivery.mode == DELIVER_FROM_QUEUE ? SUBMIT_IN_BACKGROUND
								: SUBMIT_DIRECTLY;
}

bool call_submit(struct call *call, struct error *err)
{
	bool is_traced = call->trace.fds[0] >= 0 || call->trace.fds[1] >= 0;

	call->submittal = (struct submittal){
		.caller = &call->caller,
		.account = call->account,
		.prepared = &call->preparation,
		.queue = &call->queue,
		.id = call->id,
		.config = call->options.config_file,
		.trace = is_traced ? &call->trace : NULL,
		.mode = call_mode(call),
		.holds = call->options.holds,
		.keeps_failures = call->options.complaint >= COMPLAIN_BY_MAIL,
		.keeps_some = call->options.mode == MODE_SPEAK_SMTP,
	};
	return submit(&call->submittal, &call->envelope, &call->message, err);
}

void call_forget_message(struct call *call)
{
	envelope_free(&call->envelope);
	call->envelope = (struct envelope){ 0 };
	message_free(&call->message);
	message_init(&call->message);
	call->submittal = (struct submittal){ .account = NULL };
	call->sender = NULL;
	call->account = NULL;
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
