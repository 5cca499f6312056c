# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that count together in a real Redis, and what becomes of mail when it is away."""

import re
import socket
import ssl
import threading
import time

import pytest

from helpers.redis import Redis
from outcome import HELLO, assert_failed, assert_not_in

CONFIG = 78
SECRET = "st@re:pass/w%rd"
ENCODED = "st%40re%3Apass%2Fw%25rd"


@pytest.fixture
def redis(tmp_path):
    running = []

    def start(*options, **more):
        directory = tmp_path / f"redis-{len(running)}"
        directory.mkdir()
        running.append(Redis(directory, *options, **more))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def answering(pki):
    """answering(what, kind of certificate or None) -> the port of one that does so: says these
    bytes to whatever it is told, or nothing; of a list all at once, the last one for ever."""
    sockets = []

    def serve(client, what, tls):
        sockets.append(client)
        if tls:
            client = tls.wrap_socket(client, server_side=True)
            sockets.append(client)
        if what is None:
            return
        if isinstance(what, list):
            client.sendall(b"".join(what))
            while client.send(what[-1]):
                time.sleep(0.05)
        client.recv(65536)
        client.sendall(what)
        client.close()

    def accept(listener, what, tls):
        while True:
            try:
                serve(listener.accept()[0], what, tls)
            except OSError:
                if listener.fileno() < 0:
                    return

    def start(what, certificate=None):
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)
        tls = certificate and ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if tls:
            tls.load_cert_chain(*pki.chain(certificate))
        threading.Thread(target=accept, args=(listener, what, tls), daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for one in sockets:
        one.close()


LIMITS = {"rate_per_minute": 3, "rate_per_hour": 5}


def test_two_machines_share(acs, queued, redis):
    server, store = acs(), redis()
    url = f"redis://127.0.0.1:{store.port}"
    one, other = (queued(server, quota_store=url, **LIMITS) for _ in range(2))
    for queue in (one, other, one):
        assert queue.send(HELLO).status == 0
    assert len(server.messages) == 3
    assert store.counted() == {"minute": 3, "hour": 3}
    assert other.send(HELLO).status == 0
    assert len(server.messages) == 3 and len(other.ids()) == 1
    assert "machines share" in other.acsmtp("list").stdout + other.log
    # Nothing is paid for what was not sent, and it expires.
    assert store.counted() == {"minute": 3, "hour": 3}
    for key in store.ask("KEYS", "*"):
        assert 0 < store.ask("TTL", key) <= 2 * 86400
        assert re.fullmatch(r"acsmtp:\{[0-9a-f]{32}\}:3:5:(minute|hour)", key)


def test_other_limits_begin_anew(acs, queued, redis):
    server, store = acs(), redis()
    for limit in (3, 4):
        queue = queued(server, quota_store=f"unix:{store.path}", rate_per_minute=limit,
                       rate_per_hour=9)
        assert queue.send(HELLO).status == 0
    assert len(store.ask("KEYS", "*:minute")) == 2


def test_what_no_server_heard_of_is_given_back(queued, redis):
    store = redis()
    queue = queued(None, quota_store=f"unix:{store.path}", host="127.0.0.1", port=1, **LIMITS)
    assert queue.send(HELLO).status == 0
    assert len(queue.ids()) == 1
    assert store.counted() == {"minute": 0, "hour": 0}


@pytest.mark.parametrize("place", ["url", "file", "user"])
def test_login(acs, queued, redis, tmp_path, place):
    store = redis()
    store.ask("ACL", "SETUSER", "jo", "on", "~*", "+@all", f">{SECRET}")
    store.ask("CONFIG", "SET", "requirepass", SECRET)
    password = tmp_path / "store-password"
    password.touch(mode=0o600)
    password.write_text(SECRET + "\n")
    at = f"127.0.0.1:{store.port}/3"
    keys = {"url": {"quota_store": f"redis://:{ENCODED}@{at}"},
            "file": {"quota_store": f"redis://{at}", "quota_store_password_file": password},
            "user": {"quota_store": f"redis://jo:{ENCODED}@{at}"}}[place]
    queue = queued(acs(), **keys, **LIMITS)
    assert queue.send(HELLO).status == 0
    store.ask("SELECT", 3)
    assert store.counted() == {"minute": 1, "hour": 1}


@pytest.mark.parametrize("answer", [
    None, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b":", b":-1\r\n", b":99999999999999\r\n",
    b"+OK\r\n+OK\r\n", b"-ERR " + ENCODED.encode() + b"\r\n", b"x" * 100000, b"\0" * 600,
    b"-NOAUTH Authentication required.\r\n",
], ids=lambda answer: repr(answer)[:20])
def test_store_that_makes_no_sense(acs, queued, answering, answer):
    port = answering(answer)
    assert_counts_for_itself(acs(), queued, f"redis://jo:{ENCODED}@127.0.0.1:{port}")


def assert_counts_for_itself(server, queued, url, *words):
    queue = queued(server, quota_store=url, **LIMITS)
    for _ in range(4):
        result = queue.send(HELLO)
        assert (result.status, result.stderr) == (0, "")
    # It counts for itself, and has said once that it does.
    assert len(server.messages) == 3 and len(queue.ids()) == 1
    assert queue.log.count("counts for itself") == 1
    assert f"quota_store {url.replace(f':{ENCODED}@', '@')}: " in queue.log
    for word in words:
        assert word in queue.log
    assert_not_in(SECRET, queue.log)
    assert ENCODED not in queue.log


# --- over TLS

def test_tls(acs, queued, redis, pki, run):
    """Nobody in between reads the password, nor is the store asked anything in clear text."""
    server, store = acs(), redis(tls=pki.chain("good"))
    store.ask("CONFIG", "SET", "requirepass", SECRET)
    queue = queued(server, quota_store=f"rediss://:{ENCODED}@localhost:{store.port}", **LIMITS)
    assert queue.send(HELLO).status == 0
    assert store.counted() == {"minute": 1, "hour": 1}
    said = run(["check", "--config", queue.ini], program="acsmtp").stdout
    assert f"shared in rediss://@localhost:{store.port}, which answers" in said


@pytest.mark.parametrize("kind, words", [
    ("othername", "localhost"), ("foreign", "certificate"), ("expired", "expired"),
    ("selfsigned", "certificate"),
])
def test_tls_with_another_certificate(acs, queued, redis, pki, kind, words):
    """It hears nothing, least of all the password."""
    store = redis(tls=pki.chain(kind))
    url = f"rediss://jo:{ENCODED}@localhost:{store.port}"
    assert_counts_for_itself(acs(), queued, url, words)
    assert store.ask("ACL", "LOG") == []
    assert store.counted() == {}


def test_tls_wrong_password(acs, queued, redis, pki):
    store = redis(tls=pki.chain("good"))
    store.ask("CONFIG", "SET", "requirepass", "another")
    url = f"rediss://:{ENCODED}@localhost:{store.port}"
    assert_counts_for_itself(acs(), queued, url, "it refuses with WRONGPASS")


@pytest.mark.parametrize("url", ["rediss://localhost", "redis://localhost"])
def test_one_speaks_tls_and_the_other_does_not(acs, queued, redis, pki, url):
    store = redis(tls=pki.chain("good") if url.startswith("redis:") else None)
    assert_counts_for_itself(acs(), queued, f"{url}:{store.port}")


@pytest.mark.parametrize("certificate", ["good", None])
@pytest.mark.parametrize("what", [
    None, b"", b"x" * 100000, [b"+"], [b"\x16\x03\x03\x3f\xff", b"\2"],
], ids=lambda what: repr(what)[:20])
def test_tls_and_what_makes_no_sense(acs, queued, answering, what, certificate):
    """However it goes on, it is the time that ends it."""
    port = answering(what, certificate)
    assert_counts_for_itself(acs(), queued, f"rediss://jo:{ENCODED}@localhost:{port}")


def test_tls_and_nobody_there(acs, queued):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"rediss://jo:{ENCODED}@localhost:{nobody.getsockname()[1]}"
        assert_counts_for_itself(acs(), queued, url, "no connection")


def test_store_that_is_back(acs, queued, redis, tmp_path):
    server, store = acs(), redis()
    queue = queued(server, quota_store=f"unix:{tmp_path}/none", rate_per_minute=9)
    assert queue.send(HELLO).status == 0
    queue.configure(server, quota_store=f"unix:{store.path}", rate_per_minute=9)
    assert queue.send(HELLO).status == 0
    assert store.counted() == {}
    queue.end_store_pause()
    assert queue.send(HELLO).status == 0
    assert store.counted() == {"minute": 1, "hour": 1}
    assert queue.log.count("answers again") == 1


def test_check_tells(acs, queued, redis, run, tmp_path):
    store = redis()
    queue = queued(acs(), quota_store=f"unix:{store.path}", **LIMITS)
    said = run(["check", "--config", queue.ini], program="acsmtp").stdout
    assert f"shared in unix:{store.path}, which answers" in said
    assert store.counted() == {}
    queue = queued(acs(), quota_store=f"unix:{tmp_path}/none", **LIMITS)
    said = run(["check", "--config", queue.ini], program="acsmtp").stdout
    assert f"quota_store unix:{tmp_path}/none: " in said


@pytest.mark.parametrize("value, words", [
    ("127.0.0.1:6379", "SCHEME://"), ("memcached://127.0.0.1", "kind is not known"),
    ("redis://127.0.0.1:x", "port is no number"), ("redis://127.0.0.1/hush", "database"),
    ("redis://:hush%zz@127.0.0.1", "two hexadecimal digits"), ("unix:hush", "whole path"),
    ("redis://:hush%00@127.0.0.1", "a NUL byte, %00"),
    ("redis://jo:hush@hush@127.0.0.1", "an @ stands in its user or password"),
    ("redis://j@o:hush@127.0.0.1", "an @ stands in its user or password"),
])
def test_values_that_make_no_sense(acs, send, value, words):
    result = send(acs(), HELLO, quota_store=value)
    assert_failed(result, CONFIG, "line ", "quota_store: ", words)
    assert "hush" not in result.stderr
