# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of MAIL and RCPT: an address in brackets, then parameters."""

import re

PATH = re.compile(r'<((?:[^">\s]|"(?:[^"\\]|\\.)*")*)>(?: (.*))?')

# Each parameter, and the extension that has to be offered for it.
PARAMETERS = {
    "FROM": {"SIZE": "SIZE", "BODY": "8BITMIME", "SMTPUTF8": "SMTPUTF8", "RET": "DSN",
             "ENVID": "DSN", "AUTH": "AUTH"},
    "TO": {"NOTIFY": "DSN", "ORCPT": "DSN"},
}
VALUES = {
    "SIZE": r"\d{1,20}",
    "BODY": "7BIT|8BITMIME|BINARYMIME",
    "RET": "FULL|HDRS",
    "NOTIFY": "NEVER|(SUCCESS|FAILURE|DELAY)(,(SUCCESS|FAILURE|DELAY))*",
    "ORCPT": r"[a-z0-9-]+;[!-*,-<>-~+]+",
    "ENVID": r"[!-*,-<>-~+]{1,100}",
    "AUTH": r"[!-*,-<>-~+]+",
}

TOO_BIG = b"552 5.3.4 Message size exceeds fixed maximum message size"
NOBODY = b"554 5.5.1 No valid recipients"
MALFORMED = b"501 5.1.7 Invalid address"
BAD_PARAMETER = b"555 5.5.4 Unsupported or malformed parameter"


def address_in(argument):
    found = PATH.search(argument)
    return found[1] if found else ""


def parse(word, argument, session):
    """(address, parameters), or the reply to what is neither. `word` is FROM or TO."""
    found = PATH.fullmatch(argument[len(word) + 1:])
    if not argument.upper().startswith(f"{word}:") or not found:
        session.violate(f"malformed: {argument[:60]!r}")
        return MALFORMED
    address = found[1]
    parameters = {}
    for text in (found[2] or "").split():
        name, equals, value = text.partition("=")
        parameters[name.upper()] = value if equals else None
        if not _allowed(word, name.upper(), value, session.offered):
            session.violate(f"{word}: parameter {text[:60]!r} malformed or not offered")
            return BAD_PARAMETER
    if word == "TO" and not address:
        return MALFORMED
    return address, parameters


def _allowed(word, name, value, offered):
    extension = "BINARYMIME" if value.upper() == "BINARYMIME" else \
        PARAMETERS[word].get(name)
    return extension in offered and bool(
        re.fullmatch(VALUES.get(name, ""), value, re.IGNORECASE))
