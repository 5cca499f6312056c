/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One row for each setting: a new one is a row here, a field in config/account.h and
 * an entry in acsmtp.ini(5). Nothing else knows their names.
 */
#include "config/settings.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/language.h"
#include "base/text.h"
#include "config/account.h"
#include "config/urls.h"
#include "service/service.h"

#define WORDS(function, ...) \
	static const char *function(size_t i) \
	{ \
		static const char *const words[] = { __VA_ARGS__ }; \
\
		return i < COUNT_OF(words) ? words[i] : NULL; \
	}

/* In the order of their enums in config/account.h. */
WORDS(tls_word, "starttls", "implicit", "off")
WORDS(auth_word, "auto", "login", "plain", "xoauth2", "oauthbearer", "off",
      "external", "scram-sha-256", "cram-md5")
WORDS(token_word, "none", "managed-identity", "workload-identity", "client-secret",
      "client-certificate", "refresh")
WORDS(family_word, "any", "ipv4", "ipv6")
WORDS(policy_word, "rewrite", "keep", "refuse")
WORDS(null_word, "send", "account")
WORDS(t_word, "add", "remove")
WORDS(queue_word, "auto", "on", "off")
WORDS(mode_word, "direct", "queued", "daemon")
WORDS(lost_word, "resend", "hold")
WORDS(log_word, "text", "json")

static bool check_one_word(const char *value, struct error *err)
{
	if (strchr(value, ' '))
		return error_set(err, ERROR_CONFIG, "a blank cannot stand in it");
	return strlen(value) <= 255 || error_set(err, ERROR_CONFIG, "longer than 255 bytes");
}

/* An address of IPv6 has more than one colon. */
static bool check_host(const char *value, struct error *err)
{
	const char *colon = strchr(value, ':');

	if (strchr(value, '/') || (colon && !strchr(colon + 1, ':'))) {
		error_set(err, ERROR_CONFIG, "it is the name of a server alone");
		return error_advise(err, "the port has a setting of its own: port");
	}
	return check_one_word(value, err);
}

/* Whether the text could be an address; mail/address.c says whether it is. */
static bool looks_like_address(const char *text, size_t len)
{
	const char *at = memchr(text, '@', len);

	len -= text[len - 1] == '.';
	return at && at > text && at < text + len - 1;
}

static bool check_address(const char *value, struct error *err)
{
	if (!*value || (looks_like_address(value, strlen(value)) && !strpbrk(value, " \t<>,;()")))
		return true;
	return error_set(err, ERROR_CONFIG, "it is no address alone, such as "
			 "DoNotReply@example.org");
}

/* Of "example.org.", which the DNS takes and mail does not, in a list of addresses. */
static void cut_final_dots(char *addresses)
{
	char *to = addresses;

	for (const char *c = addresses; *c; c++)
		if (*c != '.' || (c[1] && !strchr(", \t", c[1])))
			*to++ = *c;
	*to = '\0';
}

static bool check_from(const char *value, struct error *err)
{
	return check_address(value, err) || error_advise(err, "a name goes into from_name");
}

static bool check_senders(const char *value, struct error *err)
{
	for (size_t len; (len = text_item(&value, ", \t")); value += len)
		if ((*value != '@' || len == 1 || value[1] == '.') && !looks_like_address(value, len))
			return error_set(err, ERROR_CONFIG, "\"%.*s\" is no address and no "
					 "@domain", (int)len, value);
	return true;
}

/* They may have names. */
static bool check_recipients(const char *value, struct error *err)
{
	while (*(value += strspn(value, ", \t"))) {
		size_t len = strcspn(value, ",");

		if (!looks_like_address(value, len))
			return error_set(err, ERROR_CONFIG, "\"%.*s\" is no address with a "
					 "domain", (int)len, value);
		value += len;
	}
	return true;
}

