/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who we are is the effective user, as that is whose rights files are opened with. */
#include "base/self.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Global, as a signal handler and what ends us for want of memory are given nothing. */
static struct {
	char name[64];
	int complaints;
	bool is_watched;
} self = { .name = "acsmtp", .complaints = -1 };

uid_t self_user(void)
{
	return geteuid();
}

bool self_is_root(void)
{
	return self_user() == 0;
}

bool self_owns(const struct stat *st)
{
	return st->st_uid == self_user();
}

void self_begin(const char *name, int complaints, bool is_watched)
{
	snprintf(self.name, sizeof(self.name), "%s", name);
	self.complaints = complaints;
	self.is_watched = is_watched;
}

const char *self_name(void)
{
	return self.name;
}

int self_complaints(void)
{
	return self.complaints;
}

bool self_is_watched(void)
{
	return self.is_watched;
}

void self_end_with(pid_t parent, int number)
{
	prctl(PR_SET_PDEATHSIG, number);
	if (getppid() != parent)
		_exit(1);
}
