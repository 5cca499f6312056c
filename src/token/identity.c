/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which endpoint a machine has is told by its environment, in the order in which
 * Microsoft's own libraries look. What a listener on this machine says is not believed:
 * any process may listen where Arc's agent should.
 */
#include "token/identity.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/language.h"
#include "base/text.h"
#include "token/endpoint.h"
#include "token/form.h"

#define ARC_AGENT    "/opt/azcmagent/bin/himds"
#define ARC_KEYS     "/var/opt/azcmagent/tokens"
#define ARC_ENDPOINT "http://127.0.0.1:40342/metadata/identity/oauth2/token"
#define IMDS_HOST    "http://169.254.169.254"
#define IMDS_PATH    "/metadata/identity/oauth2/token"

enum {
	URL_MAX = 4096,
	HEADER_MAX = 8192,
	KEY_MAX = 4096,
};

struct machine {
	const char *name; /* for people */
	const char *endpoint, *version;
	const char *secret_header, *secret; /* what it proves us by, or NULL */
	const char *identity_key; /* the parameter that names a user-assigned identity */
	enum endpoint_kind kind;
	bool is_post, is_arc;
	char built[URL_MAX];
};

struct identity_question {
	struct form form;
	struct buf url;
	struct secret header;
	struct http_request http;
};

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static void use_imds(struct machine *machine)
{
	const char *host = variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");
	size_t len;

	if (!host)
		host = IMDS_HOST;
	len = strlen(host);
	while (len > 0 && host[len - 1] == '/')
		len--;
	snprintf(machine->built, sizeof(machine->built), "%.*s%s", (int)len, host,
		 strstr(host, IMDS_PATH) ? "" : IMDS_PATH);
	machine->name = N_("the metadata service (IMDS)");
	machine->endpoint = machine->built;
	machine->version = "2018-02-01";
	machine->identity_key = "client_id";
	machine->kind = ENDPOINT_IMDS;
}

static void use_app_service(struct machine *machine)
{
	machine->name = N_("App Service or Container Apps");
	machine->endpoint = variable("IDENTITY_ENDPOINT");
	machine->version = "2019-08-01";
	machine->secret_header = "X-IDENTITY-HEADER";
	machine->secret = variable("IDENTITY_HEADER");
	machine->identity_key = "client_id";
}

static void use_msi(struct machine *machine)
{
	machine->endpoint = variable("MSI_ENDPOINT");
	machine->secret = variable("MSI_SECRET");
	machine->name = machine->secret ? "Azure ML" : "Cloud Shell";
	machine->is_post = !machine->secret;
	machine->version = machine->secret ? "2017-09-01" : NULL;
	machine->secret_header = "secret";
	machine->identity_key = machine->secret ? "clientid" : NULL;
}

static void use_arc(struct machine *machine)
{
	const char *endpoint = variable("IDENTITY_ENDPOINT");

	machine->name = N_("the agent of Azure Arc");
	machine->endpoint = endpoint ? endpoint : ARC_ENDPOINT;
	machine->version = "2020-06-01";
	machine->is_arc = true;
}

static bool find_machine(struct machine *machine, struct token_failure *failure)
{
	*machine = (struct machine){ .kind = ENDPOINT_OF_PLATFORM };
	if (variable("IDENTITY_ENDPOINT") && variable("IDENTITY_HEADER")) {
		if (variable("IDENTITY_SERVER_THUMBPRINT"))
			return token_fail(
				failure, TOKEN_CONFIG,
				"identity: the endpoint of Service Fabric is not supported: "
				"use workload-identity or client-certificate");
		use_app_service(machine);
	} else if (variable("MSI_ENDPOINT")) {
		use_msi(machine);
	} else if ((variable("IDENTITY_ENDPOINT") && variable("IMDS_ENDPOINT")) ||
		   access(ARC_AGENT, F_OK) == 0) {
		use_arc(machine);
	} else {
		use_imds(machine);
	}
	if (text_after(machine->endpoint, "http://") ||
	    text_after(machine->endpoint, "https://"))
		return true;
	token_fail(failure, TOKEN_CONFIG, "endpoint: %s is no address of %s", machine->endpoint,
		   machine->name);
	return token_fail_words(failure, "endpoint: %s is no address of %s", machine->endpoint,
				tr(machine->name));
}

