/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What costs nothing is asked first, before the message is read, and the count of the
 * hour last, as what is counted will be sent. Mail about mail must not go round in
 * circles: nothing is reported about a report, an automatic answer or a message from
 * <>, and of a report the server is asked for no report.
 */
#include "delivery/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "delivery/account_secret.h"
#include "delivery/queue.h"
#include "mail/header.h"
#include "mail/people.h"
#include "mail/submission.h"
#include "net/net.h"
#include "smtp/domains.h"
#include "spool/hourly.h"

enum { HOUR = 60 * 60, DAY = 24 * HOUR, REASON_SIZE = 300, NAME_SIZE = 65 };

static const char count_file[] = "reports";

/* One report on its way. */
struct work {
	const struct reporter *r;
	const struct item *item;
	enum report_kind kind;
	struct message original;
	struct entry entry;	  /* of the report */
	char reason[REASON_SIZE]; /* why nobody is told */
};

static bool nobody(struct work *w, const char *why)
{
	snprintf(w->reason, sizeof(w->reason), "%.*s", REASON_SIZE - 1, why);
	return true;
}

static const char *sender_of(const struct work *w)
{
	const struct envelope *e = &w->item->entry.envelope;

	return e->origin ? e->origin : e->sender;
}

/* --- is it a matter for a report at all */

static bool is_about_anybody(const struct work *w)
{
	const struct envelope *e = &w->item->entry.envelope;

	for (size_t i = 0; i < e->count; i++)
		if (report_is_about(w->kind, &e->recipients[i]))
			return true;
	return false;
}

/* RFC 3461 section 4.1: whoever gave a list wants nothing else. */
static bool is_unwanted(const struct work *w)
{
	const char *word = w->kind == REPORT_FAILED ? "FAILURE" : "DELAY";
	const char *at = w->item->entry.envelope.notify;
	size_t len;

	for (; at && *at; at += len + (at[len] == ',')) {
		len = strcspn(at, ",");
		if (text_is_n(at, len, word))
			return false;
	}
	return w->item->entry.envelope.notify != NULL;
}

/* The rest is decided before the message is read. */
static bool nobody_is_told(struct work *w)
{
	if (!is_about_anybody(w))
		return nobody(w, "no recipient is left to tell of");
	if (w->item->entry.is_report)
		return nobody(w, "it is a report itself");
	if (!*sender_of(w))
		return nobody(w, "its sender is <>");
	if (is_unwanted(w))
		return nobody(w, "the sender does not want it (NOTIFY)");
	return w->r->settings->reports_per_hour == 0 &&
	       nobody(w, "reports_per_hour is 0");
}

/* --- what the header says of the sender */

/*
 * A report or an answer of a program (RFC 3834 section 5): reports about those go round
 * in circles. What a program sends on its own, as cron does, is for somebody to know
 * about.
 */
static bool is_reply(const struct field *field)
{
	static const char word[] = "auto-replied";
	OWNED_TEXT text = NULL;

	if (!field_is(field, "Auto-Submitted"))
		return false;
	text = field_text(field);
	/* Parameters and comments may follow. */
	return text_is_n(text, strcspn(text, "; \t("), word);
}

static bool is_automatic_reply(struct work *w)
{
	struct field field;

	for (size_t at = 0; header_next(&w->original.header, &at, &field); )
		if (is_reply(&field)) {
			snprintf(w->reason, sizeof(w->reason), "it has %.*s", (int)field.len,
				 field.start);
			return true;
		}
	return false;
}

/* --- whom */

/* As the command does it for `-f <>`: services refuse the null sender. */
static const char *report_sender(const struct account *account)
{
	return account->null_sender == NULL_SENDER_ACCOUNT ? account->from : "";
}

static void fill_envelope(struct work *w)
{
	struct envelope *e = &w->entry.envelope;

	e->sender = text_copy(report_sender(w->r->account));
	/* RFC 3461 section 6.2: the server must not report about it either. */
	e->notify = text_copy("NEVER");
}

static bool add_addresses(struct work *w, const struct address_list *list,
			  struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *mailbox = list->items[i].mailbox;
		OWNED_ADDRESSES found = { 0 };

		if (address_domain(mailbox))
			envelope_add(&w->entry.envelope, mailbox);
		else if (!aliases_resolve(w->r->aliases, mailbox, &found, err) ||
			 !add_addresses(w, &found, err))
			return false;
	}
	return true;
}

static bool add_readers(struct work *w, const char *text, struct error *err)
{
	OWNED_PEOPLE to = { .aliases = w->r->aliases };

	if (!people_read(&to, text, strlen(text), err))
		return false;
	if (to.faults.count > 0) {
		*err = to.faults.items[0].why;
		return false;
	}
	return add_addresses(w, &to.list, err) &&
	       domains_to_ascii(&w->entry.envelope, err) &&
	       (w->entry.envelope.count > 0 ||
		error_set(err, ERROR_NO_USER, "\"%s\" is no address", text));
}

/*
 * As services call the address that mail can be sent from before anybody has set up
 * another.
 */
static bool is_unread(const char *mailbox)
{
	static const char *const words[] = { "noreply", "donotreply", "dontreply", "bounce" };
	char name[NAME_SIZE];
	size_t len = 0;

	for (const char *c = mailbox; *c && *c != '@' && len < sizeof(name) - 1; c++)
		if (!strchr("-_.", *c))
			name[len++] = *c;
	name[len] = '\0';
	text_lower(name);
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strstr(name, words[i]))
			return true;
	return false;
}

