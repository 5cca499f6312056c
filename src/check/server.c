/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the configuration to a TCP connection: what can be known before the server speaks.
 */
#include "check/step.h"

#include <time.h>

#include "base/clock.h"
#include "base/language.h"
#include "base/text.h"
#include "service/service.h"
#include "net/net.h"
#include "net/tcp.h"
#include "delivery/by_daemon.h"
#include "delivery/queue_view.h"
#include "delivery/route.h"

enum { LISTED_MAX = 4000, SLOW_MS = 200 }; /* bytes of a list of addresses */

/* --- configuration */

static const char *why_default(const struct config *config)
{
	if (config->default_account && *config->default_account)
		return "default_account";
	return config->count == 1 ? N_("the only one") : N_("it is named \"default\"");
}

/*
 * Whoever hands mail over needs no account; one that can be read here is worth a look all
 * the same, as the daemon's may be it.
 */
static const struct account *find_account(struct check *c, const char **why, struct error *err)
{
	struct config its = c->config;

	its.by_daemon = NULL;
	c->has_account = its.count > 0;
	if (!c->has_account) {
		*why = by_daemon_why(&c->config);
		return c->config.by_daemon;
	}
	*why = c->wanted ? N_("named on the command line") : why_default(&c->config);
	return c->wanted ? config_account(&its, c->wanted, err) : config_default(&its, err);
}

static bool load(struct check *c, const char **why, struct error *err)
{
	const struct account *account;
	struct error unheard;

	if (!by_daemon_load(&c->config, c->flags.config, err))
		return false;
	account = find_account(c, why, err);
	if (!account)
		return false;
	c->account = *account;
	/* What keeps it closed is for check_spool() to tell. */
	(void)queue_reach(&c->queue, &c->config, true, &unheard);
	if (c->flags.timeout)
		(void)text_to_number(c->flags.timeout, 1, INT32_MAX, &c->account.timeout);
	return true;
}

void check_configuration(struct check *c, struct finding *f)
{
	const char *why = NULL;
	OWNED_TEXT server = NULL;
	struct error err;
	bool ok = load(c, &why, &err);

	json_text(&c->json, "files", c->config.files);
	if (!ok) {
		finding_fail(f, &err);
		if (err.advice && c->wanted == NULL && c->config.count > 1)
			finding_advise(f, "here: acsmtp check ACCOUNT");
		return;
	}
	json_text(&c->json, "account", c->account.name);
	json_text(&c->json, "why", why);
	if (!c->has_account) {
		finding_set(f, FINDING_OK, "mail is handed over to the daemon (%s)", tr(why));
		if (c->wanted && !c->flags.send)
			finding_advise(f, "whether the daemon has an account \"%s\" shows --send ADDRESS",
				       c->wanted);
		return;
	}
	server = account_server(&c->account);
	json_text(&c->json, "service", c->account.service);
	json_text(&c->json, "host", c->account.host);
	json_number(&c->json, "port", c->account.port);
	finding_set(f, FINDING_OK, "account %s (%s) of %s: service %s, %s", c->account.name,
		    tr(why), c->config.files, c->account.service, server);
}

/* --- the end of a service */

void check_service(struct check *c, struct finding *f)
{
	const struct service *service = service_named(c->account.service);
	enum service_life life = service_life(service, time(NULL));
	enum finding_state state = life == SERVICE_ENDS ? FINDING_OK : FINDING_WARNING;
	char day[SERVICE_DAY_SIZE];

	service_last_day(service, day);
	json_text(&c->json, "last_day", day);
	if (service->end.is_of_passwords)
		finding_set(f, state, "%s takes passwords until %s", tr(service->what), day);
	else if (life == SERVICE_ENDED)
		finding_set(f, state, "%s has ended: its last day was %s", tr(service->what), day);
	else
		finding_set(f, state, "%s ends: its last day is %s", tr(service->what), day);
	finding_advise(f, "%s", tr(service->end.advice));
}

/* --- DNS */

static void add_addresses(const struct addresses *found, struct buf *text,
			  struct json *json)
{
	json_array(json, "addresses");
	for (size_t i = 0; i < found->count; i++) {
		char address[ADDRESS_TEXT_SIZE];

		ip_address_text(&found->list[i], address);
		buf_addf(text, "%s%s", i ? ", " : "", address);
		json_text(json, NULL, address);
	}
	json_end(json);
}

