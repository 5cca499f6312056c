/* SPDX-License-Identifier: GPL-3.0-or-later */
/* As sendmail(8): a message from standard input to its recipients. */
#ifndef FRONT_SENDMAIL_H
#define FRONT_SENDMAIL_H

/*
 * `name` is what we were called, for our own messages. argv[1] on are sendmail's
 * options and recipients. Returns the exit status, sysexits(3).
 */
int sendmail_run(const char *name, int argc, char **argv);

/* The same as sendmail -bp. */
int mailq_run(const char *name, int argc, char **argv);

/* The same as sendmail -bi. */
int newaliases_run(const char *name, int argc, char **argv);

#endif
