# SPDX-License-Identifier: GPL-3.0-or-later
"""The SASL mechanisms. Each is a generator: it yields challenges, is sent the responses,
and returns the user's name, or None for the wrong one or a wrong secret."""

import base64
import binascii
import json
import re

UNAUTHORIZED = {
    "status": "401",
    "schemes": "bearer",
    "scope": "https://communication.azure.com/.default",
}


def login(options, initial):
    user = (yield b"Username:") if initial is None else initial
    password = yield b"Password:"
    return _verdict(options, user, password, options.password)


def plain(options, initial):
    response = (yield b"") if initial is None else initial
    identity, _, rest = response.partition(b"\0")
    user, _, password = rest.partition(b"\0")
    if identity not in (b"", user):
        return None
    return _verdict(options, user, password, options.password)


def xoauth2(options, initial):
    response = (yield b"") if initial is None else initial
    user, _, rest = response.removeprefix(b"user=").partition(b"\1")
    token = rest.removeprefix(b"auth=Bearer ").removesuffix(b"\1\1")
    well_formed = response == b"user=%s\1auth=Bearer %s\1\1" % (user, token)
    who = _verdict(options, user, token, options.token) if well_formed else None
    if who is None and options.token_reason:
        yield json.dumps(UNAUTHORIZED).encode()    # answered with an empty line
    return who


def oauthbearer(options, initial):    # RFC 7628
    response = (yield b"") if initial is None else initial
    found = re.fullmatch(rb"n,a=([^,]*),\x01host=([^\x01]+)\x01port=([0-9]+)\x01"
                         rb"auth=Bearer ([^\x01]*)\x01\x01", response)
    who = None
    if found:
        user = found[1].replace(b"=2C", b",").replace(b"=3D", b"=")
        who = _verdict(options, user, found[4], options.token)
    if who is None and options.token_reason:
        answer = yield json.dumps(UNAUTHORIZED | {"status": "invalid_token"}).encode()
        assert answer == b"\1", answer
    return who


def _verdict(options, user, secret, expected):
    good = user == options.user.encode() and (
        expected(secret) if callable(expected) else secret == expected.encode())
    return options.user if good else None


MECHANISMS = {"LOGIN": login, "PLAIN": plain, "XOAUTH2": xoauth2,
              "OAUTHBEARER": oauthbearer}


def shows_secret(data, options):
    """Whether the password, or a token in a bearer's response, can be read in `data`: as
    it is, or in base64."""
    token = "" if callable(options.token) else options.token
    secrets = (options.password.encode(), b"Bearer " + token.encode())
    texts = [data]
    for word in re.findall(rb"[A-Za-z0-9+/]{4,}={0,2}", data):
        try:
            texts.append(base64.b64decode(word + b"=" * (-len(word) % 4)))
        except binascii.Error:
            pass
    return any(secret in text for secret in secrets for text in texts)
