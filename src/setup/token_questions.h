/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What setup/questions.c asks of accounts that log in with access tokens. */
#ifndef SETUP_TOKEN_QUESTIONS_H
#define SETUP_TOKEN_QUESTIONS_H

#include "setup/answers.h"

/*
 * Where tokens come from. It is asked where there is something to choose: this machine
 * has an identity, or the service takes no passwords. What was found is proposed.
 */
bool token_questions_no_source(const struct setup *s);
char *token_questions_source(const struct setup *s);
bool token_questions_take_source(struct setup *s, const char *answer, struct error *err);
void token_questions_list_sources(void);

/*
 * What a source needs: whether the question makes no sense, and what is found in
 * variables.
 */
bool token_questions_no_tenant(const struct setup *s);
bool token_questions_no_client_id(const struct setup *s);
bool token_questions_no_identity(const struct setup *s);
bool token_questions_no_certificate(const struct setup *s);
bool token_questions_no_client_secret(const struct setup *s);
char *token_questions_tenant(const struct setup *s);
char *token_questions_client_id(const struct setup *s);
bool token_questions_may_lack_client_id(const struct setup *s);

#endif
