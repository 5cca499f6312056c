/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The helper's command line. Secrets are on standard input and output, never here. */
#include "keyring/keyring.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/self.h"
#include "base/text.h"

static int usage(void)
{
	fputs("usage: keyring lookup|store|clear [--no-prompt] [--patience=SECONDS]\n"
	      "       account=A host=H port=P user=U\n"
	      "Prints the secret (lookup), or reads it from standard input (store).\n"
	      "acsmtp runs this; for people there is `acsmtp password`.\n",
	      stderr);
	return KEYRING_USAGE;
}

static bool take_word(const char *word, struct keyring_request *request)
{
	const struct {
		const char *name;
		const char **place;
	} attributes[] = {
		{ "account=", &request->item.account },
		{ "host=", &request->item.host },
		{ "port=", &request->item.port },
		{ "user=", &request->item.user },
	};
	const char *value;

	if (!strcmp(word, "--no-prompt")) {
		request->may_prompt = false;
		return true;
	}
	/* No more than we would wait anyway: who asks has less time, never more. */
	value = text_after(word, "--patience=");
	if (value)
		return text_to_number(value, 1, KEYRING_PROMPT_SECONDS,
				      &request->patience);
	for (size_t i = 0; i < COUNT_OF(attributes); i++) {
		value = text_after(word, attributes[i].name);

		/* D-Bus carries UTF-8 only, and GLib takes other bytes for a bug. */
		if (value && !*attributes[i].place &&
		    text_is_utf8(value, strlen(value))) {
			*attributes[i].place = value;
			return true;
		}
	}
	return false;
}

/*
 * Only acsmtp calls us: what is missing or doubtful is a bug there, and no guess is made.
 */
static bool take_words(int argc, char **argv, struct keyring_request *request)
{
	static const char *const commands[] = {
		[KEYRING_LOOKUP] = "lookup",
		[KEYRING_STORE] = "store",
		[KEYRING_CLEAR] = "clear",
	};
	size_t i = 0;

	while (argc > 1 && i < COUNT_OF(commands) && strcmp(argv[1], commands[i]) != 0)
		i++;
	if (argc < 2 || i == COUNT_OF(commands))
		return false;
	request->what = i == KEYRING_LOOKUP  ? KEYRING_LOOKUP
			: i == KEYRING_STORE ? KEYRING_STORE
					     : KEYRING_CLEAR;
	for (int at = 2; at < argc; at++)
		if (!take_word(argv[at], request))
			return false;
	return request->item.account && request->item.host && request->item.port &&
	       request->item.user;
}

/* To the end of the pipe; one byte more than there may be tells that it is too long. */
static bool read_secret(struct secret *secret)
{
	ssize_t n = 0;

	secret_make_room(secret);
	while (secret->len <= SECRET_MAX &&
	       (n = read_some(STDIN_FILENO, secret->bytes + secret->len,
			      SECRET_MAX + 1 - secret->len)) > 0)
		secret->len += (size_t)n;
	return n == 0 && secret->len > 0 && secret->len <= SECRET_MAX;
}

static int say(enum keyring_end end, const char *text)
{
	fprintf(stderr, "%s\n", text);
	return end;
}

static int run(struct keyring_request *request)
{
	struct keyring_result result = { .end = KEYRING_OK };
	struct secret *secret = request->secret;

	if (!keyring_bus_find())
		return say(KEYRING_NO_BUS,
			   "there is no session bus to reach a keyring by");
	keyring_do(request, &result);
	if (result.end != KEYRING_OK)
		return say(result.end, result.text);
	if (request->what == KEYRING_LOOKUP &&
	    !write_all(STDOUT_FILENO, secret->bytes, secret->len))
		return say(KEYRING_FAILED,
			   "the secret cannot be handed over: nobody reads it");
	return KEYRING_OK;
}

int main(int argc, char **argv)
{
	OWNED_SECRET secret = { 0 };
	struct keyring_request request = {
		.may_prompt = keyring_person_is_there(),
		.patience = KEYRING_PROMPT_SECONDS,
		.secret = &secret,
	};

	self_begin("acsmtp", STDERR_FILENO, false);
	secret_guard_process();
	/* Whatever the bus does, acsmtp waits for us with a message in its hands. */
	keyring_watch(KEYRING_ANSWER_SECONDS, false);
	signal(SIGPIPE, SIG_IGN);
	if (!take_words(argc, argv, &request))
		return usage();
	if (request.what == KEYRING_STORE && !read_secret(&secret))
		return say(KEYRING_USAGE,
			   "standard input holds no secret, or too long a one");
	return run(&request);
}
