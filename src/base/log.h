/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where log lines go: syslog, a file, or where complaints go (base/self.h), which is standard
 * error. A log that cannot be written never fails a mail: the trouble is a complaint, once a
 * day.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

/*
 * `where`: "syslog", "stderr", "off", "" or NULL (no log), or the path of a file, which is
 * made with mode 0600 and appended to. `tag` (sendmail's -L) names us in each line;
 * both are copied. May be called again to change them.
 */
void log_open(const char *where, const char *tag);

/* One line, without line end; text_make_printable() is applied. */
void log_info(const char *fmt, ...) PRINTF(1, 2);
void log_problem(const char *fmt, ...) PRINTF(1, 2);

/*
 * Whether lines could be put there now, without putting one or making a file; a machine without
 * a system log, as containers are, is no trouble. ERROR_CREATE.
 */
bool log_try(const char *where, struct error *err);

void log_close(void);

#endif
