/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keyring, by a program of its own: libsecret brings GLib and D-Bus with it, which
 * have no place in a process that mostly sends without them, perhaps as root. It may
 * hang, so it is killed in the end.
 */
#include "secret/keyring.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/language.h"
#include "base/process.h"
#include "secret/file.h"
#include "secret/keyring_helper.h"

enum {
	KILL_SECONDS = KEYRING_TOTAL_SECONDS + KEYRING_GRACE_SECONDS,
	ATTRIBUTE_LIMIT = 4096,
	NO_PROGRAM = 127, /* process_run()'s word for it */
};

#ifdef HAVE_KEYRING_HELPER
static const char *helper = ACSMTP_HELPERS "/keyring";
#else
static const char *helper;
#endif

/* What each end of the helper means, besides the sentence that it says. */
static const struct keyring_meaning {
	int end;
	enum error_kind kind;
	bool passes; /* other sources may have the secret */
	const char *advice;
} meanings[] = {
	{ KEYRING_NO_BUS, ERROR_SECRET, true,
	  N_("log in to the desktop, or set password, password_file or password_command") },
	{ KEYRING_NO_SERVICE, ERROR_SECRET, true,
	  N_("start one such as gnome-keyring, or set password, password_file or password_command") },
	{ KEYRING_LOCKED, ERROR_SECRET, false, N_("unlock it and try again") },
	{ KEYRING_DISMISSED, ERROR_SECRET, false, N_("unlock it and try again") },
	{ KEYRING_CLOSED, ERROR_SECRET, true, N_("unlock it and try again") },
	{ KEYRING_NO_MATCH, ERROR_CONFIG, true, N_("store it with `acsmtp password set`") },
	{ KEYRING_SEVERAL, ERROR_CONFIG, false,
	  N_("run `acsmtp password set` to store the one to use") },
	{ KEYRING_NO_ANSWER, ERROR_SECRET, true, N_("try again when it answers") },
	{ KEYRING_FAILED, ERROR_SECRET, true, NULL },
	{ NO_PROGRAM, ERROR_UNAVAILABLE, true,
	  N_("install it: it may come in a package of its own") },
};

bool keyring_is_built(void)
{
	return helper != NULL;
}

void keyring_use_helper(const char *path)
{
	helper = path;
}

struct keyring_call {
	const char *command;
	bool may_prompt, passes;
	struct process process;
};

/*
 * "passes" decides between two mistakes: to stop where another source has the password,
 * or to take another's while the right one is only locked.
 */
static bool judge(struct keyring_call *call, struct error *err)
{
	const struct process *p = &call->process;

	for (size_t i = 0; i < COUNT_OF(meanings); i++) {
		const struct keyring_meaning *m = &meanings[i];

		if (m->end != p->status)
			continue;
		call->passes = m->passes;
		if (m->end == NO_PROGRAM)
			error_set(err, m->kind,
				  "the helper for the keyring is not installed: %s",
				  helper);
		else
			error_set(err, m->kind, "%s", p->complaint);
		return m->advice ? error_advise(err, m->advice) : false;
	}
	return p->status == KEYRING_OK ||
	       error_set(err, ERROR_BUG,
			 "the helper for the keyring ended with status %d: %s", p->status,
			 p->complaint);
}

/* "NAME=VALUE", which the caller frees. */
static char *attribute(const char *name, const char *value)
{
	struct buf text = BUF_INIT(ATTRIBUTE_LIMIT);

	buf_addf(&text, "%s=%s", name, value);
	return buf_take(&text);
}

/*
 * The words on the helper's command line are seen by everybody: they say for whom a
 * secret is wanted. The secret itself goes through a pipe.
 */
static bool run(struct keyring_call *call, const struct secret_place *place, struct error *err)
{
	OWNED_TEXT account = attribute("account", place->account);
	OWNED_TEXT host = attribute("host", place->host);
	OWNED_TEXT user = attribute("user", place->user);
	char port[32];
	const char *const argv[] = {
		helper,
		call->command,
		account,
		host,
		port,
		user,
		call->may_prompt ? NULL : "--no-prompt",
		NULL,
	};

	call->passes = true;
	if (!helper) {
		error_set(err, ERROR_UNAVAILABLE,
			  "this acsmtp was built without the keyring");
		return error_advise(
			err, "set password_file or password_command, or build it with "
			     "libsecret");
	}
	snprintf(port, sizeof(port), "port=%ld", place->port);
	call->process.argv = argv;
	call->process.seconds = KILL_SECONDS;
	if (!process_run(&call->process, err)) {
		/*
		 * What it has is not known, and nobody else's secret may be taken for it.
		 */
		call->passes = !error_is_lack(err);
		return error_context(err, "the helper for the keyring");
	}
	return judge(call, err);
}

bool keyring_lookup(const struct secret_place *place, bool may_prompt,
		    struct secret *secret, bool *passes, struct error *err)
{
	struct keyring_call call = { .command = "lookup", .may_prompt = may_prompt };
	bool ok;

	secret_make_room(secret);
	call.process.output = secret->bytes;
	call.process.size = SECRET_MAX + 1;
	ok = run(&call, place, err);
	*passes = call.passes;
	if (ok && !secret_keep_first_line(secret, call.process.len))
		ok = error_set(err, ERROR_SECRET, "its first line is longer than %d bytes",
			       SECRET_MAX);
	if (!ok)
		secret_free(secret);
	return ok;
}

/*
 * Whether one would take a secret is told by its answering at all, even that it has none
 * or is locked: nothing is stored to find out.
 */
bool keyring_is_there(const struct secret_place *place, struct error *err)
{
	static const int answers[] = { KEYRING_OK, KEYRING_NO_MATCH, KEYRING_SEVERAL,
				       KEYRING_LOCKED, KEYRING_CLOSED };
	OWNED_SECRET found = { 0 };
	struct keyring_call call = { .command = "lookup", .process = { .status = -1 } };

	secret_make_room(&found);
	call.process.output = found.bytes;
	call.process.size = SECRET_MAX + 1;
	if (run(&call, place, err))
		return true;
	if (err->kind == ERROR_UNAVAILABLE)	/* it was not asked */
		return false;
	for (size_t i = 0; i < COUNT_OF(answers); i++)
		if (call.process.status == answers[i])
			return true;
	return false;
}

bool keyring_store(const struct secret_place *place, const struct secret *secret,
		   struct error *err)
{
	struct keyring_call call = {
		.command = "store",
		.may_prompt = true,
		.process = { .input = secret->bytes, .input_len = secret->len },
	};

	return run(&call, place, err);
}

bool keyring_clear(const struct secret_place *place, struct error *err)
{
	struct keyring_call call = { .command = "clear", .may_prompt = true };

	return run(&call, place, err);
}
