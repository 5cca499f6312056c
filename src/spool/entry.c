/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An ID.env file is lines of a word, a blank and a value, in any order after the first
 * four; acsmtp-spool(5) has an example. A line "why" belongs to the recipient above it,
 * or to the message where none is. "end" has the checksum of all lines before it.
 */
#include "spool/entry.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sum.h"
#include "base/text.h"
#include "spool/codec.h"
#include "service/replies.h"

static const char first_line[] = "acsmtp-spool 1\n";
static const char any_version[] = "acsmtp-spool ";

enum {
	START_LINES = 5,	/* behind the first: those of the rows at the top; one may follow */
	FILE_LINE = 10,		/* that of "config" */
	START_LINE_MAX = 5000,	/* bytes of one */
};

struct row {
	const char *word;
	enum { NUMBER, FLAG, TEXT } type;
	size_t place, size;
};

#define IN(field)	offsetof(struct entry, field), sizeof(((struct entry *)0)->field)
static const struct row rows[] = {
	/* entry_read_start() wants these five first, and looks for what follows */
	{ "next",	NUMBER, IN(next) },
	{ "arrived",	NUMBER, IN(arrived) },
	{ "held",	FLAG,	IN(is_held) },
	{ "warned",	FLAG,	IN(is_warned) },
	{ "account",	TEXT,	IN(account) },
	{ "held-by-us",	FLAG,	IN(is_held_by_us) },	/* and this one if it is there */
	{ "attempts",	NUMBER, IN(attempts) },
	{ "report",	FLAG,	IN(is_report) },
	{ "doubt",	FLAG,	IN(is_in_doubt) },
	{ "uid",	NUMBER, IN(uid) },
	{ "config",	TEXT,	IN(config) },
	{ "login",	TEXT,	IN(login) },
	{ "default",	FLAG,	IN(is_default) },
	{ "by",		TEXT,	IN(by) },
	{ "by-why",	TEXT,	IN(by_why) },
	{ "original",	FLAG,	IN(is_original) },
	{ "bare",	FLAG,	IN(is_bare) },
	{ "given",	TEXT,	IN(given) },
	{ "full-name",	TEXT,	IN(full_name) },
	{ "user-name",	TEXT,	IN(user_name) },
	{ "user",	TEXT,	IN(user) },
	{ "host",	TEXT,	IN(host) },
	{ "held-by",	TEXT,	IN(held_by) },
	{ "message-id",	TEXT,	IN(message_id) },
	{ "header-len",	NUMBER, IN(header_len) },
	{ "body-len",	NUMBER, IN(body_len) },
	{ "sum",	NUMBER, IN(sum) },
	{ "longest",	NUMBER, IN(longest_line) },
	{ "header-8bit", FLAG,	IN(header_is_8bit) },
	{ "body-8bit",	FLAG,	IN(body_is_8bit) },
	{ "nul",	FLAG,	IN(has_nul) },
	{ "sender",	TEXT,	IN(envelope.sender) },
	{ "origin",	TEXT,	IN(envelope.origin) },
	{ "notify",	TEXT,	IN(envelope.notify) },
	{ "ret",	TEXT,	IN(envelope.ret) },
	{ "envid",	TEXT,	IN(envelope.envid) },
};

/* What became of a recipient, in the words of the file. */
static const struct standing {
	const char *word;
	enum verdict verdict;
	bool is_reported, is_untold;
} standings[] = {
	{ "waiting",	VERDICT_NONE,		false, false },
	{ "sent",	VERDICT_ACCEPTED,	false, false },
	{ "failed",	VERDICT_REFUSED,	false, false },
	{ "deferred",	VERDICT_LATER,		false, false },
	{ "unknown",	VERDICT_UNKNOWN,	false, false },
	{ "reported",	VERDICT_REFUSED,	true,  false },	/* the sender was told */
	{ "untold",	VERDICT_REFUSED,	true,  true },	/* there was nobody to be told */
};

