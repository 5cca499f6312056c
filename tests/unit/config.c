/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of settings: what is understood, and what is refused with which words. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "config/account.h"

static char directory[] = "/tmp/acsmtp-config.XXXXXX";

static void path_of(const char *name, char path[100])
{
	snprintf(path, 100, "%s/%s", directory, name);
}

/* The password that is read when it is wanted; "": there is none. */
static const char *password_of(const struct account *a, struct secret *password)
{
	struct error err;

	if (!a->has_password)
		return "";
	if (!config_password(a, password, &err))
		fail_msg("%s", err.text);
	return password->bytes;
}

static void write_file(const char *path, const void *bytes, size_t len, mode_t mode)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static bool read_bytes(struct config *config, const char *text, size_t len,
		       struct error *err)
{
	char path[100];

	path_of("test.ini", path);
	write_file(path, text, len, 0600);
	return config_read(config, path, err);
}

static bool read_text(struct config *config, const char *text, struct error *err)
{
	return read_bytes(config, text, strlen(text), err);
}

#define WORK	"[account work]\n"

static const struct {
	const char *text;
	const char *says[3];	/* parts of the error and its advice */
} bad[] = {
	/* sections */
	{ "host = a\n" WORK, { "line 1: a line before any section", "[account work]" } },
	{ "\n[acount work]\n", { "line 2: unknown section [acount work]; did you mean "
				 "[account NAME]?" } },
	{ "[default]\n", { "line 1: unknown section [default]; did you mean [defaults]?" } },
	{ "[work]\n", { "unknown section [work]", "sections are [account NAME]" } },
	{ "[accountwork]\n", { "unknown section [accountwork]" } },
	{ "[account]\n", { "line 1: [account] has no name" } },
	{ "[account ]\n", { "line 1: [account] has no name" } },
	{ "[]\n", { "unknown section []" } },
	{ "[account a:b]\n", { "line 1: the account's name holds a character" } },
	{ "[account a b]\n", { "holds a character", "letters (a to z)" } },
	{ "[account b\xc3\xbcro]\n", { "holds a character" } },
	{ "[account work\nhost = a\n", { "line 1: the bracket [ is not closed" } },
	{ "[account work] host = a\n", { "line 1: text follows the section's bracket" } },
	{ WORK "host=a\n\n[Account  WORK]\n", { "line 4: [account work] stands twice, first "
						"in line 1" } },
	{ "[defaults]\n[DEFAULTS]\n", { "line 2: [defaults] stands twice" } },
	/* names */
	{ WORK "\npasword = hunter2\n", { "line 3: [account work] unknown setting "
					  "\"pasword\"; did you mean \"password\"?" } },
	{ WORK "frobnicate = 1\n", { "line 2: [account work] unknown setting \"frobnicate\"",
				     "help settings" } },
	{ WORK "S3cretTail==\n", { "line 2: [account work] unknown setting" } },
	{ WORK "default_account = a\n", { "line 2: [account work] unknown setting \"default_account\" in this section", "belongs into [defaults]" } },
	{ "[defaults]\nt_with_arguments = add\n", { "[defaults] unknown setting", "into [delivery]" } },
	{ "[delivery]\nhost = a\n", { "[delivery] unknown setting \"host\" in this section", "belongs into [account NAME]" } },
	{ "[daemon]\nspool = /x\n", { "line 2: [daemon] unknown setting \"spool\"", "belongs into [delivery]" } },
	{ WORK "Listen = x\n", { "\"listen\" in this section", "belongs into [daemon]" } },
	{ WORK "max_connections = 3\n", { "line 2: [account work] unknown setting \"max_connections\"",
					   "belongs into [daemon]" } },
	{ WORK "host = a\nHOST = b\n", { "line 3: [account work] \"host\" is given twice, "
					 "first in line 2" } },
	{ WORK "password = a\npassword = b\n", { "line 3: [account work] \"password\" is given "
						 "twice, first in line 2" } },
	{ WORK "host smtp.example.org\n", { "line 2: [account work] a line without \"=\"; did "
					    "you mean \"host = ...\"?" } },
	{ WORK "hunter2\n", { "line 2: [account work] a line without \"=\"", "name = value" } },
	{ WORK "= a\n", { "line 2: [account work] unknown setting" } },
	/* quotes and comments */
	{ WORK "from_name = a;b\n", { "line 2: [account work] from_name: an unquoted ;",
				      "double quotes" } },
	{ WORK "from_name = a#b\n", { "from_name: an unquoted #" } },
	{ WORK "user = a#EXT#b\n", { "user: an unquoted #" } },
	{ WORK "user =#b\n", { "user: its value begins with an unquoted #" } },
	{ WORK "password = a#b\n", { "password: an unquoted #" } },
	{ WORK "password = a #b\n", { "password: an unquoted #" } },
	{ WORK "password = #b\n", { "password: an unquoted #" } },
	{ WORK "password = a\"b\n", { "password: an unquoted \"" } },
	{ WORK "password = 'ab'\n", { "password: an unquoted '" } },
	{ WORK "password = ab\\\n", { "password: a backslash" } },
	{ WORK "password = \"ab\n", { "password: its quote \" is not closed" } },
	{ WORK "password = \"ab\" c\n", { "password: text follows the closing quote" } },
	{ WORK "password = \"ab\";c\n", { "password: text follows the closing quote" } },
	{ WORK "password = \"a\" ; \"b\"\n", { "password: it may end at two of its quotes",
					       "a line of its own" } },
	{ WORK "password = \"a\001\"\n", { "password: a control character" } },
	{ WORK "password_command = cat a; b\n", { "password_command: an unquoted ;" } },
	{ WORK "password_file = /a #b\n", { "password_file: an unquoted #" } },
	{ WORK "token_command = a ;b\n", { "token_command: an unquoted ;" } },
	{ WORK "from_name = \"a\n", { "line 2: [account work] from_name: its quote \" is not "
				      "closed" } },
	{ WORK "from_name = 'tis me\n", { "from_name: its quote ' is not closed" } },
	{ WORK "from_name = \"a\" b\n", { "from_name: text follows the closing quote" } },
	{ WORK "from_name = \"a\"b\"\n", { "the value ends at its second quote" } },
	{ WORK "from_name = \"a\\\"b\"\n", { "the value ends at its second quote" } },
	{ WORK "from_name = \"a\\;b\"\n", { "from_name: a backslash in quotes" } },
	{ WORK "from_name = \"a\\\"\n", { "from_name: a backslash in quotes" } },
	{ WORK "from_name = a\\\nuser = b\n", { "line 2: [account work] from_name: a backslash "
						"stands at its end", "one line" } },
	{ WORK "from_name = a\\  \r\nuser = b\n", { "from_name: a backslash stands at its" } },
	/* bytes */
	{ "\xef\xbb\xbf" WORK, { "line 1: the file begins with a byte-order mark", "without" } },
	{ "\xff\xfe[", { "line 1: the file begins with a byte-order mark" } },
	{ WORK "user = \f\"a\"b\n", { "text follows the closing quote" } },
	{ WORK "from_name = a\001b\n", { "from_name: a control character" } },
	{ WORK "from_name = a\tb\n", { "from_name: a control character" } },
	{ WORK "from_name = B\xfcro\n", { "from_name: it is not written in UTF-8" } },
	/* values */
	{ WORK "port = abc\n", { "line 2: [account work] port: \"abc\" is not a number from 1 "
				 "to 65535" } },
	{ WORK "port = 0\n", { "not a number from 1 to 65535" } },
	{ WORK "port = 65536\n", { "not a number from 1 to 65535" } },
	{ WORK "timeout = 99999999999999999999\n", { "not a number from 1 to 86400" } },
	{ WORK "timeout = 0\n", { "timeout: \"0\" is not a number" } },
	{ WORK "max_recipients = 100001\n", { "not a number from 1 to 100000" } },
	{ WORK "max_size = -1\n", { "max_size: \"-1\" is not a number, 0 or more" } },
	{ WORK "tls = startls\n", { "tls: \"startls\" is none of starttls, implicit, off; did "
				    "you mean \"starttls\"?" } },
	{ WORK "auth = digest-md5\n", { "none of auto, login, plain, xoauth2, oauthbearer, off" } },
	{ WORK "sender_policy = zzzzzzzzz\n", { "is none of rewrite, keep, refuse" } },
	{ WORK "service = sengrid\n", { "service: \"sengrid\" is none of ",
					"did you mean \"sendgrid\"?" } },
	{ WORK "log_format = xml\n", { "\"xml\" is none of text, json" } },
	{ WORK "tls_session_cache = maybe\n", { "\"maybe\" is neither on nor off" } },
	{ WORK "host = a b\n", { "host: a blank cannot stand in it" } },
	{ WORK "host = smtp.example.org:587\n", { "host: it is the name of a server alone",
						  "port" } },
	{ WORK "host = smtp://example.org\n", { "host: it is the name of a server alone" } },
	{ WORK "domain = a b\n", { "domain: a blank" } },
	{ WORK "tls_fingerprint = 12:34\n", { "tls_fingerprint: it is not 64 hex" } },
	{ WORK "tls_fingerprint = xyz\n", { "tls_fingerprint: it is not 64 hex" } },
	{ WORK "from = Contoso <a@b.c>\n", { "line 2", "from: it is no address alone" } },
	{ WORK "from = DoNotReply\n", { "from: it is no address alone" } },
	{ WORK "from = @x\n", { "from: it is no address alone" } },
	{ WORK "from = a@.\n", { "it is no address alone" } },
	{ WORK "allowed_senders = a@b.c, @.\n", { "\"@.\" is no address and no @domain" } },
	{ WORK "allowed_senders = a@b.c, example.org\n", { "\"example.org\" is no address and" } },
	{ WORK "[delivery]\naliases = aliases\n", { "neither the whole path of a file nor off" } },
	{ WORK "[delivery]\nreport_to = A <a@b.c>\n", { "report_to: it is no address alone" } },
	{ WORK "[delivery]\nreport_to = root\n", { "report_to: it is no address alone" } },
	{ WORK "[delivery]\nreports_per_hour = 1001\n", { "not a number from 0 to 1000" } },
	{ WORK "[delivery]\nwarn_after = 4h\n", { "warn_after: \"4h\" is not a number" } },
	{ WORK "[delivery]\nexpire = 0\n", { "expire: \"0\" is not a number from 1 to 365" } },
	{ WORK "[delivery]\nkeep_failed = 0\n", { "not a number from 1 to 3650" } },
	{ WORK "[delivery]\nlocal_recipients = A <a@b.c>, adm\n", { "\"adm\" is no address with" } },
	{ WORK "log = sylog\n", { "log: it is neither syslog nor stderr" } },
	{ "[defaults]\nport = x\n", { "line 2: [defaults] port: \"x\" is not a number" } },
	{ "[delivery]\n\nt_with_arguments = ad\n", { "line 3: [delivery] t_with_arguments: "
						     "\"ad\" is none of add, remove; did" } },
	{ "#\n" WORK "service = other\n", { "line 2: [account work] host is missing",
					    "service \"other\"", "host = " } },
	/* two that belong together: the line is of the one that is there */
	{ WORK "host = a\ntls_client_key = /k\n", { "line 3: [account work] tls_client_key: ",
						   "tls_client_cert is missing" } },
	{ "[defaults]\ntls_client_key = /k\n" WORK "host = a\n", { "line 2: [defaults] tls_client_key: " } },
	{ WORK "host = a\ntls_client_cert = /k\n", { "line 3: [account work] tls_client_cert: ",
						    "tls_client_key is missing" } },
	{ WORK "host = a\nproxy_password_file = /k\n", { "line 3: [account work] proxy_password_file: " } },
	{ WORK "host = a\nquota_store_password_file = /k\n", {
	  "line 3: [account work] quota_store_password_file: " } },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		OWNED_CONFIG config = { 0 };
		struct error err;

		if (read_text(&config, bad[i].text, &err))
			fail_msg("%s: taken", bad[i].text);
		assert_int_equal(config.count, 0);
		assert_null(strchr(err.text, '\n'));
		assert_null(strstr(err.text, "S3cret"));
		assert_null(strstr(err.text, "hunter2"));
		assert_non_null(strstr(err.text, "/test.ini, line "));
		for (size_t j = 0; j < COUNT_OF(bad[i].says) && bad[i].says[j]; j++)
			if (err.kind != ERROR_CONFIG ||
			    !(strstr(err.text, bad[i].says[j]) ||
			      (err.advice && strstr(err.advice, bad[i].says[j]))))
				fail_msg("%s: kind %d: %s (%s)", bad[i].text, err.kind,
					 err.text, err.advice ? err.advice : "");
	}
}

