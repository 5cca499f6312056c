/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What whoever works on the queue hears at the spool's bell, line by line (spool/spool.h). */
#ifndef DELIVERY_BELL_H
#define DELIVERY_BELL_H

#include "spool/spool.h"

enum bell_word {
	BELL_LOOK,	/* something is new, and it is not known what */
	BELL_FLUSH,	/* all should be tried now */
	BELL_NEW,	/* this message is new */
	BELL_AGAIN,	/* this one should be tried when it is free, due or not */
};

struct bell {
	int fd;			/* -1: it cannot be had */
	char line[ID_SIZE];	/* as far as it was heard */
	size_t line_len;
	bool is_again;		/* and so it ended */
};
#define BELL_CLOSED	{ .fd = -1 }

void bell_open(struct bell *b, const struct spool *s);
void bell_close(struct bell *b);

/* Tells what there is to be heard now; `id` of the two last words. */
typedef void bell_tell_fn(void *hearer, enum bell_word word, const char *id);
void bell_listen(struct bell *b, bell_tell_fn *tell, void *hearer);

#endif
