/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program of the door, which `acsmtp daemon` starts. */
#include "daemon/door.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/self.h"

int main(int argc, char **argv)
{
	umask(077);
	self_begin("acsmtp-door", STDERR_FILENO, false);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return door_run(argc, argv);
}
