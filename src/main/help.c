/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Help for people, and the same tables for programs: settings for editors, words and
 * flags for the completions of shells, which are made of them when acsmtp is built.
 */
#include "main/help.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/language.h"
#include "config/account.h"
#include "migrate/import.h"
#include "service/service.h"
#include "talk/say.h"
#include "sendmail/options.h"
#include "sendmail/usage.h"

enum { SERVERS_MAX = 400 };	/* bytes of a list of them */

/* One setting a line: section, name, standard, help. */
static int print_settings(void)
{
	struct setting_help row;

	for (size_t i = 0; setting_help(i, &row); i++)
		printf("%s\t%s\t%s\t%s\n", row.section, row.name, row.standard, tr(row.help));
	return say_finish();
}

static const char *setting_or(const struct service *service, const char *key, const char *usual)
{
	const char *value = service_setting(service->name, key);

	return value ? value : usual;
}

/* Its server, or the usual one of those that it has in regions; "": it is not known. */
static void add_server(const struct service *service, struct buf *text)
{
	OWNED_TEXT usual = service_host(service->name, "");
	const char *host = usual ? usual : service->host_of_region;

	if (host)
		buf_addf(text, "%s:%s", host, service_setting(service->name, "port"));
}

/* One service a line: name, server, TLS, login, what it is; regions, its last day. */
static void print_service(const struct service *service)
{
	OWNED_BUF server = BUF_INIT(SERVERS_MAX), regions = BUF_INIT(SERVERS_MAX);
	const char *words = service_region_words(service, &regions);
	char day[SERVICE_DAY_SIZE];

	add_server(service, &server);
	printf("%-10s %-31s tls=%s auth=%-7s %s", service->name,
	       server.len > 0 ? buf_text(&server) : "host=...",
	       setting_or(service, "tls", "starttls"), setting_or(service, "auth", "auto"),
	       tr(service->what));
	if (words)
		printf("; region = %s", words);
	service_last_day(service, day);
	if (service->end.year)
		printf(service->end.is_of_passwords ? _("; takes passwords until %s") :
						      _("; ends on %s"), day);
	puts("");
}

static int print_services(void)
{
	const struct service *service;

	for (size_t i = 0; (service = service_at(i)); i++)
		print_service(service);
	return say_finish();
}

/* --- completion for shells, which scripts/completion makes of these tables */

static void print_flags(const struct command *c)
{
	const char *blank = c->sub ? " " : "", *sub = c->sub ? c->sub : "";

	printf("command\t%s\t%s\t%s\t%s\n", c->word, sub, c->arguments, c->help);
	for (const struct flag *flag = c->flags; flag && flag->name; flag++) {
		OWNED_BUF room = BUF_INIT(SERVERS_MAX);

		printf("flag\t%s%s%s\t%s\t%s\t%s\n", c->word, blank, sub, flag->name,
		       command_flag_value(flag, &room), flag->help);
	}
}

/* For our own Makefile: the words are English, and may change with every version. */
static int print_tables(struct command_call *call)
{
	struct option_help option;
	struct format_help format;

	for (size_t i = 0; call->program->commands[i]; i++)
		print_flags(call->program->commands[i]);
	for (size_t i = 0; option_help(i, &option); i++)
		printf("option\t%s\t%s\t%s\n", option.spelling,
		       option.takes_next ? option.value : "", option.help);
	for (size_t i = 0; import_format(i, &format); i++)
		printf("format\t%s\n", format.name);
	return say_finish();
}

static bool copy_out(const char *path, struct error *err)
{
	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	char bytes[4096];
	ssize_t n;

	if (fd < 0) {
		error_errno(err, ERROR_UNAVAILABLE, "%s", path);
		return error_advise(err, "it is installed with acsmtp, but not by every build");
	}
	while ((n = read_some(fd, bytes, sizeof(bytes))) > 0)
		fwrite(bytes, 1, (size_t)n, stdout);
	return n == 0 || error_errno(err, ERROR_IO, "%s", path);
}

/*
 * The file is where the shell looks for it by itself; this is for who wants it elsewhere.
 */
static int print_completion(struct command_call *call)
{
	static const struct { const char *shell, *path; } files[] = {
		{ "bash", ACSMTP_DATADIR "/bash-completion/completions/acsmtp" },
		{ "zsh", ACSMTP_DATADIR "/zsh/site-functions/_acsmtp" },
		{ "fish", ACSMTP_DATADIR "/fish/vendor_completions.d/acsmtp.fish" },
	};
	struct error err;

	for (size_t i = 0; call->count == 2 && i < COUNT_OF(files); i++)
		if (!strcmp(call->arguments[1], files[i].shell))
			return copy_out(files[i].path, &err) ? say_finish()
							     : say_error(&err);
	error_set(&err, ERROR_USAGE, "help completion: for which shell? bash, zsh or fish");
	return say_error(&err);
}

/* --- the topics */

static int run_help(struct command_call *call)
{
	struct error err;
	int status;

	if (!command_parse(call, NULL, &status))
		return status;
	if (call->count == 0)
		return usage_print(stdout, call->program);
	if (!strcmp(call->arguments[0], "settings") && call->count == 1)
		return print_settings();
	if (!strcmp(call->arguments[0], "services") && call->count == 1)
		return print_services();
	if (!strcmp(call->arguments[0], "tables") && call->count == 1)
		return print_tables(call);
	if (!strcmp(call->arguments[0], "completion"))
		return print_completion(call);
	error_set(&err, ERROR_USAGE, "help: unknown topic; there are \"settings\", \"services\" and "
		  "\"completion\"");
	return say_error(&err);
}

static int run_version(struct command_call *call)
{
	int status;

	return command_parse(call, NULL, &status) ? usage_version(stdout) : status;
}

const struct command help_command = {
	.word = "help", .arguments = "[settings | services | completion bash|zsh|fish]", .most = 2,
	.help = N_("every option and command, setting, or service"), .run = run_help,
};
const struct command help_version_command = {
	.word = "version", .arguments = "", .help = N_("name and version"), .run = run_version,
};
