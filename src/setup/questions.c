/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of questions, in the order in which they are asked; what they propose and
 * what they doubt stands above it. A new one is a row, an enum answer, and a flag of that
 * place.
 */
#include "setup/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/language.h"
#include "base/path.h"
#include "base/text.h"
#include "service/login.h"
#include "service/service.h"
#include "mail/address.h"
#include "secret/file.h"
#include "secret/keyring.h"
#include "setup/token_questions.h"

enum { PROPOSAL_LIMIT = 4096 };

static const char usual_name[] = "default";

static bool always(const struct setup *s)
{
	(void)s;
	return true;
}

static char *no_text(const struct setup *s)
{
	(void)s;
	return text_copy("");
}

/* --- the server */

static char *first_service(const struct setup *s)
{
	(void)s;
	return text_copy(service_name(0));
}

static void list_services(void)
{
	const struct service *service;

	for (size_t i = 0; (service = service_at(i)); i++)
		printf("%-10s %s\n", service->name, tr(service->what));
}

static bool has_server(const struct setup *s)
{
	const struct service *service = setup_service(s);

	return service->regions[0].name || service->host_of_region ||
	       service_setting(service->name, "host");
}

/* --- its region */

enum { REGIONS_BYTES = 200 };

static bool has_no_regions(const struct setup *s)
{
	OWNED_BUF words = BUF_INIT(REGIONS_BYTES);

	return !service_region_words(setup_service(s), &words);
}

static char *usual_region(const struct setup *s)
{
	const char *name = setup_service(s)->regions[0].name;

	return name ? text_copy(name) : NULL;
}

static bool take_region(struct setup *s, const char *answer, struct error *err)
{
	OWNED_BUF words = BUF_INIT(REGIONS_BYTES);
	const char *known = service_region_words(setup_service(s), &words);

	free(s->region_host);
	s->region_host = service_host(setup_service(s)->name, answer);
	if (s->region_host)
		return true;
	if (!known)
		return error_set(err, ERROR_CONFIG, "service \"%s\" has no regions",
				 setup_service(s)->name);
	return error_set(err, ERROR_CONFIG, "service \"%s\" has no such region; there are %s",
			 setup_service(s)->name, known);
}

static char *usual_port(const struct setup *s)
{
	(void)s;
	return text_copy("587");
}

/* Port 465 is that of TLS from the first byte on (RFC 8314 section 7.3). */
static bool take_port(struct setup *s, const char *answer, struct error *err)
{
	return strcmp(answer, "465") != 0 || draft_set(&s->draft, "tls", "implicit", err);
}

/* --- the user */

static const char *doubt_user(const struct setup *s)
{
	const char *fault = NULL;

	if (setup_service(s)->is_azure)
		(void)login_user_form(draft_value(&s->draft, "user"), &fault);
	return fault;
}

static const char *remark_user(const struct setup *s)
{
	const char *fault;

	if (!setup_service(s)->is_azure ||
	    login_user_form(draft_value(&s->draft, "user"), &fault) != USER_COMPOSITE)
		return NULL;
	return N_("This is the old form of user name, made of resource, application and tenant. "
		  "It works as before.");
}

static char *usual_user(const struct setup *s)
{
	const char *user = service_setting(draft_value(&s->draft, "service"), "user");

	return user ? text_copy(user) : NULL;
}

static bool login_is_optional(const struct setup *s)
{
	return setup_service(s)->login_is_optional;
}

static bool take_user(struct setup *s, const char *answer, struct error *err)
{
	return *answer || draft_set(&s->draft, "auth", "off", err);
}

/* --- the sender */

/* A user name in the form of an address has the domain, more often than not. */
static char *propose_sender(const struct setup *s)
{
	const char *user = draft_value(&s->draft, "user"), *at = user ? strchr(user, '@') : NULL;
	OWNED_BUF text = BUF_INIT(PROPOSAL_LIMIT);

	if (!at || setup_service(s)->usual_sender == SENDER_UNKNOWN)
		return NULL;
	if (setup_service(s)->usual_sender == SENDER_IS_USER)
		return text_copy(user);
	if (!at[1])
		return NULL;
	buf_addf(&text, "DoNotReply@%s", at + 1);
	return buf_take(&text);
}

static bool is_managed(const struct setup *s)
{
	const char *from = draft_value(&s->draft, "from"), *at = strrchr(from, '@');

	return at && setup_service(s)->is_azure && login_is_managed_domain(at + 1);
}

static const char *remark_sender(const struct setup *s)
{
	return is_managed(s) ? N_("A domain that Azure manages may send 5 messages a minute "
				  "and 10 an hour; the account says so.")
			     : NULL;
}

static bool check_sender(const char *from, struct error *err)
{
	struct address address = { 0 };
	bool ok = address_parse(&address, from, err);

	address_free(&address);
	return ok;
}

static bool is_domain(const char *text)
{
	return strchr(text, '.') && !strpbrk(text, "@ \t<>,;()\"");
}

