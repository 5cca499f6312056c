/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way of a message: options, configuration, standard input read to its end,
 * recipients, account, header work, dialogue, exit status.
 */
#include "front/sendmail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/account.h"
#include "delivery/choose.h"
#include "delivery/prepare.h"
#include "delivery/submit.h"
#include "front/dry_run.h"
#include "front/help.h"
#include "front/look.h"
#include "front/mailq.h"
#include "front/options.h"
#include "front/recipients.h"
#include "front/run_queue.h"
#include "mail/submission.h"
#include "service/service.h"

enum { REPORTED_MAX = 20 };	/* recipients with a line of their own on standard error */

/* Everything about one call, so that the steps below take one thing. */
struct call {
	const char *name;
	struct options options;
	struct config config;
	struct aliases aliases;
	struct message message;
	struct envelope envelope;
	const char *sender;		/* mailbox of -f, or NULL */
	struct address sender_address;
	const struct account *account;
	const char *why_account;
	struct trace trace;
	struct queue queue;
	struct submittal submittal;
	char id[ID_SIZE];
};

/* One line on standard error, harmless whatever is quoted in it. */
PRINTF(2, 3)
static void say(const struct call *call, const char *fmt, ...)
{
	char line[2 * ERROR_TEXT_MAX];
	va_list args;

	if (call->options.complaint == COMPLAIN_QUIETLY ||
	    (call->submittal.is_kept && call->options.complaint == COMPLAIN_BY_MAIL_ALONE))
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	text_make_printable(line);
	fprintf(stderr, "%s: %s\n", call->name, line);
}

static void print_error(const struct call *call, const struct error *err)
{
	say(call, "%s%s%s", err->text, err->advice ? "; " : "",
	    err->advice ? err->advice : "");
}

static size_t count_accepted(const struct envelope *e)
{
	size_t accepted = 0;

	for (size_t i = 0; i < e->count; i++)
		accepted += e->recipients[i].verdict == VERDICT_ACCEPTED;
	return accepted;
}

static bool share_one_reason(const struct envelope *e)
{
	const struct error *first = NULL;

	for (size_t i = 0; i < e->count; i++) {
		const struct error *why = e->recipients[i].why;

		if (first && why && strcmp(first->text, why->text) != 0)
			return false;
		first = first ? first : why;
	}
	return true;
}

static const char *what_became(const struct call *call, const struct recipient *r)
{
	if (r->verdict != VERDICT_REFUSED && call->submittal.is_queued)
		return "queued for";
	return r->verdict == VERDICT_UNKNOWN ? "perhaps sent to" : "not sent to";
}

/* After a dialogue that failed: who did not get the message, where one reason is not all. */
static void print_recipients(const struct call *call)
{
	const struct envelope *e = &call->envelope;
	size_t accepted = count_accepted(e), failed = 0;
	bool one_reason = share_one_reason(e);

	if (!accepted && one_reason && !call->submittal.is_queued)
		return;
	for (size_t i = 0; i < e->count; i++) {
		const struct recipient *r = &e->recipients[i];

		if (!r->why || failed++ >= REPORTED_MAX)
			continue;
		say(call, "%s <%s>%s%s", what_became(call, r), r->mailbox,
		    one_reason ? "" : ": ", one_reason ? "" : r->why->text);
	}
	if (failed > REPORTED_MAX)
		say(call, "and %zu more", failed - REPORTED_MAX);
	if (accepted)
		say(call, "the message was sent to %zu of %zu recipients; do not send it to "
		    "them again", accepted, e->count);
}

static bool read_config(struct call *call, struct error *err)
{
	const char *file = call->options.config_file;

	if (!config_load(&call->config, file && *file ? file : NULL, service_setting, err))
		return false;
	aliases_init(&call->aliases, call->config.delivery.aliases,
		     call->config.delivery.local_recipients);
	return true;
}

/* What is in the queue says itself which configuration it wants. */
static bool read_config_if_any(struct call *call, struct error *err)
{
	struct error unheard;

	if (call->options.config_file)
		return read_config(call, err);
	if (!read_config(call, &unheard)) {
		config_free(&call->config);
		config_init(&call->config);
	}
	return true;
}

static bool read_sender(struct call *call, struct error *err)
{
	char shown[SHOWN_SIZE];

	if (!call->options.sender)
		return true;
	if (!address_parse(&call->sender_address, call->options.sender, err)) {
		err->kind = ERROR_USAGE;
		return error_context(err, "-%c \"%s\"", call->options.sender_letter,
				     text_show(call->options.sender, shown));
	}
	call->sender = call->sender_address.mailbox;
	return true;
}

