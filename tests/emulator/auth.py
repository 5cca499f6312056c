# SPDX-License-Identifier: GPL-3.0-or-later
"""The SASL mechanisms. Each is a generator: it yields challenges, is sent the responses,
and returns the user's name, or None for the wrong one or a wrong secret."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import unicodedata

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


def external(shown, options, initial):    # RFC 4422 appendix A
    """Who the certificate says, and as whom he wants to send: himself, or the user."""
    wanted = (yield b"") if initial is None else initial
    return (wanted.decode() or shown) if shown and wanted in (b"", options.user.encode()) else None


def cram_md5(options, initial):    # RFC 2195
    assert initial is None, "CRAM-MD5 has no initial response"
    challenge = b"<1896.697170952@postoffice.example.net>"
    user, _, digest = (yield challenge).rpartition(b" ")
    right = hmac.new(options.password.encode(), challenge, "md5").hexdigest()
    return options.user if (user, digest) == (options.user.encode(), right.encode()) else None


ROUNDS, SALT = 4096, b"\0salt,=\xff"


def scram_sha_256(options, initial):    # RFC 5802, RFC 7677
    fault = options.scram_fault
    first = (yield b"") if initial is None else initial
    bare = first.removeprefix(b"n,,")
    found = re.fullmatch(rb"n=((?:[^,=]|=2C|=3D)*),r=([!-+\--~]{16,})", bare)
    assert found and bare != first, first
    user = found[1].replace(b"=2C", b",").replace(b"=3D", b"=")
    nonce = (b"x" if fault == "nonce" else b"") + found[2] + b"server"
    rounds = b"999999999999" if fault == "rounds" else b"%d" % ROUNDS
    told = b"r=%s,s=%s,i=%s" % (nonce, base64.b64encode(SALT), rounds)
    final = yield b"\0\xff" if fault == "garbage" else told
    without_proof, _, proof = final.rpartition(b",p=")
    assert without_proof == b"c=biws,r=" + nonce, final
    password = unicodedata.normalize("NFKC", options.password).encode()
    salted = hashlib.pbkdf2_hmac("sha256", password, SALT, ROUNDS)
    said = b",".join((bare, told, without_proof))
    client = _hmac(salted, b"Client Key")
    expected = bytes(a ^ b for a, b in zip(client, _hmac(hashlib.sha256(client).digest(), said)))
    if user != options.user.encode() or base64.b64decode(proof) != expected:
        if fault == "late":
            yield b"e=invalid-proof"
        return None
    if fault == "silent":
        return options.user
    salted = b"x" * 32 if fault == "stranger" else salted
    answer = yield b"v=" + base64.b64encode(_hmac(_hmac(salted, b"Server Key"), said))
    assert answer == b"", answer
    return options.user


def _hmac(key, text):
    return hmac.new(key, text, "sha256").digest()


def _verdict(options, user, secret, expected):
    good = user == options.user.encode() and (
        expected(secret) if callable(expected) else secret == expected.encode())
    return options.user if good else None


MECHANISMS = {"LOGIN": login, "PLAIN": plain, "XOAUTH2": xoauth2,
              "OAUTHBEARER": oauthbearer, "SCRAM-SHA-256": scram_sha_256,
              "CRAM-MD5": cram_md5, "EXTERNAL": external}


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