/* All that an account is, but for what has its standard value. */
static char *describe(const struct account *a)
{
	struct buf b = BUF_INIT(5000);
	OWNED_SECRET password = { 0 };
	const struct { const char *name, *value, *standard; } texts[] = {
		{ "service", a->service, "acs" }, { "host", a->host, "smtp.azurecomm.net" },
		{ "tls_ca_file", a->tls_ca_file, "" },
		{ "tls_fingerprint", a->tls_fingerprint, "" }, { "user", a->user, "" },
		{ "password", password_of(a, &password), "" },
		{ "password_file", a->password_file, "" },
		{ "password_command", a->password_command, "" },
		{ "token_command", a->token_command, "" }, { "from", a->from, "" },
		{ "from_name", a->from_name, "" },
		{ "allowed_senders", a->allowed_senders, "" }, { "domain", a->domain, "" },
		{ "log", a->log, "syslog" },
	};
	const struct { const char *name; long value, standard; } numbers[] = {
		{ "port", a->port, 587 }, { "tls", a->tls, TLS_STARTTLS },
		{ "auth", a->auth, AUTH_AUTO }, { "cache", a->tls_session_cache, true },
		{ "policy", a->sender_policy, SENDER_REWRITE }, { "timeout", a->timeout, 60 },
		{ "log_format", a->log_format, LOG_AS_TEXT },
		{ "max_recipients", a->max_recipients, 50 }, { "max_size", a->max_size, 10485760 },
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (strcmp(texts[i].value, texts[i].standard) != 0)
			buf_addf(&b, "%s<%s>", texts[i].name, texts[i].value);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (numbers[i].value != numbers[i].standard)
			buf_addf(&b, "%s<%ld>", numbers[i].name, numbers[i].value);
	return buf_take(&b);
}

static const struct {
	const char *text, *understood;	/* of the account "work" */
} good[] = {
	{ WORK, "" },
	{ "[account work]", "" },
	{ "; comment\n  # another \\\n\n\t\n" WORK "; cut = ;#\"\\\n", "" },
	{ "[account work] ; mine\r\nhost = a.example\r\n", "host<a.example>" },
	{ "  [ ACCOUNT \t Work ]  \n HoSt\t=\ta.example # there\n", "host<a.example>" },
	{ WORK "service = SendGrid\nport=465 ;there\ntls = implicit\n",
	  "service<sendgrid>host<smtp.sendgrid.net>user<apikey>port<465>tls<1>"
	  "max_recipients<1000>max_size<31457280>" },
	{ WORK "service = other\nhost = ::1\ntls = off\nauth = OFF\n",
	  "service<other>host<::1>tls<2>auth<5>max_recipients<100000>max_size<0>" },
	{ WORK "tls_session_cache = no\nsender_policy = keep\ntimeout = 86400\n"
	  "max_recipients = 1\nmax_size = 1048576\n",
	  "cache<0>policy<1>timeout<86400>max_recipients<1>max_size<1048576>" },
	{ WORK "tls_session_cache = FALSE\n", "cache<0>" },
	{ WORK "log_format = json\n", "log_format<1>" },
	{ WORK "tls_session_cache = 1\n", "" },
	{ WORK "tls_ca_file =    ; default: the system's trust store\nfrom_name =\nlog=\n"
	  "user = ; later\nport =\n", "" },
	{ WORK "password_command = \"secret-tool lookup a b; c # d\"\n",
	  "password_command<secret-tool lookup a b; c # d>" },
	{ WORK "password_command = 'echo \"a; b\"'\n", "password_command<echo \"a; b\">" },
	{ WORK "token_command = printf '%s\\n' x=y\n", "token_command<printf '%s\\n' x=y>" },
	{ WORK "user = \"DOMAIN\\me\" ; who\n", "user<DOMAIN\\me>" },
	{ WORK "user = DOMAIN\\me  ; who \"I\" am\n", "user<DOMAIN\\me>" },
	{ WORK "user = contoso|app|tenant\nfrom_name = \"  J\xc3\xbcrgen \"\n",
	  "user<contoso|app|tenant>from_name<  J\xc3\xbcrgen >" },
	{ WORK "from_name = Web \"x\" it's\n", "from_name<Web \"x\" it's>" },
	{ WORK "from_name = \"\"\nuser = ''\n", "" },
	{ WORK "allowed_senders = a@example.org, @example.com\ndomain = [IPv6:::1]\n"
	  "log = /var/log/acsmtp\n",
	  "allowed_senders<a@example.org, @example.com>domain<[IPv6:::1]>"
	  "log</var/log/acsmtp>" },
	/* the defaults, wherever they stand */
	{ "[defaults]\nport = 25\nuser = me\nservice = sendgrid\n" WORK "port = 26\n",
	  "service<sendgrid>host<smtp.sendgrid.net>user<me>port<26>"
	  "max_recipients<1000>max_size<31457280>" },
	{ WORK "user =\nlog =\n[defaults]\nlog = stderr\nuser = me\nfrom = a@b\n",
	  "from<a@b>" },
	{ "[defaults]\npassword = p\nauth = plain\n" WORK, "password<p>auth<2>" },
	{ "[defaults]\npassword = p\n" WORK "password =\n", "" },
	{ "[defaults]\npassword = p\n" WORK "password_command = c\n", "password_command<c>" },
	{ "[defaults]\npassword_file = /f\n" WORK "password = q\n", "password<q>" },
	/* passwords */
	{ WORK "password = abc\n", "password<abc>" },
	{ WORK "password =   a b\\c  \r\n", "password<a b\\c>" },
	{ WORK "password = \"\"\n", "" },
	{ WORK "password = \"a;b#c\"\nuser = u\n", "user<u>password<a;b#c>" },
	{ WORK "password = \"a\"b\\\"; #\\\"\nuser = u\n", "user<u>password<a\"b\\\"; #\\>" },
	{ WORK "password = \" a\t'\xff=[x] \" ; new since Monday\n",
	  "password< a\t'\xff=[x] >" },
	{ WORK "password = \"a\" ; my \"new\" one\n", "password<a>" },
	{ WORK "password = \"\"\"\n", "password<\">" },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		OWNED_CONFIG config = { 0 };
		const struct account *account;
		OWNED_TEXT text = NULL;
		struct error err;

		if (!good[i].understood)
			continue;
		if (!read_text(&config, good[i].text, &err))
			fail_msg("%s: %s", good[i].text, err.text);
		account = config_account(&config, "Work", &err);
		assert_non_null(account);
		assert_string_equal(account->name, "work");
		text = describe(account);
		if (strcmp(text, good[i].understood) != 0)
			fail_msg("%s: understood %s", good[i].text, text);
	}
}

