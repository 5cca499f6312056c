/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail -bs: SMTP on standard input and output, for the user who runs it. */
#ifndef SENDMAIL_DIALOGUE_H
#define SENDMAIL_DIALOGUE_H

#include "sendmail/call.h"

/*
 * Each message is submitted as one on the command line would be, and its reply is what
 * became of it. Nothing is said on standard error, which programs take for a failure: how
 * the dialogue ended stands in the log. False: nobody can be served, as the client was
 * told too.
 */
bool dialogue_hold(struct call *call, struct error *err);

#endif
