/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All that is known of one message, for people in lines and for programs in JSON. */
#ifndef QUEUE_FACTS_H
#define QUEUE_FACTS_H

#include "base/json.h"
#include "config/account.h"
#include "spool/queue_look.h"

/*
 * Adds an object to `json`; if that writes nothing (its `out` is NULL), it prints a line
 * for each fact. The configuration knows what to do about a refusal through an account.
 */
void facts_tell(struct json *json, const struct queue_look *look, const struct config *config);

#endif