/* Traps that no literal of C can hold. */
static void test_odd_bytes(void **state)
{
	static const char nul[] = WORK "host = a\0b\n";
	OWNED_CONFIG config = { 0 };
	OWNED_SECRET password = { 0 };
	struct error err;
	char line[3000];

	(void)state;
	assert_false(read_bytes(&config, nul, sizeof(nul) - 1, &err));
	assert_non_null(strstr(err.text, "line 2: [account work] a NUL byte"));

	/* 1022 bytes are the most that iniparser 4.1 takes; "from_name = " has 12 of them. */
	snprintf(line, sizeof(line), WORK "from_name = %01010d\n", 7);
	assert_true(read_text(&config, line, &err));
	assert_int_equal(strlen(config.accounts[0].from_name), 1010);
	snprintf(line, sizeof(line), WORK "from_name = %01010d", 8);
	assert_true(read_text(&config, line, &err));
	assert_int_equal(strlen(config.accounts[0].from_name), 1010);
	snprintf(line, sizeof(line), WORK "from_name = %01011d\n", 7);
	assert_false(read_text(&config, line, &err));
	assert_non_null(strstr(err.text, "line 2: [account work] from_name: a line of more "
			       "than 1022 bytes"));

	/* Comments and tokens may be longer. */
	snprintf(line, sizeof(line), "# %02000d\n" WORK "user = u\n", 7);
	assert_true(read_text(&config, line, &err));
	snprintf(line, sizeof(line), WORK "password = %02000d\nuser = u\n", 7);
	assert_true(read_text(&config, line, &err));
	assert_true(config_password(&config.accounts[0], &password, &err));
	assert_int_equal(password.len, 2000);
	assert_string_equal(config.accounts[0].user, "u");
}

