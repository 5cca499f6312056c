/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a secret may be, a row each, asked from the top. `look` tells without reading
 * it whether there is one; after a failure `passes` tells whether the next may be
 * asked. What the account names decides: another password in its place would be tried,
 * wrong, and counted.
 */
#include "secret/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/language.h"
#include "base/process.h"
#include "secret/file.h"
#include "secret/netrc.h"

enum {
	COMMAND_SECONDS = 30,
	TERMINAL_SECONDS = 60,
	QUESTION_LIMIT = 1000,
	REASONS_LIMIT = 900, /* bytes of an error */
};

/* --- the settings: they decide, whatever comes of it */

static bool has_text(const char *text)
{
	return text && *text;
}

static enum source_state look_at_text(const char *text, char *detail)
{
	snprintf(detail, SOURCE_DETAIL_SIZE, "%s", text ? text : "");
	return has_text(text) ? SOURCE_SET : SOURCE_NOT_SET;
}

static enum source_state look_at_token(const struct secret_request *request, char *detail)
{
	return look_at_text(request->token.source, detail);
}

static enum source_state look_at_token_command(const struct secret_request *request,
					       char *detail)
{
	return look_at_text(request->token_command, detail);
}

static enum source_state look_at_password(const struct secret_request *request,
					  char *detail)
{
	(void)detail;
	return request->password ? SOURCE_SET : SOURCE_NOT_SET;
}

static enum source_state look_at_file(const struct secret_request *request, char *detail)
{
	return look_at_text(request->password_file, detail);
}

static enum source_state look_at_command(const struct secret_request *request,
					 char *detail)
{
	return look_at_text(request->password_command, detail);
}

static bool from_settings(const struct secret_request *request, struct secret *secret,
			  bool *passes, struct error *err)
{
	(void)passes;
	return request->password(request->settings, secret, err);
}

static bool from_file(const struct secret_request *request, struct secret *secret,
		      bool *passes, struct error *err)
{
	(void)passes;
	return secret_read_file(request->password_file, secret, err);
}

/* Straight into the secret's own memory: no buffer of ours has it in between. */
static bool run(const char *command, struct secret *secret, struct error *err)
{
	size_t len;

	secret_make_room(secret);
	return process_output(command, secret->bytes, SECRET_MAX + 1, &len,
			      COMMAND_SECONDS, err) &&
	       (secret_keep_first_line(secret, len) ||
		error_set(err, ERROR_SECRET, "its first line is longer than %d bytes",
			  SECRET_MAX));
}

static bool from_command(const struct secret_request *request, struct secret *secret,
			 bool *passes, struct error *err)
{
	(void)passes;
	return run(request->password_command, secret, err);
}

static bool from_token_command(const struct secret_request *request,
			       struct secret *secret, bool *passes, struct error *err)
{
	(void)passes;
	return run(request->token_command, secret, err);
}

/* --- what needs no setting */

static enum source_state look_at_credential(const struct secret_request *request,
					    char *detail)
{
	OWNED_TEXT path = has_text(request->place.account)
				  ? secret_credential_path(request->place.account)
				  : NULL;

	snprintf(detail, SOURCE_DETAIL_SIZE, "%s",
		 path ? path : N_("there is no systemd credential"));
	return path ? SOURCE_SET : SOURCE_NOT_SET;
}

static bool from_credential(const struct secret_request *request, struct secret *secret,
			    bool *passes, struct error *err)
{
	OWNED_TEXT path = secret_credential_path(request->place.account);

	(void)passes;
	if (path)
		return secret_read_file(path, secret, err);
	return error_set(err, ERROR_CONFIG, "it is gone");
}

/* Whether it can be told for whom at which server a secret is wanted. */
static bool has_place(const struct secret_request *request)
{
	return has_text(request->place.host) && has_text(request->place.user);
}

static enum source_state look_at_keyring(const struct secret_request *request,
					 char *detail)
{
	const char *why =
		!request->keyring     ? N_("the keyring is switched off")
		: !keyring_is_built() ? N_("this acsmtp was built without the keyring")
		: !has_place(request) ? N_("the account has no user to ask the keyring for")
				      : "";

	snprintf(detail, SOURCE_DETAIL_SIZE, "%s", why);
	return *why ? SOURCE_NOT_SET : SOURCE_IS_ASKED;
}

static bool from_keyring(const struct secret_request *request, struct secret *secret,
			 bool *passes, struct error *err)
{
	return keyring_lookup(&request->place, request->asker != NULL, secret, passes, err);
}

static enum source_state look_at_netrc(const struct secret_request *request, char *detail)
{
	OWNED_SECRET secret = { 0 };
	bool is_there = false;
	struct error err = { .text = "" };

	if (has_place(request))
		(void)netrc_find(request->place.host, request->place.user, &secret,
				 &is_there, &err);
	snprintf(detail, SOURCE_DETAIL_SIZE, "%.*s", SOURCE_DETAIL_SIZE - 1, err.text);
	/* What could not be looked at is not passed over. */
	return is_there || error_is_lack(&err) ? SOURCE_SET : SOURCE_NOT_SET;
}

