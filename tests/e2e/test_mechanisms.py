# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to log in beside LOGIN and PLAIN: SCRAM-SHA-256, CRAM-MD5, and a certificate."""

import re

import pytest

from outcome import HELLO, assert_failed, assert_nobody_called, assert_not_in, assert_sent

PROTOCOL, NOPERM, CONFIG = 76, 77, 78
USER = "us,er=1"


def answers(server):
    return [line.strip() for session in server.sessions for line in session.auth_lines]


@pytest.mark.parametrize("password", ["correct horse; battery#staple", "p,=x and so on", "Pässwörd und mehr",
                                      "\u2168 and so on", "e\u0301 x and so on"])
@pytest.mark.parametrize("mechanism", ["scram-sha-256", "cram-md5"])
def test_a_password_that_is_never_said(acs, send, mechanism, password):
    server = acs(mechanisms=(mechanism.upper(),), user=USER, password=password)
    result = send(server, HELLO, "-v", "-t", auth=mechanism)
    assert result.status == 0, result.stderr
    assert server.message.recipients == ["a@example.org"]
    for text in (*answers(server), result.stderr):
        assert_not_in(password, text)


@pytest.mark.parametrize("mechanism", ["scram-sha-256", "cram-md5"])
def test_wrong_password(acs, send, mechanism):
    server = acs(mechanisms=(mechanism.upper(),))
    assert_failed(send(server, HELLO, auth=mechanism, password="another"), NOPERM,
                  f"AUTH {mechanism.upper()}", "535")
    assert len(server.sessions) == 1


def test_wrong_password_that_is_told_in_a_challenge(acs, send):
    server = acs(mechanisms=("SCRAM-SHA-256",), scram_fault="late")
    assert_failed(send(server, HELLO, auth="scram-sha-256", password="another"), NOPERM, "535")


@pytest.mark.parametrize("fault, words", [
    ("stranger", "does not show that it knows the password"),
    ("silent", "does not show that it knows the password"),
    ("nonce", "makes no sense"), ("rounds", "makes no sense"), ("garbage", "makes no sense"),
])
def test_server_that_cheats(acs, send, fault, words):
    """It gets no mail, and nothing more is said to it."""
    server = acs(mechanisms=("SCRAM-SHA-256",), scram_fault=fault)
    assert_failed(send(server, HELLO, auth="scram-sha-256"), PROTOCOL, "AUTH SCRAM-SHA-256",
                  words)
    assert server.messages == []
    assert "MAIL" not in server.sessions[0].verbs and "QUIT" not in server.sessions[0].verbs


@pytest.mark.parametrize("listed, used", [
    (("SCRAM-SHA-256", "PLAIN"), "PLAIN"),
    (("CRAM-MD5", "SCRAM-SHA-256"), "SCRAM-SHA-256"),
    (("CRAM-MD5",), "CRAM-MD5"),
    (("EXTERNAL", "CRAM-MD5"), "CRAM-MD5"),
])
def test_auto(acs, send, listed, used):
    server = acs(mechanisms=listed)
    assert_sent(send(server, HELLO))
    assert server.sessions[0].mechanism == used


# --- a certificate

@pytest.fixture
def certificate(pki):
    """(file, file): the certificate alone, and with its key."""
    both = pki.application("client", "ec -pkeyopt ec_paramgen_curve:P-256")
    return both.replace(".both", ".pem"), both


