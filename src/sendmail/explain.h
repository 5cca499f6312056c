/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acsmtp explain: what a call of sendmail would do, and which rule says so. */
#ifndef SENDMAIL_EXPLAIN_H
#define SENDMAIL_EXPLAIN_H

#include "talk/command.h"

extern const struct command explain_command;

#endif