/*
 * Twice what any account takes: what is larger need not be read to its end, what is just
 * too large is, so that its size can be told. 0: an account takes any size.
 */
static uint64_t most_to_read(const struct config *config)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < config->count; i++) {
		uint64_t most = (uint64_t)config->accounts[i].max_size;

		if (!most)
			return 0;
		largest = most > largest ? most : largest;
	}
	return 2 * largest;
}

static bool read_message(struct call *call, struct error *err)
{
	return message_read(&call->message, STDIN_FILENO, !call->options.dot_is_text,
			    most_to_read(&call->config), err) ||
	       error_context(err, "reading the message from standard input");
}

static bool find_recipients(struct call *call, struct error *err)
{
	struct recipient_sources sources = {
		.options = &call->options,
		.settings = &call->config.delivery,
		.aliases = &call->aliases,
	};

	return recipients_gather(&sources, &call->message, &call->envelope, err);
}

static bool find_account(struct call *call, struct error *err)
{
	struct address author = { 0 };

	submission_author(&call->message, &author);
	call->account = choose_account(&call->config, call->options.account, call->sender,
				       author.mailbox, &call->why_account, err);
	address_free(&author);
	return call->account != NULL;
}

static bool prepare_message(struct call *call, struct error *err)
{
	struct preparation preparation = {
		.account = call->account,
		.sender = call->sender,
		.full_name = call->options.full_name,
		.aliases = &call->aliases,
		.repairs = !call->options.no_repairs,
		.id = call->id,
		.now = time(NULL),
	};

	log_open(call->account->log, call->options.log_tag ? call->options.log_tag : "acsmtp");
	return prepare(&preparation, &call->message, &call->envelope, err) ||
	       error_context(err, "account %s", call->account->name);
}

static bool open_transcript(struct call *call, struct error *err)
{
	const char *file = call->options.transcript;
	bool is_unread;

	call->trace.name = call->name;
	if (call->options.verbose)
		call->trace.fds[0] = STDOUT_FILENO;
	if (!file)
		return true;
	/* O_NONBLOCK: a pipe without a reader must not stop the mail. */
	call->trace.fds[1] = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
				  O_NONBLOCK, 0600);
	if (call->trace.fds[1] >= 0)
		return true;
	is_unread = errno == ENXIO;
	error_errno(err, ERROR_CREATE, "-X %.600s", file);
	return is_unread && error_advise(err, "a pipe needs somebody who reads it");
}

static bool open_queue(struct call *call, struct error *err)
{
	return call->options.mode == MODE_DRY_RUN ||
	       queue_open(&call->queue, &call->config.delivery, err);
}

static enum submit_mode choose_mode(const struct call *call)
{
	static const enum submit_mode modes[] = {
		[DELIVER_NOW] = SUBMIT_DIRECTLY,
		[DELIVER_IN_BACKGROUND] = SUBMIT_IN_BACKGROUND,
		[DELIVER_LATER] = SUBMIT_TO_QUEUE,
	};

	if (call->options.holds)
		return SUBMIT_TO_QUEUE;
	if (call->options.verbose)	/* whoever wants to see the dialogue */
		return SUBMIT_DIRECTLY;
	if (call->options.delivery != DELIVER_AS_SET)
		return modes[call->options.delivery];
	return call->config.delivery.mode == DELIVER_FROM_QUEUE ? SUBMIT_IN_BACKGROUND :
	       SUBMIT_DIRECTLY;
}

static bool send_message(struct call *call, struct error *err)
{
	bool is_traced = call->trace.fds[0] >= 0 || call->trace.fds[1] >= 0;

	if (call->options.mode == MODE_DRY_RUN)
		return dry_run_show(call->account, call->why_account, &call->envelope,
				    &call->message, err);
	call->submittal = (struct submittal){
		.account = call->account,
		.queue = &call->queue,
		.id = call->id,
		.config = call->options.config_file,
		.trace = is_traced ? &call->trace : NULL,
		.mode = choose_mode(call),
		.holds = call->options.holds,
		.keeps_failures = call->options.complaint >= COMPLAIN_BY_MAIL,
	};
	return submit(&call->submittal, &call->envelope, &call->message, err);
}