static void test_sizes(void **state)
{
	enum { LIMIT = 1024 * 1024 };
	OWNED_TEXT text = xmalloc(LIMIT + 2);
	OWNED_CONFIG config = { 0 };
	struct error err;

	(void)state;
	memset(text, '\n', LIMIT + 1);
	memcpy(text + LIMIT - strlen(WORK), WORK, strlen(WORK));
	assert_true(read_bytes(&config, text, LIMIT, &err));
	assert_int_equal(config.count, 1);
	assert_false(read_bytes(&config, text, LIMIT + 1, &err));
	assert_non_null(strstr(err.text, "more than 1048576 bytes"));

	memset(text, 'x', LIMIT);
	memcpy(text, WORK "password=", strlen(WORK "password="));
	assert_false(read_bytes(&config, text, LIMIT, &err));
	assert_non_null(strstr(err.text, "password: it is longer than 12288 bytes"));
	assert_true(read_text(&config, "", &err));
}

static void test_many_sections(void **state)
{
	OWNED_BUF text = BUF_INIT(100000);
	OWNED_CONFIG config = { 0 };
	struct error err;

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_addf(&text, "[account a%d]\nuser = u%d\n", i, i);
	assert_true(read_text(&config, buf_text(&text), &err));
	assert_int_equal(config.count, 1000);
	assert_string_equal(config_account(&config, "a777", &err)->user, "u777");
	assert_null(config_account(&config, "b", &err));
	assert_non_null(strstr(err.text, "there is no account \"b\"; there are a0, a1, "));
	buf_add(&text, "[account b]\n");
	assert_false(read_text(&config, buf_text(&text), &err));
	assert_non_null(strstr(err.text, "line 2001: more than 1000 sections"));
}

