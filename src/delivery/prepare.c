/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The order matters. Fields that stand twice become one before anybody looks at the
 * author; the sender policy decides on author and envelope together; then domains
 * become ASCII, and the header is repaired with what was decided. The size is looked at
 * last, as that of what will be sent.
 */
#include "delivery/prepare.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "base/log.h"
#include "base/text.h"
#include "delivery/choose.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/single.h"
#include "mail/submission.h"
#include "net/net.h"
#include "smtp/domains.h"

enum { NAME_MAX_BYTES = 256, MAILBOX_MAX = 512 };

/* For any From: -F, or the account's from_name; NULL: neither is set. */
static const char *chosen_name(const struct preparation *p)
{
	if (p->full_name)
		return p->full_name;
	return p->account->from_name[0] ? p->account->from_name : NULL;
}

/* For a From that we add. */
static char *full_name(const struct preparation *p)
{
	const char *name = chosen_name(p);

	return name ? text_copy(name) : caller_full_name(p->caller);
}

bool prepare_lacks_from(const struct message *m)
{
	struct field field;
	OWNED_TEXT text = NULL;

	if (!header_find(&m->header, "From", &field))
		return true;
	text = field_text(&field);
	return !*text;
}

static bool refuse(const struct account *account, const char *what, const char *mailbox,
		   struct error *err)
{
	error_set(err, ERROR_SENDER, "%s <%s> may not send through account %s: it takes %s%s%s",
		  what, mailbox, account->name, account->from,
		  account->from[0] && account->allowed_senders[0] ? ", " : "",
		  account->allowed_senders);
	return error_advise(err, "use one of these as sender, add the address to "
			    "allowed_senders, or set `sender_policy = rewrite`");
}

/* A report has no sender but the account, and is refused nowhere. */
static int policy_of(const struct preparation *p)
{
	int policy = p->account->sender_policy;

	return p->is_report && policy == SENDER_REFUSE ? SENDER_REWRITE : policy;
}

/* Whether the policy leaves this sender or author as it is. */
static bool is_left_alone(const struct account *account, const char *mailbox)
{
	return account->sender_policy == SENDER_KEEP || !*mailbox ||
	       choose_allows(account, mailbox);
}

/* `-f root`, as cron says it: the user of that name on this machine. */
static char *qualified(const char *sender)
{
	OWNED_BUF mailbox = BUF_INIT(MAILBOX_MAX);
	OWNED_TEXT host = NULL;

	if (!*sender || address_domain(sender))
		return text_copy(sender);
	host = net_mail_name();
	buf_addf(&mailbox, "%s@%s", sender, host);
	return buf_take(&mailbox);
}

/* Services refuse the null sender although a report of failure must have it. */
static bool takes_null(const struct account *account)
{
	return account->null_sender == NULL_SENDER_SEND || !account->from[0];
}

/* Why the policy leaves it as it is. */
static const char *why_left_alone(const struct account *account, const char *mailbox)
{
	return choose_allows(account, mailbox) ?
		N_("it is the account's `from`, or in its `allowed_senders`") :
		N_("`sender_policy = keep` changes no sender");
}

static char *envelope_sender(const struct preparation *p, const char *author,
			     const char **why)
{
	const struct account *account = p->account;
	bool has_author = address_domain(author) != NULL;

	if (p->sender && !*p->sender) {
		*why = takes_null(account) ? N_("the null sender goes out as it was given") :
			N_("`null_sender = account`: the service takes no null sender");
		return text_copy(takes_null(account) ? "" : account->from);
	}
	*why = why_left_alone(account, p->sender ? p->sender : author);
	if (p->sender && is_left_alone(account, p->sender))
		return qualified(p->sender);
	if (!p->sender && has_author && is_left_alone(account, author))
		return text_copy(author);
	*why = p->sender || has_author ?
		N_("`sender_policy = rewrite`: what was given is neither `from` nor in "
		"`allowed_senders`") : N_("neither -f nor the header names a sender, so `from` does");
	if (account->from[0])
		return text_copy(account->from);
	*why = N_("the account has no `from`: it is the author");
	if (has_author)
		return text_copy(author);
	*why = N_("the account has no `from`: it is this user at this machine");
	return caller_mailbox(p->caller);
}

/* A bare login name goes through the aliases when there is something to report. */
static char *origin(const struct preparation *p, const char *author)
{
	char *login;

	if (p->sender || *author)
		return text_copy(p->sender ? p->sender : author);
	login = caller_login(p->caller);
	return login ? login : text_copy("root");
}

static bool check_policy(const struct preparation *p, const char *author,
			 struct error *err)
{
	const struct account *account = p->account;

	if (account->sender_policy == SENDER_KEEP)
		return true;
	if (!account->from[0]) {
		account_lacks(account, "from", err);
		error_context(err, "account %s", account->name);
		return error_advise(err, "set it to an address that the service lets you send "
				    "from, or set `sender_policy = keep`");
	}
	if (policy_of(p) != SENDER_REFUSE)
		return true;
	if (p->sender && !is_left_alone(account, p->sender))
		return refuse(account, "the envelope sender", p->sender, err);
	return is_left_alone(account, author) || refuse(account, "the author", author, err);
}

