/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine that has an identity needs no secret at all, so that is proposed first where
 * there are signs of one: the variables that a platform sets, the agent of Azure Arc, or
 * the tag that Azure gives its virtual machines. Nobody is asked over the network.
 */
#include "setup/token_questions.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/language.h"
#include "base/text.h"
#include "service/service.h"
#include "secret/token.h"

static const char arc_agent[] = "/opt/azcmagent/bin/himds";
static const char tag_file[] = "/sys/class/dmi/id/chassis_asset_tag";
static const char azure_tag[] = "7783-7084-3265-9085-8269-3286-77";

/* --- what is found */

static bool has_variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static bool is_virtual_machine_of_azure(void)
{
	char tag[64] = "";
	OWNED_FD fd = open(tag_file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read_some(fd, tag, sizeof(tag) - 1) : 0;

	return n > 0 && !strncmp(tag, azure_tag, strlen(azure_tag));
}

/*
 * The better one first: a workload's token is its own, a machine's is of all its
 * programs.
 */
static enum token_source find_source(void)
{
	static const char *const endpoints[] = {
		"IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST",
	};

	if (has_variable("AZURE_FEDERATED_TOKEN_FILE"))
		return TOKEN_WORKLOAD_IDENTITY;
	for (size_t i = 0; i < COUNT_OF(endpoints); i++)
		if (has_variable(endpoints[i]))
			return TOKEN_MANAGED_IDENTITY;
	return access(arc_agent, F_OK) == 0 || is_virtual_machine_of_azure()
		       ? TOKEN_MANAGED_IDENTITY
		       : TOKEN_NONE;
}

/* --- where tokens come from */

/* Whoever says where the password is has chosen that. */
static bool has_password_flags(const struct setup *s)
{
	return s->flags.answers[ANSWER_KEEP] || s->flags.answers[ANSWER_PASSWORD_FILE] ||
	       s->flags.answers[ANSWER_PASSWORD_COMMAND] ||
	       s->flags.answers[ANSWER_TOKEN_COMMAND];
}

static enum token_source proposed_source(const struct setup *s)
{
	const struct service *service = setup_service(s);
	enum token_source found = service->scope ? find_source() : TOKEN_NONE;

	if (found == TOKEN_NONE && service->wants_token && service->person_scope)
		return TOKEN_REFRESH;
	return found;
}

bool token_questions_no_source(const struct setup *s)
{
	enum token_source proposed = proposed_source(s);

	/* A login is a person's, who is not there. */
	return has_password_flags(s) || proposed == TOKEN_NONE ||
	       (proposed == TOKEN_REFRESH && !s->is_attended);
}

char *token_questions_source(const struct setup *s)
{
	return text_copy(account_token_word(proposed_source(s)));
}

bool token_questions_take_source(struct setup *s, const char *answer, struct error *err)
{
	/* "none" is as if nothing were said. */
	if (text_is(answer, account_token_word(TOKEN_NONE))) {
		draft_unset(&s->draft, "token");
		return true;
	}
	return draft_set(&s->draft, "token", answer, err);
}

void token_questions_list_sources(void)
{
	static const char *const words[] = {
		[TOKEN_NONE] = N_("no tokens, or those that a command prints"),
		[TOKEN_MANAGED_IDENTITY] = N_("this machine's identity at Azure; no secret"),
		[TOKEN_WORKLOAD_IDENTITY] = N_("this Kubernetes workload's identity; no secret"),
		[TOKEN_CLIENT_SECRET] = N_("the secret of an application"),
		[TOKEN_CLIENT_CERTIFICATE] = N_("the certificate of an application"),
		[TOKEN_REFRESH] = N_("a person logs in, now and then once in months"),
	};

	for (int i = 0; i < (int)COUNT_OF(words); i++)
		printf("%-18s %s\n", account_token_word(i), tr(words[i]));
}

/* --- what a source needs */

static bool is_source(const struct setup *s, enum token_source source)
{
	const char *word = draft_value(&s->draft, "token");

	return word && text_is(word, account_token_word((int)source));
}

static bool is_entra(const struct setup *s)
{
	return !service_setting(draft_value(&s->draft, "service"), "token_endpoint");
}

static bool has_client_id(const struct setup *s)
{
	return draft_value(&s->draft, "client_id") || s->flags.answers[ANSWER_CLIENT_ID];
}

/* Asked behind the application, for an identity's own token needs neither. */
bool token_questions_no_tenant(const struct setup *s)
{
	return !draft_value(&s->draft, "token") || !is_entra(s) ||
	       service_setting(draft_value(&s->draft, "service"), "tenant") ||
	       (is_source(s, TOKEN_MANAGED_IDENTITY) && !has_client_id(s));
}

bool token_questions_no_client_id(const struct setup *s)
{
	return !draft_value(&s->draft, "token");
}

bool token_questions_may_lack_client_id(const struct setup *s)
{
	return is_source(s, TOKEN_MANAGED_IDENTITY);
}

bool token_questions_no_identity(const struct setup *s)
{
	return !is_source(s, TOKEN_MANAGED_IDENTITY);
}

bool token_questions_no_certificate(const struct setup *s)
{
	return !is_source(s, TOKEN_CLIENT_CERTIFICATE);
}

bool token_questions_no_client_secret(const struct setup *s)
{
	return !is_source(s, TOKEN_REFRESH) || is_entra(s);
}

static char *value_of(const char *name)
{
	return has_variable(name) ? text_copy(getenv(name)) : NULL;
}

char *token_questions_tenant(const struct setup *s)
{
	char *found = is_source(s, TOKEN_WORKLOAD_IDENTITY) ? value_of("AZURE_TENANT_ID") : NULL;

	return !found && is_source(s, TOKEN_REFRESH) ? text_copy("organizations") : found;
}

/* Of a workload it is in a variable; an identity's own token is of no application. */
char *token_questions_client_id(const struct setup *s)
{
	if (is_source(s, TOKEN_MANAGED_IDENTITY) && !s->is_attended)
		return text_copy("");
	return is_source(s, TOKEN_WORKLOAD_IDENTITY) ? value_of("AZURE_CLIENT_ID") : NULL;
}
