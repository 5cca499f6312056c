/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * acsmtp setup: from what a person or a script answers to an account that works. The
 * questions are rows of one table in setup/questions.c; each has a flag.
 */
#ifndef SETUP_ANSWERS_H
#define SETUP_ANSWERS_H

#include "config/account.h"
#include "config/draft.h"
#include "secret/keyring.h"
#include "talk/command.h"

/* In the order of the flags in setup/setup.c. */
enum answer {
	ANSWER_SERVICE,
	ANSWER_REGION,
	ANSWER_HOST,
	ANSWER_PORT,
	ANSWER_USER,
	ANSWER_FROM,
	ANSWER_FROM_NAME,
	ANSWER_ACCOUNT,
	ANSWER_TOKEN,
	ANSWER_CLIENT_ID,
	ANSWER_TENANT,
	ANSWER_IDENTITY,
	ANSWER_CERTIFICATE_FILE,
	ANSWER_CLIENT_SECRET_FILE,
	ANSWER_TOKEN_COMMAND,
	ANSWER_KEEP,
	ANSWER_PASSWORD_FILE,
	ANSWER_PASSWORD_COMMAND,
	ANSWER_PASSWORD_EXPIRES,
	ANSWERS
};

/* Where the secret is kept; keep_word() in setup/questions.c has their names. */
enum keep { KEEP_KEYRING, KEEP_INI, KEEP_FILE, KEEP_COMMAND, KEEP_NOWHERE };

struct setup_flags {
	const char *answers[ANSWERS];	/* NULL: not given */
	const char *config;
	bool replace, yes, no_check;
};

struct setup {
	const struct flag *flag_rows;	/* the first ANSWERS of them are those of the answers */
	struct setup_flags flags;
	bool is_attended;	/* somebody is at a terminal */
	bool has_ended;		/* nobody answers any more */
	bool has_said_doubt;	/* about the last answer, which need not be told again */
	char *path;		/* of the file that is written */
	struct config there;	/* what it holds already */
	struct draft draft;	/* what it will */
	bool replaces;		/* an account that is there */
	char *region_host;	/* the server of the region that was chosen; NULL: none was */
	enum keep keep;
	struct secret secret;
	bool made_file;		/* the password_file is ours, and new */
};

struct question {
	enum answer answer;
	const char *setting;		/* of the draft; NULL: take() knows where it goes */
	const char *title, *explanation;
	size_t of_service;		/* instead: its question, of that place in struct service */
	void (*list)(void);		/* behind the explanation: what there is; NULL: nothing */
	bool (*may_be_empty)(const struct setup *s);	/* NULL: no */
	bool (*is_known)(const struct setup *s);	/* then it is not asked; NULL: never */
	char *(*proposal)(const struct setup *s);	/* the caller frees it; NULL: none */
	/* Beyond the checks of the setting. NULL: nothing to check. */
	bool (*take)(struct setup *s, const char *answer, struct error *err);
	const char *(*doubt)(const struct setup *s);	/* about what was taken; NULL: none */
	const char *overrule;		/* the question whether it is right all the same */
	enum { OVERRULE_YES, OVERRULE_REPLACE } overruled_by;	/* a flag */
	const char *(*remark)(const struct setup *s);	/* about what was taken, for people */
};

/* The rows, counted from 0; NULL: no more. */
const struct question *setup_question(size_t i);

/* The service that was chosen. */
const struct service *setup_service(const struct setup *s);

/*
 * Takes the answer from its flag, or from the person, who is asked until it will do, or
 * else what is proposed. ERROR_USAGE names the flag that is missing, other kinds what is
 * wrong with the flag's value; with has_ended the person has gone.
 */
bool setup_ask(struct setup *s, const struct question *q, struct error *err);

/* Says to the person why the answer will not do. */
void setup_say(const struct error *err);

/* A yes-or-no question; false too when there is nobody to ask. */
bool setup_confirm(struct setup *s, const char *question);

/* Whether there is a secret to be kept: a password, or what tokens are fetched with. */
bool setup_has_password(const struct setup *s);

/* Whether that is what a person's login brings, which comes afterwards. */
bool setup_is_for_login(const struct setup *s);

/* What the secret is for, as the keyring has it; borrowed from the draft. */
struct secret_place setup_place(const struct setup *s);

/*
 * The secret, if it goes where setup has to put it: from the terminal without echo, or
 * from the first line of standard input.
 */
bool setup_ask_secret(struct setup *s, struct error *err);

/*
 * Puts it where it is to be kept: into the draft for the file of accounts. When false
 * nothing was changed but the draft; the second one forgets the place for another one.
 */
bool setup_store_secret(struct setup *s, struct error *err);
void setup_forget_place(struct setup *s);

#endif