/* SHA-256: 32 bytes. */
static bool check_fingerprint(const char *value, struct error *err)
{
	size_t digits = 0;

	for (; *value; value++) {
		if (*value != ':' && hex_value(*value) < 0)
			break;
		digits += *value != ':';
	}
	if (*value || (digits != 0 && digits != 64)) {
		error_set(err, ERROR_CONFIG, "it is not 64 hexadecimal digits, with or "
			  "without colons: the SHA-256 of the certificate");
		return error_advise(err, "openssl x509 -noout -fingerprint -sha256 shows it");
	}
	return true;
}

/* A name in the current directory would be a mistake: "sylog". */
static bool check_log(const char *value, struct error *err)
{
	if (*value == '/' || !strcmp(value, "syslog") || !strcmp(value, "stderr") ||
	    !strcmp(value, "stdout") || !strcmp(value, "off"))
		return true;
	return error_set(err, ERROR_CONFIG, "it is neither syslog nor stderr nor stdout nor off "
			 "nor the whole path of a file");
}

static bool check_aliases(const char *value, struct error *err)
{
	return *value == '/' || !strcmp(value, "off") ||
	       error_set(err, ERROR_CONFIG, "it is neither the whole path of a file nor off");
}

static bool check_spool(const char *value, struct error *err)
{
	return !*value || (*value == '/' && value[1]) ||
	       error_set(err, ERROR_CONFIG, "it is not the whole path of a directory");
}

static bool check_path(const char *value, struct error *err)
{
	return !*value || *value == '/' ||
	       error_set(err, ERROR_CONFIG, "it is not the whole path of a file");
}

/* What is asked for there carries a secret. */
static bool check_https(const char *value, struct error *err)
{
	const char *host = text_after(value, "https://");

	if (*value && (!host || !*host || *host == '/' || *host == ':'))
		return error_set(err, ERROR_CONFIG, "it does not begin with https:// and the "
				 "name of a server");
	if (strpbrk(value, "@#\\\"<>"))
		return error_set(err, ERROR_CONFIG, "it is no address of a page alone");
	return check_one_word(value, err);
}

static bool check_day(const char *value, struct error *err)
{
	time_t ignored;

	return !*value || clock_day(value, &ignored) ||
	       error_set(err, ERROR_CONFIG, "it is no day such as 2027-03-01");
}

static bool check_socket(const char *value, struct error *err)
{
	return !*value || *value == '/' || !strcmp(value, "off") ||
	       error_set(err, ERROR_CONFIG, "it is neither the whole path of a socket nor off");
}

#define ROW(kind, row, form, where, usual, words) \
	.section = SECTION_##kind, .name = #row, .type = SETTING_##form, .place = (where), \
	.standard = (usual), .help = (words)
#define ACCOUNT(row, form, usual, words) \
	ROW(ACCOUNT, row, form, offsetof(struct account, row), usual, words)
#define DEFAULTS(row, form, usual, words) \
	ROW(DEFAULTS, row, form, offsetof(struct config, row), usual, words)
#define DELIVERY(row, form, usual, words) \
	ROW(DELIVERY, row, form, offsetof(struct config, delivery.row), usual, words)
#define DAEMON(row, form, usual, words) \
	ROW(DAEMON, row, form, offsetof(struct config, daemon.row), usual, words)
#define RANGE(from, to)	.least = (from), .most = (to)

