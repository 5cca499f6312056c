/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/path.h"

#include <string.h>

#include "base/buf.h"

enum { PATH_LIMIT = 64 * 1024 };	/* no file has so long a one */

const char *path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_directory(const char *path)
{
	size_t len = (size_t)(path_name(path) - path);

	if (len == 0)
		return text_copy(".");
	/* Without its last slash, unless that is the whole of it. */
	return text_copy_n(path, len > 1 ? len - 1 : 1);
}

char *path_beside(const char *path, const char *name)
{
	OWNED_BUF beside = BUF_INIT(PATH_LIMIT);

	buf_add_bytes(&beside, path, (size_t)(path_name(path) - path));
	buf_add(&beside, name);
	return buf_take(&beside);
}