/* Silent unless somebody wants to see it. */
static void say_queued(const struct call *call)
{
	const struct submittal *s = &call->submittal;
	char when[CLOCK_DATE_SIZE];

	if (!s->is_queued || !call->options.verbose)
		return;
	clock_stamp(s->next, when);
	say(call, "queued as %s, not before %s%s%s", call->id, when,
	    s->why_queued.text[0] ? ": " : "", s->why_queued.text);
}

static bool run_the_queue(struct call *call, struct error *err)
{
	bool is_traced = call->trace.fds[0] >= 0 || call->trace.fds[1] >= 0;

	return run_queue_as_told(&call->options, &call->queue,
				 is_traced ? &call->trace : NULL, err);
}

static bool show_recipients(struct call *call, struct error *err)
{
	return look_at_recipients(&call->options, &call->aliases, call->account,
				  call->why_account, err);
}

static bool check_aliases(struct call *call, struct error *err)
{
	return look_at_aliases(call->name, &call->aliases, err);
}

typedef bool step_fn(struct call *call, struct error *err);	/* NULL ends a list of them */

/* In this order: what is cheap to find wrong comes first, the server last. */
static step_fn *const sending[] = {
	read_sender,
	open_transcript,
	read_config,
	read_message,
	find_recipients,
	find_account,
	prepare_message,
	open_queue,
	send_message,
	NULL,
};
static step_fn *const running_the_queue[] = {
	open_transcript, read_config_if_any, open_queue, run_the_queue, NULL,
};
static step_fn *const looking_at_recipients[] = {
	read_sender, read_config, find_account, show_recipients, NULL,
};
static step_fn *const looking_at_aliases[] = { read_config, check_aliases, NULL };

/* A refusal before there was a dialogue has no log line yet. */
static void log_refusal(const struct call *call, const struct error *err)
{
	if (!call->account)
		log_open("syslog", call->options.log_tag ? call->options.log_tag : "acsmtp");
	log_problem("%s: not taken: uid=%ld error=%s", call->id, (long)getuid(), err->text);
}

static int run(struct call *call, step_fn *const *steps)
{
	struct error err;

	id_new(call->id);
	for (size_t i = 0; steps[i]; i++) {
		if (steps[i](call, &err))
			continue;
		print_error(call, &err);
		if (steps[i] == send_message)
			print_recipients(call);
		else if (steps == sending)
			log_refusal(call, &err);
		return call->submittal.is_kept &&
		       call->options.complaint == COMPLAIN_BY_MAIL_ALONE ? EX_OK :
		       error_exit_status(&err);
	}
	say_queued(call);
	return EX_OK;
}

static void call_free(struct call *call)
{
	address_free(&call->sender_address);
	envelope_free(&call->envelope);
	message_free(&call->message);
	queue_close(&call->queue);
	aliases_free(&call->aliases);
	config_free(&call->config);
	if (call->trace.fds[1] >= 0)
		close(call->trace.fds[1]);
	log_close();
}

static int run_as(enum mode mode, const char *name, int argc, char **argv)
{
	struct call call = { .name = name, .trace = TRACE_NONE, .options.mode = mode,
			     .queue = QUEUE_CLOSED };
	step_fn *const *steps = sending;
	struct error err;
	int status;

	if (!options_parse(&call.options, argc, argv, &err)) {
		print_error(&call, &err);
		return error_exit_status(&err);
	}
	switch (call.options.mode) {
	case MODE_HELP:
		return help_print(stdout);
	case MODE_VERSION:
		return help_version(stdout);
	case MODE_NOTHING_KEPT:
		fprintf(stderr, "%s: no host status is kept\n", name);
		return EX_OK;
	case MODE_LIST_QUEUE:
	case MODE_COUNT_QUEUE:
		return mailq_show(name, &call.options);
	case MODE_LOOK_AT_ALIASES:
		steps = looking_at_aliases;
		break;
	case MODE_LOOK_AT_RECIPIENTS:
		steps = looking_at_recipients;
		break;
	case MODE_RUN_QUEUE:
		steps = running_the_queue;
		break;
	case MODE_SEND:
	case MODE_DRY_RUN:
		break;
	}
	secret_guard_process();
	message_init(&call.message);
	status = run(&call, steps);
	call_free(&call);
	return status;
}

int sendmail_run(const char *name, int argc, char **argv)
{
	return run_as(MODE_SEND, name, argc, argv);
}

int mailq_run(const char *name, int argc, char **argv)
{
	return run_as(MODE_LIST_QUEUE, name, argc, argv);
}

int newaliases_run(const char *name, int argc, char **argv)
{
	return run_as(MODE_LOOK_AT_ALIASES, name, argc, argv);
}
