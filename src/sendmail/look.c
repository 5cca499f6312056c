/* SPDX-License-Identifier: GPL-3.0-or-later */
/* English and as sendmail prints it, "NAME... deliverable: ", for scripts read it. */
#include "sendmail/look.h"

#include <stdio.h>
#include <string.h>

#include "delivery/local.h"
#include "talk/say.h"
#include "sendmail/recipients.h"

enum { FAULTS_SHOWN = 100 };

/* --- recipients */

struct looker {
	struct aliases *aliases;
	const struct account *account;
	const char *why;
	size_t count, undeliverable;
};

static void print_undeliverable(struct looker *l, const char *recipient,
				const struct error *why)
{
	say_text(recipient);
	fputs("... undeliverable: ", stdout);
	say_text(why->text);
	printf("%s%s\n", why->advice ? "; " : "", why->advice ? why->advice : "");
	l->count++;
	l->undeliverable++;
}

static void print_recipient(struct looker *l, const char *mailbox)
{
	OWNED_ADDRESSES list = { 0 };
	struct error err;

	if (!local_resolve(l->aliases, mailbox, &list, &err)) {
		print_undeliverable(l, mailbox, &err);
		return;
	}
	say_text(mailbox);
	/* The aliases are the daemon's, which may lead a local name nowhere. */
	fputs(l->account->daemon && !strchr(mailbox, '@') ? "... the daemon decides: " :
	      "... deliverable: ", stdout);
	for (size_t i = 0; i < list.count; i++) {
		fputs(i > 0 ? ", <" : "<", stdout);
		say_text(list.items[i].mailbox);
		putchar('>');
	}
	printf(" through account %s (%s)\n", l->account->name, l->why);
	l->count++;
}

bool look_at_recipients(const struct options *options, struct aliases *aliases,
			const struct account *account, const char *why, struct error *err)
{
	struct looker l = { .aliases = aliases, .account = account, .why = why };

	for (int i = 0; i < options->count; i++) {
		OWNED_PEOPLE to = { .aliases = aliases };

		if (!recipients_parse(options->recipients[i], &to, err))
			return false;
		for (size_t k = 0; k < to.list.count; k++)
			print_recipient(&l, to.list.items[k].mailbox);
		for (size_t k = 0; k < to.faults.count; k++)
			print_undeliverable(&l, to.faults.items[k].text,
					    &to.faults.items[k].why);
	}
	if (!say_end(err))
		return false;
	if (l.count == 0)
		return error_set(err, ERROR_USAGE, "no recipients on the command line");
	return l.undeliverable == 0 ||
	       error_set(err, ERROR_NO_USER, "%zu of %zu recipients cannot be reached",
			 l.undeliverable, l.count);
}

/* --- the file of aliases */

struct faults {
	size_t count;		/* of real ones */
	size_t shown;
};

static void print_fault(void *taker, const struct error *fault)
{
	struct faults *faults = taker;
	bool is_fault = fault->kind != ERROR_NO_USER;

	faults->count += is_fault;
	if (faults->shown++ >= FAULTS_SHOWN)
		return;
	say_aside("%s%s", is_fault ? "" : "warning: ", fault->text);
}

bool look_at_aliases(struct aliases *aliases, struct error *err)
{
	struct faults faults = { 0 };

	if (!aliases->path) {
		puts("no file of aliases is used: `aliases = off` in [delivery]");
		return say_end(err);
	}
	if (!aliases_check(aliases, print_fault, &faults, err))
		return false;
	if (faults.shown > FAULTS_SHOWN)
		say_aside("and %zu more", faults.shown - FAULTS_SHOWN);
	say_text(aliases->path);
	printf(": %zu aliases, longest %zu bytes, %zu bytes total\n", aliases->count,
	       aliases->longest, aliases->total);
	if (!say_end(err))
		return false;
	return faults.count == 0 ||
	       error_set(err, ERROR_CONFIG, "%s: faults: %zu", aliases->path, faults.count);
}
