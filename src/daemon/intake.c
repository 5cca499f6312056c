/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One message, from a session of the door onto the disk. A session may be in the hands
 * of whoever speaks to it. So its words are limited before they are read, an entry is
 * parsed as strictly as one from the disk, and what would have a consequence beyond
 * this message is set here.
 */
#include "daemon/intake.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sum.h"
#include "base/text.h"
#include "daemon/handover.h"
#include "smtp/domains.h"
#include "spool/resident.h"

enum { PIECE = 32 * 1024 };

/* --- what is announced */

struct announced {
	long entry, message;	/* bytes */
	uint64_t sum;
	bool is_left;		/* until the queue is run */
};

static bool take_number(const char **line, long least, long most, long *number)
{
	const size_t len = text_item(line, " ");
	OWNED_TEXT word = text_copy_n(*line, len);

	*line += len;
	return text_to_number(word, least, most, number);
}

static bool take_sum(const char *word, uint64_t *sum)
{
	enum { DIGITS = 16 };

	*sum = strtoull(word, NULL, 16);
	return strlen(word) == DIGITS && strspn(word, "0123456789abcdef") == DIGITS;
}

/* Numbers are digits alone, and none is larger than its type. */
static bool read_announcement(const char *line, struct announced *a)
{
	a->is_left = text_after(line, "LEAVE ") != NULL;
	line += strlen(a->is_left ? "LEAVE " : "ADD ");
	return take_number(&line, 1, ENTRY_TEXT_MAX, &a->entry) &&
	       take_number(&line, 0, LONG_MAX, &a->message) &&
	       *line == ' ' && take_sum(line + 1, &a->sum);
}

/*
 * The session has asked that of its client; but it may have been taken over, or be older
 * than the settings. The header may have grown in its hands.
 */
static bool is_small_enough(const struct intake_desk *desk, uint64_t len, struct error *err)
{
	if (desk->largest == 0 || len <= desk->largest + HEADER_MAX)
		return true;
	error_set(err, ERROR_DATA, "the message is larger than the %" PRIu64
		  " bytes that are taken here", desk->largest);
	err->number = EFBIG;
	return false;
}

/* --- what comes */

/*
 * What a door says of itself is taken, as little as that means; what would make the
 * keeper do something is not: the file of settings, for that names commands.
 */
static void set_what_is_ours(struct entry *e, const struct intake_desk *desk)
{
	id_new(e->id);
	free(e->config);
	e->config = queue_config_path(desk->config);
	e->arrived = e->next = time(NULL);
	e->attempts = 0;
	e->is_report = e->is_warned = e->is_in_doubt = e->is_held_by_us = false;
	free(e->held_by);
	e->held_by = NULL;
	free(e->why);
	e->why = NULL;
	for (size_t i = 0; i < e->envelope.count; i++)
		e->envelope.recipients[i].verdict = VERDICT_NONE;
}

static bool read_entry(int door, size_t len, struct entry *entry, struct error *err)
{
	char *text = xcalloc(1, len + 1);
	bool ok = handover_read(door, text, len, HANDOVER_PATIENCE) &&
		  entry_read(entry, text, len, err);

	free(text);
	return ok;
}

/* All of it is read, whatever becomes of it; false: not even that. */
static bool read_message(int door, const struct announced *a, struct message *m, bool *is_whole,
			 struct error *err)
{
	struct message_intake *in = message_intake_begin(m, 0);
	uint64_t left = (uint64_t)a->message, seen = SUM_INIT;
	char piece[PIECE];
	bool ok = true;

	while (left > 0) {
		size_t n = left < sizeof(piece) ? (size_t)left : sizeof(piece);

		if (!handover_read(door, piece, n, HANDOVER_PATIENCE)) {
			message_intake_abandon(in);
			return false;
		}
		seen = sum_add(seen, piece, n);
		ok = ok && message_intake_add(in, piece, n, err);
		left -= n;
	}
	if (ok)
		ok = message_intake_end(in, err);
	else
		message_intake_abandon(in);
	/*
	 * Against bugs and broken memory, not against malice: who gives the message
	 * gives the sum.
	 */
	*is_whole = ok && (seen == a->sum || error_set(err, ERROR_DATA, "the message is damaged"));
	return true;
}

/* Here and not in the session: behind its walls no library can be loaded for that. */
static bool make_domains_ascii(struct envelope *e, struct error *err)
{
	const struct recipient *refusal;

	if (!domains_to_ascii(e, err))
		return false;
	refusal = envelope_first_refusal(e);
	if (refusal)
		recipient_reason(refusal, err);
	return !refusal;
}

/* Whoever works on the queue is told; or that somebody has to begin. */
static void wake(const struct intake_desk *desk, const char *id)
{
	struct resident resident;
	struct error unheard;

	if (resident_look(&desk->queue->spool, &resident, &unheard) && resident.is_there)
		spool_announce(&desk->queue->spool, id);
	else
		desk->poke(desk->keeper);
}

static bool answer(int door, const struct entry *entry, bool ok, const struct error *err)
{
	char line[HANDOVER_LINE_MAX];

	if (ok)
		snprintf(line, sizeof(line), "ADDED %s\n", entry->id);
	else
		handover_refusal(line, err);
	return write_patiently(door, line, strlen(line), HANDOVER_PATIENCE * 1000);
}

static void log_not_taken(const struct entry *entry, const struct error *err)
{
	const struct log_fact facts[] = {
		{ "uid", LOG_NUMBER, .number = entry->uid },
		{ "error", LOG_WORD, .text = err->text },
	};

	log_facts(true, entry->id, "not taken", facts, COUNT_OF(facts));
}

bool intake_take(const struct intake_desk *desk, int door, const char *line)
{
	OWNED_ENTRY entry = { .id = "" };
	OWNED_MESSAGE m;
	struct error err = { 0 };
	struct announced announced;
	bool ok, is_whole, is_heard;

	message_init(&m);
	if (!read_announcement(line, &announced)) {
		log_problem("a session of the door announced what is no message");
		return false;
	}
	if (!is_small_enough(desk, (uint64_t)announced.message, &err)) {
		log_problem("a session of the door announced too much: %s", err.text);
		(void)answer(door, &entry, false, &err);
		return false;
	}
	/*
	 * What cannot be read as announced ends the connection: where the next line
	 * begins is not known any more. What can be read but is refused gets an answer.
	 */
	if (!read_entry(door, (size_t)announced.entry, &entry, &err)) {
		log_problem("a session of the door gave what is no entry: %s", err.text);
		return false;
	}
	if (!read_message(door, &announced, &m, &is_whole, &err))
		return false;
	set_what_is_ours(&entry, desk);
	if (is_whole && entry.envelope.count == 0)
		is_whole = error_set(&err, ERROR_DATA, "it is for nobody");
	is_whole = is_whole && make_domains_ascii(&entry.envelope, &err);
	ok = is_whole && spool_add(&desk->queue->spool, &entry, &m, &err);
	if (!ok)
		log_not_taken(&entry, &err);
	/* The client waits for it, and the mail can wait a moment; it is on the disk. */
	is_heard = answer(door, &entry, ok, &err);
	if (ok && !entry.is_held && !announced.is_left)
		wake(desk, entry.id);
	return is_heard;
}
