/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dry run goes the whole way but for the server, so what stands here is what would have
 * been sent, to the byte but for the ends of lines.
 */
#include "sendmail/dry_run.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/language.h"
#include "delivery/route.h"
#include "talk/say.h"

enum { ROUTE_MAX = 4000 };	/* bytes */

static bool show_message(const struct message *m, struct error *err)
{
	char bytes[16 * 1024];
	uint64_t at = 0;
	ssize_t n;

	while ((n = message_get(m, &at, bytes, sizeof(bytes), err)) > 0)
		for (ssize_t i = 0; i < n; i++)
			if (bytes[i] != '\r')	/* only ever before LF: message_read saw to it */
				putchar(bytes[i]);
	return n == 0;
}

void dry_run_show_account(const struct account *account, const char *why)
{
	static const char *const tls[] = {
		[TLS_STARTTLS] = "starttls", [TLS_IMPLICIT] = "implicit", [TLS_OFF] = "off",
	};

	OWNED_BUF route = BUF_INIT(ROUTE_MAX);
	OWNED_TEXT server = account_server(account);

	printf(_("account: %s (%s)\n"), account->name, tr(why));
	if (account->daemon) {
		printf(_("server: the daemon at %s\n"), account->host);
		return;
	}
	printf(_("server: %s, tls = %s, user = %s\n"), server, tls[account->tls], account->user);
	route_text(account, &route);
	printf(_("route: %s\n"), buf_text(&route));
}

bool dry_run_show(const struct account *account, const char *why,
		  const struct envelope *e, const struct message *m, struct error *err)
{
	dry_run_show_account(account, why);
	printf("sender: <%s>\n", e->sender);
	for (size_t i = 0; i < e->count; i++) {
		const struct recipient *r = &e->recipients[i];

		struct error refusal = { .text = "" };

		if (r->why)
			recipient_reason(r, &refusal);
		printf("%s: <%s>%s%s\n", r->why ? "refused" : "recipient", r->mailbox,
		       r->why ? ": " : "", refusal.text);
	}
	printf("size: %" PRIu64 " bytes\n\n", message_size(m));
	return show_message(m, err) && say_end(err);
}
