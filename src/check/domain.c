/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What others see of the sender's domain: without it mail is sent, and lands with the
 * spam.
 */
#include "check/step.h"

#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "base/text.h"
#include "service/login.h"
#include "service/service.h"
#include "mail/address.h"
#include "net/net.h"

enum { NAME_SIZE = DNS_NAME_MAX + 64, TREE_MAX = 8 };

/* --- which domain */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && text_is(text + len - end_len, end);
}

static char *domain_of(const char *from, struct error *err)
{
	struct address address = { 0 };
	const char *domain;
	char *name = NULL;

	if (!address_parse(&address, from, err))
		return NULL;
	domain = address_domain(address.mailbox);
	if (domain && *domain != '[')
		name = net_ascii_name(domain, err);
	else
		error_set(err, ERROR_CONFIG, "%s has no domain", from);
	address_free(&address);
	return name;
}

void check_domain(struct check *c, struct finding *f)
{
	struct error err;

	if (!c->account.from[0]) {
		finding_set(f, FINDING_SKIPPED, "not tried: the account has no `from`");
		return;
	}
	c->domain = domain_of(c->account.from, &err);
	if (!c->domain) {
		finding_fail(f, &err);
		return;
	}
	json_text(&c->json, "domain", c->domain);
	json_bool(&c->json, "managed", login_is_managed_domain(c->domain));
	finding_set(f, FINDING_OK, "%s", c->domain);
	if (!login_is_managed_domain(c->domain))
		return;
	finding_set(f, FINDING_OK, "%s is managed by Azure, which makes its records",
		    c->domain);
	text_cleanup(&c->domain);
	c->domain = NULL;
}

/* --- its records */

/* False: there is no answer, and the finding says so. */
static bool ask(struct check *c, const char *name, enum dns_type type,
		struct dns_answer *answer, struct finding *f)
{
	struct error err;

	if (c->names_are_silent) {
		finding_set(f, FINDING_SKIPPED, "not tried: no name server answers");
		return false;
	}
	if (dns_ask(c->has_nameserver ? &c->nameserver : NULL, name, type,
		    check_deadline(c), answer, &err))
		return true;
	finding_fail(f, &err);
	c->names_are_silent = err.kind == ERROR_NETWORK;
	if (c->names_are_silent && !c->has_nameserver)
		finding_advise(
			f,
			"are the name servers of /etc/resolv.conf the right ones? --nameserver "
			"asks another one");
	else if (err.kind == ERROR_REFUSED)
		finding_advise(
			f, "whoever runs the name servers of the domain has to mend it");
	return false;
}

static void write_records(struct check *c, const char *name,
			  const struct dns_answer *answer)
{
	json_text(&c->json, "name", name);
	json_array(&c->json, "records");
	for (size_t i = 0; i < answer->count; i++)
		json_text(&c->json, NULL, answer->texts[i]);
	json_end(&c->json);
}

/* Keeps the records that begin with this version, alone or before a blank or ";". */
static void keep_version(struct dns_answer *answer, const char *version)
{
	size_t kept = 0;

	for (size_t i = 0; i < answer->count; i++) {
		const char *rest = text_after(answer->texts[i], version);

		if (rest && (!*rest || text_is_blank(*rest) || *rest == ';'))
			answer->texts[kept++] = answer->texts[i];
		else
			free(answer->texts[i]);
	}
	answer->count = kept;
}

/* --- SPF, RFC 7208 */

static bool has_term(const char *record, const char *term)
{
	while (*record) {
		size_t len = strcspn(record, " ");
		size_t sign = *record == '+';

		if (text_is_n(record + sign, len - sign, term))
			return true;
		record += len;
		record += strspn(record, " ");
	}
	return false;
}

void check_spf(struct check *c, struct finding *f)
{
	const char *term = service_named(c->account.service)->spf;
	OWNED_ANSWER answer = { 0 };

	if (!ask(c, c->domain, DNS_TXT, &answer, f))
		return;
	keep_version(&answer, "v=spf1");
	write_records(c, c->domain, &answer);
	if (answer.count > 1) {
		finding_set(f, FINDING_FAILED,
			    "%s has %zu SPF records, so receivers take none of them",
			    c->domain, answer.count);
		if (term)
			finding_advise(f, "put them together into one, with %s in it",
				       term);
		else
			finding_advise(f, "put them together into one");
	} else if (!answer.has_name) {
		finding_set(f, FINDING_FAILED, "there is no domain %s", c->domain);
		finding_advise(
			f,
			"is `from` (%s) written right? the domain must be registered and verified",
			c->account.from);
	} else if (answer.count == 0) {
		finding_set(f, FINDING_FAILED, "%s has no SPF record", c->domain);
		finding_advise(f, "add a TXT record at %s: v=spf1 %s -all", c->domain,
			       term ? term : _("include:(what the service says)"));
	} else if (term && !has_term(answer.texts[0], term)) {
		finding_set(f, FINDING_FAILED, "%s does not let the service send: %s",
			    c->domain, answer.texts[0]);
		finding_advise(
			f,
			"put %s into this record, before its \"all\"; do not add a second one",
			term);
	} else {
		finding_set(f, FINDING_OK, "%s", answer.texts[0]);
	}
}

