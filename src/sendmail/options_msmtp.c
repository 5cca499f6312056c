/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Long options that scripts written for msmtp pass. Those that ask for what is done
 * anyway are taken; any other would change how mail goes, so it is refused, with what to
 * do instead.
 */
#include "sendmail/options_msmtp.h"

#include <string.h>

#include "base/language.h"
#include "base/text.h"

struct msmtp_option {
	const char *name;
	const char *taken;	/* the value that asks for what is done anyway, or NULL */
	const char *instead;	/* else */
	bool reads_nothing;	/* it is no way to send a message */
};

static const char header[] = N_("missing fields are added, and -G switches that off");
static const char settings[] = N_("it is a setting of an account here, of the same name; "
				  "-a or -C chooses the account");
static const char pin[] = N_("`tls_ca_file` or `tls_fingerprint` of the account names a "
			     "certificate that is not public");
static const char direct[] = N_("servers are spoken to directly");
static const char sender[] = N_("write the whole address as `from` of the account, or give -f");
static const char bcc[] = N_("Bcc is always removed");
static const char to[] = N_("To stays as it is");
static const char log_file[] = N_("`log` of the account names a file, or `syslog`; -X FILE "
				  "writes the dialogue");

static const struct msmtp_option table[] = {
	{ "add-missing-date-header", "on", header, false },
	{ "add-missing-from-header", "on", header, false },
	{ "aliases", NULL, N_("`aliases` in [delivery] names the file"), false },
	{ "allow-from-override", NULL, N_("`sender_policy` of the account says it"), false },
	{ "auth", NULL, settings, false },
	{ "auto-from", "off", sender, false },
	{ "configure", NULL, N_("use `acsmtp setup`"), true },
	{ "connect-timeout", NULL, N_("`timeout` of the account says it"), false },
	{ "domain", NULL, settings, false },
	{ "host", NULL, settings, false },
	{ "keepbcc", "off", bcc, false },
	{ "logfile", NULL, log_file, false },
	{ "logfile-time-format", NULL, N_("lines of the log have one format of time"), false },
	{ "maildomain", NULL, sender, false },
	{ "passwordeval", NULL, N_("`password_command` of the account is such a command"), false },
	{ "port", NULL, settings, false },
	{ "protocol", "smtp", N_("SMTP is the only protocol"), false },
	{ "proxy-host", NULL, direct, false },
	{ "proxy-port", NULL, direct, false },
	{ "remove-bcc-headers", "on", bcc, false },
	{ "rmqs", NULL, N_("there is no remote queue to start"), true },
	{ "serverinfo", NULL, N_("use `acsmtp check`"), true },
	{ "set-date-header", "auto", header, false },
	{ "set-from-header", "auto", N_("`sender_policy = rewrite` puts the account's `from` there; "
	  "-G adds no fields"), false },
	{ "set-msgid-header", "auto", header, false },
	{ "set-to-header", "off", to, false },
	{ "socket", NULL, direct, false },
	{ "source-ip", NULL, direct, false },
	{ "syslog", NULL, log_file, false },
	{ "timeout", NULL, settings, false },
	{ "tls", NULL, N_("`tls` of the account is starttls, implicit or off"), false },
	{ "tls-cert-file", NULL, N_("there is no login by certificate"), false },
	{ "tls-certcheck", "on", pin, false },
	{ "tls-crl-file", NULL, N_("no list of revoked certificates is read"), false },
	{ "tls-fingerprint", NULL, pin, false },
	{ "tls-force-sslv3", "off", N_("TLS 1.2 is the least"), false },
	{ "tls-host-override", NULL, pin, false },
	{ "tls-key-file", NULL, N_("there is no login by certificate"), false },
	{ "tls-min-dh-prime-bits", NULL, N_("the system's policy of TLS decides"), false },
	{ "tls-priorities", NULL, N_("`tls_priorities` of the account says it"), false },
	{ "tls-starttls", NULL, N_("`tls` of the account is starttls, implicit or off"), false },
	{ "tls-trust-file", NULL, pin, false },
	{ "undisclosed-recipients", "off", to, false },
	{ "user", NULL, settings, false },
};

const struct msmtp_option *msmtp_option_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

bool msmtp_option_apply(const struct msmtp_option *option, struct options *o,
			const char *value, struct error *err)
{
	/* Without a value such an option of msmtp's is "on". */
	if (option->taken && text_is(value ? value : "on", option->taken))
		return true;
	if (option->reads_nothing)
		o->mode = MODE_REFUSED;
	if (option->taken)
		error_set(err, ERROR_USAGE, "--%s is an option of msmtp's; only \"%s\" is done here",
			  option->name, option->taken);
	else
		error_set(err, ERROR_USAGE, "--%s is an option of msmtp's", option->name);
	return error_advise(err, option->instead);
}
