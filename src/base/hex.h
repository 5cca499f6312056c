/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hexadecimal digits. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

/* The value of a digit of either case; -1: it is none. */
static inline int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A byte as quoted-printable ("=C3") or an address in the web ("%C3") has it. */
static inline void hex_write(char token[3], char mark, char byte)
{
	static const char digits[] = "0123456789ABCDEF";

	token[0] = mark;
	token[1] = digits[(unsigned char)byte >> 4];
	token[2] = digits[(unsigned char)byte & 15];
}

/*
 * xtext (RFC 3461 section 4), which has a character at least: printable ASCII without
 * "=", and "+" only before two capital digits. `has_utf8`: bytes over 127 may stand in
 * it, too (RFC 6533 section 3).
 */
static inline bool hex_is_xtext(const char *text, bool has_utf8)
{
	for (const char *c = text; *c; c++) {
		bool is_high = (unsigned char)*c > 127;

		if (is_high ? !has_utf8 : *c <= ' ' || *c > '~' || *c == '=')
			return false;
		if (*c == '+' && (hex_value(c[1]) < 0 || hex_value(c[2]) < 0 ||
				  c[1] >= 'a' || c[2] >= 'a'))
			return false;
	}
	return *text != '\0';
}

#endif