/* --- the challenge of Arc */

static bool refuse(struct token_failure *failure, const char *what)
{
	static const char fmt[] =
		N_("identity: the challenge of Azure Arc's endpoint %s: it is not answered, for "
		   "that may not be its agent");

	token_fail(failure, TOKEN_REFUSED, fmt, what);
	return token_fail_words(failure, fmt, tr(what));
}

static bool read_key(const char *path, struct secret *key, struct token_failure *failure)
{
	OWNED_FD fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return token_fail(
			failure, TOKEN_CONFIG,
			"identity: the key of Azure Arc, %s, cannot be read: is this user "
			"in the group himds?",
			path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > KEY_MAX)
		return refuse(failure, N_("names no file of up to 4096 bytes"));
	secret_make_room(key);
	n = read_some(fd, key->bytes, KEY_MAX);
	if (n <= 0)
		return refuse(failure, N_("names a file with nothing in it"));
	key->len = (size_t)n;
	for (size_t i = 0; i < key->len; i++)
		if (key->bytes[i] <= ' ' || key->bytes[i] > '~')
			return refuse(failure, N_("names a file that is no key"));
	return true;
}

bool identity_challenge(const char *challenge, const char *directory, struct secret *key,
			struct token_failure *failure)
{
	const char *path = text_after(challenge, "Basic realm=");
	size_t len = path ? strlen(path) : 0, head = strlen(directory);

	if (!path)
		return refuse(failure, N_("names no file"));
	if (strncmp(path, directory, head) != 0 || path[head] != '/' ||
	    strchr(path + head + 1, '/'))
		return refuse(failure, N_("names a file outside its directory"));
	if (len < head + sizeof("/x.key") - 1 || strcmp(path + len - 4, ".key") != 0)
		return refuse(failure, N_("names a file that does not end with .key"));
	return read_key(path, key, failure);
}

/* --- asking */

/* The header with a secret in it, which the caller frees by secret_free(). */
static bool make_header(struct secret *header, const char *name, const char *value,
			size_t len, struct token_failure *failure)
{
	size_t name_len = strlen(name);

	if (!value || name_len + len >= HEADER_MAX)
		return token_fail(
			failure, TOKEN_CONFIG,
			"identity: what the environment says for \"%s\" is too long",
			name);
	secret_make_room(header);
	memcpy(header->bytes, name, name_len);
	memcpy(header->bytes + name_len, value, len);
	header->len = name_len + len;
	header->bytes[header->len] = '\0';
	return true;
}

static bool ask_arc(struct http_request *http, struct http_reply *reply,
		    struct token_failure *failure)
{
	OWNED_SECRET key = { 0 }, header = { 0 };
	bool ok;

	if (reply->status != 401)
		return token_fail(
			failure, TOKEN_REFUSED,
			"identity: Azure Arc's endpoint made no challenge (HTTP %ld): is "
			"its agent there?",
			reply->status);
	if (!identity_challenge(reply->challenge, ARC_KEYS, &key, failure) ||
	    !make_header(&header, "Authorization: Basic ", key.bytes, key.len, failure))
		return false;
	http->headers[1] = header.bytes;
	ok = endpoint_ask(ENDPOINT_OF_PLATFORM, http, reply, failure);
	http->headers[1] = NULL;
	return ok;
}

static const char no_identity[] =
	N_("this machine has no such managed identity: assign one to it, or check `identity`");
static const char no_reason[] = N_("the endpoint does not say why");
static const char not_azure[] =
	N_("endpoint: what answers in place of %s is not Azure's (HTTP %ld): is this a machine of "
	   "Azure?");
static const char not_let[] =
	N_("identity: %s does not let us (HTTP %ld): is the environment of this program that of "
	   "its platform?");

/* What the endpoints of machines mean is not what Entra means by the same words. */
static bool judge(const struct machine *machine, const struct http_request *http,
		  const struct http_reply *reply, struct token_grant *grant,
		  struct token_failure *failure)
{
	OWNED_FIELDS *fields = fields_parse(reply->body, reply->len);
	const char *said = fields ? fields_text(fields, "error_description") : NULL;

