/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The message in large pieces, after DATA with each dot at a line's beginning doubled
 * (RFC 5321 section 4.5.2), after BDAT as it is (RFC 3030). Until its last bytes nobody
 * can have it; before these the witness writes down that somebody may.
 */
#include "smtp/body.h"

#include <inttypes.h>
#include <string.h>


enum { PIECE = 64 * 1024 };	/* four full TLS records (RFC 8446 section 5.1) */

static bool write_piece(struct session *s, const char *bytes, size_t len, struct error *err)
{
	session_set_deadline(s);
	return s->wire->write(s->wire, bytes, len, err);
}

/* Where the next line begins with a dot, at or after `at`; NULL: nowhere. */
static const char *next_dot(const char *at, const char *end, bool at_line_start)
{
	const char *found;

	if (at_line_start && at < end && *at == '.')
		return at;
	found = memmem(at, (size_t)(end - at), "\n.", 2);
	return found ? found + 1 : NULL;
}

/* Appends a piece of the message with a second dot before each that begins a line. */
static void add_dotted(struct buf *out, const char *bytes, size_t len, bool at_line_start)
{
	const char *at = bytes, *end = bytes + len, *dot;

	while ((dot = next_dot(at, end, at_line_start))) {
		buf_add_bytes(out, at, (size_t)(dot - at));
		buf_add(out, "..");
		at = dot + 1;
		at_line_start = false;
	}
	buf_add_bytes(out, at, (size_t)(end - at));
}

bool body_send_dotted(struct session *s, const struct message *m, struct error *err)
{
	/*
	 * Less than one piece is left over, and a message of lone dots grows by a third.
	 */
	OWNED_BUF out = BUF_INIT(3 * PIECE);
	char *piece = xmalloc(PIECE);
	OWNED_TEXT owner = piece;
	bool at_line_start = true;
	uint64_t at = 0;
	ssize_t n;

	(void)owner;
	while ((n = message_get(m, &at, piece, PIECE, err)) > 0) {
		add_dotted(&out, piece, (size_t)n, at_line_start);
		at_line_start = piece[n - 1] == '\n';
		while (out.len >= PIECE) {
			if (!write_piece(s, out.text, PIECE, err))
				return false;
			memmove(out.text, out.text + PIECE, out.len - PIECE);
			out.len -= PIECE;
		}
	}
	if (n < 0)
		return false;
	/*
	 * The dot leaves with the last bytes, and not before it is on the disk that it
	 * may.
	 */
	buf_add(&out, ".\r\n");
	return session_at_brink(s, err) && write_piece(s, out.text, out.len, err);
}

bool body_send_chunk(struct session *s, const struct message *m, struct error *err)
{
	OWNED_BUF out = BUF_INIT(FLIGHT_MAX + COMMAND_MAX + PIECE);
	uint64_t at = 0, size = message_size(m);
	ssize_t n;

	if (!session_say(s, err, "BDAT %" PRIu64 " LAST", size))
		return false;
	buf_add_bytes(&out, s->out.text, s->out.len);
	buf_clear(&s->out);
	do {
		char *place = buf_reserve(&out, PIECE);

		n = message_get(m, &at, place, PIECE, err);
		if (n < 0)
			return false;
		out.len += (size_t)n;
		/* The last byte of the chunk is what the dot is elsewhere. */
		if ((at == size && !session_at_brink(s, err)) ||
		    !write_piece(s, out.text, out.len, err))
			return false;
		buf_clear(&out);
	} while (at < size && n > 0);
	return true;
}