static bool from_netrc(const struct secret_request *request, struct secret *secret,
		       bool *passes, struct error *err)
{
	bool is_there;

	(void)passes;
	return netrc_find(request->place.host, request->place.user, secret, &is_there,
			  err);
}

static enum source_state look_at_terminal(const struct secret_request *request,
					  char *detail)
{
	bool may_ask;

	errno = 0;
	may_ask = request->asker && (request->asker->is_there() || errno_is_lack(errno));
	snprintf(detail, SOURCE_DETAIL_SIZE, "%s",
		 may_ask ? "" : "there is no terminal to ask on");
	return may_ask ? SOURCE_IS_ASKED : SOURCE_NOT_SET;
}

static bool from_terminal(const struct secret_request *request, struct secret *secret,
			  bool *passes, struct error *err)
{
	OWNED_BUF question = BUF_INIT(QUESTION_LIMIT);

	(void)passes;
	buf_addf(&question,
		 "Password of %s at %s: ", request->place.user ? request->place.user : "",
		 request->place.host ? request->place.host : "");
	return request->asker->ask(buf_text(&question), TERMINAL_SECONDS, secret, err);
}

/* --- putting another one there */

static bool put_settings(const struct secret_request *request, const struct secret *secret,
			 struct error *err)
{
	return request->keep_password(request->settings, secret, err);
}

static bool put_file(const struct secret_request *request, const struct secret *secret,
		     struct error *err)
{
	return secret_replace_file(request->password_file, secret, err);
}

static bool put_keyring(const struct secret_request *request, const struct secret *secret,
			struct error *err)
{
	return keyring_store(&request->place, secret, err);
}

enum { PASSWORD = 1, TOKEN = 2 }; /* bits: what it may have */

/*
 * In the order in which they are asked: first what the account says of itself, then what
 * is there for all its user's programs, then the person. Whoever names a source wants
 * that one, so what it fails by is told instead of trying the next.
 */
static const struct source {
	const char *name;
	unsigned has;
	enum { ALONE, WITH_PATH, UNNAMED } shown; /* its name before an error */
	enum source_state (*look)(const struct secret_request *request, char *detail);
	bool (*get)(const struct secret_request *request, struct secret *secret,
		    bool *passes, struct error *err);
	enum error_kind nothing; /* what it is if there is no secret in it */
	/* NULL: no other can be put there. */
	bool (*put)(const struct secret_request *request, const struct secret *secret,
		    struct error *err);
} sources[] = {
	{ "token", TOKEN, ALONE, look_at_token, NULL, ERROR_SECRET, NULL },
	{ "token_command", TOKEN, ALONE, look_at_token_command, from_token_command,
	  ERROR_SECRET, NULL },
	{ "password", PASSWORD | TOKEN, ALONE, look_at_password, from_settings,
	  ERROR_CONFIG, put_settings },
	{ "password_file", PASSWORD | TOKEN, WITH_PATH, look_at_file, from_file,
	  ERROR_CONFIG, put_file },
	{ "password_command", PASSWORD | TOKEN, ALONE, look_at_command, from_command,
	  ERROR_SECRET, NULL },
	{ "credential", PASSWORD | TOKEN, WITH_PATH, look_at_credential, from_credential,
	  ERROR_CONFIG, NULL },
	{ "keyring", PASSWORD, UNNAMED, look_at_keyring, from_keyring, ERROR_CONFIG,
	  put_keyring },
	{ "netrc", PASSWORD, ALONE, look_at_netrc, from_netrc, ERROR_CONFIG, NULL },
	{ "terminal", PASSWORD, ALONE, look_at_terminal, from_terminal, ERROR_SECRET, NULL },
};

static bool wants_fetched(const struct secret_request *request)
{
	return request->wants_token && request->token.source;
}

/* A token that is fetched by a password may have that from where passwords are. */
static bool is_for(const struct source *s, const struct secret_request *request)
{
	if (!wants_fetched(request))
		return s->get && (s->has & (request->wants_token ? TOKEN : PASSWORD));
	return !s->get || ((s->has & PASSWORD) && token_wants_password(request->token.source));
}

bool source_at(const struct secret_request *request, size_t i,
		   struct source_line *line)
{
	for (size_t at = 0; at < COUNT_OF(sources); at++) {
		if (!is_for(&sources[at], request) || i-- > 0)
			continue;
		*line = (struct source_line){
			.name = sources[at].name,
			.is_command = sources[at].get == from_command ||
				      sources[at].get == from_token_command,
		};
		line->state = sources[at].look(request, line->detail);
		return true;
	}
	return false;
}

/* --- asking one after the other */

/* What is known when nobody had it. */
struct reasons {
	struct buf text, words; /* of errors: in English, and for the person */
	bool is_later;	   /* one may have it later */
	const char *later; /* what to do for that, or NULL */
};