	if (reply->status == 400 && said && strstr(said, "AADSTS"))
		return endpoint_refused(http, reply, fields, failure);
	if (reply->status == 400 && fields) {
		token_fail(failure, TOKEN_REFUSED, "identity: HTTP 400: %s (%.100s)", no_identity,
			   said ? said : no_reason);
		return token_fail_words(failure, "identity: HTTP 400: %s (%.100s)",
					tr(no_identity), said ? said : tr(no_reason));
	}
	/* Other clouds have something else at that address. */
	if (machine->kind == ENDPOINT_IMDS && !fields && reply->status >= 400) {
		token_fail(failure, TOKEN_LATER, not_azure, machine->name, reply->status);
		return token_fail_words(failure, not_azure, tr(machine->name), reply->status);
	}
	if (reply->status == 401 || reply->status == 403) {
		token_fail(failure, TOKEN_REFUSED, not_let, machine->name, reply->status);
		return token_fail_words(failure, not_let, tr(machine->name), reply->status);
	}
	return endpoint_grant(http, reply, grant, failure);
}

/* An endpoint that is not there says that the machine has none, before all. */
static bool ask(const struct machine *machine, struct http_request *http,
		struct http_reply *reply, struct token_failure *failure)
{
	struct token_failure first;

	if (endpoint_ask(machine->kind, http, reply, failure))
		return !machine->is_arc || ask_arc(http, reply, failure);
	if (failure->end != TOKEN_LATER || reply->status)
		return false;
	first = *failure;
	token_fail(failure, TOKEN_LATER, "%.300s: is there %s on this machine?", first.text,
		   machine->name);
	return token_fail_words(failure, "%.300s: is there %s on this machine?", first.words,
				tr(machine->name));
}

/* The address, or where it is a POST what is sent there; and what proves us. */
static bool prepare(const struct machine *machine, const char *identity,
		    const char *resource, struct identity_question *question,
		    struct token_failure *failure)
{
	struct form *form = &question->form;
	char name[64];

	form_add(form, "api-version", machine->version);
	form_add(form, "resource", resource);
	if (machine->identity_key)
		form_add(form, machine->identity_key, identity);
	buf_add(&question->url, machine->endpoint);
	if (machine->is_post)
		question->http.form = form_text(form);
	else
		buf_addf(&question->url, "?%s", form_text(form));
	question->http.url = buf_text(&question->url);
	if (!machine->secret)
		return true;
	snprintf(name, sizeof(name), "%s: ", machine->secret_header);
	if (text_has_control(machine->secret))
		return token_fail(
			failure, TOKEN_CONFIG,
			"identity: what the environment says for \"%s\" has a control "
			"character in it",
			name);
	if (!make_header(&question->header, name, machine->secret,
			 strlen(machine->secret), failure))
		return false;
	question->http.headers[0] = question->header.bytes;
	return true;
}

static const char one_alone[] =
	N_("identity: %s has a system-assigned identity alone: leave `identity` out");

/* The tools of Azure name a user-assigned identity by the variable. */
static bool find_identity(const struct token_wish *wish, const struct machine *machine,
			  const char **identity, struct token_failure *failure)
{
	*identity = wish->settings.identity;
	if (*identity && **identity && !machine->identity_key) {
		token_fail(failure, TOKEN_CONFIG, one_alone, machine->name);
		return token_fail_words(failure, one_alone, tr(machine->name));
	}
	if (!*identity || !**identity)
		*identity = variable("AZURE_CLIENT_ID");
	return true;
}

bool identity_fetch(const struct token_wish *wish, const char *resource,
		    struct token_grant *grant, struct token_failure *failure)
{
	OWNED_REPLY_OF_HTTP reply = { 0 };
	struct identity_question question = {
		.url = BUF_INIT(URL_MAX),
		.http = {
			.headers = { "Metadata: true" },
			.is_local = true,
			.deadline = wish->deadline,
		},
	};
	struct machine machine;
	const char *identity;
	bool ok = find_machine(&machine, failure) &&
		  find_identity(wish, &machine, &identity, failure) &&
		  prepare(&machine, identity, resource, &question, failure) &&
		  ask(&machine, &question.http, &reply, failure) &&
		  judge(&machine, &question.http, &reply, grant, failure);

	form_free(&question.form);
	secret_free(&question.header);
	buf_free(&question.url);
	return ok;
}
