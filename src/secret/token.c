/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the helper is told and what it says. It has a bound for each thing that it does;
 * ours is for one that hangs all the same. The words on its command line are seen by
 * everybody, so the secrets go through its standard input.
 */
#include "secret/token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/language.h"
#include "base/process.h"
#include "base/text.h"
#include "secret/file.h"
#include "secret/token_ended.h"

enum {
	KILL_SECONDS = TOKEN_SECONDS + 2 * TOKEN_GRACE_SECONDS,
	PERSON_KILL_SECONDS = TOKEN_PERSON_SECONDS + 2 * TOKEN_GRACE_SECONDS,
	WORD_LIMIT = 4096,	/* bytes of one on its command line */
	SETTINGS_COUNT = 16,	/* at most, of a token */
};

static const char *helper = ACSMTP_HELPERS "/token";

void token_answer_free(struct token_answer *answer)
{
	secret_free(&answer->access);
	secret_free(&answer->refresh);
}

/* --- what a source needs */

bool token_wants_password(const char *source)
{
	return !strcmp(source, "client-secret") || !strcmp(source, "refresh");
}

static bool has_text(const char *text)
{
	return text && *text;
}

static bool has_variable(const char *name)
{
	return has_text(getenv(name));
}

enum { NEEDS_TENANT = 1, NEEDS_CLIENT_ID = 2, NEEDS_CERTIFICATE = 4 };

static unsigned needs_of(const struct token_request *r)
{
	const struct token_settings *s = &r->settings;

	if (!strcmp(r->source, "managed-identity"))
		return has_text(s->client_id) ? NEEDS_TENANT : 0;
	if (!strcmp(r->source, "workload-identity"))
		return (has_variable("AZURE_TENANT_ID") ? 0 : NEEDS_TENANT) |
		       (has_variable("AZURE_CLIENT_ID") ? 0 : NEEDS_CLIENT_ID);
	if (!strcmp(r->source, "client-certificate"))
		return NEEDS_TENANT | NEEDS_CLIENT_ID | NEEDS_CERTIFICATE;
	return NEEDS_TENANT | NEEDS_CLIENT_ID;
}

static bool miss(const struct token_request *r, const char *setting, const char *advice,
		 struct error *err)
{
	error_set(err, ERROR_CONFIG, "`%s` is missing, which `token = %s` needs", setting,
		  r->source);
	return error_advise(err, advice);
}

bool token_is_complete(const struct token_request *r, struct error *err)
{
	const struct token_settings *s = &r->settings;
	unsigned needs = needs_of(r);

	if ((needs & NEEDS_TENANT) && !has_text(s->tenant) && !has_text(s->token_url))
		return miss(r, "tenant",
			    N_("set it to the id or a domain of the Entra tenant; for people "
			       "`organizations` will do, too"), err);
	if ((needs & NEEDS_CLIENT_ID) && !has_text(s->client_id))
		return miss(r, "client_id",
			    N_("set it to the application (client) id, for Azure Communication "
			       "Services that of the application that the SMTP username is linked "
			       "to"), err);
	if ((needs & NEEDS_CERTIFICATE) && !has_text(s->certificate_file))
		return miss(r, "certificate_file",
			    N_("set it to the file in PEM with the certificate and its key"), err);
	return has_text(s->scope) ||
	       miss(r, "token_scope", N_("set it to what the server wants tokens for"), err);
}

/* --- running the helper */

struct token_words {		/* of its command line */
	const char *argv[SETTINGS_COUNT + 5];
	char *owned[SETTINGS_COUNT + 1];
	size_t count, owned_count;
};

static void add_word(struct token_words *w, const char *key, const char *value)
{
	struct buf text = BUF_INIT(WORD_LIMIT);

	if (!has_text(value) || w->owned_count == COUNT_OF(w->owned))
		return;
	buf_addf(&text, "%s=%s", key, value);
	w->argv[w->count++] = w->owned[w->owned_count++] = buf_take(&text);
}

static void words_free(struct token_words *w)
{
	for (size_t i = 0; i < w->owned_count; i++)
		free(w->owned[i]);
}
#define OWNED_WORDS	__attribute__((cleanup(words_free))) struct token_words

static void set_words(struct token_words *w, const char *command, const char *source,
		      int64_t stamp, const struct token_request *r)
{
	struct token_settings settings = r->settings;
	char number[32];

	w->argv[0] = helper;
	w->argv[1] = command;
	w->argv[2] = source;
	w->count = 3;
	snprintf(number, sizeof(number), "%" PRId64, stamp);
	add_word(w, "stamp", stamp ? number : "");
	for (size_t i = 0; token_setting_key(i); i++)
		add_word(w, token_setting_key(i), *token_setting(&settings, i));
}

/* A line each for what it is fetched with, and for a secret of the application. */
static bool gather_input(const struct token_request *r, const struct secret *credential,
			 struct secret *input, struct error *err)
{
	OWNED_SECRET second = { 0 };
	bool has_first = credential && secret_is_set(credential);
	size_t len = has_first ? credential->len : 0;

