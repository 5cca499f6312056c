/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the command line, and with -t from the header; the setting `t_with_arguments` says
 * whether arguments are then added or left out. A recipient that is no address does not
 * stop the others: it becomes a refused one, and who sent the message hears of it. To
 * leave somebody out is another matter: what cannot be understood there stops everything.
 */
#include "sendmail/recipients.h"

#include <string.h>

#include "base/buf.h"
#include "base/language.h"
#include "base/text.h"
#include "mail/submission.h"
#include "delivery/local.h"

/* The argument itself, where it says more than what was wrong in it. */
static void name_argument(struct error *err, const char *argument, const char *piece)
{
	char shown[SHOWN_SIZE];

	if (piece && !strcmp(argument, piece))
		error_context(err, "recipient");
	else
		error_context(err, "recipient \"%s\"", text_show(argument, shown));
}

bool recipients_parse(const char *argument, struct people *to, struct error *err)
{
	size_t before = to->faults.count;
	struct error why;
	bool ok;

	/* Not even what may look like an address behind a comma of a command. */
	if (local_is_no_mailbox(argument) && !strchr(argument, '@')) {
		local_refuse_no_mailbox(argument, &why);
		address_faults_add(&to->faults, argument, strlen(argument), &why);
		return true;
	}
	ok = people_read(to, argument, strlen(argument), err);
	for (size_t i = before; i < to->faults.count; i++) {
		struct address_fault *fault = &to->faults.items[i];

		if (local_is_no_mailbox(fault->text) && !strchr(fault->text, '@'))
			local_refuse_no_mailbox(fault->text, &fault->why);
		else
			name_argument(&fault->why, argument, fault->text);
	}
	if (!ok)
		name_argument(err, argument, NULL);
	return ok;
}

static bool parse_arguments(const struct options *options, struct people *to,
			    struct error *err)
{
	for (int i = 0; i < options->count; i++)
		if (!recipients_parse(options->recipients[i], to, err))
			return false;
	return true;
}

/* Each tells what was expected, also where it is not the error that ends the call. */
static void refuse_fault(struct envelope *e, const struct address_fault *fault)
{
	struct error why;

	OWNED_BUF text = BUF_INIT(2 * ERROR_TEXT_MAX), words = BUF_INIT(2 * ERROR_TEXT_MAX);

	buf_addf(&text, "%s; %s", fault->why.text, fault->why.advice);
	buf_addf(&words, _("%s; %s"), error_words(&fault->why), tr(fault->why.advice));
	error_texts(&why, fault->why.kind, buf_text(&text), buf_text(&words));
	envelope_refuse(e, fault->text, &why);
}

/* Leaves out those of `without`. Who leads nowhere does not stop the others. */
static void add_all(struct envelope *e, const struct people *to,
		    const struct envelope *without)
{
	for (size_t i = 0; i < to->list.count; i++) {
		const char *mailbox = to->list.items[i].mailbox;
		OWNED_ADDRESSES found = { 0 };
		struct error why;

		if (envelope_has(without, mailbox))
			continue;
		if (!local_resolve(to->aliases, mailbox, &found, &why)) {
			envelope_refuse(e, mailbox, &why);
			continue;
		}
		for (size_t k = 0; k < found.count; k++)
			envelope_add(e, found.items[k].mailbox);
	}
	for (size_t i = 0; i < to->faults.count; i++)
		refuse_fault(e, &to->faults.items[i]);
}

/* Whether there is somebody to send to. */
static bool check_any(const struct envelope *e, struct error *err)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].verdict == VERDICT_NONE)
			return true;
	recipient_reason(&e->recipients[0], err);
	return false;
}

/* RFC 3461 writes the words of NOTIFY and RET in capitals. */
static char *in_capitals(const char *words)
{
	char *copy = words ? text_copy(words) : NULL;

	if (copy)
		text_upper(copy);
	return copy;
}

static void take_dsn(const struct options *options, struct envelope *e)
{
	e->notify = in_capitals(options->notify);
	e->ret = in_capitals(options->ret);
	e->envid = options->envid ? text_copy(options->envid) : NULL;
}

static void keep_joined(const struct people *to, struct address_list *joined)
{
	for (size_t i = 0; joined && i < to->list.count; i++) {
		const struct address *a = &to->list.items[i];

		if (!a->is_joined)
			continue;
		grow((void **)&joined->items, &joined->room, joined->count,
		     sizeof(*joined->items));
		joined->items[joined->count++] = (struct address){
			.mailbox = text_copy(a->mailbox), .name = text_copy(a->name) };
	}
}

static bool gather(const struct recipient_sources *from, const struct message *m,
		   struct envelope *e, struct error *err)
{
	OWNED_PEOPLE arguments = { .aliases = from->aliases };
	OWNED_PEOPLE header = { .aliases = from->aliases };
	OWNED_ENVELOPE without = { 0 };
	bool from_header = from->options->recipients_from_header;
	bool removes = from_header && from->settings->t_with_arguments;

	if (!parse_arguments(from->options, &arguments, err))
		return false;
	/* Somebody who was to be left out would get the message. */
	if (removes && arguments.faults.count > 0) {
		*err = arguments.faults.items[0].why;
		return error_context(err, "to be left out");
	}
	if (from_header && !submission_recipients(m, &header, err))
		return false;
	for (size_t i = 0; removes && i < arguments.list.count; i++)
		envelope_add(&without, arguments.list.items[i].mailbox);
	if (!removes)
		add_all(e, &arguments, &without);
	add_all(e, &header, &without);
	keep_joined(&arguments, from->joined);
	keep_joined(&header, from->joined);
	return true;
}

bool recipients_are_told(const struct options *options)
{
	for (int i = 0; i < options->count; i++)
		if (options->recipients[i][strspn(options->recipients[i], " ,;")])
			return true;
	return options->recipients_from_header;
}

bool recipients_refuse_none(struct error *err)
{
	error_set(err, ERROR_USAGE, "no recipients on the command line");
	return error_advise(err, "name them there, or use -t to take them from the header");
}

bool recipients_gather(const struct recipient_sources *from, const struct message *m,
		       struct envelope *e, struct error *err)
{
	bool from_header = from->options->recipients_from_header;

	if (!gather(from, m, e, err))
		return false;
	take_dsn(from->options, e);
	/*
	 * A message that nobody gets is still kept for a caller who wants mail about it.
	 */
	if (e->count > 0)
		return (from->options->mode == MODE_SEND &&
			from->options->complaint >= COMPLAIN_BY_MAIL) ||
		       check_any(e, err);
	if (!from_header)
		return recipients_refuse_none(err);
	error_text(err, ERROR_USAGE, from->options->count ?
		   N_("no recipients: the header has none in To, Cc or Bcc that are left") :
		   N_("no recipients: the header has none in To, Cc or Bcc"));
	return error_advise(err, "name them there or on the command line");
}