static void add_reason(struct reasons *reasons, const char *text, const char *words)
{
	if (!*text)
		return;
	buf_addf(&reasons->text, "%s%s", reasons->text.len ? "; " : "", text);
	buf_addf(&reasons->words, "%s%s", reasons->words.len ? "; " : "", words);
}

static bool none(const struct secret_request *request, const struct reasons *reasons,
		 struct error *err)
{
	error_texts(err, reasons->is_later ? ERROR_SECRET : ERROR_CONFIG,
		    buf_text(&reasons->text), buf_text(&reasons->words));
	if (request->wants_token)
		error_context(err, "no access token was found");
	else
		error_context(err, "no password was found");
	if (request->wants_token)
		return error_advise(err,
				    "set token_command to a command that prints one");
	return error_advise(
		err,
		reasons->later
			? reasons->later
			: N_("set password, password_file or password_command, or run `acsmtp password set`"));
}

enum answer { ANSWER_FOUND, ANSWER_FAILED, ANSWER_PASSED };

/* Why it decides, and that there is no secret. */
static enum answer fail(const struct source *s, const struct secret_request *request,
			const char *path, struct error *err)
{
	if (s->get == from_file && has_text(request->password_file_by))
		error_context(err, "%s %s", request->password_file_by, path);
	else if (s->shown == WITH_PATH)
		error_context(err, "%s %s", s->name, path);
	else if (s->shown == ALONE)
		error_context(err, "%s", s->name);
	return ANSWER_FAILED;
}

static enum answer ask(const struct source *s, const struct secret_request *request,
		       struct secret *secret, struct reasons *reasons, struct error *err)
{
	char detail[SOURCE_DETAIL_SIZE] = "";
	struct error why = { .kind = ERROR_NONE };
	bool passes = false, ok;

	if (s->look(request, detail) == SOURCE_NOT_SET) {
		add_reason(reasons, detail, tr(detail));
		return ANSWER_PASSED;
	}
	ok = s->get(request, secret, &passes, &why);
	/* An empty one would be said to the server, and count as a wrong one. */
	if (ok && secret->len == 0) {
		passes = false;
		ok = error_set(&why, s->nothing, "there is nothing on its first line");
	}
	if (ok)
		return ANSWER_FOUND;
	secret_free(secret);
	if (!passes) {
		*err = why;
		return fail(s, request, detail, err);
	}
	add_reason(reasons, why.text, error_words(&why));
	reasons->later = why.kind == ERROR_SECRET ? why.advice : NULL;
	reasons->is_later = why.kind == ERROR_SECRET;
	return ANSWER_PASSED;
}

bool source_find(const struct secret_request *request, struct secret *secret,
		 const char **source, struct error *err)
{
	struct reasons reasons = {
		.text = BUF_INIT(REASONS_LIMIT), .words = BUF_INIT(REASONS_LIMIT),
	};
	enum answer answer = ANSWER_PASSED;

	for (size_t i = 0; answer == ANSWER_PASSED && i < COUNT_OF(sources); i++) {
		if (!is_for(&sources[i], request) || !sources[i].get)
			continue;
		*source = sources[i].name;
		answer = ask(&sources[i], request, secret, &reasons, err);
	}
	if (answer == ANSWER_PASSED)
		none(request, &reasons, err);
	buf_free(&reasons.text);
	buf_free(&reasons.words);
	return answer == ANSWER_FOUND;
}

/* --- a new secret */

static const struct source *find_source(const char *name)
{
	for (size_t i = 0; name && i < COUNT_OF(sources); i++)
		if (!strcmp(sources[i].name, name))
			return &sources[i];
	return NULL;
}

bool source_keep(const struct secret_request *request, const char *home,
		 const struct secret *secret, struct error *err)
{
	const struct source *s = find_source(home);

	if (!s || !s->put || (s->put == put_settings && !request->keep_password))
		return error_set(err, ERROR_CONFIG, "nothing can be stored in %s",
				 home ? home : "");
	return s->put(request, secret, err) || error_context(err, "%s", home);
}

/* What the account names; else the keyring; else the file of accounts. */
const char *source_home(const struct secret_request *request, char *detail,
			struct error *err)
{
	struct secret_request plain = *request;

	plain.wants_token = false;
	for (size_t i = 0; i < COUNT_OF(sources); i++) {
		const struct source *s = &sources[i];

		if (!is_for(s, &plain) || s->put == put_keyring)
			continue;
		if (s->look(&plain, detail) == SOURCE_SET && s->has == (PASSWORD | TOKEN)) {
			if (s->put)
				return s->name;
			error_set(err, ERROR_CONFIG, "nothing can be stored in %s", s->name);
			error_advise(err, "set password_file to a file for it instead");
			return NULL;
		}
	}
	detail[0] = '\0';
	if (look_at_keyring(&plain, detail) == SOURCE_IS_ASKED &&
	    keyring_is_there(&plain.place, err))
		return "keyring";
	return "password";
}
