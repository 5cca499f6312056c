/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A message of the spool that is being sent: what becomes of it is on the disk before
 * anybody else can get it, and a signal waits for no more than the answer that is due.
 */
#ifndef DELIVERY_RECORD_H
#define DELIVERY_RECORD_H

#include "base/fate.h"
#include "smtp/client.h"
#include "spool/spool.h"

struct record {
	struct witness witness;
	const struct spool *spool;
	struct item *item;	/* borrowed; its entry has the envelope that is sent */
	enum fate at_rest;	/* between transactions: FATE_NOT_SENT or FATE_STORED */
	bool is_durable;	/* the mark of a dialogue outlives a loss of power */
	bool is_remembered;	/* we stay and know what the disk does not */
	bool is_reserved;	/* it needs room to be written down, and has it */
	struct error *failure;	/* of the spool; NULL: it did not fail */
};

void record_begin(struct record *r, const struct spool *spool, struct item *item);
void record_end(struct record *r);

/*
 * Sees to it that what can become of the message can be written down; where there is no
 * room and nobody remembers it, that it is nothing but "everybody has it". False: it must
 * not be sent now, by an error of the spool; error_is_no_room(): it alone must not.
 */
bool record_prepare(struct record *r, size_t transaction_max, struct error *err);

/*
 * Writes the verdicts down. False: `err`; what a process then leaves behind is in doubt.
 */
bool record_write(struct record *r, struct error *err);

#endif