static void test_delivery(void **state)
{
	OWNED_CONFIG config = { 0 };
	struct error err;

	(void)state;
	assert_true(read_text(&config, WORK, &err));
	assert_string_equal(config.default_account, "");
	assert_string_equal(config.delivery.local_recipients, "");
	assert_string_equal(config.delivery.aliases, "/etc/aliases");
	assert_int_equal(config.delivery.t_with_arguments, 0);
	assert_string_equal(config.delivery.report_to, "");
	assert_int_equal(config.delivery.reports_per_hour, 20);
	assert_int_equal(config.delivery.warn_after, 4);
	assert_int_equal(config.delivery.expire, 5);
	assert_int_equal(config.delivery.keep_failed, 30);
	assert_true(read_text(&config, "[delivery]\nreport_to = me@example.org\n"
			      "reports_per_hour = 0\nwarn_after = 0\n", &err));
	assert_string_equal(config.delivery.report_to, "me@example.org");
	assert_int_equal(config.delivery.reports_per_hour, 0);
	assert_int_equal(config.delivery.warn_after, 0);
	assert_true(read_text(&config, "[delivery]\nlocal_recipients = a@b, c@d\n"
			      "t_with_arguments = remove\n", &err));
	assert_string_equal(config.delivery.local_recipients, "a@b, c@d");
	assert_int_equal(config.delivery.t_with_arguments, 1);
	assert_true(read_text(&config, "[delivery]\nlocal_recipients = e@f\n", &err));
	assert_string_equal(config.delivery.local_recipients, "e@f");
	assert_int_equal(config.delivery.t_with_arguments, 1);
}

