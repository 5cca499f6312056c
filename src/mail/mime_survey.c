/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A plan is one byte, so that a hundred thousand parts cost no more than that. The limits
 * of the server are known here: what it takes as it is stays so, whatever its label says.
 */
#include "mail/mime_survey.h"

#include <string.h>

#include "base/text.h"
#include "mail/header_fold.h"
#include "mail/mime_parts.h"

/* A plan in one byte: how, and these. */
enum {
	HOW = 7, IS_8BIT = 8, IS_UTF8 = 16, IS_SIGNED = 32, IS_IMPOSSIBLE = 64, HAS_PARTS = 128,
};

static const char signed_text[] = "-----BEGIN PGP SIGNED MESSAGE-----";

struct surveyor {
	struct mime_visitor visitor;
	const struct mime_limits *limits;
	struct buf *plans;
	/* Of the content that is being read. */
	uint64_t bytes, bytes_8bit;
	size_t line, longest_line;
	bool has_nul, is_utf8, is_signed;
};

static void forget(struct surveyor *s)
{
	s->bytes = s->bytes_8bit = 0;
	s->line = s->longest_line = 0;
	s->has_nul = s->is_signed = false;
	s->is_utf8 = true;
}

static void look_at(struct surveyor *s, const char *bytes, size_t len)
{
	size_t count = 0;

	s->bytes += len;
	if (len == 2 && bytes[0] == '\r') {
		s->line = 0;
		return;
	}
	if (s->line == 0 && len >= sizeof(signed_text) - 1 &&
	    !memcmp(bytes, signed_text, sizeof(signed_text) - 1))
		s->is_signed = true;
	s->line += len;
	if (s->line > s->longest_line)
		s->longest_line = s->line;
	for (size_t i = 0; i < len; i++)
		count += (unsigned char)bytes[i] >> 7;
	s->bytes_8bit += count;
	s->is_utf8 = s->is_utf8 && (!count || text_is_utf8(bytes, len));
	s->has_nul = s->has_nul || memchr(bytes, '\0', len) != NULL;
}

static bool is_bad(const struct surveyor *s)
{
	return s->has_nul || s->longest_line > LINE_MAX_BYTES ||
	       (s->bytes_8bit && !s->limits->eightbit);
}

/*
 * Text stays legible in quoted-printable, which takes three bytes for one, as long as
 * base64 is not the shorter one by far.
 */
static enum transfer how_to_encode(const struct surveyor *s, const struct mime_type *type)
{
	if (type->encoding == MIME_QUOTED_PRINTABLE)
		return TRANSFER_MEND_QUOTED_PRINTABLE;
	if (type->encoding == MIME_BASE64)
		return TRANSFER_MEND_BASE64;
	if (type->kind == MIME_BINARY || s->has_nul || s->bytes_8bit > s->bytes / 4)
		return TRANSFER_BASE64;
	return TRANSFER_QUOTED_PRINTABLE;
}

static void decide(struct surveyor *s, const struct mime_part *part)
{
	unsigned plan = TRANSFER_AS_IS;

	if (is_bad(s) && (part->type.kind == MIME_UNENCODABLE ||
			  part->type.encoding == MIME_FOREIGN))
		plan = IS_IMPOSSIBLE;
	else if (is_bad(s))
		plan = how_to_encode(s, &part->type);
	plan |= s->bytes_8bit ? IS_8BIT : 0u;
	plan |= s->is_utf8 ? IS_UTF8 : 0u;
	plan |= s->is_signed ? IS_SIGNED : 0u;
	s->plans->text[part->number] = (char)plan;
}

static void add_to_plan(struct surveyor *s, size_t part, unsigned what)
{
	s->plans->text[part] = (char)((unsigned char)s->plans->text[part] | what);
}

/*
 * What stands between parts is for nobody, but where there are no parts it may be all of
 * the text: the type says that it is none, so no reader would decode it.
 */
static void look_outside(struct surveyor *s, const struct mime_piece *piece)
{
	if (memchr(piece->bytes, '\0', piece->len) ||
	    (!s->limits->eightbit && text_has_8bit(piece->bytes, piece->len)))
		add_to_plan(s, piece->of, IS_IMPOSSIBLE);
}

static bool visit(struct mime_visitor *visitor, const struct mime_piece *piece,
		  struct error *err)
{
	struct surveyor *s = (struct surveyor *)visitor;

	(void)err;
	if (piece->kind == MIME_HEADER) {
		/* Numbers have gaps where a delimiter follows another. */
		while (s->plans->len <= piece->part->number && !buf_is_full(s->plans))
			buf_add_char(s->plans, TRANSFER_AS_IS);
		forget(s);
	} else if (piece->kind == MIME_CONTENT) {
		look_at(s, piece->bytes, piece->len);
	} else if (piece->kind == MIME_CONTENT_END) {
		decide(s, piece->part);
	} else if (piece->kind == MIME_OUTSIDE) {
		look_outside(s, piece);
	} else if (piece->bytes[0] == '-') {	/* and not the line end before it */
		add_to_plan(s, piece->of, HAS_PARTS);
	}
	return true;
}

bool mime_survey_make(struct mime_survey *survey, const struct message *m,
		      const struct mime_limits *limits, struct error *err)
{
	struct surveyor s = { .visitor = { visit }, .limits = limits,
			      .plans = &survey->plans };

	*survey = (struct mime_survey){ .plans = BUF_INIT(MIME_PARTS_MAX) };
	return mime_parts_walk(m, &s.visitor, err);
}

struct mime_plan mime_survey_plan(const struct mime_survey *survey, size_t part)
{
	unsigned plan = (unsigned char)survey->plans.text[part];

	return (struct mime_plan){
		.how = plan & HOW, .is_8bit = plan & IS_8BIT, .is_utf8 = plan & IS_UTF8,
		.is_signed = plan & IS_SIGNED, .is_impossible = (plan & IS_IMPOSSIBLE) && !(plan & HAS_PARTS),
	};
}

void mime_survey_free(struct mime_survey *survey)
{
	buf_free(&survey->plans);
}
