# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of real callers share: a text, and what of a message is compared."""

import email
import email.policy

SENDER = "DoNotReply@contoso.com"
STRANGER = "somebody@example.org"       # whom the service does not let send

# What a mail program might take for something else, and a line that is as long as a line
# may be in 8 bits, so that nobody has to fold it.
BODY = ("Grüße aus Köln 🎉\n.\n..two dots\nFrom here on\n\n"
        + "ä" * 450 + "\n blanks at the end  \nthe end\n")


class RawNames(email.policy.EmailPolicy):
    """Python reads encoded words only; a header may as well have UTF-8 as it is."""

    def header_fetch_parse(self, name, value):
        text = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return super().header_fetch_parse(name, text)


def parse(message):
    return email.message_from_bytes(message.data, policy=RawNames())


def text_of(part):
    """The decoded text of a part, with the line ends of this side."""
    return part.get_payload(decode=True).decode().replace("\r\n", "\n")


def envelope(message):
    return message.sender, sorted(message.recipients)


def address_of(mail, field):
    """The only address of a field, without its name."""
    only, = mail[field].addresses
    return only.addr_spec


def assert_whole(mail):
    """What nobody may leave out once the message is on its way."""
    for name in ("From", "Date", "Message-ID", "To", "Subject"):
        assert len(mail.get_all(name, [])) == 1, name
    assert not mail.defects, mail.defects
    assert "Bcc" not in mail
