/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the program says about itself, from the tables that it works by. */
#ifndef SENDMAIL_USAGE_H
#define SENDMAIL_USAGE_H

#include <stdio.h>

#include "talk/command.h"

/* Each returns the exit status: 0, or EX_IOERR when it could not be written. */
int usage_print(FILE *out, const struct program *program);	/* commands and options */
int usage_brief(FILE *out, const struct program *program);	/* the commands alone */
int usage_version(FILE *out);

#endif
