/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text of other charsets in UTF-8, all of it or nothing: half of a name is another
 * name.
 */
#include "base/charset.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Of what one byte can become, and to have some for what is held back to the end. */
enum { GROWTH = 8, ROOM = 64 };

/*
 * Names come from outside, and iconv(3) loads whatever is called so: of its hundreds of
 * modules only those that mail is written in.
 */
static bool is_in_use(const char *charset)
{
	static const char *const beginnings[] = {
		"iso-8859-", "iso8859-", "windows-12", "cp12", "windows-874", "koi8-", "iso-2022-",
		"shift_jis", "windows-31j", "cp932", "euc-jp", "euc-kr", "cp949",
		"ks_c_5601-1987", "gb2312", "gbk", "gb18030", "big5", "tis-620", "utf-7", "utf-16",
		"utf-32",
	};

	for (size_t i = 0; i < COUNT_OF(beginnings); i++)
		if (text_after(charset, beginnings[i]))
			return true;
	return false;
}

/* What programs write, Python too, and iconv(3) does not know. */
static const char *usual_name(const char *charset)
{
	static const struct {
		const char *odd, *usual;
	} names[] = {
		{ "big5_tw", "big5" }, { "eucgb2312_cn", "gb2312" }, { "x-gbk", "gbk" },
		{ "x-sjis", "shift_jis" }, { "x-euc-jp", "euc-jp" }, { "unicode-1-1-utf-7", "utf-7" },
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (text_is(charset, names[i].odd))
			return names[i].usual;
	return charset;
}

static bool is_ours(const char *charset)
{
	return text_is(charset, "utf-8") || text_is(charset, "utf8") ||
	       text_is(charset, "us-ascii") || text_is(charset, "ascii");
}

static bool convert(iconv_t how, const char *text, size_t len, struct buf *out)
{
	OWNED_TEXT in = text_copy_n(text, len);
	OWNED_TEXT result = xmalloc(len * GROWTH + ROOM);
	char *from = in, *to = result;
	size_t left = len, room = len * GROWTH + ROOM;

	if (iconv(how, &from, &left, &to, &room) == (size_t)-1 || left ||
	    iconv(how, NULL, NULL, &to, &room) == (size_t)-1)
		return false;
	buf_add_bytes(out, result, (size_t)(to - result));
	return true;
}

static bool has_mark(const char *text, size_t len)
{
	return len >= 2 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2));
}

/* At a failure it is -1, whatever its type. */
static bool is_open(iconv_t how)
{
	return (intptr_t)how != -1;
}

bool charset_to_utf8(const char *charset, const char *text, size_t len, struct buf *out)
{
	iconv_t how;
	bool ok;

	charset = usual_name(charset);
	if (is_ours(charset)) {
		if (!text_is_utf8(text, len))
			return false;
		buf_add_bytes(out, text, len);
		return true;
	}
	if (!is_in_use(charset))
		return false;
	/*
	 * Without a mark the order is that of the network (RFC 2781), and iconv's is the
	 * machine's.
	 */
	if (text_is(charset, "utf-16") && !has_mark(text, len))
		charset = "utf-16be";
	how = iconv_open("UTF-8", charset);
	ok = is_open(how) && convert(how, text, len, out);
	iconv_close(how);	/* one that is none as well: EBADF, and nothing else */
	return ok;
}
