/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a message comes into the queue, and who sees to it then. It is kept
 * as it was given, with all that the sender policy will ask for beside it: accounts
 * change between now and the attempt, and the policy of that moment is what counts.
 */
#include "delivery/queue.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/background.h"
#include "base/fate.h"
#include "base/file.h"
#include "base/log.h"
#include "base/self.h"
#include "base/text.h"
#include "delivery/settle.h"
#include "mail/submission.h"
#include "spool/resident.h"

enum { MESSAGE_ID_MAX = 1000, LOGIN_MAX = 4096 };

/* --- open */

/* Root's is the daemon's, where there is one: root leaves no mail that it could not touch. */
static bool advise_on(const char *path, struct error *err)
{
	struct stat st;

	if (self_is_root() && lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && !self_owns(&st))
		error_advise(err, "the daemon keeps that queue; start it: `systemctl start "
			     "acsmtp.socket acsmtp`, or `acsmtp daemon`");
	return false;
}

static bool open_spool(struct queue *q, struct error *err)
{
	OWNED_TEXT path = NULL;

	/* So that a lack of descriptors, say, is not taken for a user without a home. */
	errno = 0;
	path = queue_spool_path(q->settings);
	if (path)
		return spool_open(&q->spool, path, err) || advise_on(path, err);
	if (errno_is_lack(errno))
		return error_errno(err, ERROR_CREATE, "this user's home is not known");
	error_set(err, ERROR_CREATE, "there is no place for a queue: this user has no home");
	return error_advise(err, "name a directory of this user's in [delivery] spool");
}

bool queue_open(struct queue *q, const struct delivery_settings *settings,
		struct error *err)
{
	*q = (struct queue){ .settings = settings, .spool = SPOOL_CLOSED };
	if (settings->queue == QUEUE_OFF) {
		error_set(&q->why_off, ERROR_CREATE, "the queue is off");
		return true;
	}
	q->is_on = open_spool(q, &q->why_off);
	/* With `auto` whoever queues finds out. */
	if (q->is_on && settings->queue == QUEUE_ON)
		q->is_on = spool_can_lock(&q->spool, &q->why_off);
	if (q->is_on || settings->queue == QUEUE_AUTO)
		return true;
	*err = q->why_off;
	error_advise(err, "`queue = on` wants it; make it usable, or set `queue = auto`");
	return error_context(err, "the queue");
}

bool queue_open_existing(struct queue *q, const struct delivery_settings *settings,
			 struct error *err)
{
	OWNED_TEXT path = queue_spool_path(settings);

	*q = (struct queue){ .settings = settings, .spool = SPOOL_CLOSED };
	if (!path) {
		error_set(err, ERROR_CREATE, "there is no queue: this user has no home");
		return error_advise(err, "name a directory of this user's in [delivery] spool");
	}
	if (!spool_open_existing(&q->spool, path, err))
		return false;
	q->is_on = q->spool.dir >= 0;
	return true;
}

void queue_close(struct queue *q)
{
	spool_close(&q->spool);
	q->is_on = false;
	if (q->line) {
		fd_cleanup(&q->line->fd);
		free(q->line->path);
		free(q->line->name);
	}
	free(q->line);
	q->line = NULL;
}

bool queue_can_be_run(const struct queue *q, struct error *err)
{
	if (q->is_on)
		return true;
	*err = q->why_off;
	return error_context(err, "there is no queue to run");
}

/* --- in */

static char *printable_message_id(const struct message *m)
{
	OWNED_TEXT whole = submission_message_id(m);
	char *id = text_copy_n(whole, strnlen(whole, MESSAGE_ID_MAX));

	text_make_printable(id);
	return id;
}

char *queue_login(const struct account *account)
{
	OWNED_BUF login = BUF_INIT(LOGIN_MAX);

	buf_addf(&login, "%s:%ld %s", account->host, account->port, account->user);
	return buf_take(&login);
}

char *queue_config_path(const char *file)
{
	char path[PATH_MAX];

	return text_copy(!file || !*file ? "" : realpath(file, path) ? path : file);
}

void queue_schedule(const struct queue *q, const struct intake_facts *facts,
		    struct entry *e)
{
	struct settlement s = {
		.settings = q->settings,
		.had_session = facts->had_session,
		.account_until = facts->account_until,
		.now = facts->now,
		.random = chance_new(),
	};