/* The user's file over the system's: whole accounts, and no defaults across files. */
static void test_overlay(void **state)
{
	OWNED_CONFIG config = { 0 };
	const struct account *account;
	struct error err;

	(void)state;
	assert_true(read_text(&config, "[defaults]\ndefault_account = work\nfrom_name = S\n"
			      WORK "user = system\nport = 25\npassword = old\n"
			      "[account spare]\nuser = spare\n", &err));
	assert_true(read_text(&config, "[defaults]\nlog = off\n[account WORK]\n"
			      "user = mine\n[account home]\nuser = home\n", &err));
	assert_int_equal(config.count, 3);
	account = config_default(&config, &err);
	assert_string_equal(account->user, "mine");
	assert_string_equal(account->from_name, "");
	assert_string_equal(account->log, "off");
	assert_int_equal(account->port, 587);
	assert_false(account->has_password);
	account = config_account(&config, "spare", &err);
	assert_string_equal(account->from_name, "S");
	assert_string_equal(account->log, "syslog");

	/* A file with a mistake changes nothing. */
	assert_false(read_text(&config, WORK "user = x\n[account y]\nport = x\n", &err));
	assert_int_equal(config.count, 3);
	assert_string_equal(config_default(&config, &err)->user, "mine");
	assert_false(read_text(&config, WORK "user = x\n[account y]\nservice = other\n", &err));
	assert_string_equal(config_default(&config, &err)->user, "mine");

	assert_true(read_text(&config, "[defaults]\ndefault_account = Home\n", &err));
	assert_string_equal(config_default(&config, &err)->user, "home");
}

static void test_default(void **state)
{
	static const struct { const char *text, *name, *says; } cases[] = {
		{ "[account a]\n", "a", NULL },
		{ "[account a]\n[account default]\n", "default", NULL },
		{ "[account a]\n[account default]\n[defaults]\ndefault_account = A\n", "a", NULL },
		{ "[account a]\n[account b]\n", NULL, "which account? there are a, b" },
		{ "[account a]\n[defaults]\ndefault_account = b\n", NULL,
		  "default_account: there is no account \"b\"; there is a" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		OWNED_CONFIG config = { 0 };
		const struct account *account;
		struct error err;

		assert_true(read_text(&config, cases[i].text, &err));
		account = config_default(&config, &err);
		if (cases[i].name) {
			assert_non_null(account);
			assert_string_equal(account->name, cases[i].name);
		} else {
			assert_null(account);
			assert_int_equal(err.kind, ERROR_CONFIG);
			assert_string_equal(err.text, cases[i].says);
		}
	}
}

/* --- what kind of file, and whose */

static void expect_file(const char *path, const char *says)
{
	OWNED_CONFIG config = { 0 };
	struct error err;
	bool ok = config_read(&config, path, &err);

	if (!says && !ok)
		fail_msg("%s: %s", path, err.text);
	if (!says)
		return;
	if (ok)
		fail_msg("%s: taken, but for \"%s\"", path, says);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, path));
	if (!strstr(err.text, says))
		fail_msg("%s instead of %s", err.text, says);
}

