/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One rounding and one name for each state, so that list, show, mailq and check do not
 * tell the same message differently.
 */
#include "talk/queue_words.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/language.h"
#include "base/text.h"

const char *words_span(time_t seconds, char words[WORDS_SIZE])
{
	static const struct {
		time_t from, unit;
		const char *name;
	} units[] = {
		{ 2 * 86400, 86400, N_("d") },
		{ 2 * 3600, 3600, N_("h") },
		{ 120, 60, N_("min") },
		{ 0, 1, N_("s") },
	};
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (seconds < units[i].from)
		i++;
	snprintf(words, WORDS_SIZE, "%" PRIdMAX " %s", (intmax_t)(seconds / units[i].unit),
		 tr(units[i].name));
	return words;
}

const char *words_size(uint64_t bytes, char words[WORDS_SIZE])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double size = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(words, WORDS_SIZE, "%" PRIu64 " B", bytes);
		return words;
	}
	for (; size >= 1024 && i + 1 < COUNT_OF(units); i++)
		size /= 1024;
	snprintf(words, WORDS_SIZE, "%.1f %s", size, units[i]);
	return words;
}

/* --- states */

enum queue_state words_state(const struct queue_look *look, time_t now)
{
	if (look->taken == TAKEN_ERROR)
		return STATE_UNREADABLE;
	if (look->taken == TAKEN_FOREIGN)
		return STATE_FOREIGN;
	if (look->taken == TAKEN_BROKEN || look->place == SPOOL_DAMAGED)
		return STATE_DAMAGED;
	if (look->taken == TAKEN_BUSY)
		return STATE_SENDING;
	if (look->place == SPOOL_FAILED)
		return STATE_FAILED;
	if (look->entry.is_held)
		return STATE_HELD;
	return look->entry.next <= now ? STATE_DUE : STATE_WAITING;
}

static const struct {
	const char *name, *text;
} states[] = {
	[STATE_DUE]		= { "due", N_("due now") },
	[STATE_WAITING]		= { "waiting", NULL },
	[STATE_HELD]		= { "held", N_("held") },
	[STATE_SENDING]		= { "sending", N_("being sent") },
	[STATE_FAILED]		= { "failed", N_("failed") },
	[STATE_DAMAGED]		= { "damaged", N_("damaged") },
	[STATE_FOREIGN]		= { "foreign", N_("of another version") },
	[STATE_UNREADABLE]	= { "unreadable", N_("cannot be read") },
};

const char *words_state_name(enum queue_state state)
{
	return states[state].name;
}

const char *words_state_text(const struct queue_look *look, time_t now, char words[WORDS_SIZE])
{
	enum queue_state state = words_state(look, now);
	char span[WORDS_SIZE];
	size_t len;

	if (state == STATE_WAITING)
		snprintf(words, WORDS_SIZE, _("next try in %s"),
			 words_span(look->entry.next - now, span));
	else
		snprintf(words, WORDS_SIZE, "%s", tr(states[state].text));
	len = strlen(words);
	snprintf(words + len, WORDS_SIZE - len, "%s",
		 look->entry.is_in_doubt ? _(", perhaps sent already") : "");
	return words;
}

char *words_user(const struct entry *e)
{
	const struct passwd *user;

	if (e->user)
		return text_copy(e->user);
	user = e->host ? NULL : getpwuid(e->uid);
	return user ? text_copy(user->pw_name) : NULL;
}

bool words_is_of_another(const struct queue_look *look)
{
	return queue_look_is_whole(look) &&
	       (look->entry.uid != getuid() || look->entry.user || look->entry.host);
}

void words_add(struct buf *b, const char *text)
{
	OWNED_TEXT copy = text_copy(text ? text : "");

	text_make_printable(copy);
	buf_add(b, copy);
}