	e->next = facts->now;	/* its account's pause may end before its time */
	if (facts->why && facts->not_before)
		entry_keep_reason(e, facts->why);
	else if (facts->why)
		settle_schedule(&s, e, facts->why);
}

time_t queue_next(const struct intake_facts *facts, const struct entry *e)
{
	if (facts->not_before)
		return facts->not_before;
	return e->next > facts->account_until ? e->next : facts->account_until;
}

/* What the sender policy will have to know when it is applied anew. */
static void keep_origin(struct entry *e, const struct intake_facts *facts,
			const struct message *m)
{
	const struct preparation *p = facts->prepared;

	e->is_original = true;
	e->is_bare = !p->repairs;
	e->is_default = p->is_by_default;
	e->login = queue_login(facts->account);
	e->by = facts->by ? text_copy(facts->by) : NULL;
	e->by_why = facts->by_why ? text_copy(facts->by_why) : NULL;
	e->given = p->sender ? text_copy(p->sender) : NULL;
	e->full_name = p->full_name ? text_copy(p->full_name) : NULL;
	if (p->repairs && prepare_lacks_from(m))
		e->user_name = caller_full_name(p->caller);
}

struct caller queue_caller(const struct entry *e)
{
	return (struct caller){ .uid = e->uid, .login = e->user, .host = e->host,
				.full_name = e->user_name };
}

static void keep_caller(struct entry *e, const struct caller *caller)
{
	e->uid = caller->uid;
	e->user = caller->login ? text_copy(caller->login) : NULL;
	e->host = caller->host ? text_copy(caller->host) : NULL;
}

static void fill(struct entry *e, const struct queue *q, const struct intake_facts *facts,
		 const struct message *m)
{
	snprintf(e->id, sizeof(e->id), "%s", facts->id);
	e->arrived = facts->now;
	e->is_held = facts->is_held;
	keep_caller(e, facts->prepared->caller);
	e->account = text_copy(facts->account->name);
	e->config = queue_config_path(facts->config);
	e->message_id = printable_message_id(m);
	keep_origin(e, facts, m);
	queue_schedule(q, facts, e);
}

/* What the recipients point to is lent; the list of them is not. */
static void choose_recipients(struct envelope *chosen, const struct envelope *e,
			      bool keeps_refused)
{
	*chosen = *e;
	chosen->recipients = xcalloc(e->count + 1, sizeof(*chosen->recipients));
	chosen->count = 0;
	for (size_t i = 0; i < e->count; i++)
		if (keeps_refused || e->recipients[i].verdict != VERDICT_REFUSED)
			chosen->recipients[chosen->count++] = e->recipients[i];
}

bool queue_add(const struct queue *q, const struct intake_facts *facts,
	       struct envelope *e, const struct message *m, time_t *next, struct error *err)
{
	OWNED_ENTRY entry = { .id = "" };
	struct message kept;
	bool ok;

	if (!prepare_for_queue(facts->prepared, m, e->sender, &kept, err))
		return false;
	choose_recipients(&entry.envelope, e, facts->keeps_refused);
	fill(&entry, q, facts, &kept);
	*next = queue_next(facts, &entry);
	/*
	 * A signal between the disk's word and ours would tell the caller that the
	 * message is his.
	 */
	fate_hold(true);
	ok = q->add ? q->add(q->taker, &entry, &kept, err) :
	     spool_add(&q->spool, &entry, &kept, err);
	if (ok)
		fate_set(FATE_QUEUED);
	fate_hold(false);
	prepare_forget(&kept);
	free(entry.envelope.recipients);
	entry.envelope = (struct envelope){ 0 };
	return ok;
}

void queue_let_go(struct item *item)
{
	item->entry.envelope = (struct envelope){ 0 };
	item_release(item);
}

bool queue_keep(const struct queue *q, const struct intake_facts *facts, struct envelope *e,
		const struct message *m, struct item *item, struct error *err)
{
	struct item new = ITEM_NONE;
	struct message kept;
	bool ok;

	if (!prepare_for_queue(facts->prepared, m, e->sender, &kept, err))
		return false;
	new.entry.envelope = *e;
	fill(&new.entry, q, facts, &kept);
	ok = spool_add_locked(&q->spool, &new.entry, &kept, &new.fd, err);
	prepare_forget(&kept);
	new.known = envelope_count(e, VERDICT_ACCEPTED);
	if (ok)
		*item = new;
	else
		queue_let_go(&new);
	return ok;
}