/* False: nobody can be found, for the reason in `err`. */
static bool find_readers(struct work *w, struct error *err)
{
	const char *chosen = w->r->settings->report_to, *from = w->r->account->from;
	struct error unheard;

	if (add_readers(w, *chosen ? chosen : sender_of(w), err))
		return true;
	envelope_free(&w->entry.envelope);
	w->entry.envelope = (struct envelope){ 0 };
	fill_envelope(w);
	return *from && !is_unread(from) && add_readers(w, from, &unheard);
}

/* --- the report */

static void fill_entry(struct work *w)
{
	const struct entry *original = &w->item->entry;
	struct entry *e = &w->entry;

	id_new(e->id);
	e->arrived = e->next = w->r->now;
	e->is_report = true;
	e->uid = original->uid;
	e->user = original->user ? text_copy(original->user) : NULL;
	e->host = original->host ? text_copy(original->host) : NULL;
	e->account = text_copy(w->r->account->name);
	e->login = queue_login(w->r->account);
	e->is_default = true;	/* any account will do */
	e->is_original = true;
	e->given = text_copy("");
	e->config = text_copy(w->r->config);
	fill_envelope(w);
}

static bool make(struct work *w, struct message *m, struct error *err)
{
	const struct account *account = w->r->account;
	const struct entry *original = &w->item->entry;
	OWNED_TEXT machine =
		account->domain[0] ? text_copy(account->domain) : net_host_name();
	OWNED_TEXT domain =
		account->domain[0] ? text_copy(account->domain) : net_mail_name();
	OWNED_BUF from = BUF_INIT(1000);
	struct secret_end end;
	const struct report report = {
		.kind = w->kind,
		.id = w->entry.id,
		.from = account->from[0] ? account->from
					 : (buf_addf(&from, "MAILER-DAEMON@%s", domain),
					    buf_text(&from)),
		.to = &w->entry.envelope,
		.machine = machine,
		.server = account->host,
		.service = account->service,
		.now = w->r->now,
		.original_id = original->id,
		.arrived = original->arrived,
		.is_held = original->is_held,
		.until = original->arrived + w->r->settings->expire * DAY,
		.keep_days = w->r->settings->keep_failed,
		.envelope = &original->envelope,
		.why = original->why,
		.original = &w->original,
		.is_damaged = w->r->is_damaged,
		.secret_ends = account_secret_ends(account, w->r->now, &end) ? end.day : NULL,
		.max_size = (uint64_t)account->max_size,
	};

	return report_make(&report, m, err);
}

static bool queue(struct work *w, struct error *err)
{
	OWNED_MESSAGE m;

	if (!make(w, &m, err))
		return false;
	w->entry.message_id = submission_message_id(&m);
	if (!spool_add(w->r->spool, &w->entry, &m, err))
		return false;
	log_info_of(w->item->entry.id, "%s is reported to <%s>%s as %s",
		    w->kind == REPORT_FAILED ? "failure" : "delay",
		    w->entry.envelope.recipients[0].mailbox,
		    w->entry.envelope.count > 1 ? " and others" : "", w->entry.id);
	return true;
}

/* As it was sent, or would have been. */
static void finish_original(struct work *w)
{
	struct entry e = w->item->entry;
	struct error unheard;

	if (w->r->is_damaged || !e.is_original)
		return;
	e.envelope.sender = text_copy(e.envelope.sender);
	(void)queue_prepare(w->r->account, w->r->aliases, &e, &w->original, &unheard);
	free(e.envelope.sender);
}

/* The order matters: what is counted will be tried. */
static bool run(struct work *w, struct error *err)
{
	const struct reporter *r = w->r;
	struct error unknown;
	bool may;

	if (nobody_is_told(w))
		return true;
	if (!r->is_damaged && !item_message(w->item, &w->original, err))
		return false;
	if (is_automatic_reply(w))
		return true;
	finish_original(w);
	fill_entry(w);
	if (!find_readers(w, &unknown))
		return nobody(w, unknown.text);
	if (!hourly_take(r->spool->dir, count_file, r->settings->reports_per_hour, r->now,
			 &may, err))
		return false;
	return may ? queue(w, err) : nobody(w, "more than reports_per_hour");
}

bool report_queue(const struct reporter *r, const struct item *item,
		  enum report_kind kind, bool *is_told, struct error *err)
{
	struct work w = { .r = r, .item = item, .kind = kind };
	bool ok;

	message_init(&w.original);
	ok = run(&w, err);
	*is_told = ok && !w.reason[0];
	if (ok && w.reason[0])
		log_info_of(item->entry.id, "nobody is told of its %s: %s",
			    kind == REPORT_FAILED ? "failure" : "delay", w.reason);
	message_free(&w.original);
	entry_free(&w.entry);
	return ok || error_context(err, "report about %s", item->entry.id);
}

bool report_is_due(const struct reporter *r, const struct entry *e)
{
	return r->settings->warn_after > 0 && !e->is_warned && !e->is_report &&
	       envelope_waiting(&e->envelope) > 0 &&
	       r->now - e->arrived >= r->settings->warn_after * HOUR;
}
