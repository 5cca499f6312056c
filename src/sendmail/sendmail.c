/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way of a message: options, configuration, standard input read to its end,
 * recipients, account, header work, dialogue, exit status.
 */
#include "sendmail/sendmail.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/append.h"
#include "base/background.h"
#include "base/clock.h"
#include "base/drain.h"
#include "base/log.h"
#include "base/text.h"
#include "delivery/attempt.h"
#include "delivery/local.h"
#include "delivery/queue_view.h"
#include "talk/say.h"
#include "sendmail/call.h"
#include "sendmail/dialogue.h"
#include "sendmail/dry_run.h"
#include "sendmail/look.h"
#include "sendmail/mailq.h"
#include "sendmail/run_queue.h"
#include "sendmail/usage.h"

enum { REPORTED_MAX = 20 };	/* recipients with a line of their own on standard error */

static bool share_one_reason(const struct envelope *e)
{
	const struct recipient *first = NULL;

	for (size_t i = 0; i < e->count; i++) {
		const struct recipient *r = &e->recipients[i];

		if (!r->why)
			continue;
		if (first && !recipient_reason_is_same(first, r))
			return false;
		first = first ? first : r;
	}
	return true;
}

static const char *what_became(const struct call *call, const struct recipient *r)
{
	if (r->verdict != VERDICT_REFUSED && call->submittal.is_queued)
		return "queued for";
	return r->verdict == VERDICT_UNKNOWN ? "perhaps sent to" : "not sent to";
}

/* Where those stand for whom there is no room here. */
static void print_where(const struct call *call, size_t more)
{
	if (call->submittal.is_kept)
		say_aside("and %zu more; `acsmtp queue show %s` names them", more, call->id);
	else
		say_aside("and %zu more; the log (%s) names them as %s", more,
			 call->submittal.account->log, call->id);
}

/* As many as a screen has room for, but all where they would be named nowhere else. */
static size_t most_to_print(const struct call *call)
{
	return text_is(call->submittal.account->log, "off") && !call->submittal.is_kept ? SIZE_MAX :
	       REPORTED_MAX;
}

/*
 * After a dialogue that failed: who did not get the message, where one reason is not all.
 * First those who will not get it by themselves.
 */
static void print_recipients(const struct call *call)
{
	const struct envelope *e = &call->envelope;
	size_t accepted = envelope_count(e, VERDICT_ACCEPTED), failed = 0, most = most_to_print(call);
	bool one_reason = share_one_reason(e);

	if (!call_may_say(call) ||
	    (!accepted && one_reason && !call->submittal.is_queued))
		return;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < e->count; i++) {
			const struct recipient *r = &e->recipients[i];
			struct error why;

			if (!r->why || (r->verdict == VERDICT_REFUSED) != (pass == 0) ||
			    failed++ >= most)
				continue;
			recipient_reason(r, &why);
			say_aside("%s <%s>%s%s", what_became(call, r), r->mailbox,
				 one_reason ? "" : ": ", one_reason ? "" : why.text);
		}
	if (failed > most)
		print_where(call, failed - most);
	if (accepted)
		say_aside("the message was sent to %zu of %zu recipients; do not send it to "
		    "them again", accepted, e->count);
}

/*
 * What is in the queue says itself which account it wants, but here stands where it is.
 */
static bool read_config_if_any(struct call *call, struct error *err)
{
	const char *file = call->options.config_file;

	return queue_load_config(&call->config, file && *file ? file : NULL, err);
}

static bool open_transcript(struct call *call, struct error *err)
{
	const char *file = call->options.transcript;

	call->trace.name = call->name;
	if (call->options.verbose)
		call->trace.fds[0] = STDOUT_FILENO;
	if (file && !strcmp(file, "-")) {
		call->trace.fds[0] = STDOUT_FILENO;
		return true;
	}
	if (!file)
		return true;
	call->trace.fds[1] = append_open(file, err);
	return call->trace.fds[1] >= 0 || error_context(err, "-X %.600s", file);
}

static bool open_queue(struct call *call, struct error *err)
{
	return queue_reach(&call->queue, &call->config, true, err);
}

/* The message is safe, but nobody comes for it by himself. */
static void say_unattended(const struct call *call)
{
	if (call->submittal.no_runner.text[0] && call_may_say(call))
		say_aside("%s; `sendmail -q` sends what waits", call->submittal.no_runner.text);
}

static bool send_message(struct call *call, struct error *err)
{
	struct submittal *s = &call->submittal;
	bool is_dry = call->options.mode == MODE_DRY_RUN, ok;

	*s = call_submittal(call);
	s->wishes.mode = is_dry ? SUBMIT_NOTHING : s->wishes.mode;
	ok = submit(s, &call->envelope, &call->message, err);
	say_unattended(call);
	return ok && (!is_dry || dry_run_show(s->account, s->why_account, &call->envelope,
					      &call->message, err));
}

/* Silent unless somebody wants to see it, or expects to hear of what was tried. */
static void say_queued(const struct call *call)
{
	const struct submittal *s = &call->submittal;
	const struct error *why = &s->why_queued;
	char when[CLOCK_DATE_SIZE];

	if (!s->is_queued || !call_may_say(call) ||
	    !(call->options.verbose || (why->text[0] && isatty(STDERR_FILENO))))
		return;
	clock_stamp(s->next, when);
	say_aside("queued as %s, not before %s%s%s%s%s", call->id, when,
		 why->text[0] ? ": " : "", why->text, why->advice ? "; " : "",
		 why->advice ? why->advice : "");
}

static bool run_the_queue(struct call *call, struct error *err)
{
	bool is_traced = call->trace.fds[0] >= 0 || call->trace.fds[1] >= 0;

	return run_queue_as_told(&call->options, &call->config, &call->queue,
				 is_traced ? &call->trace : NULL, err);
}

