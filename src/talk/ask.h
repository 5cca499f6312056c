/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A secret that a person types at the terminal. */
#ifndef TALK_ASK_H
#define TALK_ASK_H

#include "secret/source.h"

/*
 * Asks on the terminal, without echo, and waits `seconds` for the line. Echo comes back
 * whatever happens, signals included, which then do what they always did. ERROR_SECRET
 * when there is no terminal, nobody answers, or the answer is empty or longer than
 * SECRET_MAX.
 */
bool ask_secret(const char *question, int seconds, struct secret *secret,
		struct error *err);

/*
 * For whoever finds a secret. Somebody may be asked if there is a controlling terminal,
 * we are in its foreground, and standard error is a terminal too: behind a program that
 * fills the screen it is none.
 */
extern const struct asker ask_at_terminal;

/* The same for who asks again; *has_ended: that is of no use, for nobody answers. */
bool ask_secret_again(const char *question, int seconds, struct secret *secret,
		      bool *has_ended, struct error *err);

#endif
