/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a password or a token comes from: one table, in order. */
#ifndef SECRET_SOURCE_H
#define SECRET_SOURCE_H

#include "base/error.h"
#include "base/secret.h"
#include "secret/keyring.h"
#include "secret/token.h"

/*
 * Reads the password that stands among the settings; ERROR_CONFIG, ERROR_IO, ERROR_LATER.
 */
typedef bool password_reader(const void *settings, struct secret *password,
			     struct error *err);

/* Puts another one in its place there. */
typedef bool password_writer(const void *settings, const struct secret *password,
			     struct error *err);

/*
 * How the person who waits is asked. Whoever knows where that is says it: here nobody
 * looks for a terminal of his own accord.
 */
struct asker {
	/* False, and errno_is_lack(errno): it cannot be found out now. */
	bool (*is_there)(void);
	/* A line, without echo, within so many seconds; ERROR_SECRET. */
	bool (*ask)(const char *question, int seconds, struct secret *secret,
		    struct error *err);
};

struct secret_request { /* "" or NULL: not set */
	password_reader *password;
	password_writer *keep_password; /* whether or not there is one; NULL: it cannot */
	const void *settings; /* for both, borrowed */
	const char *password_file, *password_command, *token_command;
	const char *password_file_by; /* the variable that names it, for errors */
	struct secret_place place;
	bool keyring; /* it may be asked */
	const struct asker *asker; /* NULL: nobody waits, not even for a prompt of the keyring */
	bool wants_token; /* XOAUTH2, OAUTHBEARER */
	struct token_request token; /* where they come from, before all else; no source: nowhere */
};

/*
 * Finds the secret: its first line, without line end. *source is what it came from, in
 * words for people ("password_file"). The first source that is set decides, even if it
 * fails; the keyring passes on to those behind it when it cannot tell. ERROR_CONFIG when
 * no source has it, with why not, or a file is readable by others; ERROR_SECRET when a
 * command fails, takes over 30 seconds, prints nothing or more than SECRET_MAX, and when
 * the keyring may have it but cannot be asked now. Tokens are not fetched here:
 * secret/find.h.
 */
bool source_find(const struct secret_request *request, struct secret *secret,
		 const char **source, struct error *err);

/*
 * Where a new secret is to go, so that the request finds it: what it is called, and
 * *detail where it is, or NULL with the reason. Nothing is changed.
 */
const char *source_home(const struct secret_request *request, char *detail,
			struct error *err);

/* Puts it there. ERROR_CREATE, ERROR_IO, ERROR_CONFIG, and those of the keyring. */
bool source_keep(const struct secret_request *request, const char *home,
		 const struct secret *secret, struct error *err);

enum source_state {
	SOURCE_NOT_SET,	 /* it has nothing, `detail` says why */
	SOURCE_SET,	 /* it decides, unless one before it does; `detail` says where */
	SOURCE_IS_ASKED, /* only asking would tell */
};

enum { SOURCE_DETAIL_SIZE = 256 };

struct source_line {
	const char *name;
	enum source_state state;
	char detail[SOURCE_DETAIL_SIZE]; /* "" where there is nothing to say */
	bool is_command;	/* the detail is a command line, which may hold the secret itself */
};

/*
 * The sources that such a request may use, counted from 0, in the order in which they are
 * asked. No command is run, nobody is asked, no bus is spoken to. False: no more.
 */
bool source_at(const struct secret_request *request, size_t i,
		   struct source_line *line);

#endif