static bool show_recipients(struct call *call, struct error *err)
{
	struct submittal *s = &call->submittal;

	*s = call_submittal(call);
	return submit_find_account(s, &call->message, err) &&
	       look_at_recipients(&call->options, &call->aliases, s->account, s->why_account,
				  err);
}

/* Before there is an account too: who installs a mail program calls newaliases. */
static bool check_aliases(struct call *call, struct error *err)
{
	if (!config_load_any(&call->config, call->options.config_file, err))
		return false;
	local_init(&call->aliases, &call->config);
	return look_at_aliases(&call->aliases, err);
}

typedef bool step_fn(struct call *call, struct error *err);	/* NULL ends a list of them */

/* In this order: what is cheap to find wrong comes first, the server last. */
static step_fn *const sending[] = {
	call_check_recipients,
	call_read_sender,
	open_transcript,
	call_read_config,
	call_read_message,
	call_find_recipients,
	send_message,
	NULL,
};
static step_fn *const running_the_queue[] = {
	open_transcript, read_config_if_any, open_queue, run_the_queue, NULL,
};
static step_fn *const looking_at_recipients[] = {
	call_read_sender, call_read_config, show_recipients, NULL,
};
static step_fn *const speaking_smtp[] = { open_transcript, dialogue_hold, NULL };
static step_fn *const looking_at_aliases[] = { check_aliases, NULL };

/* A refusal before there was a dialogue has no log line yet. */
static void log_refusal(const struct call *call, const struct error *err)
{
	const struct account *account = call->submittal.account;

	log_open(account ? account_log(account) : (struct log_place){ "syslog", LOG_AS_TEXT },
		 call->options.log_tag ? call->options.log_tag : "acsmtp");
	attempt_log_not_taken(call->id, &call->caller, err);
}

static int run(struct call *call, step_fn *const *steps)
{
	struct error err;

	id_new(call->id);
	for (size_t i = 0; steps[i]; i++) {
		if (steps[i](call, &err))
			continue;
		call_print_error(call, &err);
		if (call->submittal.is_begun)
			print_recipients(call);
		else if (steps == sending)
			log_refusal(call, &err);
		drain();
		return call->submittal.is_kept &&
		       call->options.complaint == COMPLAIN_BY_MAIL_ALONE ? EX_OK :
		       error_exit_status(&err);
	}
	say_queued(call);
	return EX_OK;
}

static bool takes_message(const struct call *call)
{
	return call->options.mode == MODE_SEND || call->options.mode == MODE_DRY_RUN;
}

/* -bd and -bD are another command's words. */
static int run_daemon(const struct program *program, const struct options *o)
{
	const struct command_call call = { .program = program };
	bool has_file = o->config_file && *o->config_file;
	char *words[4] = { NULL };
	size_t count = 0;

	if (o->mode == MODE_DAEMON_APART)
		words[count++] = (char *)"--background";
	if (has_file) {
		words[count++] = (char *)"--config";
		words[count] = (char *)o->config_file;
	}
	return command_go_on(&call, "daemon", words);
}

static int run_as(enum mode mode, const struct program *program, int argc, char **argv)
{
	struct call call = { .name = program->name, .caller = call_from_here(),
			     .trace = TRACE_NONE, .options.mode = mode, .queue = QUEUE_CLOSED };
	step_fn *const *steps = sending;
	struct error err;
	bool is_understood;
	int status;

	is_understood = options_parse(&call.options, argc, argv, &err);
	drain_expect(takes_message(&call) ? STDIN_FILENO : -1);
	if (!is_understood) {
		call_print_error(&call, &err);
		drain();
		return error_exit_status(&err);
	}
	switch (call.options.mode) {
	case MODE_HELP:
		return usage_print(stdout, program);
	case MODE_VERSION:
		return usage_version(stdout);
	case MODE_NOTHING_KEPT:
		say_aside("no host status is kept");
		return EX_OK;
	case MODE_LIST_QUEUE:
	case MODE_COUNT_QUEUE:
		return mailq_show(&call.options);
	case MODE_DAEMON:
	case MODE_DAEMON_APART:
		return run_daemon(program, &call.options);
	case MODE_LOOK_AT_ALIASES:
		steps = looking_at_aliases;
		break;
	case MODE_LOOK_AT_RECIPIENTS:
		steps = looking_at_recipients;
		break;
	case MODE_SPEAK_SMTP:
		steps = speaking_smtp;
		break;
	case MODE_RUN_QUEUE:
		/*
		 * Whoever goes into the background holds nothing of its caller's, such as
		 * a lock.
		 */
		if (call.options.interval > 0 && !call.options.in_foreground)
			descriptors_close(STDERR_FILENO + 1);
		steps = running_the_queue;
		break;
	case MODE_SEND:
	case MODE_DRY_RUN:
	case MODE_REFUSED:
		break;
	}
	message_init(&call.message);
	status = run(&call, steps);
	call_free(&call);
	return status;
}

int sendmail_run(const struct program *program, int argc, char **argv)
{
	return run_as(MODE_SEND, program, argc, argv);
}

int sendmail_run_as_mailq(const struct program *program, int argc, char **argv)
{
	return run_as(MODE_LIST_QUEUE, program, argc, argv);
}

int sendmail_run_as_smtpd(const struct program *program, int argc, char **argv)
{
	return run_as(MODE_DAEMON_APART, program, argc, argv);
}

int sendmail_run_as_newaliases(const struct program *program, int argc, char **argv)
{
	return run_as(MODE_LOOK_AT_ALIASES, program, argc, argv);
}