static void test_modes(void **state)
{
	static const char plain[] = WORK "password =\n", secret[] = WORK "password = s\n";
	const char *group = geteuid() == 0 ? NULL : "others can read it";
	const struct { const char *text; mode_t mode; const char *says; } cases[] = {
		{ secret, 0600, NULL }, { secret, 0400, NULL }, { secret, 0640, group },
		{ secret, 0644, "others can read it" }, { secret, 0604, "others can read it" },
		{ secret, 0622, "others can write" }, { plain, 0644, NULL },
		{ plain, 0664, "others can write" }, { plain, 0646, "others can write" },
		{ secret, 0660, "others can write" },
	};
	char path[100];

	(void)state;
	path_of("mode.ini", path);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		write_file(path, cases[i].text, strlen(cases[i].text), 0600);
		assert_int_equal(chmod(path, cases[i].mode), 0);
		expect_file(path, cases[i].says);
		assert_int_equal(unlink(path), 0);
	}
}

static void test_kinds_of_files(void **state)
{
	char path[100], link[100];

	(void)state;
	path_of("fifo", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_file(path, "not a regular file");
	expect_file(directory, "not a regular file");
	expect_file("/dev/null", "not a regular file");
	path_of("nothing", path);
	expect_file(path, "No such file");
	path_of("linked.ini", path);
	path_of("link", link);
	write_file(path, WORK, strlen(WORK), 0600);
	assert_int_equal(symlink(path, link), 0);
	expect_file(link, NULL);
}

/* root's files are everybody's; another user's are nobody else's, not even root's. */
static void test_owner(void **state)
{
	char path[100];

	(void)state;
	path_of("owner.ini", path);
	write_file(path, WORK "password = s\n", strlen(WORK "password = s\n"), 0600);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		expect_file(path, "belongs neither to this user nor to root");
	} else {
		expect_file(path, NULL);
		/* Somebody's that we can read: root's, here with a line that is no setting. */
		expect_file("/etc/passwd", "/etc/passwd, line 1: a line before any section");
	}
}

/* --- which files */

static void test_load(void **state)
{
	OWNED_CONFIG config = { 0 }, other = { 0 }, none = { 0 };
	const struct account *account;
	struct error err;
	char path[100], home[100];

	(void)state;
	path_of("xdg", home);
	assert_int_equal(mkdir(home, 0700), 0);
	path_of("xdg/acsmtp.ini", path);
	write_file(path, "[account xdg]\n", 14, 0600);
	assert_int_equal(setenv("XDG_CONFIG_HOME", home, 1), 0);
	assert_true(config_load(&config, NULL, &err));
	account = config_account(&config, "xdg", &err);
	assert_non_null(account);

	/* A relative XDG_CONFIG_HOME does not count. */
	path_of(".config", home);
	assert_int_equal(mkdir(home, 0700), 0);
	path_of(".config/acsmtp.ini", path);
	write_file(path, "[account home]\n", 15, 0600);
	assert_int_equal(setenv("XDG_CONFIG_HOME", "xdg", 1), 0);
	assert_int_equal(setenv("HOME", directory, 1), 0);
	assert_true(config_load(&other, NULL, &err));
	account = config_account(&other, "home", &err);
	assert_non_null(account);
	assert_null(config_account(&other, "xdg", &err));

	/* A mistake in it is not passed over. */
	write_file(path, "port = 1\n", 9, 0600);
	assert_false(config_load(&none, NULL, &err));
	assert_non_null(strstr(err.text, "/.config/acsmtp.ini, line 1: "));
}

static void test_load_one(void **state)
{
	OWNED_CONFIG config = { 0 };
	struct error err;
	char path[100];

	(void)state;
	path_of("none.ini", path);
	assert_false(config_load(&config, path, &err));
	assert_non_null(strstr(err.text, "none.ini: No such file"));
	write_file(path, "[delivery]\n", 11, 0600);
	assert_false(config_load(&config, path, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "none.ini: no account in it"));
	write_file(path, WORK, strlen(WORK), 0600);
	assert_true(config_load(&config, path, &err));
	assert_int_equal(config.count, 1);
}

/* Between the reading of an account and its login somebody may write to the file. */
static void test_password_of_changed_file(void **state)
{
	static const char before[] = WORK "host = a\nuser = u\npassword = one\n";
	static const struct { const char *text, *password, *says; } changes[] = {
		{ before, "one", NULL },
		{ WORK "host = a\nuser = u\npassword = another\n", "another", NULL },
		{ "[defaults]\npassword = all's\n" WORK "host = a\n", NULL, "unquoted '" },
		{ "[defaults]\npassword = of all\n" WORK "host = A\nuser = u\n", "of all", NULL },
		{ WORK "host = b\nuser = u\npassword = two\n", NULL, "has changed" },
		{ WORK "host = a\nport = 25\nuser = u\npassword = two\n", NULL, "has changed" },
		{ WORK "host = a\ntls = off\nuser = u\npassword = two\n", NULL, "has changed" },
		{ WORK "host = a\nuser = v\npassword = two\n", NULL, "has changed" },
		{ "[account other]\nhost = a\nuser = u\npassword = two\n", NULL, "has changed" },
		{ WORK "host = a\nuser = u\npassword_file = /f\n", NULL, "has changed" },
	};
	char path[100];

	(void)state;
	path_of("test.ini", path);
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		OWNED_CONFIG config = { 0 };
		OWNED_SECRET password = { 0 };
		struct error err;
		bool ok;

		assert_true(read_text(&config, before, &err));
		write_file(path, changes[i].text, strlen(changes[i].text), 0600);
		ok = config_password(&config.accounts[0], &password, &err);
		if (ok != !changes[i].says)
			fail_msg("row %zu: %s", i, ok ? "taken" : err.text);
		if (ok)
			assert_string_equal(password.bytes, changes[i].password);
		else if (!strstr(err.text, changes[i].says) || secret_is_set(&password))
			fail_msg("row %zu: %s", i, err.text);
	}
}

