/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The helper's command line. Secrets are on standard input and output, never here. */
#include "token/token.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/language.h"
#include "base/self.h"
#include "base/text.h"
#include "service/login.h"
#include "token/keep.h"

enum { WIPED_WITH = 0x5a, FACTS_MAX = 128 };

static int usage(void)
{
	fputs("usage: token get|renew|look|forget|login SOURCE [stamp=N] [seconds=N] [KEY=VALUE]...\n"
	      "Prints an access token, or facts of one; a secret is read from standard input.\n"
	      "acsmtp runs this; for people there is `acsmtp login`.\n",
	      stderr);
	return TOKEN_USAGE;
}

/* --- words and input */

static bool take_stamp(const char *text, int64_t *stamp)
{
	char *end;

	*stamp = strtoll(text, &end, 10);
	return *text && !*end && *stamp >= 0;
}

static bool take_word(const char *word, struct token_wish *wish)
{
	const char *value = text_after(word, "stamp=");

	if (value)
		return take_stamp(value, &wish->stamp);
	value = text_after(word, "seconds=");
	if (value)
		return text_to_number(value, 1, TOKEN_PERSON_SECONDS, &wish->seconds);
	for (size_t i = 0; token_setting_key(i); i++) {
		value = text_after(word, token_setting_key(i));
		if (value && *value == '=' && !text_has_control(value)) {
			*token_setting(&wish->settings, i) = value + 1;
			return true;
		}
	}
	return false;
}

/* Only acsmtp calls us: what is doubtful is a bug there, and no guess is made. */
static bool take_words(int argc, char **argv, struct token_wish *wish)
{
	static const char *const sources[] = {
		"managed-identity", "workload-identity",
		"client-secret",    "client-certificate",
		"refresh",	    "browser",
		"device",
	};
	bool is_known = false;

	if (argc < 3)
		return false;
	wish->source = argv[2];
	for (size_t i = 0; i < COUNT_OF(sources); i++)
		is_known = is_known || !strcmp(sources[i], wish->source);
	for (int at = 3; at < argc; at++)
		if (!take_word(argv[at], wish))
			return false;
	return is_known;
}

static bool has_secret(const char *source)
{
	return strcmp(source, "managed-identity") != 0 &&
	       strcmp(source, "workload-identity") != 0;
}

/* To its end; one byte more than there may be tells that it is too long. */
static bool read_input(struct token_wish *wish)
{
	struct secret *all = &wish->secret;
	const char *end, *more;
	ssize_t n = 0;

	if (isatty(STDIN_FILENO))
		return true;
	secret_make_room(all);
	while (all->len <= SECRET_MAX &&
	       (n = read_some(STDIN_FILENO, all->bytes + all->len,
			      SECRET_MAX + 1 - all->len)) > 0)
		all->len += (size_t)n;
	if (n < 0 || all->len > SECRET_MAX)
		return false;
	end = memchr(all->bytes, '\n', all->len);
	if (!end)
		return true;
	more = end + 1;
	n = (ssize_t)(all->len - (size_t)(more - all->bytes));
	if (n > 0 && more[n - 1] == '\n')
		n--;
	(void)secret_set(&wish->second, more, (size_t)n);
	all->len = (size_t)(end - all->bytes);
	wipe(all->bytes + all->len, SECRET_MAX - all->len);
	return true;
}

/* What was used is of no more use, and whoever reads our output may take his time. */
static void drop_secrets(struct token_wish *wish)
{
	secret_free(&wish->secret);
	secret_free(&wish->second);
}

/* --- output */

static int fail_with(const struct token_failure *failure)
{
	fprintf(stderr, "%s\n", failure->text);
	if (failure->words[0] && strcmp(failure->words, failure->text) != 0)
		printf("words=%s\n", failure->words);
	(void)fflush(stdout);
	return failure->end;
}

/* By write(2): no buffer of stdio has it, and what is there goes first. */
static bool put(const char *key, const struct secret *secret)
{
	return fflush(stdout) == 0 && write_all(STDOUT_FILENO, key, strlen(key)) &&
	       write_all(STDOUT_FILENO, secret->bytes, secret->len) &&
	       write_all(STDOUT_FILENO, "\n", 1);
}

