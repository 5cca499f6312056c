/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "front/recipients.h"

#include <string.h>

#include "base/text.h"
#include "mail/submission.h"

/* What sendmail would write to, run or read: never done here. */
static bool is_no_mailbox(const char *name)
{
	name += strspn(name, " \"");
	return *name == '|' || *name == '/' || text_after(name, ":include:");
}

static bool refuse_no_mailbox(const char *name, struct error *err)
{
	char shown[SHOWN_SIZE];

	error_set(err, ERROR_DATA, "recipient \"%s\" is a file, a program or a list",
		  text_show(name, shown));
	return error_advise(err, "only addresses can be sent to");
}

static bool parse_arguments(const struct options *options, struct address_list *list,
			    struct error *err)
{
	for (int i = 0; i < options->count; i++) {
		const char *argument = options->recipients[i];
		char shown[SHOWN_SIZE];

		if (is_no_mailbox(argument) && !strchr(argument, '@'))
			return refuse_no_mailbox(argument, err);
		if (!address_list_parse(list, argument, strlen(argument), err))
			return error_context(err, "recipient \"%s\"",
					     text_show(argument, shown));
	}
	return true;
}

static bool is_in(const struct address_list *list, const char *mailbox)
{
	for (size_t i = 0; i < list->count; i++)
		if (address_is_same(list->items[i].mailbox, mailbox))
			return true;
	return false;
}

static bool add_local(struct envelope *e, const char *name, const char *stands_for,
		      struct error *err)
{
	OWNED_ADDRESSES list = { 0 };
	char shown[SHOWN_SIZE];

	if (!*stands_for) {
		error_set(err, ERROR_NO_USER, "recipient \"%s\" has no domain, and there is no "
			  "local delivery", text_show(name, shown));
		return error_advise(err, "give a full address, or set local_recipients in "
				    "[delivery] to the address that gets mail for local names");
	}
	if (!address_list_parse(&list, stands_for, strlen(stands_for), err))
		return error_context(err, "[delivery] local_recipients");
	for (size_t i = 0; i < list.count; i++)
		envelope_add(e, list.items[i].mailbox);
	return true;
}

/* Leaves out those of `without` (NULL: none). */
static bool add_all(struct envelope *e, const struct address_list *list,
		    const struct address_list *without, const char *local_recipients,
		    struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *mailbox = list->items[i].mailbox;

		if (without && is_in(without, mailbox))
			continue;
		if (address_domain(mailbox))
			envelope_add(e, mailbox);
		else if (is_no_mailbox(mailbox))
			return refuse_no_mailbox(mailbox, err);
		else if (!add_local(e, mailbox, local_recipients, err))
			return false;
	}
	return true;
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

bool recipients_gather(const struct options *options,
		       const struct delivery_settings *settings, const struct message *m,
		       struct envelope *e, struct error *err)
{
	OWNED_ADDRESSES arguments = { 0 }, header = { 0 };
	bool from_header = options->recipients_from_header;
	bool removes = from_header && settings->t_with_arguments;
	const char *local = settings->local_recipients ? settings->local_recipients : "";

	if (!parse_arguments(options, &arguments, err))
		return false;
	if (from_header && !submission_recipients(m, &header, err))
		return false;
	if (!removes && !add_all(e, &arguments, NULL, local, err))
		return false;
	if (!add_all(e, &header, removes ? &arguments : NULL, local, err))
		return false;
	take_dsn(options, e);
	if (e->count > 0)
		return true;
	if (from_header)
		error_set(err, ERROR_USAGE, "no recipients: the header has none in To, Cc or Bcc%s",
			  options->count ? " that are left" : "");
	else
		error_set(err, ERROR_USAGE, "no recipients on the command line");
	return error_advise(err, from_header ? "name them there or on the command line" :
			    "name them there, or use -t to take them from the header");
}
