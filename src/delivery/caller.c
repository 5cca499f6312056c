/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who has called follows from the number of the user, and not from the environment, in
 * which anybody can write any LOGNAME. Who has logged in to the daemon has a name but
 * no user here.
 */
#include "delivery/caller.h"

#include <pwd.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "net/net.h"

enum { NAME_MAX_BYTES = 256, MAILBOX_MAX = 512 };

char *caller_login(const struct caller *c)
{
	const struct passwd *user;

	if (c->login)
		return text_copy(c->login);
	user = getpwuid(c->uid);
	return user ? text_copy(user->pw_name) : NULL;
}

char *caller_mailbox(const struct caller *c)
{
	OWNED_TEXT host = net_mail_name();
	OWNED_TEXT login = caller_login(c);
	OWNED_BUF mailbox = BUF_INIT(MAILBOX_MAX);

	if (login)
		buf_addf(&mailbox, "%s@%s", login, host);
	else
		buf_addf(&mailbox, "uid%ld@%s", (long)c->uid, host);
	return buf_take(&mailbox);
}

/* The name field of gecos; "&" stands for the login name, capitalised (passwd(5)). */
static char *gecos_name(uid_t uid)
{
	const struct passwd *user = getpwuid(uid);
	OWNED_BUF name = BUF_INIT(NAME_MAX_BYTES);

	for (const char *c = user && user->pw_gecos ? user->pw_gecos : ""; *c && *c != ','; c++) {
		if (*c != '&') {
			buf_add_char(&name, *c);
			continue;
		}
		buf_add(&name, user->pw_name);
		if (name.len > strlen(user->pw_name) || !user->pw_name[0])
			continue;
		if (name.text[0] >= 'a' && name.text[0] <= 'z')
			name.text[0] = (char)(name.text[0] - 'a' + 'A');
	}
	return buf_take(&name);
}

char *caller_full_name(const struct caller *c)
{
	if (c->full_name && !text_has_control(c->full_name))
		return text_copy(c->full_name);
	return gecos_name(c->uid);
}