@pytest.mark.parametrize("user", [None, "contoso-smtp"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_external(acs, send, certificate, tls, version, user):
    cert, key = certificate
    server = acs(mechanisms=("EXTERNAL",), clients=cert, tls=tls, tls_max=version)
    assert_sent(send(server, HELLO, auth="external", tls=tls, tls_client_cert=cert,
                     tls_client_key=key, user=user, password=None))
    assert server.sessions[0].client_name == "client"
    assert server.sessions[0].user == (user or "client")


def test_certificate_beside_a_password(acs, send, certificate):
    cert, key = certificate
    server = acs(clients=cert)
    assert_sent(send(server, HELLO, tls_client_cert=cert, tls_client_key=key))
    assert server.sessions[0].client_name == "client"
    assert server.sessions[0].mechanism == "LOGIN"


def test_resumed_sessions_are_of_one_certificate(acs, send, certificate, pki):
    cert, key = certificate
    server = acs(clients=cert)
    keys = {"tls_session_cache": "on", "tls_client_cert": cert, "tls_client_key": key}
    for _ in range(2):
        assert_sent(send(server, HELLO, **keys))
    assert_sent(send(server, HELLO, tls_session_cache="on"))
    assert [session.resumed for session in server.sessions] == [False, True, False]


def test_external_is_refused(acs, send, certificate):
    cert, key = certificate
    server = acs(mechanisms=("EXTERNAL",), clients=cert)
    assert_failed(send(server, HELLO, auth="external", tls_client_cert=cert,
                       tls_client_key=key, user="somebody"), NOPERM, "AUTH EXTERNAL", "535")


def test_check_needs_no_secret(acs, run, config, certificate):
    cert, key = certificate
    server = acs(mechanisms=("EXTERNAL",), clients=cert)
    path = config(server, auth="external", tls_client_cert=cert, tls_client_key=key,
                  password=None)
    result = run(["check", "--config", path], program="acsmtp")
    assert f"the certificate {cert} is shown" in result.stdout
    assert "EXTERNAL as contoso-smtp" in result.stdout


@pytest.fixture
def acsmtp(run, config):
    """acsmtp(words, **keys) -> what it says with such an account."""
    def run_it(*words, **keys):
        ini = config(None, **{"auth": "external", "password": None, "user": None, **keys})
        return run([*words, "--config", ini], program="acsmtp", input="hush\n")

    return run_it


def assert_refused(result, *words):
    assert (result.status, result.stdout) == (CONFIG, "")
    for word in words:
        assert word in result.stderr


def test_the_certificate_is_what_is_tested(acsmtp, certificate, pki):
    cert, key = certificate
    keys = {"tls_client_cert": cert, "tls_client_key": key}
    result = acsmtp("password", "test", **keys)
    assert result.status == 0, result.stderr
    assert re.fullmatch(rf"account test: the certificate {cert}, until \d{{4}}-\d\d-\d\d\n",
                        result.stdout)
    other = keys | {"tls_client_key": pki.chain("good")[1]}
    assert_refused(acsmtp("password", "test", **other), "not that of the certificate")
    old = pki.chain("expired")
    assert_refused(acsmtp("password", "test", tls_client_cert=old[0], tls_client_key=old[1]),
                   f"the certificate {old[0]} ended on 2021-01-01")
    assert "may come from" not in acsmtp("account", "show", **keys).stdout


def test_no_password_is_asked_for(acsmtp, certificate):
    cert, key = certificate
    result = acsmtp("password", "set", tls_client_cert=cert, tls_client_key=key)
    assert_refused(result, "`auth = external`", "needs no password")
    assert_refused(acsmtp("password", "set", auth="off"), "`auth = off`", "no secret")


@pytest.mark.parametrize("days", [9, 40])
def test_the_end_of_a_certificate(acs, acsmtp, send, pki, tmp_path, days):
    both = pki.application(f"client-{days}", "ec -pkeyopt ec_paramgen_curve:P-256", days)
    keys = {"tls_client_cert": both, "tls_client_key": both}
    said = f"the certificate {both} ends on " in acsmtp("check", **keys).stdout
    assert said == (days < 30)
    server = acs(mechanisms=("EXTERNAL",), clients=both)
    for _ in range(2):
        assert_sent(send(server, HELLO, auth="external", log=tmp_path / "log", **keys))
    line = "account test: its certificate ends on "
    assert (tmp_path / "log").read_text().count(line) == (1 if said else 0)


@pytest.mark.parametrize("keys, words", [
    ({"tls_client_cert": "CERT"}, ["tls_client_key is missing"]),
    ({"tls_client_key": "KEY"}, ["tls_client_cert is missing"]),
    ({"auth": "external"}, ["auth", "tls_client_cert is missing"]),
    ({"auth": "external", "tls": "off", "tls_client_cert": "CERT", "tls_client_key": "KEY"},
     ["auth", "tls = off"]),
    ({"tls_client_cert": "/nowhere/cert", "tls_client_key": "KEY"}, ["/nowhere/cert"]),
    ({"tls_client_cert": "CERT", "tls_client_key": "CA"}, ["tls_client_key"]),
    ({"tls_client_cert": "CERT", "tls_client_key": "OTHER"}, ["not that of the certificate"]),
    ({"tls_client_cert": "CERT", "tls_client_key": "OPEN"}, ["tls_client_key", "others can read"]),
])
def test_certificates_that_make_no_sense(acs, send, certificate, pki, tmp_path, keys, words):
    cert, key = certificate
    readable = tmp_path / "open"
    readable.write_bytes(open(key, "rb").read())
    readable.chmod(0o644)
    files = {"CERT": cert, "KEY": key, "OPEN": readable, "CA": pki.ca, "OTHER": pki.chain("good")[1]}
    server = acs(clients=cert)
    assert_failed(send(server, HELLO, **{name: files.get(value, value)
                                         for name, value in keys.items()}), CONFIG, *words)
    assert server.messages == []


# --- whence

def test_source_address(acs, send, proxy):
    """On this machine all of 127.0.0.0/8 is its own."""
    server, way = acs(), proxy("socks5")
    assert_sent(send(server, HELLO, proxy=way.url(), source_address="127.0.0.5"))
    assert way.peers == ["127.0.0.5"]


@pytest.mark.parametrize("keys, status, words", [
    ({"source_address": "192.0.2.77"}, 75, ["`source_address`", "no address that this machine"]),
    ({"source_address": "::1", "host": "127.0.0.1"}, 68, ["no IPv6 address", "source_address"]),
    ({"address_family": "ipv6", "host": "127.0.0.1"}, 68, ["no IPv6 address", "address_family"]),
    ({"address_family": "ipv4", "host": "::1"}, 68, ["no IPv4 address"]),
    ({"address_family": "ipv4", "source_address": "::1"}, CONFIG, ["source_address"]),
    ({"address_family": "ipx"}, CONFIG, ["address_family", "none of any, ipv4, ipv6"]),
    ({"source_address": "eth0"}, CONFIG, ["source_address", "no address such as"]),
    ({"tls_priorities": "NORMAL:+NONSENSE"}, CONFIG, ["tls_priorities", "NONSENSE"]),
])
def test_no_way(acs, send, keys, status, words):
    server = acs()
    assert_failed(send(server, HELLO, **keys), status, *words)
    assert_nobody_called(server)


def test_family(acs, send):
    server = acs()
    assert_sent(send(server, HELLO, address_family="ipv4", source_address="127.0.0.1"))