/* A copy that keeps times, or a clock that is too coarse: nothing but the text is another. */
static void test_password_of_changed_text(void **state)
{
	static const char before[] = WORK "host = a\npassword = one\n";
	static const char *const changes[] = {
		"[account worl]\nhost = a\npassword = one\n",
		WORK "host = a\npassword =    \n",
		WORK "host = a\n;assword = one\n",
	};
	char path[100];

	(void)state;
	path_of("test.ini", path);
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		OWNED_CONFIG config = { 0 };
		OWNED_SECRET password = { 0 };
		OWNED_FD fd = -1;
		struct stat st;
		struct error err;

		assert_int_equal(strlen(changes[i]), strlen(before));
		assert_true(read_text(&config, before, &err));
		fd = open(path, O_WRONLY | O_CLOEXEC);
		assert_return_code(fstat(fd, &st), errno);
		assert_int_equal(write(fd, changes[i], strlen(before)), strlen(before));
		assert_return_code(futimens(fd, (struct timespec[]){ st.st_atim, st.st_mtim }), errno);
		assert_false(config_password(&config.accounts[0], &password, &err));
		assert_non_null(strstr(err.text, "has changed"));
	}
}

/* Whatever one byte is turned into: an answer, and none that shows a secret. */
static void test_every_byte(void **state)
{
	static const char text[] = "[defaults]\nuser = a ; b\n" WORK
				   "password = \"S3cret\" # c\nport = 25\n";

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		for (const char *c = "\"\\;#=[]\n \t'\r\1\377x"; *c; c++) {
			OWNED_CONFIG config = { 0 };
			char copy[sizeof(text)];
			struct error err;

			memcpy(copy, text, sizeof(text));
			copy[i] = *c;
			if (read_text(&config, copy, &err))
				continue;
			if (err.kind != ERROR_CONFIG || strstr(err.text, "S3cret"))
				fail_msg("%s: kind %d: %s", copy, err.kind, err.text);
		}
}

static void test_help(void **state)
{
	struct setting_help row;
	size_t count = 0;

	(void)state;
	while (setting_help(count, &row)) {
		assert_true(*row.section && *row.name && *row.help && row.standard);
		count++;
	}
	assert_in_range(count, 20, 100);
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	static const char *const names[] = {
		"test.ini", "mode.ini", "fifo", "linked.ini", "link", "owner.ini", "none.ini",
		"xdg/acsmtp.ini", "xdg", ".config/acsmtp.ini", ".config",
	};
	char path[100];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		path_of(names[i], path);
		(void)remove(path);
	}
	return rmdir(directory);
}

/* Room for the file itself, and no more. */
static int take_descriptors(void **state)
{
	struct rlimit limit;
	int first = open("/dev/null", O_RDONLY), ends[2];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)first + 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(pipe(ends), -1);
	return close(first);
}

static int give_descriptors(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

/* What is read must not depend on the way in which iniparser gets it. */
#define IN_BOTH_WAYS(test)                                                                   \
	cmocka_unit_test(test),                                                              \
		cmocka_unit_test_setup_teardown(test, take_descriptors, give_descriptors)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		IN_BOTH_WAYS(test_good),
		IN_BOTH_WAYS(test_odd_bytes),
		IN_BOTH_WAYS(test_sizes),
		IN_BOTH_WAYS(test_many_sections),
		IN_BOTH_WAYS(test_delivery),
		IN_BOTH_WAYS(test_overlay),
		IN_BOTH_WAYS(test_default),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_kinds_of_files),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_one),
		IN_BOTH_WAYS(test_password_of_changed_file),
		IN_BOTH_WAYS(test_password_of_changed_text),
		IN_BOTH_WAYS(test_every_byte),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests_name("config", tests, make_directory, remove_directory);
}
