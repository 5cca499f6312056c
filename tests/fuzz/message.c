/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a message: what goes over the wire has no line end but CRLF, and what is
 * known of it is true. The first byte says whether a lone dot ends it.
 */
#include "fuzz.h"

#include <string.h>

#include "base/text.h"
#include "mail/submission.h"

static size_t longest_line(const struct buf *wire)
{
	size_t longest = 0, len = 0;

	for (size_t i = 0; i < wire->len; i++) {
		bool is_end = wire->text[i] == '\r';

		MUST((wire->text[i] == '\n') == (i > 0 && wire->text[i - 1] == '\r'));
		if (wire->text[i] == '\n')
			continue;
		len = is_end ? 0 : len + 1;
		longest = len > longest ? len : longest;
	}
	MUST(wire->len >= 2 && wire->text[wire->len - 1] == '\n');
	return longest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_MESSAGE m;
	OWNED_BUF wire = BUF_INIT(1);
	OWNED_PEOPLE to = { .aliases = NULL };
	struct address author = { 0 };
	struct error err = { 0 };

	message_init(&m);
	if (size == 0 || !fuzz_read(&m, data + 1, size - 1, data[0] & 1))
		return 0;
	wire = fuzz_wire(&m);
	MUST(longest_line(&wire) <= m.longest_line);
	MUST(m.has_nul == (memchr(wire.text, '\0', wire.len) != NULL));
	MUST((m.header_is_8bit || m.body_is_8bit) == text_has_8bit(wire.text, wire.len));
	if (!submission_recipients(&m, &to, &err))
		MUST(err.kind == ERROR_DATA && err.text[0]);
	submission_author(&m, NULL, &author);
	MUST(author.mailbox);
	address_free(&author);
	return 0;
}
