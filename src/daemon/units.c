/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * systemctl is asked and not the bus: it brings its own way of finding out whether this
 * user may, and its own words for it.
 */
#include "daemon/units.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"

enum { PATIENCE = 60, CGROUP_MAX = 16 * 1024 };	/* seconds, bytes */

static const char systemctl[] = "/bin/systemctl";

bool units_have(pid_t keeper)
{
	static const char end[] = "/acsmtp.service\n";
	OWNED_BUF text = BUF_INIT(CGROUP_MAX);
	OWNED_FD fd = -1;
	struct error unheard;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/cgroup", (long)keeper);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && file_read(fd, &text, &unheard) && strstr(buf_text(&text), end);
}

static bool tell(const char *const *argv, struct error *err)
{
	struct process p = { .argv = argv, .seconds = PATIENCE };

	if (!process_run(&p, err)) {
		err->kind = ERROR_SYSTEM;
		return error_context(err, "systemctl");
	}
	return p.status == 0 ||
	       error_set(err, ERROR_SYSTEM, "systemctl: %s", *p.complaint ? p.complaint : "failed");
}

bool units_stop(struct error *err)
{
	/* What would start it again, too: with the next client, or other settings. */
	static const char *const argv[] = { systemctl, "stop", "acsmtp.path", "acsmtp.socket",
					    "acsmtp-listen.socket", "acsmtp-door.service",
					    "acsmtp.service", NULL };

	return tell(argv, err);
}

bool units_reload(struct error *err)
{
	/* It tells the door. */
	static const char *const argv[] = { systemctl, "reload", "acsmtp.service", NULL };

	return tell(argv, err);
}
