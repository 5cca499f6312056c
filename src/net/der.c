/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Just enough of DER (X.690) to find the two names in a certificate, for choosing among
 * the roots of a system which few to read whole. Nothing is trusted by what is found
 * here: GnuTLS reads all of it again and verifies.
 */
#include "net/der.h"

#include <string.h>

enum {
	INTEGER = 0x02,
	SEQUENCE = 0x30,
	EXPLICIT_0 = 0xa0,
	LENGTH_MAX = 4		/* bytes of a length; longer ones are no certificate's */
};

/*
 * Cuts the header off an element of the given type at the front of `rest`; *len is
 * what the header says of the content, which may go beyond what is there.
 */
static bool open_element(struct der *rest, unsigned char type, size_t *len)
{
	size_t size, used = 2;

	if (rest->len < 2 || rest->bytes[0] != type)
		return false;
	*len = rest->bytes[1];
	if (*len & 0x80) {
		size = *len & 0x7f;
		if (size == 0 || size > LENGTH_MAX || rest->len < 2 + size)
			return false;
		*len = 0;
		while (size-- > 0)
			*len = *len << 8 | rest->bytes[used++];
	}
	rest->bytes += used;
	rest->len -= used;
	return true;
}

/* Takes a whole element, header and all, off the front of `rest`. */
static bool take_element(struct der *rest, unsigned char type, struct der *element)
{
	struct der content = *rest;
	size_t len;

	if (!open_element(&content, type, &len) || len > content.len)
		return false;
	element->bytes = rest->bytes;
	element->len = (size_t)(content.bytes - rest->bytes) + len;
	rest->bytes += element->len;
	rest->len -= element->len;
	return true;
}

/* RFC 5280 section 4.1: Certificate and TBSCertificate. */
bool der_names(struct der certificate, struct der *issuer, struct der *subject)
{
	struct der rest = certificate, skipped;
	size_t len;

	if (!open_element(&rest, SEQUENCE, &len) || !open_element(&rest, SEQUENCE, &len))
		return false;
	(void)take_element(&rest, EXPLICIT_0, &skipped); /* version; absent in v1 */
	return take_element(&rest, INTEGER, &skipped) &&	/* serial number */
	       take_element(&rest, SEQUENCE, &skipped) &&	/* algorithm */
	       take_element(&rest, SEQUENCE, issuer) &&
	       take_element(&rest, SEQUENCE, &skipped) &&	/* validity */
	       take_element(&rest, SEQUENCE, subject);
}

bool der_equal(struct der a, struct der b)
{
	return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}
