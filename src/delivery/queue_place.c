/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each user has one of his own; root's is that of the system. */
#include "delivery/queue_place.h"

#include "base/home.h"
#include "base/self.h"
#include "base/text.h"

enum { PATH_BYTES = 4096 };

char *queue_spool_path(const struct delivery_settings *settings)
{
	const char *state = home_xdg("XDG_STATE_HOME"), *home;
	OWNED_BUF path = BUF_INIT(PATH_BYTES);

	if (settings->spool && settings->spool[0])
		return text_copy(settings->spool);
	if (self_is_root())
		return text_copy(QUEUE_OF_SYSTEM);
	if (state)
		buf_addf(&path, "%s/acsmtp/spool", state);
	else if ((home = home_found()))
		buf_addf(&path, "%s/.local/state/acsmtp/spool", home);
	return path.len && !buf_is_full(&path) ? buf_take(&path) : NULL;
}
