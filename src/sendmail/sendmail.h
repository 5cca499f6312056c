/* SPDX-License-Identifier: GPL-3.0-or-later */
/* As sendmail(8): a message from standard input to its recipients. */
#ifndef SENDMAIL_SENDMAIL_H
#define SENDMAIL_SENDMAIL_H

#include "talk/command.h"

/*
 * argv[1] on are sendmail's options and recipients. Returns the exit status, sysexits(3).
 */
int sendmail_run(const struct program *program, int argc, char **argv);

/* The same as sendmail -bp. */
int sendmail_run_as_mailq(const struct program *program, int argc, char **argv);

/* The same as sendmail -bi. */
int sendmail_run_as_smtpd(const struct program *program, int argc, char **argv);
int sendmail_run_as_newaliases(const struct program *program, int argc, char **argv);

#endif
