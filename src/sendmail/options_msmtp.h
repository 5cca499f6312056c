/* SPDX-License-Identifier: GPL-3.0-or-later */
/* msmtp's long options that are none of ours: .muttrc and .gitconfig are full of them. */
#ifndef SENDMAIL_OPTIONS_MSMTP_H
#define SENDMAIL_OPTIONS_MSMTP_H

#include "sendmail/options.h"

/*
 * One of them by its name, without dashes; NULL: there is no such option in msmtp either.
 */
struct msmtp_option;
const struct msmtp_option *msmtp_option_find(const char *name);

/*
 * Takes it where it asks for what is done anyway, with such a `value` (NULL: it has
 * none); else ERROR_USAGE says what to use instead.
 */
bool msmtp_option_apply(const struct msmtp_option *option, struct options *o,
			const char *value, struct error *err);

#endif
