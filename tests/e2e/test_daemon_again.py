# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that comes again at once may be served by the process that has served it, and by
nobody else's."""

import contextlib
import grp
import os
import pwd
import signal
import smtplib
import socket
from pathlib import Path

import pytest

from helpers.daemon import PATIENCE, Local, arrived, text
from helpers.ports import port_for_us
from helpers.waiting import wait_until

TRIES = 50      # each of them within a fifth of a second after the one before
TIMES = 100     # session.c: TIMES_MOST


@contextlib.contextmanager
def being(name, group=None):
    """For connect(2): as whom this process comes."""
    user = pwd.getpwnam(name)
    os.setegid(grp.getgrnam(group).gr_gid if group else user.pw_gid)
    os.seteuid(user.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def sessions(d):
    return set(d.children(d.program("acsmtp-door")))


def has_ended(pid):
    """Perhaps nobody has been told yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def raw(d):
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(PATIENCE)
    one.connect(str(d.socket))
    return one


def talk(d, *commands, quits=True):
    """The replies, and by whom they were said: the others are free, or somebody's."""
    with raw(d) as one, one.makefile("rwb", buffering=0) as wire:
        replies = [wire.readline()]
        for command in (*commands, *(["QUIT"] if quits else [])):
            wire.write(command.encode() + b"\r\n")
            replies.append(wire.readline())
        return [reply.decode().strip() for reply in replies], sessions(d)


def until_again(d, *commands, quits=True):
    """The replies to one whom a process has served that was there before he came."""
    before = sessions(d)
    for _ in range(TRIES):
        with contextlib.suppress(OSError):      # it had to go, as its keeper had
            replies, after = talk(d, *commands, quits=quits)
            if before and after <= before:
                return replies
        before = sessions(d)
    pytest.fail("nobody was ever served again")


@pytest.fixture
def door(acs, daemon):
    server = acs()
    d = daemon(server, rate_per_minute=0, rate_per_hour=0)
    d.server = server
    return d


def test_one_after_the_other(door):
    assert until_again(door, "NOOP")[1] == "250 Ok"
    door.wait_for_nobody()


def test_two_at_a_time(door):
    with Local(door.socket) as one, Local(door.socket) as other:
        assert one.noop()[0] == other.noop()[0] == 250
        assert len(sessions(door)) >= 2


@pytest.mark.parametrize("quits", [True, False])
def test_nothing_is_left_of_the_visit_before(door, quits):
    commands = "HELO me", "MAIL FROM:<me@contoso.com>"
    assert until_again(door, *commands, quits=quits)[2].startswith("250")
    replies = until_again(door, "RCPT TO:<b@example.org>", *commands)
    assert replies[1].startswith("503")
    assert replies[3].startswith("250")     # no enhanced codes: it has not said EHLO
    assert not replies[3].startswith("250 2.")


def test_mail_visit_by_visit(door):
    for number in range(TIMES + 20):
        with Local(door.socket) as client:
            client.sendmail("me@contoso.com", ["b@example.org"], text(number))
    wait_until(lambda: len(arrived(door.server)) == TIMES + 20, "all has arrived")
    assert arrived(door.server) == sorted(map(str, range(TIMES + 20)))
    door.wait_for_nobody()


@pytest.mark.as_root
def test_never_another_user(door):
    """Whoever has taken a process over has got himself."""
    for _ in range(TRIES):
        with being("www-data"):
            _, his = talk(door, "NOOP")
        with being("games"), raw(door) as one:
            assert one.recv(4) == b"220 "
            now = sessions(door)
            assert now - his, "he has a process of his own"


def test_who_is_free_is_not_here(acs, daemon):
    """The one place of a user is his, for the process that he left and for another one."""
    d = daemon(acs(), extra="max_clients_per_user = 1\n")

    def is_served():    # what he left may not have been noticed yet
        with raw(d) as one:
            return one.recv(4) == b"220 "

    for _ in range(TRIES):
        wait_until(is_served, "he is served")
    with contextlib.ExitStack() as stack:
        wait_until(lambda: stack.enter_context(raw(d)).recv(4) == b"220 ", "he is served")
        assert stack.enter_context(raw(d)).recv(9) == b"421 4.7.0"


@pytest.mark.as_root
def test_who_is_free_for_one_user_is_no_place_for_two(acs, daemon):
    """By TCP he is somebody else, but counts as the same user."""
    port = port_for_us()
    d = daemon(acs(), extra=f"listen = 127.0.0.1:{port}\nmax_clients_per_user = 1\n")

    for _ in range(TRIES):
        with contextlib.suppress(OSError):      # he is refused: see below
            talk(d, "NOOP")
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as other:
            if other.recv(4) != b"220 ":
                continue    # what he left was not noticed yet
            with raw(d) as one:
                assert one.recv(9) == b"421 4.7.0"
            return
    pytest.fail("he was never served")


@pytest.mark.as_root
def test_never_without_the_group(acs, daemon):
    """A program of that group may come, and whoever has called it may not."""
    d = daemon(acs(), extra="allow_users = @audio\n")
    for _ in range(TRIES):
        with being("games", "audio"):
            assert talk(d, "NOOP")[0][1] == "250 Ok"
        with being("games"), raw(d) as one:
            assert one.recv(4) == b"421 "


def test_new_settings_are_for_who_comes_again(door):
    until_again(door, "NOOP")
    door.write("max_clients_per_user = 1\n")
    door.process.send_signal(signal.SIGHUP)
    before = sessions(door)
    assert door.hears("READY=1")
    with Local(door.socket), raw(door) as other:
        assert other.recv(9) == b"421 4.7.0"
        wait_until(lambda: not any(os.path.exists(f"/proc/{one}") for one in before),
                   "those of before have ended")


@pytest.mark.as_root
def test_who_may_no_longer_come(door):
    with being("www-data"):
        until_again(door, "NOOP")
    door.write("allow_users = games\n")
    door.process.send_signal(signal.SIGHUP)
    assert door.hears("READY=1")
    with being("www-data"), raw(door) as one:
        assert one.recv(300).startswith(b"421 4.7.1 ")


def test_the_keeper_dies_meanwhile(door):
    """Those who are free end with it, and who comes then waits for the next one."""
    for number in range(5):
        until_again(door, "NOOP")
        keeper = wait_until(lambda: door.program("acsmtp: keeper"), "there is a keeper")
        os.kill(keeper, signal.SIGKILL)

        def is_served(number=number):
            try:
                with Local(door.socket) as client:
                    client.sendmail("me@contoso.com", ["b@example.org"], text(number))
            except (smtplib.SMTPException, OSError):
                return False    # it was told so, or the line was cut
            return True

        wait_until(is_served, "a message is taken")
    wait_until(lambda: len(arrived(door.server)) == 5, "all has arrived")


def test_a_reload_when_the_keeper_has_just_ended(door):
    """There is another one before the new door asks for it."""
    keeper = wait_until(lambda: door.program("acsmtp: keeper"), "there is a keeper")
    os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: has_ended(keeper), "it has ended")
    door.process.send_signal(signal.SIGHUP)
    assert door.hears("READY=1")
    with Local(door.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text())
    wait_until(lambda: arrived(door.server) == ["0"], "it has arrived")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_who_is_free_ends_with_the_door(door, number):
    until_again(door, "NOOP")
    free = sessions(door)
    pid = door.program("acsmtp-door")
    if number == signal.SIGTERM:
        door.stop()
        assert door.process.returncode == 0
    else:
        os.kill(pid, number)
    wait_until(lambda: not any(os.path.exists(f"/proc/{one}") for one in free), "they end")