static int hand_over(bool is_done)
{
	struct token_failure unread;

	if (is_done)
		return TOKEN_OK;
	token_fail(&unread, TOKEN_FAILED, "the token cannot be handed over: nobody reads it");
	return fail_with(&unread);
}

static int get(struct token_wish *wish, bool is_refused)
{
	OWNED_TOKEN token = { { 0 }, 0, 0, 0 };
	OWNED_SECRET refresh = { 0 };
	struct token_failure failure = { TOKEN_FAILED, "", "" };
	bool is_done;

	if (!(is_refused ? token_renew : token_get)(wish, &token, &refresh, &failure))
		return fail_with(&failure);
	drop_secrets(wish);
	is_done = put("", &token.access) &&
		  printf("stamp=%lld\nexpires=%lld\n", (long long)token.stamp,
			 (long long)token.expires) > 0 &&
		  fflush(stdout) == 0 &&
		  (!secret_is_set(&refresh) || put("refresh_token=", &refresh));
	return hand_over(is_done);
}

/* --- the commands */

static void put_fact(const char *key, const char *value)
{
	char shown[FACTS_MAX + 1];

	snprintf(shown, sizeof(shown), "%s", value ? value : "");
	text_make_printable(shown);
	if (*shown)
		printf("%s=%s\n", key, shown);
}

static int look(const struct token_wish *wish)
{
	const struct token_purpose purpose = {
		.source = wish->source,
		.settings = &wish->settings,
	};
	const char *application = wish->settings.client_id;
	OWNED_TOKEN token = { { 0 }, 0, 0, 0 };
	struct token_facts facts;
	long long now = time(NULL);

	if (token_cache_load(&purpose, &token) == TOKEN_IS_ABSENT) {
		fputs("no token is kept: the next message fetches one\n", stderr);
		return TOKEN_NOTHING;
	}
	(void)login_token_facts(token.access.bytes, token.access.len, &facts);
	put_fact("source", wish->source);
	put_fact("application",
		 application && *application ? application : wish->settings.identity);
	put_fact("audience", facts.audience);
	printf("expires=%lld\nleft=%lld\nrenew=%lld\n", (long long)token.expires,
	       token.expires - now, token.renews - now);
	return hand_over(fflush(stdout) == 0);
}

static int forget(const struct token_wish *wish)
{
	const struct token_purpose purpose = {
		.source = wish->source,
		.settings = &wish->settings,
	};

	token_cache_forget(&purpose);
	return TOKEN_OK;
}

static int login(const struct token_wish *wish)
{
	OWNED_SECRET refresh = { 0 };
	struct token_failure failure = { TOKEN_FAILED, "", "" };

	return token_enter(wish, &refresh, &failure)
		       ? hand_over(put("refresh_token=", &refresh))
		       : fail_with(&failure);
}

static int run(const char *command, struct token_wish *wish)
{
	bool is_login = !strcmp(command, "login");
	long most = is_login ? TOKEN_PERSON_SECONDS : TOKEN_SECONDS;

	if (!strcmp(command, "look"))
		return look(wish);
	if (!strcmp(command, "forget"))
		return forget(wish);
	if (has_secret(wish->source) && !read_input(wish)) {
		fputs("standard input holds too long a secret\n", stderr);
		return TOKEN_USAGE;
	}
	if (wish->seconds == 0 || wish->seconds > most)
		wish->seconds = most;
	token_watch((unsigned)wish->seconds);
	wish->deadline = clock_after(wish->seconds);
	if (is_login)
		return login(wish);
	if (!strcmp(command, "get") || !strcmp(command, "renew"))
		return get(wish, !strcmp(command, "renew"));
	return usage();
}

int main(int argc, char **argv)
{
	struct token_wish wish = { 0 };
	int end;

	self_begin("acsmtp", STDERR_FILENO, false);
	secret_guard_process();
	language_init();
	/* Libraries give memory back that has seen secrets: it is overwritten then. */
	(void)mallopt(M_PERTURB, WIPED_WITH);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	if (!take_words(argc, argv, &wish))
		return usage();
	end = run(argv[1], &wish);
	drop_secrets(&wish);
	return end;
}
