/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mail that a fault of the disk has changed: whoever sent it is told, and it is set
 * aside.
 */
#ifndef DELIVERY_DAMAGED_H
#define DELIVERY_DAMAGED_H

#include "delivery/job.h"

/*
 * The job's message is not what was written, says `why`. What is left of its entry may be
 * of use to tell somebody; the message itself is not. Where the spool does not take the
 * report it stays for the next round.
 */
void job_damaged(struct job *j, const struct error *why);

#endif