	if (has_text(r->client_secret_file) &&
	    !secret_read_file(r->client_secret_file, &second, err))
		return error_context(err, "client_secret_file %s", r->client_secret_file);
	secret_make_room(input);
	if (len + second.len + 2 > SECRET_MAX)
		return error_set(err, ERROR_CONFIG, "the secret is longer than %d bytes",
				 SECRET_MAX);
	if (has_first) {
		memcpy(input->bytes, credential->bytes, len);
		input->bytes[len++] = '\n';
	}
	input->len = len;
	if (second.len > 0) {
		memcpy(input->bytes + input->len, second.bytes, second.len);
		input->len += second.len;
		input->bytes[input->len++] = '\n';
	}
	return true;
}

/* A secret's memory takes what it prints. */
static bool run(struct process *p, const struct token_words *w, struct secret *output,
		struct error *err)
{
	bool ok;

	secret_make_room(output);
	p->argv = w->argv;
	p->output = output->bytes;
	p->size = SECRET_MAX;
	ok = process_run(p, err);
	/* One that hangs is as a server that does. */
	if (!ok && err->kind == ERROR_SECRET)
		err->kind = ERROR_NETWORK;
	if (!ok)
		return error_context(err, "the helper for tokens");
	output->len = p->len;
	return token_ended(p, helper, err);
}

/* --- what it says: lines of facts */

/* The value of the first whole line "KEY=VALUE"; 0 bytes: there is none. */
static size_t find_line(const struct secret *said, const char *key, const char **value)
{
	const char *at = said->bytes, *end = said->bytes + said->len, *lf;
	size_t len = strlen(key);

	for (; (lf = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL); at = lf + 1)
		if ((size_t)(lf - at) > len && !memcmp(at, key, len) && at[len] == '=') {
			*value = at + len + 1;
			return (size_t)(lf - *value);
		}
	return 0;
}

static void take_text(const struct secret *said, const char *key, char *text, size_t size)
{
	const char *value = "";
	size_t len = find_line(said, key, &value);

	snprintf(text, size, "%.*s", (int)len, value);
	text_make_printable(text);
}

static int64_t take_number(const struct secret *said, const char *key)
{
	char digits[32];

	take_text(said, key, digits, sizeof(digits));
	return strtoll(digits, NULL, 10);
}

static bool take_secret(const struct secret *said, const char *key, struct secret *secret)
{
	const char *value;
	size_t len = find_line(said, key, &value);

	return len > 0 && secret_set(secret, value, len);
}

/* --- questions to it */

enum token_age token_kept(const struct token_request *r, struct token *token)
{
	const struct token_purpose purpose = { .source = r->source, .settings = &r->settings };

	return token_cache_load(&purpose, token);
}

bool token_fetch(const struct token_request *r, int64_t refused,
		 const struct secret *credential, struct token_answer *answer,
		 struct error *err)
{
	OWNED_SECRET input = { 0 }, said = { 0 };
	OWNED_WORDS w = { .count = 0 };
	struct process p = { .seconds = KILL_SECONDS };
	const char *end;

	set_words(&w, refused ? "renew" : "get", r->source, refused, r);
	if (!gather_input(r, credential, &input, err))
		return false;
	p.input = input.bytes;
	p.input_len = input.len;
	if (!run(&p, &w, &said, err))
		return false;
	(void)take_secret(&said, "refresh_token", &answer->refresh);
	end = memchr(said.bytes, '\n', said.len);
	return (end && end > said.bytes &&
		secret_set(&answer->access, said.bytes, (size_t)(end - said.bytes))) ||
	       error_set(err, ERROR_BUG, "the helper for tokens said nothing");
}

/* --- a person's login */

struct token_hearing {
	struct process process;		/* first: it is what process_run() knows */
	const struct secret *said;
	const struct token_listener *listener;
	bool has_told;
};

/* As soon as all of it is there; each line comes whole or not at all. */
static void hear(struct process *process)
{
	struct token_hearing *h = (struct token_hearing *)(void *)process;
	const struct secret said = { h->said->bytes, process->len };
	struct token_question q = { .seconds = take_number(&said, "seconds") };

	take_text(&said, "open", q.open, sizeof(q.open));
	take_text(&said, "page", q.page, sizeof(q.page));
	take_text(&said, "code", q.code, sizeof(q.code));
	if (h->has_told || !q.seconds || !(*q.open || (*q.page && *q.code)))
		return;
	h->has_told = true;
	h->listener->tell(h->listener, &q);
}

bool token_log_in(const struct token_request *r, bool by_code,
		  const struct token_listener *listener, struct secret *refresh,
		  struct error *err)
{
	OWNED_SECRET input = { 0 }, said = { 0 };
	OWNED_WORDS w = { .count = 0 };
	struct token_hearing h = {
		.process = { .seconds = PERSON_KILL_SECONDS, .heard = hear },
		.said = &said, .listener = listener,
	};

	set_words(&w, "login", by_code ? "device" : "browser", 0, r);
	if (!gather_input(r, NULL, &input, err))
		return false;
	h.process.input = input.bytes;
	h.process.input_len = input.len;
	return run(&h.process, &w, &said, err) &&
	       (take_secret(&said, "refresh_token", refresh) ||
		error_set(err, ERROR_AUTH, "the identity server gave no token that lasts"));
}

void token_use_helper(const char *path)
{
	helper = path;
}
