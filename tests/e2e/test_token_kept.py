# SPDX-License-Identifier: GPL-3.0-or-later
"""What the helper for tokens keeps, who renews it, and where a secret must not be."""

import base64
import fcntl
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from helpers.program import environment, installed
from helpers.tokens import LATER, NOTHING, OK, REFUSED, Helper, memory_of
from helpers.waiting import wait_for, wait_until

HOUR = 3600


@pytest.fixture
def given(identity, home):
    return lambda **options: Helper(home, identity(**options))


def get(helper, command="get", **changes):
    return helper(command, "client-secret", helper.identity.client_secret, **changes)


def requests(helper):
    return len(helper.identity.asked("token"))


# --- keeping

def test_kept(given):
    helper = given()
    first, second = get(helper), get(helper)
    assert first.token == second.token and first.facts == second.facts
    assert requests(helper) == 1
    path, = helper.kept
    assert path.stat().st_mode & 0o777 == 0o600
    assert helper.directory.stat().st_mode & 0o777 == 0o700


def test_look(given):
    helper = given()
    answer = helper("look", "client-secret")
    assert answer.status == NOTHING and answer.facts == {} and "no token" in answer.said
    get(helper)
    facts = helper("look", "client-secret").facts
    assert facts["source"] == "client-secret"
    assert facts["application"] == helper.identity.client_id
    assert facts["audience"] == "https://communication.azure.com"
    assert 3500 < int(facts["left"]) <= 3600 and 2900 < int(facts["renew"]) <= 3000
    assert requests(helper) == 1


def test_forget(given):
    helper = given()
    get(helper)
    assert helper("forget", "client-secret").status == OK
    assert helper.kept == []
    get(helper)
    assert requests(helper) == 2


@pytest.mark.parametrize("change", [
    {"tenant": "other"}, {"client_id": "other"}, {"scope": "https://other/.default"},
    {"identity": "other"}, {"user": "other"}, {"certificate_file": "/other"},
    {"env": {"AZURE_CLIENT_ID": "other"}}, {"env": {"IDENTITY_ENDPOINT": "http://other"}},
])
def test_for_something_else(given, change):
    """A kept token is good for nothing but what it was fetched for."""
    helper = given()
    get(helper)
    helper.identity.client_id = change.get("client_id", helper.identity.client_id)
    assert get(helper, **change).status == OK
    assert requests(helper) == 2


def test_another_secret(given):
    """A token that came for another secret proves nothing of this one."""
    helper = given()
    get(helper)
    helper("get", "client-secret", "wrong").fails(REFUSED, "7000215")
    assert get(helper).status == OK
    assert requests(helper) == 2


@pytest.mark.parametrize("spoil", [
    lambda path: path.chmod(0o644),
    lambda path: path.chmod(0o620),
    lambda path: path.write_bytes(path.read_bytes()[:-1]),
    lambda path: path.write_bytes(path.read_bytes()[:50]),
    lambda path: path.write_bytes(path.read_bytes()[:-1] + b"!"),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(path.read_bytes() + b"x" * 20000),
    lambda path: (path.rename(path.with_name("x")), path.symlink_to(path.with_name("x"))),
    lambda path: (path.unlink(), os.mkfifo(path, 0o600)),
    lambda path: (path.unlink(), path.mkdir()),
])
def test_file_that_is_not_believed(given, spoil):
    helper = given()
    get(helper)
    spoil(helper.kept[0])
    answer = get(helper)
    assert answer.status == OK and answer.token == helper.identity.issued[1]


@pytest.mark.as_root
def test_file_of_somebody_else(given):
    helper = given()
    get(helper)
    os.chown(helper.kept[0], 65534, 65534)
    assert get(helper).token == helper.identity.issued[1]
    os.chown(helper.directory, 65534, 65534)
    assert get(helper).token == helper.identity.issued[2]


@pytest.mark.parametrize("spoil", [
    lambda helper: helper.directory.chmod(0o777),
    lambda helper: (helper.directory.rename(helper.directory.with_name("y")),
                    helper.directory.write_text("in the way")),
])
def test_nothing_can_be_kept(given, spoil):
    """Each message gets a token of its own then."""
    helper = given()
    get(helper)
    spoil(helper)
    assert get(helper).token == helper.identity.issued[1]
    assert get(helper).token == helper.identity.issued[2]


