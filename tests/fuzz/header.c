/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a header section: fields cover it, and each can be encoded lawfully. */
#include "fuzz.h"

#include <string.h>

#include "base/text.h"
#include "mail/header.h"
#include "mail/header_encode.h"
#include "mail/header_fold.h"
#include "mail/mime_type.h"
#include "mail/qualify.h"

static void check_encoded(const struct field *field, bool keeps_utf8)
{
	OWNED_BUF out = BUF_INIT(64 * 1024 * 1024), again = BUF_INIT(64 * 1024 * 1024);
	struct error err = { 0 };
	struct field first;
	size_t at = 0;

	if (!field_encode(field, keeps_utf8, &out, &err)) {
		MUST(err.kind == ERROR_DATA && err.text[0]);
		return;
	}
	MUST(!memchr(out.text, '\0', out.len) && header_next(&out, &at, &first));
	if (at < out.len)	/* what was lost of it stands before it */
		MUST(!strncmp(first.start, "Downgraded-", 11) && header_next(&out, &at, &first));
	MUST(at == out.len && field_encode(&first, keeps_utf8, &again, &err));
	if (!field_must_encode(&first, keeps_utf8))
		MUST(first.len == again.len && !memcmp(first.start, again.text, again.len));
	else if (field_is_bad(&first, keeps_utf8))	/* An address may keep bytes over 127. */
		MUST(memchr(first.start, '@', first.len) || memchr(first.start, '<', first.len));
}

static void check_field(const struct field *field)
{
	const struct qualifier q = { .domain = "host.example.org" };
	OWNED_BUF out = BUF_INIT(64 * 1024 * 1024);
	OWNED_TEXT text = field_text(field);

	MUST(field->name_len && field->body > field->start);
	MUST(field->body + field->body_len <= field->start + field->len);
	MUST(!strpbrk(text, "\r\n"));
	check_encoded(field, false);
	check_encoded(field, true);
	(void)field_qualify(field, &q, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_MESSAGE m;
	struct mime_type type;
	struct field field;
	size_t at = 0, sum = 0;

	if (!fuzz_read(&m, data, size, false))
		return 0;
	for (; header_next(&m.header, &at, &field); sum += field.len)
		check_field(&field);
	MUST(sum == m.header.len && at == sum);
	mime_type_read(&type, &m.header, size & 1);
	MUST((type.kind == MIME_MULTIPART) == (type.boundary != NULL));
	mime_type_free(&type);
	return 0;
}