static bool is_small_enough(const struct account *account, const struct message *m,
			    struct error *err)
{
	uint64_t size = message_size(m);

	if (account->max_size == 0 || size <= (uint64_t)account->max_size)
		return true;
	error_set(err, ERROR_DATA, "the message has %" PRIu64 " bytes and account %s "
		  "takes %ld at most (max_size)", size, account->name, account->max_size);
	err->number = EFBIG;
	return false;
}

/* Who a From that we add names: -f, unless another address takes its place anyway. */
static const char *author_to_add(const struct preparation *p, const char *sender)
{
	const char *from = p->account->from;
	bool is_given = p->sender && *p->sender && *sender;

	return !*from || (is_given && p->account->sender_policy != SENDER_REWRITE) ? sender : from;
}

static bool header_work(const struct preparation *p, struct message *m, const char *sender,
			enum submission_part parts, struct error *err)
{
	const struct account *account = p->account;
	OWNED_BUF allowed = BUF_INIT(64 * 1024);
	bool adds_from = p->repairs && (parts & SUBMISSION_SENDER) && prepare_lacks_from(m);
	OWNED_TEXT name = adds_from ? full_name(p) : NULL;
	OWNED_TEXT local = *sender || account->from[0] ? NULL : caller_mailbox(p->caller);
	OWNED_TEXT host = net_mail_name();
	struct submission s = {
		.parts = parts,
		.from = account->from[0] ? account->from : local ? local : sender,
		.author = local ? local : author_to_add(p, sender),
		.from_name = name ? name : chosen_name(p),
		.rewrite = policy_of(p) == SENDER_REWRITE,
		.keeps_answers = p->is_report,
		.now = p->now,
		.id = p->id,
		.bare_names = { .aliases = p->aliases, .domain = host },
		.repairs = p->repairs,
	};

	buf_addf(&allowed, "%s %s", account->from, account->allowed_senders);
	s.allowed = buf_text(&allowed);
	/* The sender's domain and not this machine's name, which is nobody's business. */
	s.id_domain = address_domain(s.from);
	if (!s.id_domain)
		s.id_domain = "localhost";
	return submission_prepare(m, &s, err);
}

/* What was not clear, and what was made of it. */
static void log_doubts(const struct preparation *p)
{
	if (p->sender_fault)
		log_info_of(p->id, "goes as without a sender given: %s", p->sender_fault->text);
	for (size_t i = 0; p->joined && i < p->joined->count; i++)
		log_info_of(p->id, "\"%s\" is taken for the name of <%s>: what stands before a "
			    "comma in it is neither an alias nor a user here",
			    p->joined->items[i].name, p->joined->items[i].mailbox);
}

/*
 * The reverse-path, in the place of *sender. False: the policy has none for this message.
 */
static bool find_sender(const struct preparation *p, const char *author, char **sender,
			struct error *err)
{
	const char *unheard;

	if (!check_policy(p, author, err))
		return false;
	free(*sender);
	*sender = envelope_sender(p, author, p->why_sender ? p->why_sender : &unheard);
	return true;
}

static void make_fields_single(const struct preparation *p, struct message *m)
{
	OWNED_BUF names = BUF_INIT(NAME_MAX_BYTES);

	if (header_make_single(&m->header, &names))
		log_info_of(p->id, "stood more than once in the header, and now once: %s",
			    buf_text(&names));
}

bool prepare(const struct preparation *p, struct message *m, struct envelope *e,
	     struct error *err)
{
	struct address author = { 0 };
	bool ok;

	log_doubts(p);
	if (p->repairs)
		make_fields_single(p, m);
	submission_author(m, p->aliases, &author);
	free(e->origin);
	e->origin = origin(p, author.mailbox);
	ok = find_sender(p, author.mailbox, &e->sender, err) &&
	     (p->leaves_domains || domains_to_ascii(e, err)) &&
	     header_work(p, m, e->sender, SUBMISSION_ALL, err) &&
	     is_small_enough(p->account, m, err);
	address_free(&author);
	return ok;
}

bool prepare_for_queue(const struct preparation *p, const struct message *m,
		       const char *sender, struct message *kept, struct error *err)
{
	*kept = *m;
	kept->header = (struct buf)BUF_INIT(m->given_header.len);
	kept->given_header = (struct buf)BUF_INIT(0);
	buf_add_bytes(&kept->header, buf_text(&m->given_header), m->given_header.len);
	if (header_work(p, kept, sender, SUBMISSION_REST, err))
		return true;
	prepare_forget(kept);
	return false;
}

void prepare_forget(struct message *kept)
{
	buf_free(&kept->header);
	buf_free(&kept->given_header);
}

bool prepare_from_queue(const struct preparation *p, struct message *m, char **sender,
			struct error *err)
{
	struct address author = { 0 };
	OWNED_TEXT ascii = NULL;
	bool ok;

	submission_author(m, p->aliases, &author);
	ok = find_sender(p, author.mailbox, sender, err) &&
	     (ascii = domains_mailbox_to_ascii(*sender, err)) != NULL;
	address_free(&author);
	if (!ok)
		return false;
	free(*sender);
	*sender = text_take(&ascii);
	return header_work(p, m, *sender, SUBMISSION_SENDER, err) &&
	       is_small_enough(p->account, m, err);
}