/* Words, as the numbers may change with the enum and entries outlive a version. */
static const char *const kinds[ERROR_KINDS] = {
	[ERROR_NONE]		= "none",
	[ERROR_USAGE]		= "usage",
	[ERROR_DATA]		= "data",
	[ERROR_NO_USER]		= "no-user",
	[ERROR_NO_HOST]		= "no-host",
	[ERROR_REFUSED]		= "refused",
	[ERROR_BARRED]		= "barred",
	[ERROR_UNAVAILABLE]	= "unavailable",
	[ERROR_BUG]		= "bug",
	[ERROR_SYSTEM]		= "system",
	[ERROR_CREATE]		= "create",
	[ERROR_IO]		= "io",
	[ERROR_LATER]		= "later",
	[ERROR_PROTOCOL]	= "protocol",
	[ERROR_TLS]		= "tls",
	[ERROR_SENDER]		= "sender",
	[ERROR_AUTH]		= "auth",
	[ERROR_SECRET]		= "secret",
	[ERROR_CONFIG]		= "config",
	[ERROR_NETWORK]		= "network",
	[ERROR_QUOTA]		= "quota",
};

void entry_free(struct entry *e)
{
	free(e->account);
	free(e->config);
	free(e->given);
	free(e->full_name);
	free(e->user_name);
	free(e->user);
	free(e->host);
	free(e->held_by);
	free(e->login);
	free(e->by);
	free(e->by_why);
	free(e->message_id);
	free(e->why);
	envelope_free(&e->envelope);
	*e = (struct entry){ 0 };
}

bool entry_is_untold(const struct entry *e)
{
	for (size_t i = 0; i < e->envelope.count; i++)
		if (e->envelope.recipients[i].is_untold)
			return true;
	return false;
}

void entry_keep_reason(struct entry *e, const struct error *why)
{
	if (!why) {
		free(e->why);
		e->why = NULL;
		return;
	}
	if (!e->why)
		e->why = xmalloc(sizeof(*e->why));
	*e->why = *why;
}

/* --- writing */

static uint64_t number_at(const void *place, size_t size)
{
	uint32_t small;
	uint64_t large;

	if (size == sizeof(small)) {
		memcpy(&small, place, sizeof(small));
		return small;
	}
	memcpy(&large, place, sizeof(large));
	return large;
}

static bool write_text(const char *word, const char *value, struct buf *text,
		       struct error *err)
{
	/* What follows it would be read as a line of its own. */
	if (strchr(value, '\n'))
		return error_set(err, ERROR_DATA, "no entry can keep a line break (in \"%s\")", word);
	buf_addf(text, "%s %s\n", word, value);
	return true;
}

static bool write_row(const struct entry *e, const struct row *row, struct buf *text,
		      struct error *err)
{
	const void *place = (const char *)e + row->place;
	const char *value;

	switch (row->type) {
	case NUMBER:
		buf_addf(text, "%s %" PRIu64 "\n", row->word, number_at(place, row->size));
		break;
	case FLAG:
		buf_addf(text, "%s %d\n", row->word, *(const bool *)place);
		break;
	case TEXT:
		value = *(char *const *)place;
		return !value || write_text(row->word, value, text, err);
	}
	return true;
}

static void write_why(const struct error *why, struct buf *text)
{
	OWNED_TEXT words = NULL;

	if (!why)
		return;
	words = text_copy(why->text);
	text_make_printable(words);
	buf_addf(text, "why %s %d %s\n", kinds[why->kind] ? kinds[why->kind] : "later",
		 why->reply, words);
}

static const struct standing *standing_of(const struct recipient *r)
{
	const struct standing *s = standings;

	while (s->verdict != r->verdict ||
	       (r->verdict == VERDICT_REFUSED &&
		(s->is_untold != r->is_untold ||
		 s->is_reported != (r->is_reported || r->is_untold))))
		s++;
	return s;
}