def test_no_home(given):
    helper = given()
    for issued in range(2):
        answer = get(helper, env={"HOME": "/nonexistent", "XDG_CACHE_HOME": None})
        assert answer.token == helper.identity.issued[issued]


# --- when it is renewed

@pytest.mark.parametrize("lifetime, after", [
    (3600, 3000), (7200, 6600), (7300, 3650), (24 * HOUR, 12 * HOUR), (1200, 600), (600, 300),
])
def test_when(given, lifetime, after):
    helper = given(lifetime=lifetime)
    get(helper)
    stamp, renews, expires = helper.times()
    came = stamp // 1000000
    assert abs(renews - came - after) <= 2 and abs(expires - came - lifetime) <= 2


def due(helper):
    """One that lasts for hours, and is to be renewed now."""
    get(helper)
    helper.put(renews=int(time.time()) - 1)


def test_due(given):
    helper = given(lifetime=8 * HOUR)
    due(helper)
    assert get(helper).token == helper.identity.issued[1]
    assert get(helper).token == helper.identity.issued[1]
    assert requests(helper) == 2


@pytest.mark.parametrize("failure", [{"status": 503}, {"how": "silence"}, {"aadsts": 7000222},
                                     {"how": "html"}])
def test_old_one_is_used_while_it_lasts(given, failure):
    """And those who come in the next minute do not wait for the same again."""
    helper = given(lifetime=8 * HOUR)
    due(helper)
    helper.identity.fail("token", times=None, **failure)
    answer = get(helper, seconds=2)
    assert (answer.status, answer.said) == (OK, "")
    assert answer.token == helper.identity.issued[0]
    before = requests(helper)
    assert get(helper).token == helper.identity.issued[0]
    assert requests(helper) == before
    helper.identity.mend()
    helper.put(renews=int(time.time()) - 1)
    assert get(helper).token == helper.identity.issued[1]


