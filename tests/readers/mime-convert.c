/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mime-convert 7bit|8bit|utf8: the message on standard input as it goes to a server that
 * takes no more than that; 1 and the reason when it cannot. For tests/readers/mime-decoded.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mail/mime.h"

static bool convert(const struct mime_limits *limits, struct error *err)
{
	OWNED_MESSAGE m, changed;
	const struct message *out = &m;
	char piece[16 * 1024];
	uint64_t at = 0;
	ssize_t n;

	message_init(&m);
	message_init(&changed);
	if (!message_read(&m, STDIN_FILENO, ENDS_WITH_INPUT, 0, err))
		return false;
	if (mime_must_convert(&m, limits)) {
		if (!mime_convert(&m, limits, &changed, err))
			return false;
		out = &changed;
	}
	while ((n = message_get(out, &at, piece, sizeof(piece), err)) > 0)
		fwrite(piece, 1, (size_t)n, stdout);
	return n == 0;
}

int main(int argc, char **argv)
{
	const char *takes = argc > 1 ? argv[1] : "";
	const struct mime_limits limits = {
		.eightbit = strcmp(takes, "7bit") != 0,
		.utf8_header = !strcmp(takes, "utf8"),
	};
	struct error err = { 0 };

	if (convert(&limits, &err))
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return 1;
}