/* clang-format off */
static const struct setting table[] = {
	{ ACCOUNT(service, NAME, "acs", N_("the service, which knows what is left out")),
	  .word = service_name },
	{ ACCOUNT(region, TEXT, "", N_("where the service's server is, if it has several")),
	  .check = check_one_word },
	{ ACCOUNT(host, TEXT, "", N_("name of the server")), .check = check_host },
	{ ACCOUNT(port, NUMBER, "587", N_("its TCP port")), RANGE(1, 65535) },
	{ ACCOUNT(tls, WORD, "starttls", N_("how TLS begins")), .word = tls_word },
	{ ACCOUNT(tls_ca_file, TEXT, "", N_("certificates to trust instead of the system's")) },
	{ ACCOUNT(tls_fingerprint, TEXT, "", N_("SHA-256 of the certificate to trust")),
	  .check = check_fingerprint },
	{ ACCOUNT(tls_priorities, TEXT, "", N_("what TLS may use, as GnuTLS writes it")) },
	{ ACCOUNT(tls_client_cert, TEXT, "", N_("certificate to show the server, with those above it")),
	  .check = check_path },
	{ ACCOUNT(tls_client_key, TEXT, "", N_("its key")), .is_private = true, .check = check_path,
	  .beside = "tls_client_cert" },
	{ ACCOUNT(tls_session_cache, SWITCH, "on", N_("whether TLS sessions are resumed")) },
	{ ACCOUNT(proxy, TEXT, "", N_("SOCKS5 or HTTP proxy that the server is reached by")),
	  .exact = true, .url = URL_PROXY, .check = urls_check_proxy },
	{ ACCOUNT(proxy_password_file, TEXT, "", N_("file whose first line is the proxy's password")),
	  .exact = true, .is_private = true, .check = check_path, .beside = "proxy" },
	{ ACCOUNT(source_address, TEXT, "", N_("address of this machine to connect from")),
	  .check = urls_check_source },
	{ ACCOUNT(address_family, WORD, "any", N_("whether to connect by IPv4 or IPv6 alone")),
	  .word = family_word },
	{ ACCOUNT(auth, WORD, "auto", N_("how to log in")), .word = auth_word },
	{ ACCOUNT(user, TEXT, "", N_("user name")) },
	{ ROW(ACCOUNT, password, SECRET, 0, "", N_("password")), .exact = true, .source = true },
	{ ACCOUNT(password_file, TEXT, "", N_("file whose first line is the password")),
	  .exact = true, .source = true },
	{ ACCOUNT(password_command, TEXT, "", N_("command that prints the password")),
	  .exact = true, .source = true },
	{ ACCOUNT(token_command, TEXT, "", N_("command that prints an access token")),
	  .exact = true, .source = true },
	{ ACCOUNT(token, WORD, "none", N_("where access tokens come from")), .word = token_word },
	{ ACCOUNT(tenant, TEXT, "", N_("id or domain of the Entra tenant")),
	  .check = check_one_word },
	{ ACCOUNT(client_id, TEXT, "", N_("the application that tokens are for")),
	  .check = check_one_word },
	{ ACCOUNT(client_secret_file, TEXT, "", N_("file with the application's secret, for a person's token")),
	  .exact = true, .is_private = true, .check = check_path },
	{ ACCOUNT(identity, TEXT, "", N_("client id of a user-assigned managed identity")),
	  .check = check_one_word },
	{ ACCOUNT(certificate_file, TEXT, "", N_("the application's certificate, with its key")),
	  .exact = true, .is_private = true, .check = check_path },
	{ ACCOUNT(token_scope, TEXT, "", N_("what tokens are asked for")) },
	{ ACCOUNT(token_authority, TEXT, "", N_("the identity server; empty: that of Entra")),
	  .check = check_https },
	{ ACCOUNT(token_endpoint, TEXT, "", N_("where tokens are asked for; empty: below token_authority")),
	  .check = check_https },
	{ ACCOUNT(authorization_endpoint, TEXT, "", N_("where a person logs in with a browser")),
	  .check = check_https },
	{ ACCOUNT(device_authorization_endpoint, TEXT, "", N_("where a code for another device is had")),
	  .check = check_https },
	{ ACCOUNT(token_ca_file, TEXT, "", N_("certificates to trust there instead of the system's")),
	  .check = check_path },
	{ ACCOUNT(password_expires, TEXT, "", N_("the day on which the secret ends, as 2027-03-01")),
	  .check = check_day },
	{ ACCOUNT(keyring, SWITCH, "on", N_("whether the keyring may have the password")) },
	{ ACCOUNT(from, TEXT, "", N_("address to send as")), .check = check_from,
	  .tidy = cut_final_dots },
	{ ACCOUNT(from_name, TEXT, "", N_("name before that address")) },
	{ ACCOUNT(sender_policy, WORD, "rewrite", N_("what is done with another sender")),
	  .word = policy_word },
	{ ACCOUNT(allowed_senders, TEXT, "", N_("other addresses and @domains to send as")),
	  .check = check_senders, .tidy = cut_final_dots },
	{ ACCOUNT(null_sender, WORD, "send", N_("what the sender <> becomes")), .word = null_word },
	{ ACCOUNT(domain, TEXT, "", N_("what we call ourselves")), .check = check_one_word },
	{ ACCOUNT(timeout, NUMBER, "60", N_("seconds to wait for the server")), RANGE(1, 86400) },
	{ ACCOUNT(max_recipients, NUMBER, "100000", N_("recipients at a time")),
	  RANGE(1, 100000) },
	{ ACCOUNT(max_size, NUMBER, "0", N_("bytes of a message; 0 is no limit")),
	  RANGE(0, LONG_MAX) },
	{ ACCOUNT(rate_per_minute, NUMBER, "0", N_("messages a minute; 0 is no limit")),
	  RANGE(0, 1000000) },
	{ ACCOUNT(rate_per_hour, NUMBER, "0", N_("messages an hour; 0 is no limit")),
	  RANGE(0, 1000000) },
	{ ACCOUNT(failover, TEXT, "", N_("accounts that take its mail when it cannot")) },
	{ ACCOUNT(failover_after, SPAN, "10m", N_("how long its quota may be used up before")),
	  RANGE(0, 365 * 86400) },
	{ ACCOUNT(quota_store, TEXT, "", N_("Redis server in which machines share these limits")),
	  .exact = true, .url = URL_STORE, .check = urls_check_store },
	{ ACCOUNT(quota_store_password_file, TEXT, "", N_("file whose first line is its password")),
	  .exact = true, .is_private = true, .check = check_path, .beside = "quota_store" },
	{ ACCOUNT(log, TEXT, "syslog", N_("syslog, stderr, stdout, off, or the path of a file")),
	  .check = check_log },
	{ ACCOUNT(log_format, WORD, "text", N_("what a line of the log is")), .word = log_word },
	{ DEFAULTS(default_account, TEXT, "", N_("account to use when nothing tells which")) },
	{ DELIVERY(aliases, TEXT, "/etc/aliases", N_("file of aliases, or off")),
	  .check = check_aliases },
	{ DELIVERY(local_recipients, TEXT, "", N_("who gets mail for names without a domain")),
	  .check = check_recipients },
	{ DELIVERY(queue, WORD, "auto", N_("whether mail that cannot leave now is kept")),
	  .word = queue_word },
	{ DELIVERY(mode, WORD, "direct", N_("whether a caller waits for the server")),
	  .word = mode_word },
	{ DELIVERY(spool, TEXT, "", N_("directory of the queue")), .check = check_spool },
	{ DELIVERY(background, SWITCH, "on", N_("whether waiting mail is tried again by itself")) },
	{ DELIVERY(on_lost_reply, WORD, "resend", N_("what is done when mail may have been sent")),
	  .word = lost_word },
	{ DELIVERY(expire, NUMBER, "5", N_("days after which a message is given up")), RANGE(1, 365) },
	{ DELIVERY(keep_failed, NUMBER, "30", N_("days that it is kept then")), RANGE(1, 3650) },
	{ DELIVERY(report_to, TEXT, "", N_("who is told of failures instead of the sender")),
	  .check = check_address },
	{ DELIVERY(reports_per_hour, NUMBER, "20", N_("reports of failures at most; 0 is none")),
	  RANGE(0, 1000) },
	{ DELIVERY(t_with_arguments, WORD, "add", N_("what recipients mean beside -t")),
	  .word = t_word },
	{ DELIVERY(metrics_file, TEXT, "", N_("file of figures about the queue, for node_exporter")),
	  .check = check_path },
	{ DELIVERY(warn_after, NUMBER, "4", N_("hours until the sender is warned; 0 is never")),
	  RANGE(0, 8760) },
	{ DAEMON(socket, TEXT, "", N_("unix socket of the daemon, or off")), .check = check_socket },
	{ DAEMON(listen, TEXT, "", N_("ADDRESS:PORT to listen at, or several")) },
	{ DAEMON(allow_from, TEXT, "", N_("networks that may send there")), .is_of_admission = true },
	{ DAEMON(allow_users, TEXT, "*", N_("names, @groups and numbers that may send at the socket")),
	  .is_of_admission = true },
	{ DAEMON(max_clients, NUMBER, "200", N_("clients at one time")), RANGE(1, 2000) },
	{ DAEMON(max_clients_per_user, NUMBER, "32", N_("of one user or address")), RANGE(1, 2000) },
	{ DAEMON(max_connections, NUMBER, "2", N_("to the server of one account, at one time")), RANGE(1, 250) },
	{ DAEMON(max_per_user_per_hour, NUMBER, "0", N_("messages an hour of one; 0 is no limit")),
	  RANGE(0, 1000000) },
	{ DAEMON(idle_timeout, NUMBER, "300", N_("seconds that a client may say nothing")),
	  RANGE(1, 86400) },
	{ DAEMON(listen_cert, TEXT, "", N_("certificate for TLS, with those above it")),
	  .check = check_path },
	{ DAEMON(listen_key, TEXT, "", N_("its key")), .check = check_path },
	{ DAEMON(listen_users, TEXT, "", N_("file of who may log in")), .check = check_path },
	{ DAEMON(user, TEXT, "acsmtp", N_("whose the queue is")), .check = check_one_word },
	{ DAEMON(door_user, TEXT, "acsmtp-door", N_("as whom clients are served")),
	  .check = check_one_word },
};
/* clang-format on */
_Static_assert(COUNT_OF(table) <= SETTINGS_MAX, "SETTINGS_MAX is too small");

