# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that count together in a real Redis, and what becomes of mail when it is away."""

import re
import socket
import threading

import pytest

from helpers.redis import Redis
from outcome import HELLO, assert_failed, assert_not_in

CONFIG = 78
SECRET = "st@re:pass/w%rd"
ENCODED = "st%40re%3Apass%2Fw%25rd"


@pytest.fixture
def redis(tmp_path):
    running = []

    def start(*options):
        directory = tmp_path / f"redis-{len(running)}"
        directory.mkdir()
        running.append(Redis(directory, *options))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def answering():
    """answering(bytes or None) -> the port of one that answers so whatever it is told."""
    listeners = []

    def start(answer):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                listeners.append(client)
                if answer is not None:
                    client.recv(65536)
                    client.sendall(answer)
                    client.close()

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for one in listeners:
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
    server = acs()
    port = answering(answer)
    queue = queued(server, quota_store=f"redis://jo:{ENCODED}@127.0.0.1:{port}", **LIMITS)
    for _ in range(4):
        result = queue.send(HELLO)
        assert (result.status, result.stderr) == (0, "")
    # It counts for itself, and has said once that it does.
    assert len(server.messages) == 3 and len(queue.ids()) == 1
    assert queue.log.count("counts for itself") == 1
    assert f"quota_store redis://jo@127.0.0.1:{port}: " in queue.log
    assert_not_in(SECRET, queue.log)
    assert ENCODED not in queue.log


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
])
def test_values_that_make_no_sense(acs, send, value, words):
    result = send(acs(), HELLO, quota_store=value)
    assert_failed(result, CONFIG, "line ", "quota_store: ", words)
    assert "hush" not in result.stderr