/* Whom we call first: the server, or the proxy that knows where it is. */
static bool find_addresses(struct check *c, char **name, struct error *err)
{
	OWNED_ROUTE route = { .url = { 0 } };
	const struct endpoint *to = &route.endpoint;

	if (!route_find(&route, &c->account, err))
		return false;
	c->first_port = to->proxy ? to->proxy->port : to->port;
	*name = net_ascii_name(to->proxy ? to->proxy->host : to->host, err);
	return *name && resolve(*name, c->first_port, check_deadline(c), &c->addresses, err) &&
	       addresses_narrow(&c->addresses, to->family, to->source, err);
}

void check_addresses(struct check *c, struct finding *f)
{
	int64_t started = clock_ms();
	OWNED_BUF list = BUF_INIT(LISTED_MAX);
	struct ip_address literal;
	struct error err;
	OWNED_TEXT name = NULL;

	if (!find_addresses(c, &name, &err)) {
		finding_fail(f, &err);
		if (err.kind == ERROR_NETWORK)
			finding_advise(f,
				       "is the network up, and are the name servers of "
				       "/etc/resolv.conf the right ones?");
		return;
	}
	add_addresses(&c->addresses, &list, &c->json);
	json_number(&c->json, "ms", clock_ms() - started);
	if (c->account.proxy[0])
		finding_set(f, FINDING_OK, "the proxy %s is %s; it looks up the server's name",
			    name, buf_text(&list));
	else if (ip_address_parse(name, &literal))
		finding_set(f, FINDING_OK, "%s is an address", name);
	else
		finding_set(f, FINDING_OK, "%s is %s, found in %lld ms", name,
			    buf_text(&list), (long long)(clock_ms() - started));
}

/* --- TCP */

struct connections {
	size_t made, slow; /* slow: failed, and not at once */
	struct buf text;
};

static void try_address(struct check *c, const struct ip_address *address,
			struct connections *all)
{
	struct addresses one = { .list = { *address }, .count = 1,
				 .source = c->addresses.source };
	int64_t started = clock_ms();
	const struct ip_address *winner;
	char shown[ADDRESS_TEXT_SIZE];
	struct error err;
	OWNED_FD fd = tcp_connect(&one, check_deadline(c), &winner, &err);
	long long ms = clock_ms() - started;

	ip_address_text(address, shown);
	json_object(&c->json, NULL);
	json_text(&c->json, "address", shown);
	json_number(&c->json, "ms", ms);
	json_bool(&c->json, "connected", fd >= 0);
	json_end(&c->json);
	all->made += fd >= 0;
	all->slow += fd < 0 && ms >= SLOW_MS;
	buf_add(&all->text, all->text.len ? "; " : "");
	if (fd >= 0)
		buf_addf(&all->text, _("%s in %lld ms"), shown, ms);
	else
		buf_add(&all->text, error_words(&err));
}

static void advise_on_port(const struct check *c, struct finding *f)
{
	if (c->first_port == 25)
		finding_advise(f, "port 25 is closed on many lines: try `port = 587`");
	else
		finding_advise(
			f,
			"does a firewall keep connections to port %ld from leaving? is the port "
			"right?",
			c->first_port);
}

void check_connections(struct check *c, struct finding *f)
{
	struct connections all = { .text = BUF_INIT(LISTED_MAX) };

	json_array(&c->json, "addresses");
	for (size_t i = 0; i < c->addresses.count; i++)
		try_address(c, &c->addresses.list[i], &all);
	json_end(&c->json);
	/* What is refused at once, as IPv6 is where there is none, costs nothing. */
	finding_set(f, all.slow ? FINDING_WARNING : FINDING_OK, "port %ld: %s",
		    c->first_port, buf_text(&all.text));
	buf_free(&all.text);
	if (all.made == 0) {
		f->state = FINDING_FAILED;
		f->kind = ERROR_NETWORK;
		advise_on_port(c, f);
	} else if (all.slow) {
		finding_advise(
			f,
			"mail goes by the others, but an address that does not answer costs time "
			"whenever it is tried first");
	}
}

/* --- the proxy */

void check_proxy(struct check *c, struct finding *f)
{
	OWNED_TEXT server = account_server(&c->account);
	int64_t started = clock_ms();
	struct error err;

	/*
	 * With implicit TLS the server's part of it fails here too, and the error says
	 * so.
	 */
	if (!connection_dial(&c->connection, &err)) {
		finding_fail(f, &err);
		return;
	}
	json_number(&c->json, "ms", clock_ms() - started);
	finding_set(f, FINDING_OK, "%s connects to %s, in %lld ms", c->account.proxy, server,
		    (long long)(clock_ms() - started));
}