const char *account_token_word(int source)
{
	return token_word((size_t)source);
}

/* As it stands in a file, without the name of an account. */
const char *section_word(size_t kind)
{
	static const char *const words[] = {
		[SECTION_ACCOUNT] = "account",
		[SECTION_DEFAULTS] = "defaults",
		[SECTION_DELIVERY] = "delivery",
		[SECTION_DAEMON] = "daemon",
	};

	return kind < COUNT_OF(words) ? words[kind] : NULL;
}

const struct setting *setting_row(size_t i)
{
	return i < COUNT_OF(table) ? &table[i] : NULL;
}

size_t setting_index(const struct setting *row)
{
	return (size_t)(row - table);
}

static bool may_stand_in(const struct setting *row, enum section_kind section)
{
	return row->section == section ||
	       (row->section == SECTION_ACCOUNT && section == SECTION_DEFAULTS);
}

const struct setting *setting_find(enum section_kind section, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (may_stand_in(&table[i], section) && text_is(name, table[i].name))
			return &table[i];
	return NULL;
}

/* "" is near to nothing: it passes over the rows of other sections. */
static const char *name_in(const void *section, size_t i)
{
	if (i == COUNT_OF(table))
		return NULL;
	return may_stand_in(&table[i], *(const enum section_kind *)section) ? table[i].name : "";
}

const char *setting_nearest(enum section_kind section, const char *name)
{
	const char *nearest = text_nearest(name, name_in, &section);

	return nearest && *nearest ? nearest : NULL;
}

bool setting_help(size_t i, struct setting_help *row)
{
	if (i >= COUNT_OF(table))
		return false;
	*row = (struct setting_help){ section_word(table[i].section), table[i].name,
				      table[i].standard, table[i].help };
	return true;
}
