# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS sessions are resumed: by the same account, with the same server and trust only."""

import stat

import pytest

from outcome import HELLO, assert_failed, assert_sent

PROTOCOL = 76


def cached(home):
    return [path for path in (home / ".cache/acsmtp").glob("*") if path.is_file()]


def resumed(server):
    return [session.resumed for session in server.sessions]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_second_run_resumes(acs, send, tls, version):
    server = acs(tls=tls, tls_max=version)
    for _ in range(3):
        assert_sent(send(server, HELLO, tls=tls, tls_session_cache=None))
    assert resumed(server) == [False, True, True]
    assert len(server.messages) == 3


def test_cache_is_private(acs, send, home):
    server = acs()
    assert_sent(send(server, HELLO, tls_session_cache="on"))
    directory = home / ".cache/acsmtp"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    file, = cached(home)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert server.options.password.encode() not in file.read_bytes()


def test_switched_off(acs, send, home):
    server = acs()
    for _ in range(2):
        assert_sent(send(server, HELLO, tls_session_cache="off"))
    assert resumed(server) == [False, False]
    assert not (home / ".cache").exists()


def test_server_without_tickets(acs, send):
    server = acs(tickets=False)
    for _ in range(2):
        assert_sent(send(server, HELLO, tls_session_cache="on"))
    assert resumed(server) == [False, False]


def test_tls_1_3_is_not_resumed_as_less(acs, send):
    server = acs()
    assert_sent(send(server, HELLO, tls_session_cache="on"))
    assert_sent(send(server, HELLO, tls_session_cache="on"))
    assert {session.tls for session in server.sessions} == {"TLSv1.3"}


OTHERS = {
    "account": lambda pki: {"account": "second"},
    "trust store": lambda pki: {"tls_ca_file": pki.bundle},
    "pin": lambda pki: {"tls_fingerprint": pki.fingerprint("good")},
    "host": lambda pki: {"host": "127.0.0.1"},
}


@pytest.mark.parametrize("what", OTHERS)
def test_not_with_another(acs, send, pki, what):
    server = acs()
    assert_sent(send(server, HELLO, tls_session_cache="on"))
    assert_sent(send(server, HELLO, tls_session_cache="on", **OTHERS[what](pki)))
    assert resumed(server) == [False, False]


@pytest.mark.parametrize("keys", [{"tls_ca_file": "foreign"}, {"tls_fingerprint": "pin"}])
def test_less_trust_than_before(acs, send, pki, keys):
    """What was good enough for the session is not any more."""
    server = acs()
    assert_sent(send(server, HELLO, tls_session_cache="on"))
    values = {"foreign": pki.foreign_ca, "pin": "ab" * 32}
    keys = {key: values[value] for key, value in keys.items()}
    assert_failed(send(server, HELLO, tls_session_cache="on", **keys), PROTOCOL,
                  "STARTTLS")
    assert len(server.messages) == 1


def test_refused_server_leaves_no_session(acs, send, home):
    server = acs(certificate="expired")
    assert_failed(send(server, HELLO, tls_session_cache="on"), PROTOCOL, "expired")
    assert cached(home) == []


@pytest.mark.parametrize("spoil", [
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"garbage" * 100),
    lambda path: path.write_bytes(path.read_bytes()[:-50]),
    lambda path: path.write_bytes(path.read_bytes()[:60] + bytes(500)),
    lambda path: path.chmod(0o644),
    lambda path: (path.unlink(), path.mkdir()),
    lambda path: (path.rename(path.parent.parent / "x"),
                  path.symlink_to(path.parent.parent / "x")),
], ids=["empty", "garbage", "cut", "zeros", "readable", "directory", "link"])
def test_spoilt_cache_costs_a_full_handshake_only(acs, send, home, spoil):
    server = acs()
    assert_sent(send(server, HELLO, tls_session_cache="on"))
    file, = cached(home)
    spoil(file)
    assert_sent(send(server, HELLO, tls_session_cache="on"))
    assert resumed(server) == [False, False]


@pytest.mark.parametrize("sixteenth", range(16))
def test_one_wrong_bit_in_the_cache(acs, send, home, sixteenth):
    """The TLS library believes what it is given: the file has to prove itself first."""
    server = acs()
    assert_sent(send(server, HELLO, tls_session_cache="on"))
    file, = cached(home)
    data = bytearray(file.read_bytes())
    data[len(data) * sixteenth // 16 + 7] ^= 1
    file.write_bytes(data)
    assert_sent(send(server, HELLO, tls_session_cache="on"))
    assert resumed(server) == [False, False]


def forget(server, certificate):
    """As a server that was started anew, or another one in its place."""
    server.options.certificate = certificate
    server._shared_context = server._make_context()


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_server_that_has_forgotten_the_session(acs, send, version):
    server = acs(tls_max=version)
    for _ in range(2):
        assert_sent(send(server, HELLO, tls_session_cache="on"))
        forget(server, "good")
    assert resumed(server) == [False, False]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_impostor_cannot_resume(acs, send, version):
    server = acs(tls_max=version)
    assert_sent(send(server, HELLO, tls_session_cache="on"))
    forget(server, "selfsigned")
    assert_failed(send(server, HELLO, tls_session_cache="on"), PROTOCOL, "self-signed")
    assert len(server.messages) == 1


def test_cache_that_cannot_be_made(acs, send, home):
    (home / ".cache").write_text("a file stands here\n")
    server = acs()
    assert_sent(send(server, HELLO, tls_session_cache="on"))
    assert len(server.messages) == 1
