/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any message for any server: what comes out is lawful, once is enough, and the pieces of
 * a message are the message. The first byte says what the server takes.
 */
#include "fuzz.h"

#include <string.h>

#include "base/text.h"
#include "mail/header.h"
#include "mail/header_encode.h"
#include "mail/header_fold.h"
#include "mail/mime.h"
#include "mail/mime_parts.h"

struct collector {
	struct mime_visitor visitor;
	struct buf all;
	bool is_exact;		/* nothing was left out or put in */
};

static bool collect(struct mime_visitor *visitor, const struct mime_piece *piece,
		    struct error *err)
{
	struct collector *c = (struct collector *)visitor;

	(void)err;
	if (piece->kind == MIME_HEADER) {
		const struct buf *header = piece->part->header;

		buf_add_bytes(&c->all, buf_text(header), header->len);
		if (piece->part->has_blank)
			buf_add(&c->all, "\r\n");
	} else if (piece->len) {
		buf_add_bytes(&c->all, piece->bytes, piece->len);
		if (piece->kind == MIME_DELIMITER && piece->len > 990)
			c->is_exact = false;
	}
	return true;
}

/* But for empty lines that were missing behind a header. */
static void check_pieces(const struct message *m, const struct buf *wire)
{
	struct collector c = { { collect }, BUF_INIT(64 * 1024 * 1024), true };
	struct error err = { 0 };

	if (mime_parts_walk(m, &c.visitor, &err) && c.is_exact) {
		size_t i = 0;

		for (size_t j = 0; j < c.all.len; ) {
			if (i < wire->len && c.all.text[j] == wire->text[i]) {
				i++;
				j++;
				continue;
			}
			MUST(c.all.len - j >= 2 && !memcmp(c.all.text + j, "\r\n", 2));
			j += 2;
		}
		MUST(i == wire->len);
	}
	buf_free(&c.all);
}

/* An address may keep its bytes over 127. */
static void check_header(const struct message *out, const struct mime_limits *limits)
{
	struct field field;

	for (size_t at = 0; header_next(&out->header, &at, &field); ) {
		MUST(!memchr(field.start, '\0', field.len));
		MUST(limits->utf8_header || !text_has_8bit(field.start, field.len) ||
		     memchr(field.body, '@', field.body_len) ||
		     memchr(field.body, '<', field.body_len));
	}
}

static bool is_settled(const struct message *out, const struct mime_limits *limits)
{
	struct field field;

	for (size_t at = 0; header_next(&out->header, &at, &field); )
		if (field_must_encode(&field, limits->utf8_header))
			return false;
	/* Of a line without a place for a fold each half is looked at anew. */
	return out->longest_line <= LINE_MAX_BYTES &&
	       (limits->eightbit || !out->body_is_8bit);
}

/* Those of message/rfc822 may be 8-bit. */
static bool has_addresses(const struct message *out)
{
	return memchr(buf_text(&out->body), '@', out->body.len) ||
	       memchr(buf_text(&out->body), '<', out->body.len);
}

static void check(const struct message *m, const struct mime_limits *limits)
{
	OWNED_MESSAGE out, again;
	OWNED_BUF first = BUF_INIT(1), second = BUF_INIT(1);
	struct error err = { 0 };

	message_init(&again);
	if (!mime_convert(m, limits, &out, &err)) {
		MUST(err.kind == ERROR_DATA && err.text[0]);
		return;
	}
	first = fuzz_wire(&out);
	check_header(&out, limits);
	/* A header may have what cannot be folded. */
	MUST(!out.has_nul && (out.longest_line <= LINE_MAX_BYTES ||
			      m->longest_line > LINE_MAX_BYTES));
	MUST(limits->eightbit || !out.body_is_8bit || has_addresses(&out));
	if (!is_settled(&out, limits))
		return;
	if (!mime_convert(&out, limits, &again, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	second = fuzz_wire(&again);
	MUST(first.len == second.len && !memcmp(first.text, second.text, first.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_MESSAGE m;
	struct mime_limits limits;

	message_init(&m);
	if (size == 0)
		return 0;
	limits.utf8_header = (data[0] & 3) == 3;
	limits.eightbit = (data[0] & 3) >= 2;
	if (fuzz_read(&m, data + 1, size - 1, false)) {
		OWNED_BUF wire = fuzz_wire(&m);

		check_pieces(&m, &wire);
		check(&m, &limits);
		if (!mime_must_convert(&m, &limits)) {
			MUST(!m.has_nul && m.longest_line <= LINE_MAX_BYTES);
			MUST(limits.eightbit || !m.body_is_8bit);
		}
	}
	return 0;
}
