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

enum {
	PATIENCE = 60,		/* seconds */
	CGROUP_MAX = 16 * 1024,	/* bytes */
	NO_PERMISSION = 4,	/* systemctl's status, as services have it in the LSB */
};

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
	if (p.status == 0)
		return true;
	error_set(err, p.status == NO_PERMISSION ? ERROR_AUTH : ERROR_SYSTEM, "systemctl: %s",
		  *p.complaint ? p.complaint : "failed");
	return err->kind == ERROR_AUTH ? error_advise(err, "call this as root") : false;
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
