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

bool recipients_parse(const char *argument, struct address_list *list, struct error *err)
{
	char shown[SHOWN_SIZE];

	if (is_no_mailbox(argument) && !strchr(argument, '@'))
		return refuse_no_mailbox(argument, err);
	return address_list_parse(list, argument, strlen(argument), err) ||
	       error_context(err, "recipient \"%s\"", text_show(argument, shown));
}

bool recipients_resolve(struct aliases *aliases, const char *mailbox,
			struct address_list *list, struct error *err)
{
	if (!address_domain(mailbox))
		return is_no_mailbox(mailbox) ? refuse_no_mailbox(mailbox, err) :
		       aliases_resolve(aliases, mailbox, list, err);
	grow((void **)&list->items, &list->room, list->count, sizeof(*list->items));
	list->items[list->count++] = (struct address){ .mailbox = text_copy(mailbox) };
	return true;
}

static bool parse_arguments(const struct options *options, struct address_list *list,
			    struct error *err)
{
	for (int i = 0; i < options->count; i++)
		if (!recipients_parse(options->recipients[i], list, err))
			return false;
	return true;
}

static bool is_in(const struct address_list *list, const char *mailbox)
{
	for (size_t i = 0; i < list->count; i++)
		if (address_is_same(list->items[i].mailbox, mailbox))
			return true;
	return false;
}

/* Leaves out those of `without` (NULL: none). Who leads nowhere does not stop the others. */
static void add_all(struct envelope *e, const struct address_list *list,
		    const struct address_list *without, struct aliases *aliases)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *mailbox = list->items[i].mailbox;
		OWNED_ADDRESSES found = { 0 };
		struct error why;

		if (without && is_in(without, mailbox))
			continue;
		if (!recipients_resolve(aliases, mailbox, &found, &why)) {
			envelope_refuse(e, mailbox, &why);
			continue;
		}
		for (size_t k = 0; k < found.count; k++)
			envelope_add(e, found.items[k].mailbox);
	}
}

/* Whether there is somebody to send to. */
static bool check_any(const struct envelope *e, struct error *err)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].verdict == VERDICT_NONE)
			return true;
	*err = *e->recipients[0].why;
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

bool recipients_gather(const struct recipient_sources *from, const struct message *m,
		       struct envelope *e, struct error *err)
{
	OWNED_ADDRESSES arguments = { 0 }, header = { 0 };
	bool from_header = from->options->recipients_from_header;
	bool removes = from_header && from->settings->t_with_arguments;

	if (!parse_arguments(from->options, &arguments, err))
		return false;
	if (from_header && !submission_recipients(m, &header, err))
		return false;
	if (!removes)
		add_all(e, &arguments, NULL, from->aliases);
	add_all(e, &header, removes ? &arguments : NULL, from->aliases);
	take_dsn(from->options, e);
	if (e->count > 0)
		return check_any(e, err);
	if (from_header)
		error_set(err, ERROR_USAGE, "no recipients: the header has none in To, Cc or Bcc%s",
			  from->options->count ? " that are left" : "");
	else
		error_set(err, ERROR_USAGE, "no recipients on the command line");
	return error_advise(err, from_header ? "name them there or on the command line" :
			    "name them there, or use -t to take them from the header");
}