/* Of a managed domain the quota cannot be raised, and is not the service's usual one. */
static bool take_sender(struct setup *s, const char *answer, struct error *err)
{
	bool has_usual = setup_service(s)->usual_sender == SENDER_IS_DONOTREPLY;
	OWNED_BUF address = BUF_INIT(PROPOSAL_LIMIT);

	buf_addf(&address, "%s%s", has_usual && is_domain(answer) ? "DoNotReply@" : "", answer);
	return draft_set(&s->draft, "from", buf_text(&address), err) &&
	       check_sender(buf_text(&address), err) &&
	       (!is_managed(s) || (draft_set(&s->draft, "rate_per_minute", "5", err) &&
				   draft_set(&s->draft, "rate_per_hour", "10", err)));
}

/* --- the account */

static bool is_there(const struct setup *s, const char *name)
{
	for (size_t i = 0; i < s->there.count; i++)
		if (text_is(s->there.accounts[i].name, name))
			return true;
	return false;
}

static bool is_first(const struct setup *s)
{
	return s->there.count == 0;
}

static char *propose_account(const struct setup *s)
{
	const char *service = draft_value(&s->draft, "service");

	return text_copy(is_there(s, usual_name) && !is_there(s, service) ? service
									  : usual_name);
}

static bool take_account(struct setup *s, const char *answer, struct error *err)
{
	char *name = draft_name(answer, err);

	if (!name)
		return false;
	free(s->draft.name);
	s->draft.name = name;
	s->replaces = is_there(s, name);
	return true;
}

static const char *doubt_account(const struct setup *s)
{
	return s->replaces ? N_("an account of this name is in the file already") : NULL;
}

/* --- the secret */

static bool wants_no_token(const struct setup *s)
{
	return draft_value(&s->draft, "token") ||
	       (!s->flags.answers[ANSWER_TOKEN_COMMAND] && !setup_service(s)->wants_token);
}

static const char *keep_word(size_t i)
{
	static const char *const words[] = {
		[KEEP_KEYRING] = "keyring", [KEEP_INI] = "ini",	     [KEEP_FILE] = "file",
		[KEEP_COMMAND] = "command", [KEEP_NOWHERE] = "none",
	};

	return i < COUNT_OF(words) ? words[i] : NULL;
}

static bool needs_no_place(const struct setup *s)
{
	return !setup_has_password(s);
}

static char *propose_place(const struct setup *s)
{
	const struct secret_place place = setup_place(s);
	struct error ignored;

	if (s->flags.answers[ANSWER_PASSWORD_FILE])
		return text_copy(keep_word(KEEP_FILE));
	if (s->flags.answers[ANSWER_PASSWORD_COMMAND])
		return text_copy(keep_word(KEEP_COMMAND));
	return text_copy(keep_word(keyring_is_there(&place, &ignored) ? KEEP_KEYRING
									    : KEEP_INI));
}

static bool take_place(struct setup *s, const char *answer, struct error *err)
{
	const struct secret_place place = setup_place(s);
	size_t word = 0;

	while (keep_word(word) && !text_is(answer, keep_word(word)))
		word++;
	if (!keep_word(word))
		return error_set(err, ERROR_CONFIG,
				 "it is none of keyring, ini, file, command, none");
	if (word == KEEP_KEYRING && !keyring_is_there(&place, err))
		return false;
	s->keep = (enum keep)word;
	/* A login would choose the keyring. */
	return word != KEEP_INI || !setup_is_for_login(s) ||
	       draft_set(&s->draft, "keyring", "off", err);
}

static bool needs_no_file(const struct setup *s)
{
	return needs_no_place(s) || s->keep != KEEP_FILE;
}

static char *propose_file(const struct setup *s)
{
	OWNED_BUF name = BUF_INIT(PROPOSAL_LIMIT);

	if (*s->path != '/')
		return NULL;
	buf_addf(&name, "acsmtp.%s.password", s->draft.name);
	return path_beside(s->path, buf_text(&name));
}

/* One that is there has a password, and stays as it is. */
static bool take_file(struct setup *s, const char *answer, struct error *err)
{
	OWNED_SECRET secret = { 0 };

	(void)s;
	if (*answer != '/')
		return error_set(err, ERROR_CONFIG, "it is not the whole path of a file");
	if (access(answer, F_OK) != 0)
		return true;
	if (!secret_read_file(answer, &secret, err))
		return false;
	return secret.len > 0 ||
	       error_set(err, ERROR_CONFIG, "nothing is on its first line");
}

static bool needs_no_command(const struct setup *s)
{
	return needs_no_place(s) || s->keep != KEEP_COMMAND;
}

/*
 * Those of Azure end, in silence. Whoever has a flag for the place is not asked for more.
 */
static bool needs_no_end(const struct setup *s)
{
	return needs_no_place(s) || setup_is_for_login(s) || !setup_service(s)->is_azure ||
	       s->flags.answers[ANSWER_KEEP] || s->keep == KEEP_COMMAND ||
	       s->keep == KEEP_NOWHERE || secret_is_set(&s->secret);
}