bool entry_write(const struct entry *e, struct buf *text, struct error *err)
{
	size_t start = text->len;

	buf_add(text, first_line);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!write_row(e, &rows[i], text, err))
			return false;
	write_why(e->why, text);
	for (size_t i = 0; i < e->envelope.count; i++) {
		const struct recipient *r = &e->envelope.recipients[i];

		buf_addf(text, "to ");
		if (!write_text(standing_of(r)->word, r->mailbox, text, err))
			return false;
		if (r->why) {
			struct error why;

			recipient_reason(r, &why);
			write_why(&why, text);
		}
	}
	codec_seal(text, start);
	return !buf_is_full(text) ||
	       error_set(err, ERROR_DATA, "too many recipients for one entry");
}

/* --- reading */

static bool put_number(void *place, size_t size, const char *value)
{
	struct scanner s = { value, true };
	uint64_t large = scanner_number(&s, 0, size == sizeof(uint32_t) ? UINT32_MAX : UINT64_MAX);
	uint32_t small = (uint32_t)large;

	if (!s.ok || *s.at)
		return false;
	memcpy(place, size == sizeof(small) ? (void *)&small : (void *)&large, size);
	return true;
}

static bool read_row(struct entry *e, const struct row *row, const char *value)
{
	void *place = (char *)e + row->place;
	char **text = place;

	switch (row->type) {
	case NUMBER:
		return put_number(place, row->size, value);
	case FLAG:
		*(bool *)place = *value == '1';
		return (*value == '0' || *value == '1') && !value[1];
	case TEXT:
		break;
	}
	free(*text);
	*text = text_copy(value);
	return true;
}

/* Where `text` begins with one of the words: its number, and *rest what is behind. */
static int find_word(const char *const *words, size_t count, const char *text,
		     const char **rest)
{
	for (size_t i = 0; i < count; i++)
		if (words[i] && (*rest = codec_after(text, words[i])))
			return (int)i;
	return -1;
}

/*
 * Of what is kept as text alone: the message's reason may be a recipient's, and where it
 * was.
 */
static void find_leaf(struct error *whole, const struct error *part)
{
	size_t len = strlen(whole->text), rest = strlen(part->text);

	if (!whole->reply && rest <= len && !strcmp(whole->text + len - rest, part->text))
		whole->leaf = len - rest;
}

static bool read_why(struct entry *e, const char *value)
{
	struct envelope *envelope = &e->envelope;
	struct error why = { 0 };
	const char *rest;
	int kind = find_word(kinds, COUNT_OF(kinds), value, &rest);
	int skip = 0;

	if (kind < 0 || sscanf(rest, "%d %n", &why.reply, &skip) != 1 || skip == 0)
		return false;
	why.kind = (enum error_kind)kind;
	snprintf(why.text, sizeof(why.text), "%s", rest + skip);
	reply_recall(&why);
	if (envelope->count > 0) {
		struct recipient *last = &envelope->recipients[envelope->count - 1];

		if (e->why)
			find_leaf(e->why, &why);
		recipient_leave_out(last, &why);
		envelope_judge(envelope, last, last->verdict, &why);
		return true;
	}
	entry_keep_reason(e, &why);
	return true;
}

static bool read_recipient(struct entry *e, const char *value)
{
	size_t before = e->envelope.count;
	const char *mailbox = NULL;
	const struct standing *s = standings;
	struct recipient *r;

	while (s < standings + COUNT_OF(standings) && !(mailbox = codec_after(value, s->word)))
		s++;
	if (!mailbox || !*mailbox)
		return false;
	envelope_add(&e->envelope, mailbox);
	if (e->envelope.count == before)
		return false;
	r = &e->envelope.recipients[before];
	r->verdict = s->verdict;
	r->is_reported = s->is_reported;
	r->is_untold = s->is_untold;
	return true;
}

static bool read_line(struct entry *e, const char *line)
{
	const char *value;

	if ((value = codec_after(line, "to")))
		return read_recipient(e, value);
	if ((value = codec_after(line, "why")))
		return read_why(e, value);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if ((value = codec_after(line, rows[i].word)))
			return read_row(e, &rows[i], value);
	return false;
}

