/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file of a login, by server, port and user, which is what a server counts by; two
 * accounts with one login share it. Other characters than plain ones are escaped, so
 * that no two logins have one name and none leads out of the directory.
 */
#include "spool/state_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/sum.h"

enum { PLAIN_MAX = 200 };	/* bytes of a name that needs no sum */

static void add_part(struct buf *b, const char *part, bool ignores_case)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_-+@.";

	for (const char *at = part; *at; at++) {
		bool is_capital = *at >= 'A' && *at <= 'Z';
		char c = ignores_case && is_capital ? (char)(*at - 'A' + 'a') : *at;

		if (strchr(plain, c) && !(c == '.' && b->len == 0))
			buf_add_char(b, c);
		else
			buf_addf(b, "%%%02X", (unsigned)(unsigned char)c);
	}
}

void state_file_name(const struct state_place *place, char name[STATE_NAME_SIZE])
{
	OWNED_BUF b = BUF_INIT(16 * 1024);

	add_part(&b, place->host, true);
	buf_addf(&b, ":%ld:", place->port);
	add_part(&b, place->user, false);
	if (b.len <= PLAIN_MAX && !buf_is_full(&b))
		snprintf(name, STATE_NAME_SIZE, "%s", buf_text(&b));
	else
		snprintf(name, STATE_NAME_SIZE, "%.*s~%016" PRIx64, PLAIN_MAX, buf_text(&b),
			 sum_add(sum_add(SUM_INIT, place->host, strlen(place->host) + 1),
				 place->user, strlen(place->user)));
}

bool state_file_name_before(const char *account, char name[STATE_NAME_SIZE])
{
	OWNED_BUF b = BUF_INIT(STATE_NAME_SIZE - 1);

	add_part(&b, account, false);
	snprintf(name, STATE_NAME_SIZE, "%s", buf_text(&b));
	return b.len > 0 && !buf_is_full(&b);
}