/* --- DKIM, RFC 6376 */

/* Zone editors take names as parts of the zone, so a subdomain is easily forgotten. */
static void look_above(struct check *c, const char *selector, struct finding *f)
{
	const char *parent = strchr(c->domain, '.');
	OWNED_ANSWER answer = { 0 };
	struct finding unheard = FINDING_INIT;
	char name[NAME_SIZE];

	if (!parent || !strchr(parent + 1, '.'))
		return;
	snprintf(name, sizeof(name), "%s%s", selector, parent);
	if (ask(c, name, DNS_CNAME, &answer, &unheard) && answer.count > 0)
		finding_advise(
			f,
			"there is one at %s, which is another domain's: in the zone of the parent "
			"its name is %s.%.*s",
			name, selector, (int)(parent - c->domain), c->domain);
	buf_free(&unheard.text);
	buf_free(&unheard.advice);
}

static void check_dkim(struct check *c, size_t number, struct finding *f)
{
	const struct service *service = service_named(c->account.service);
	OWNED_ANSWER answer = { 0 };
	char selector[64], name[NAME_SIZE];

	snprintf(selector, sizeof(selector), "%s._domainkey", service->dkim_selectors[number]);
	snprintf(name, sizeof(name), "%s.%s", selector, c->domain);
	if (!ask(c, name, DNS_CNAME, &answer, f))
		return;
	write_records(c, name, &answer);
	if (answer.count == 0) {
		finding_set(f, FINDING_FAILED, "there is no CNAME at %s", name);
		finding_advise(
			f,
			"add it, with the target that the portal shows for the domain (Email "
			"Communication Services, Provision domains)");
		look_above(c, selector, f);
	} else if (!ends_with(answer.texts[0], service->dkim_target)) {
		finding_set(f, FINDING_FAILED, "%s leads to %s, which is not Azure's",
			    name, answer.texts[0]);
		finding_advise(
			f,
			"does the target end in a dot, in an editor that wants one? it is as the "
			"portal shows it for the domain");
	} else {
		finding_set(f, FINDING_OK, "%s leads to %s", name, answer.texts[0]);
	}
}

void check_dkim_1(struct check *c, struct finding *f)
{
	check_dkim(c, 0, f);
}

void check_dkim_2(struct check *c, struct finding *f)
{
	check_dkim(c, 1, f);
}

/* --- DMARC, RFC 7489: of the domain, or of one above it */

void check_dmarc(struct check *c, struct finding *f)
{
	const char *domain = c->domain;

	for (int i = 0; i < TREE_MAX && domain && strchr(domain, '.'); i++) {
		OWNED_ANSWER answer = { 0 };
		char name[NAME_SIZE];

		snprintf(name, sizeof(name), "_dmarc.%s", domain);
		if (!ask(c, name, DNS_TXT, &answer, f))
			return;
		keep_version(&answer, "v=DMARC1");
		if (answer.count == 1) {
			write_records(c, name, &answer);
			if (domain == c->domain)
				finding_set(f, FINDING_OK, "%s", answer.texts[0]);
			else
				finding_set(f, FINDING_OK, "%s (of %s, which is above)",
					    answer.texts[0], domain);
			return;
		}
		if (answer.count > 1) {
			write_records(c, name, &answer);
			finding_set(
				f, FINDING_FAILED,
				"%s has %zu DMARC records, so receivers take none of them",
				name, answer.count);
			finding_advise(f, "leave one of them");
			return;
		}
		domain = strchr(domain, '.') + 1;
	}
	finding_set(f, FINDING_WARNING,
		    "neither %s nor a domain above it has a DMARC record", c->domain);
	finding_advise(
		f,
		"large receivers want one: begin with a TXT record at _dmarc.%s: v=DMARC1; p=none",
		c->domain);
}

/* --- MX, RFC 5321 section 5 */

void check_mx(struct check *c, struct finding *f)
{
	OWNED_ANSWER answer = { 0 };
	OWNED_BUF list = BUF_INIT(2000);

	if (!ask(c, c->domain, DNS_MX, &answer, f))
		return;
	write_records(c, c->domain, &answer);
	for (size_t i = 0; i < answer.count; i++)
		buf_addf(&list, "%s%s", i ? ", " : "", answer.texts[i]);
	finding_set(f, FINDING_OK, "%s", buf_text(&list));
	if (answer.count > 0 && !ends_with(answer.texts[0], " ."))
		return;
	if (answer.count == 0)
		finding_set(f, FINDING_WARNING, "%s has no MX record", c->domain);
	else
		finding_set(f, FINDING_WARNING,
			    "%s says that it takes no mail (RFC 7505)", c->domain);
	finding_advise(f, "replies and reports of failure to %s arrive nowhere",
		       c->account.from);
}
