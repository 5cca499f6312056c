# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON Web Tokens: those that we make, which nobody verifies, and the assertions of an
application (RFC 7523), whose signature openssl(1) verifies."""

import base64
import binascii
import json
import subprocess
import tempfile
from pathlib import Path

SALT = 32       # octets: as long as the hash (RFC 7518 section 3.5)
LIFE = 15 * 60  # seconds that an assertion may last


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def unsigned(claims):
    parts = ({"typ": "JWT", "alg": "none"}, claims)
    return ".".join([base64url(json.dumps(part).encode()) for part in parts] + ["c2lnbmVk"])


def fault(assertion, certificate, client_id, endpoint, now, seen):
    """What is wrong with it: None, "time", or words."""
    try:
        head, body, signature = assertion.split(".")
        header, claims = json.loads(decoded(head)), json.loads(decoded(body))
    except (ValueError, binascii.Error):
        return f"no JSON Web Token: {assertion[:40]}"
    print_ = base64url(binascii.unhexlify(openssl(
        "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256").decode()
        .partition("=")[2].strip().replace(":", "")))
    if header != {"alg": "PS256", "typ": "JWT", "x5t#S256": print_}:
        return f"header {header}"
    if claims["aud"] != endpoint or {claims["iss"], claims["sub"]} != {client_id}:
        return f"claims {claims} at {endpoint}"
    if claims["jti"] in seen or len(claims["jti"]) < 16:
        return f"jti {claims['jti']} is not new"
    seen.add(claims["jti"])
    if not verified(f"{head}.{body}".encode(), decoded(signature), certificate):
        return "the signature is not the certificate's"
    if not 0 < claims["exp"] - claims["nbf"] <= LIFE:
        return f"it lasts from {claims['nbf']} to {claims['exp']}"
    if not claims["nbf"] - 300 <= now <= claims["exp"] + 300:
        return "time"
    return None


def verified(data, signature, certificate):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory)
        (path / "data").write_bytes(data)
        (path / "signature").write_bytes(signature)
        (path / "key").write_bytes(
            openssl("x509", "-in", certificate, "-noout", "-pubkey"))
        return openssl("dgst", "-sha256", "-verify", path / "key", "-sigopt",
                       "rsa_padding_mode:pss", "-sigopt", f"rsa_pss_saltlen:{SALT}",
                       "-signature", path / "signature", path / "data") == b"Verified OK\n"


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False).stdout