def test_old_one_is_used_while_another_process_renews(given):
    helper = given(lifetime=8 * HOUR)
    due(helper)
    with open(f"{helper.kept[0]}.lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert get(helper).token == helper.identity.issued[0]
    assert requests(helper) == 1


def test_ended(given):
    helper = given()
    get(helper)
    helper.put(renews=int(time.time()) - 1, expires=int(time.time()) + 30)
    assert get(helper).token == helper.identity.issued[1]


def test_kept_by_a_clock_that_was_ahead(given):
    helper = given()
    get(helper)
    path, = helper.kept
    helper.put(magic=b"acstok0\0")      # of another version
    assert get(helper).token == helper.identity.issued[1]
    assert helper.kept == [path]


def test_eight_at_once(given):
    helper = given()
    processes = [helper.start("get", "client-secret", helper.identity.client_secret)
                 for _ in range(8)]
    printed = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [OK] * 8
    assert len(set(printed)) == 1
    assert requests(helper) == 1


def test_who_has_none_waits_and_gives_up(given):
    helper = given()
    get(helper)
    lock = open(f"{helper.kept[0]}.lock", "rb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    helper.kept[0].unlink()
    get(helper, seconds=1).fails(LATER, "another process")
    process = helper.start("get", "client-secret", helper.identity.client_secret)
    assert process.poll() is None
    lock.close()
    assert process.communicate(timeout=60)[1] == b""
    assert requests(helper) == 2


# --- after a refusal

def test_renew(given):
    helper = given()
    first = get(helper)
    second = get(helper, "renew", stamp=first.facts["stamp"])
    assert second.token == helper.identity.issued[1]
    # Somebody else who was refused with the first one takes what came since.
    assert get(helper, "renew", stamp=first.facts["stamp"]).token == second.token
    assert requests(helper) == 2
    assert get(helper, "renew").token == helper.identity.issued[2]
    assert get(helper).token == helper.identity.issued[2]


def test_eight_are_refused_at_once(given):
    helper = given()
    stamp = get(helper).facts["stamp"]
    processes = [helper.start("renew", "client-secret", helper.identity.client_secret,
                              stamp=stamp) for _ in range(8)]
    printed = [process.communicate(timeout=60)[0] for process in processes]
    assert len(set(printed)) == 1 and requests(helper) == 2


# --- where a secret must not be

def shapes(secret):
    """As it is, and as it goes into a form or a header."""
    raw = secret.encode()
    return [raw, base64.b64encode(raw).rstrip(b"=")[:-2], raw[3:-3]]


@pytest.fixture
def waiting(given):
    """A helper that is kept waiting by its endpoint."""
    helper = given()
    helper.identity.fail("token", how="silence", times=None)
    process = helper.start("get", "client-secret", helper.identity.client_secret)
    wait_until(lambda: requests(helper), "the request", process=process)
    yield helper, process
    process.kill()
    process.communicate()


def test_process_shows_no_secret(waiting):
    helper, process = waiting
    shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    if os.geteuid() == 0:
        shown += Path(f"/proc/{process.pid}/environ").read_bytes()
    assert b"client-secret" in shown
    assert not any(shape in shown for shape in shapes(helper.identity.client_secret))


def test_process_leaves_no_core_and_is_closed(waiting):
    process = waiting[1]
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits)
    path = Path(f"/proc/{process.pid}/mem")
    assert path.stat().st_uid == 0
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            path.read_bytes()


@pytest.mark.as_root
def test_memory_has_no_secret_when_it_was_used(given, full_pipe):
    """It hangs while it hands the token over: of the secret nothing is left then, not in the
    memory that libraries gave back either, and of the token the one copy."""
    helper = given()
    process = helper.start("get", "client-secret", helper.identity.client_secret,
                           stdout=full_pipe)
    try:
        wait_until(lambda: helper.kept, "the token", process=process)
        wait_until(lambda: "pipe_w" in Path(f"/proc/{process.pid}/wchan").read_text()
                   or "pipe_write" in Path(f"/proc/{process.pid}/stack").read_text(),
                   "the full pipe", process=process)
        memory = memory_of(process.pid)
    finally:
        process.kill()
        process.communicate()
    token = helper.identity.issued[0].encode()
    assert b"client-secret" in memory       # we do look at it
    for shape in shapes(helper.identity.client_secret):
        assert shape not in memory
    assert memory.count(token) == 1


@pytest.mark.parametrize("failure", [None, {"aadsts": 7000215}, {"status": 503}])
def test_nothing_is_left_in_files(given, home, failure):
    helper = given(rotates=True)
    if failure:
        helper.identity.fail("token", **failure)
    secrets = [helper.identity.client_secret, helper.identity.refresh_token]
    answers = [get(helper), helper("get", "refresh", helper.identity.refresh_token)]
    secrets += [answers[1].facts.get("refresh_token", secrets[1])]
    said = "".join(answer.said for answer in answers).encode()
    left = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    for secret in secrets:
        for shape in shapes(secret):
            assert shape not in left and shape not in said
    for token in helper.identity.issued:
        assert token.encode() not in said
        assert all(token.encode() not in path.read_bytes() for path in home.rglob("*")
                   if path.is_file() and path not in helper.kept)


def test_it_ends_when_nobody_reads(given):
    helper = given()
    process = helper.start("get", "client-secret", helper.identity.client_secret)
    process.stdout.close()
    process.stdout = None
    assert wait_for(lambda: process.poll() is not None)
    assert process.returncode == 1
    assert b"nobody reads it" in process.communicate()[1]
    assert get(helper).token == helper.identity.issued[0]


# --- messages

def test_eight_messages_at_once(acs, identity, config, home):
    """All of them are sent, with one token that was asked for once."""
    one = identity()
    server = acs(mechanisms=("XOAUTH2",), token=one.accepts)
    path = config(server, password=one.client_secret, token="client-secret", tenant="contoso",
                  client_id=one.client_id, token_authority=one.authority,
                  token_ca_file=one.ca)
    running = [subprocess.Popen([installed("sendmail"), "-C", path, f"{n}@example.org"],
                                stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=environment(home, None)) for n in range(8)]
    said = [process.communicate(b"Subject: eight\n\nbody\n", timeout=60)[1]
            for process in running]
    assert [process.returncode for process in running] == [OK] * 8, said
    assert len(server.messages) == 8
    assert len(one.asked("token")) == 1