/* Every version begins with its number and ends with the checksum. */
static bool check_ends(const char *text, size_t len, struct error *err)
{
	if (len < sizeof(first_line))
		return error_set(err, ERROR_DATA, "cut short at %zu bytes", len);
	if (strncmp(text, any_version, sizeof(any_version) - 1) != 0)
		return error_set(err, ERROR_DATA, "not a spool entry");
	/*
	 * Before the version is looked at: what was cut short is damaged, whoever wrote
	 * it.
	 */
	if (codec_sealed(text, len) == 0)
		return error_set(err, ERROR_DATA, "cut short or damaged: its checksum is wrong");
	return !strncmp(text, first_line, sizeof(first_line) - 1) ||
	       error_set(err, ERROR_UNAVAILABLE, "written by another version of acsmtp");
}

static bool check_whole(const struct entry *e, struct error *err)
{
	if (e->envelope.sender && e->account && e->config && e->envelope.count > 0)
		return true;
	return error_set(err, ERROR_DATA, "a line is missing: sender, account, config or to");
}

bool entry_read(struct entry *e, const char *text, size_t len, struct error *err)
{
	const char *at = text + sizeof(first_line) - 1, *end;
	unsigned number = 2;

	if (!check_ends(text, len, err))
		return false;
	for (; (end = memchr(at, '\n', (size_t)(text + len - at))); at = end + 1, number++) {
		OWNED_TEXT line = text_copy_n(at, (size_t)(end - at));

		if (codec_after(line, "end"))
			return end + 1 == text + len ? check_whole(e, err) :
			       error_set(err, ERROR_DATA, "line %u: more follows", number);
		if (!read_line(e, line))
			return error_set(err, ERROR_DATA, "line %u makes no sense", number);
	}
	return error_set(err, ERROR_DATA, "cut short");
}

void entry_guess(struct entry *e, const char *text, size_t len)
{
	const char *at = text, *end;

	for (; (end = memchr(at, '\n', (size_t)(text + len - at))); at = end + 1) {
		OWNED_TEXT line = text_copy_n(at, (size_t)(end - at));

		text_make_printable(line);
		(void)read_line(e, line);
	}
}

uint64_t entry_sum_of(const char *text)
{
	return text && *text ? sum_add(SUM_INIT, text, strlen(text)) : 0;
}

void entry_get_start(const struct entry *e, struct entry_start *start)
{
	*start = (struct entry_start){
		.arrived = e->arrived,
		.next = e->next,
		.is_held = e->is_held,
		.is_held_by_us = e->is_held && e->is_held_by_us,
		.is_warned = e->is_warned,
		.uid = e->uid,
		.account = entry_sum_of(e->account),
		.file = entry_sum_of(e->config),
	};
}

/* One line, which has to be this row's. What is behind it, or NULL. */
static const char *read_start_line(struct entry *e, const struct row *row, const char *at,
				   const char *text_end)
{
	const char *end = memchr(at, '\n', (size_t)(text_end - at)), *value;
	char line[START_LINE_MAX];

	if (!end || end - at >= (ptrdiff_t)sizeof(line))
		return NULL;
	snprintf(line, sizeof(line), "%.*s", (int)(end - at), at);
	value = codec_after(line, row->word);
	return value && read_row(e, row, value) ? end + 1 : NULL;
}

/* What may be there or not: the next line, if it is this one. */
static void read_more(struct entry *e, const char *at, const char *end)
{
	for (size_t i = START_LINES; at && i <= FILE_LINE; i++) {
		const char *next = read_start_line(e, &rows[i], at, end);

		at = next || i > START_LINES ? next : at;
	}
}

bool entry_read_start(struct entry_start *start, const char *text, size_t len)
{
	const char *at = text + sizeof(first_line) - 1, *end = text + len;
	struct entry e = { .uid = (uid_t)-1 };

	if (len < sizeof(first_line) - 1 ||
	    strncmp(text, first_line, sizeof(first_line) - 1) != 0)
		return false;
	for (size_t i = 0; at && i < START_LINES; i++)
		at = read_start_line(&e, &rows[i], at, end);
	read_more(&e, at, end);
	entry_get_start(&e, start);
	entry_free(&e);
	return at != NULL;
}
