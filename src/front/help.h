/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the program says about itself, from the tables that it works by. */
#ifndef FRONT_HELP_H
#define FRONT_HELP_H

#include <stdio.h>

/* Each returns the exit status: 0, or EX_IOERR when it could not be written. */
int help_print(FILE *out);		/* commands and options */
int help_brief(FILE *out);		/* the commands alone */
int help_settings(FILE *out);		/* one setting a line: section, name, standard, help */
int help_version(FILE *out);

#endif
