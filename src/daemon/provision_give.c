/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each time the settings of that moment: whoever has changed them may tell keeper and
 * door in any order. In a file of its own, as this program has nothing to do with logins
 * of clients.
 */
#include "daemon/provision.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "daemon/handover.h"

enum { PATIENCE = 30 };		/* seconds */

void provision_give(int door, const char *config_file)
{
	OWNED_CONFIG config = { 0 };
	OWNED_BUF text = BUF_INIT(2 * PROVISION_MAX);
	char line[HANDOVER_LINE_MAX];
	struct error err;
	size_t len;

	if (config_load(&config, config_file, &err) && config_share(&config, &text, &err)) {
		len = text.len;
		buf_addf(&text, "%s", config.daemon.places ? config.daemon.places : "");
		snprintf(line, sizeof(line), "SETTINGS %zu %zu\n", len, text.len - len);
	} else {
		text.len = 0;
		handover_refusal(line, &err);
	}
	if (write_patiently(door, line, strlen(line), PATIENCE * 1000))
		(void)write_patiently(door, buf_text(&text), text.len, PATIENCE * 1000);
}