/* clang-format off */
#define ALL_THE_SAME	.overrule = N_("Take it all the same?"), .overruled_by = OVERRULE_YES

static const struct question questions[] = {
	{ ANSWER_SERVICE, "service", N_("Service"), N_("The service that sends your mail:"),
	  .list = list_services, .proposal = first_service },
	{ ANSWER_REGION, "region", N_("Region"),
	  N_("The service has a server in each: where your account is."),
	  .is_known = has_no_regions, .proposal = usual_region, .take = take_region },
	{ ANSWER_HOST, "host", N_("Server"), N_("The name of your mail server."),
	  .is_known = has_server },
	{ ANSWER_PORT, "port", N_("Port"), N_("Its port: 587, or 465 for TLS from the first byte on."),
	  .is_known = has_server, .proposal = usual_port, .take = take_port },
	{ ANSWER_USER, "user", .of_service = offsetof(struct service, user),
	  .may_be_empty = login_is_optional, .proposal = usual_user, .take = take_user,
	  .doubt = doubt_user, ALL_THE_SAME, .remark = remark_user },
	{ ANSWER_FROM, NULL, .of_service = offsetof(struct service, from),
	  .proposal = propose_sender, .take = take_sender, .remark = remark_sender },
	{ ANSWER_FROM_NAME, "from_name", N_("Name of the sender"),
	  N_("A name that readers see before the address; empty for none."),
	  .may_be_empty = always, .proposal = no_text },
	{ ANSWER_ACCOUNT, NULL, N_("Account"),
	  N_("The account's name here. The file has others already."),
	  .is_known = is_first, .proposal = propose_account, .take = take_account,
	  .doubt = doubt_account, .overrule = N_("Replace it?"), .overruled_by = OVERRULE_REPLACE },
	{ ANSWER_TOKEN, NULL, N_("Where do tokens come from"),
	  N_("The service takes access tokens, which acsmtp fetches and renews by itself:"),
	  .list = token_questions_list_sources, .is_known = token_questions_no_source,
	  .proposal = token_questions_source, .take = token_questions_take_source },
	{ ANSWER_CLIENT_ID, "client_id", N_("Application id"),
	  N_("The application (client) id: of the application that the SMTP username is linked to, or\n"
	  "that people log in to. For a managed identity's own token leave it empty."),
	  .is_known = token_questions_no_client_id, .proposal = token_questions_client_id,
	  .may_be_empty = token_questions_may_lack_client_id },
	{ ANSWER_TENANT, "tenant", N_("Tenant"), N_("The id or a domain of its Entra tenant."),
	  .is_known = token_questions_no_tenant, .proposal = token_questions_tenant },
	{ ANSWER_IDENTITY, "identity", N_("Identity"),
	  N_("The client id of a user-assigned identity; empty for the machine's own."),
	  .is_known = token_questions_no_identity, .may_be_empty = always, .proposal = no_text },
	{ ANSWER_CERTIFICATE_FILE, "certificate_file", N_("Certificate"),
	  N_("The whole path of a file in PEM with the certificate and its key."),
	  .is_known = token_questions_no_certificate },
	{ ANSWER_CLIENT_SECRET_FILE, "client_secret_file", N_("Secret of the application"),
	  N_("The whole path of a file with it, if the provider wants one besides; else empty."),
	  .is_known = token_questions_no_client_secret, .may_be_empty = always,
	  .proposal = no_text },
	{ ANSWER_TOKEN_COMMAND, "token_command", N_("Command for tokens"),
	  N_("The service takes access tokens instead of passwords: a command that prints one."),
	  .is_known = wants_no_token },
	{ ANSWER_KEEP, NULL, N_("Where is the secret kept"),
	  N_("keyring  in the desktop's keyring\n"
	  "ini      in the file of accounts, which only its owner can read\n"
	  "file     in a file of its own, which only its owner can read\n"
	  "command  nowhere here: a command prints it\n"
	  "none     you see to it: systemd credentials, ~/.netrc, or typed each time"),
	  .is_known = needs_no_place, .proposal = propose_place, .take = take_place },
	{ ANSWER_PASSWORD_FILE, "password_file", N_("File for the secret"),
	  N_("Its whole path. One that is there already is used as it is."),
	  .is_known = needs_no_file, .proposal = propose_file, .take = take_file },
	{ ANSWER_PASSWORD_COMMAND, "password_command", N_("Command for the secret"),
	  N_("A command that prints the secret, such as: pass show acsmtp"),
	  .is_known = needs_no_command },
	{ ANSWER_PASSWORD_EXPIRES, "password_expires", N_("End of the secret"),
	  N_("The day on which it ends, as the portal shows it, such as 2027-03-01: a month before,\n"
	  "the log and acsmtp check warn of it. Enter alone: it has none, or it is not known."),
	  .is_known = needs_no_end, .may_be_empty = always, .proposal = no_text },
};
/* clang-format on */

const struct question *setup_question(size_t i)
{
	return i < COUNT_OF(questions) ? &questions[i] : NULL;
}