bool queue_prepare(const struct account *account, struct aliases *aliases, struct entry *e,
		   struct message *m, struct error *err)
{
	const struct caller caller = queue_caller(e);
	const struct preparation p = {
		.account = account,
		.caller = &caller,
		.sender = e->given,
		.full_name = e->full_name,
		.is_report = e->is_report,
		.aliases = aliases,
		.repairs = !e->is_bare,
		.id = e->id,
	};

	/* The daemon says it. */
	return account->daemon || !e->is_original ||
	       prepare_from_queue(&p, m, &e->envelope.sender, err) ||
	       error_context(err, "account %s", account->name);
}

void queue_log_change(const struct entry *e, const char *what, uid_t uid)
{
	const char *sender = e->envelope.sender;
	const struct log_fact facts[] = {
		{ "uid", LOG_NUMBER, .number = uid, .is_implied = true },
		{ "account", LOG_WORD, .text = e->account ? e->account : "" },
		{ "from", LOG_ADDRESS, .text = sender ? sender : "" },
		{ "recipients", LOG_NUMBER, .number = (int64_t)e->envelope.count },
		{ "message-id", LOG_WORD, .text = e->message_id ? e->message_id : "" },
	};
	char event[64];

	snprintf(event, sizeof(event), "%.30s by uid=%ld", what, (long)uid);
	log_facts(false, e->id, event, facts, COUNT_OF(facts));
}

/* --- who runs it */

static bool start_runner(const char *config, bool is_flush, struct error *err)
{
	OWNED_TEXT path = config ? queue_config_path(config) : NULL;
	const char *argv[8] = { "acsmtp", "queue", "run", "--background" };
	size_t count = 4;

	if (is_flush)
		argv[count++] = "--flush";
	if (path) {
		argv[count++] = "--config";
		argv[count] = path;
	}
	return background_start(argv, err);
}

static bool refuse_to_wait(struct error *err)
{
	error_context(err, "no runner for the queue could be started");
	log_problem("%s", err->text);
	return false;
}

/* In the place of one that nobody reached from there, all is tried anew. */
static bool replace_or_start(const char *config, const struct resident *resident,
			     struct error *err)
{
	return start_runner(config, resident->cut_off != 0, err) || refuse_to_wait(err);
}

bool queue_see_to_it(const struct queue *q, const char *config, const char *id,
		     struct error *err)
{
	bool is_flush = id && !strcmp(id, SPOOL_FLUSH);
	struct resident resident;

	if (q->settings->background) {
		if (!resident_look(&q->spool, &resident, err))
			return refuse_to_wait(err), true;	/* what runs by hand can do without */
		if (resident_displace(&q->spool, &resident, false))
			return start_runner(config, is_flush || resident.cut_off, err) ||
			       refuse_to_wait(err);
	}
	if (id)
		spool_announce(&q->spool, id);
	else
		spool_wake_runner(&q->spool);
	return true;
}

/*
 * The place is taken meanwhile, so that the mark can be trusted; who comes now waits for
 * us.
 */
static bool has_waiting(const struct queue *q)
{
	OWNED_FD place = -1;
	struct error unheard;

	if (!resident_take(&q->spool, &place, &unheard) || place < 0)
		return false;	/* somebody else has come */
	return spool_has_waiting(&q->spool) ||
	       (spool_mark_empty(&q->spool) && !spool_is_empty(&q->spool));
}

bool queue_look_after(const struct queue *q, const char *config, bool reaches,
		      struct error *err)
{
	struct resident resident;

	if (!q->is_on || !q->settings->background || spool_is_empty(&q->spool))
		return true;
	if (!resident_look(&q->spool, &resident, err))
		return refuse_to_wait(err), true;
	if (!resident_displace(&q->spool, &resident, reaches))
		return true;
	return (!resident.is_there && !has_waiting(q)) ||
	       replace_or_start(config, &resident, err);
}
