/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One question at a time, until its answer will do. */
#include "setup/answers.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/language.h"
#include "base/text.h"
#include "service/service.h"

const struct service *setup_service(const struct setup *s)
{
	return service_named(draft_value(&s->draft, "service"));
}

enum { ANSWER_MAX = 1000 };

/* --- the terminal */

/*
 * A terminal hands out a line at a time; what does not fit comes next, and is not wanted.
 */
static bool read_line(struct setup *s, struct buf *line, struct error *err)
{
	char block[ANSWER_MAX + 2];
	ssize_t n;

	fflush(stdout);
	do {
		n = read_some(STDIN_FILENO, block, sizeof(block));
		if (n <= 0) {
			s->has_ended = true;
			putchar('\n');
			return error_set(err, ERROR_UNAVAILABLE,
					 "not finished: the answers ended");
		}
		buf_add_bytes(line, block, (size_t)n);
	} while (block[n - 1] != '\n');
	return true;
}

/* The line without what stands around the answer. */
static char *trim(const char *line)
{
	size_t len;

	line += strspn(line, " \t\r\n");
	len = strlen(line);
	while (len > 0 && strchr(" \t\r\n", line[len - 1]))
		len--;
	return text_copy_n(line, len);
}

/* The caller frees it. NULL: none, or none that can be used. */
static char *read_answer(struct setup *s, struct error *err)
{
	OWNED_BUF line = BUF_INIT(ANSWER_MAX);

	if (!read_line(s, &line, err))
		return NULL;
	if (!buf_is_full(&line) && strlen(buf_text(&line)) == line.len)
		return trim(buf_text(&line));
	if (buf_is_full(&line))
		error_set(err, ERROR_CONFIG, "longer than %d bytes", ANSWER_MAX);
	else
		error_set(err, ERROR_CONFIG, "a control character stands in it");
	return NULL;
}

void setup_say(const struct error *err)
{
	OWNED_TEXT text = text_copy(error_words(err));

	text_make_printable(text);
	if (err->advice)
		printf(_("! %s; %s\n"), text, tr(err->advice));
	else
		printf("! %s\n", text);
}

bool setup_confirm(struct setup *s, const char *question)
{
	OWNED_TEXT answer = NULL;
	struct error err;

	if (!s->is_attended)
		return false;
	printf("%s [y/N]: ", tr(question));
	answer = read_answer(s, &err);
	return answer && (text_is(answer, "y") || text_is(answer, "yes"));
}

/* --- answers */

static bool is_overruled(const struct setup *s, const struct question *q)
{
	return q->overruled_by == OVERRULE_REPLACE ? s->flags.replace : s->flags.yes;
}

/* What is doubtful is wrong, unless its owner says otherwise. */
static bool settle_doubt(struct setup *s, const struct question *q, struct error *err)
{
	const char *doubt = q->doubt ? q->doubt(s) : NULL;

	if (!doubt || is_overruled(s, q))
		return true;
	s->has_said_doubt = s->is_attended;
	if (s->is_attended)
		printf("! %s\n", tr(doubt));
	if (setup_confirm(s, q->overrule))
		return true;
	error_text(err, ERROR_CONFIG, doubt);
	return error_advise(err, q->overruled_by == OVERRULE_REPLACE
					 ? N_("--replace puts the new one in its place")
					 : N_("--yes takes it all the same"));
}

static bool take(struct setup *s, const struct question *q, const char *answer,
		 struct error *err)
{
	const char *remark;

	if (!*answer && !(q->may_be_empty && q->may_be_empty(s)))
		return error_set(err, ERROR_CONFIG, "an answer is needed");
	if (q->setting && !*answer)
		draft_unset(&s->draft, q->setting);
	else if (q->setting && !draft_set(&s->draft, q->setting, answer, err))
		return false;
	if ((q->take && !q->take(s, answer, err)) || !settle_doubt(s, q, err))
		return false;
	remark = s->is_attended && q->remark ? q->remark(s) : NULL;
	if (remark)
		puts(tr(remark));
	return true;
}

static struct service_question words_of(const struct setup *s, const struct question *q)
{
	if (!q->of_service)
		return (struct service_question){ q->title, q->explanation };
	return *(const struct service_question *)((const char *)setup_service(s) +
						  q->of_service);
}

static bool ask_person(struct setup *s, const struct question *q, const char *proposal,
		       struct error *err)
{
	const struct service_question words = words_of(s, q);

	printf("\n%s\n", tr(words.where));
	if (q->answer == ANSWER_USER && setup_service(s)->page)
		printf("%s\n", setup_service(s)->page);
	if (q->list)
		q->list();
	for (;;) {
		OWNED_TEXT answer = NULL;

		if (proposal && *proposal)
			printf("%s [%s]: ", tr(words.title), proposal);
		else
			printf("%s: ", tr(words.title));
		s->has_said_doubt = false;
		answer = read_answer(s, err);
		if (answer && take(s, q, *answer || !proposal ? answer : proposal, err))
			return true;
		if (s->has_ended)
			return false;
		if (!s->has_said_doubt)
			setup_say(err);
	}
}

bool setup_ask(struct setup *s, const struct question *q, struct error *err)
{
	const char *given = s->flags.answers[q->answer];
	const char *flag = s->flag_rows[q->answer].name;
	OWNED_TEXT proposal = NULL;

	if (given)
		return take(s, q, given, err) || error_context(err, "--%s", flag);
	if (q->is_known && q->is_known(s))
		return true;
	proposal = q->proposal ? q->proposal(s) : NULL;
	if (proposal && (!s->is_attended || s->flags.yes))
		return take(s, q, proposal, err) || error_context(err, "--%s", flag);
	if (s->is_attended)
		return ask_person(s, q, proposal, err);
	error_set(err, ERROR_USAGE, "--%s is missing", flag);
	return error_advise(err, "standard input is no terminal, so nothing is asked");
}
