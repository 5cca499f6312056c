/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Before a message is spoken of everything concerns the account: what its server says, a
 * secret that cannot be had, a certificate that ended or cannot be read. Behind MAIL most
 * refusals are the message's own; what is not is a row of service/replies.c that says so
 * by its kind, a 421, or the loss of a connection before the message was whole.
 */
#include "delivery/failover.h"

#include "service/service.h"

void failover_begin(struct failover *f, const struct config *config,
		    const struct account *account)
{
	*f = (struct failover){ .list = { account }, .count = 1 };
	f->count += config_failover(config, account, f->list + 1);
}

bool failover_has_ended(const struct account *account, time_t now, struct error *why)
{
	const struct service *service = service_named(account->service);
	char day[SERVICE_DAY_SIZE];

	if (service->end.is_of_passwords || service_life(service, now) != SERVICE_ENDED)
		return false;
	service_last_day(service, day);
	error_set(why, ERROR_LATER, "%s has ended: its last day was %s", service->what, day);
	return true;
}

bool failover_concerns_account(const struct error *why, bool in_transaction)
{
	if (error_is_lack(why) || !error_is_worth_retrying(why))
		return false;
	if (!in_transaction)
		return true;
	switch (why->kind) {
	case ERROR_QUOTA:
	case ERROR_AUTH:
	case ERROR_BARRED:
	case ERROR_NETWORK:
	case ERROR_TLS:
		return true;
	case ERROR_NO_HOST:
	case ERROR_SECRET:
	case ERROR_LATER:
	case ERROR_PROTOCOL:
		return why->reply == 421;
	default:
		return false;
	}
}

bool failover_is_due(const struct account *account, enum error_kind kind, time_t spent,
		     time_t arrived, time_t *due)
{
	time_t since = spent && (!arrived || spent < arrived) ? spent : arrived;

	*due = 0;
	if (kind != ERROR_QUOTA || account->failover_after == 0)
		return true;
	if (!since)
		return false;
	*due = since + account->failover_after;
	return *due <= time(NULL);
}

/* What keeps it now, as far as is known without asking its server. */
static bool is_kept(const struct account *account, const struct throttle_view *view, time_t now,
		    struct error *why)
{
	why->kind = ERROR_NONE;
	if (failover_has_ended(account, now, why))
		return true;
	if (view && view->paused_until > now)
		error_set(why, view->kind, "%s", view->why);
	else if (view && view->spent)
		error_set(why, ERROR_QUOTA, "the quota is used up for now");
	return why->kind != ERROR_NONE;
}

const struct account *failover_now(const struct failover *f, const struct throttle_view *views,
				   time_t now, struct error *why)
{
	struct error other;
	time_t due;

	if (!is_kept(f->list[0], views, now, why) || !failover_concerns_account(why, false) ||
	    !failover_is_due(f->list[0], why->kind, views ? views->spent : 0, 0, &due))
		return f->list[0];
	for (size_t i = 1; i < f->count; i++)
		if (!is_kept(f->list[i], views ? &views[i] : NULL, now, &other))
			return f->list[i];
	return f->list[0];
}

size_t failover_reopen(struct envelope *e, bool in_transaction)
{
	if (envelope_count(e, VERDICT_UNKNOWN) > 0)
		return 0;
	for (size_t i = 0; i < e->count; i++) {
		struct recipient *r = &e->recipients[i];

		if (r->verdict == VERDICT_LATER && r->why &&
		    failover_concerns_account(r->why, in_transaction))
			envelope_judge(e, r, VERDICT_NONE, NULL);
	}
	return envelope_count(e, VERDICT_NONE);
}
