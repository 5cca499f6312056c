/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Servers have said back what was sent to them. But a secret that is an everyday word, as
 * on test machines, would be found in half of all replies, and stars all over them would
 * show what it is: such a one is hidden only where it was said, by hide_bytes().
 */
#include "smtp/hide.h"

#include <string.h>

#include "base/text.h"

enum { FEW = 3 };	/* characters of a secret that stand in any text by chance */

static const char *const everyday[] = {
	"accepted", "access", "account", "again", "and", "auth", "authenticated",
	"authentication", "authorization", "bad", "busy", "bye", "client", "closing", "command",
	"connection", "credentials", "denied", "disabled", "domain", "error", "expected",
	"failed", "failure", "for", "from", "goodbye", "hello", "host", "incorrect", "internal",
	"invalid", "later", "limit", "local", "localhost", "login", "mail", "mailbox",
	"message", "missing", "not", "now", "password", "please", "policy", "queued",
	"ready", "received", "recipient", "recipients", "rejected", "relay", "required",
	"retry", "sender", "sent", "server", "service", "smtp", "spam", "success",
	"successful", "system", "temporarily", "temporary", "the", "this", "transaction",
	"try", "unavailable", "unknown", "unsuccessful", "user", "username", "welcome",
	"with", "wrong", "you", "your",
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_of_a_word(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

static bool is_everyday(const struct secret *secret)
{
	for (size_t i = 0; i < COUNT_OF(everyday); i++)
		if (text_is_n(secret->bytes, secret->len, everyday[i]))
			return true;
	return false;
}

static bool is_plain_word(const struct secret *secret)
{
	size_t letters = 0;

	for (size_t i = 0; i < secret->len; i++)
		letters += is_letter(secret->bytes[i]);
	return letters == secret->len || secret->len <= FEW;
}

/*
 * "cat" in "category" is no echo; with a letter on one side and a sign on the other it is
 * one.
 */
static bool stands_alone(const struct buf *text, const char *at, size_t len)
{
	const char *end = text->text + text->len;

	return (at == text->text || !is_of_a_word(at[-1]) || !is_of_a_word(*at)) &&
	       (at + len == end || !is_of_a_word(at[len]) || !is_of_a_word(at[len - 1]));
}

static void hide(struct buf *text, const char *bytes, size_t len, bool alone)
{
	char *at = text->text, *end;

	if (len == 0 || text->len == 0)
		return;
	end = at + text->len;
	while ((at = memmem(at, (size_t)(end - at), bytes, len))) {
		if (alone && !stands_alone(text, at, len)) {
			at++;
			continue;
		}
		memset(at, '*', len);
		at += len;
	}
}

void hide_bytes(struct buf *text, const char *bytes, size_t len)
{
	hide(text, bytes, len, false);
}

void hide_secret(struct buf *text, const struct secret *secret)
{
	if (!is_everyday(secret))
		hide(text, secret->bytes, secret->len, is_plain_word(secret));
}
