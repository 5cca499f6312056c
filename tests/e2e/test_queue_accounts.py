# SPDX-License-Identifier: GPL-3.0-or-later
"""Several accounts in one queue, accounts that are gone, and configurations that break
and are mended."""

import os
import re
import time
from pathlib import Path

import pytest

from emulator.faults import Fault
from outcome import HELLO, assert_sent
from helpers.queue import DAY, HOUR

CONFIG = 78


@pytest.fixture
def two(acs, queued):
    """(servers, queue): accounts "test" and "other", whose logins both are good at first."""
    one, other = acs(), acs()
    queue = queued()

    def configure(**keys):
        queue.configure(one)
        ini = Path(queue.ini)
        text = ini.read_text()
        account = text.replace("[account test]", "[account other]").split("[delivery]")[0]
        account = account.replace(f"port = {one.port}", f"port = {other.port}")
        for key, value in keys.items():
            account = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", account)
        head, tail = text.split("[delivery]")
        ini.write_text(f"{head}\n{account}\n[delivery]{tail}")

    configure()
    return one, other, queue, configure


def test_each_goes_through_its_own(two):
    one, other, queue, _ = two
    for account in ("test", "other", "test"):
        assert_sent(queue.send(HELLO, "-odq", "-a", account, "-t"))
    assert [entry.account for entry in queue.entries()].count("other") == 1
    assert queue.run().stdout == "3 sent, 0 wait, 0 failed\n"
    assert (len(one.messages), len(other.messages)) == (2, 1)
    assert (len(one.sessions), len(other.sessions)) == (1, 1)    # in spite of the order


def test_one_that_waits_does_not_hold_the_other(two):
    one, other, queue, configure = two
    configure(password="wrong")
    for account in ("other", "test") * 3:
        assert_sent(queue.send(HELLO, "-odq", "-a", account, "-t"))
    assert queue.run().stdout == "3 sent, 3 wait, 0 failed\n"
    assert (len(one.messages), len(other.messages)) == (3, 0)
    assert len(other.sessions) == 1
    assert {entry.account for entry in queue.entries()} == {"other"}
    configure()
    queue.due()
    assert queue.run().stdout == "3 sent, 0 wait, 0 failed\n"
    assert len(other.messages) == 3


def test_an_account_that_is_gone(two, acs):
    """Its mail waits with the reason, and goes when it is there again."""
    one, other, queue, configure = two
    for account in ("other", "test"):
        assert_sent(queue.send(HELLO, "-odq", "-a", account, "-t"))
    queue.configure(one)
    for _ in range(2):
        assert_sent(queue.flush())
    entry = queue.only()
    assert entry.account == "other"
    assert 'there is no account "other"' in entry.why
    assert queue.log.count(f'{entry.id}: waits: there is no account "other"') == 1
    assert len(one.messages) == 1 and other.messages == []
    configure()
    assert_sent(queue.flush())
    assert len(other.messages) == 1
    assert queue.files() == []


def test_mail_of_an_account_that_is_gone_is_given_up_too(two):
    """Its sender is warned and told through the account that is the default now."""
    one, _, queue, _ = two
    assert_sent(queue.send(HELLO, "-odq", "-a", "other", "-f", "me@example.com", "-t"))
    id = queue.only().id
    queue.configure(one)
    queue.age(id, 4.5 * HOUR)
    assert_sent(queue.flush())
    assert b"Action: delayed" in one.message.data
    queue.age(id, 5 * DAY + HOUR)
    assert_sent(queue.flush())
    assert queue.ids() == []
    assert 'there is no account "other"' in queue.only(failed=True).recipients[0].why
    assert [message.recipients for message in one.messages] == [["me@example.com"]] * 2
    assert b"Action: failed" in one.messages[1].data


@pytest.mark.parametrize("text", ["[account test\n", "[account test]\nnonsense = 1\n", None])
def test_a_configuration_that_makes_no_sense(acs, queued, text):
    server = acs()
    queue = queued(server)
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    good = Path(queue.ini).read_text()
    if text is None:
        os.unlink(queue.ini)
    else:
        Path(queue.ini).write_text(text)
    assert queue.flush().status != 0
    result = queue.run()
    assert result.status != 0 and os.path.basename(queue.ini) in result.stderr
    assert len(queue.ids()) == 1
    Path(queue.ini).touch(0o600)
    Path(queue.ini).write_text(good)
    assert_sent(queue.flush())
    assert len(server.messages) == 1


def test_the_runner_takes_up_a_mended_configuration(acs, queued):
    """It need not be started anew."""
    server = acs()
    queue = queued(server, {"background": "on"}, password="wrong")
    assert_sent(queue.send(HELLO))
    runner = queue.wait_for_runner()
    queue.wait_until(lambda: queue.state().exists(), "the pause")
    queue.configure(server, {"background": "on"})
    # It may have noticed by itself, and the message be gone.
    assert queue.acsmtp("retry", "--all").status in (0, 69)
    queue.wait_until_empty()
    assert len(server.messages) == 1
    assert runner


def test_the_configuration_of_the_caller_is_remembered(acs, queued, run):
    """-C names it, wherever the queue is run from, and however it was written."""
    server = acs()
    queue = queued(server)
    directory, name = os.path.split(queue.ini)
    assert_sent(run(["-C", os.path.relpath(queue.ini, queue.path.parent / "home"), "-odq", "-t"],
                    input=HELLO))
    assert queue.only().config == os.path.join(directory, name)
    assert_sent(queue.flush())
    assert len(server.messages) == 1


@pytest.mark.as_user    # root's queue is that of the system
def test_default_places(acs, run, config, home, queued):
    """Without -C and without `spool`: in the state directory of an ordinary user, who has
    not even ~/.local yet."""
    server = acs(faults=(Fault("mail", reply="451 4.3.0 Not now", times=1),))
    (home / ".config").mkdir()
    os.replace(config(server, extra="[delivery]\nqueue = auto\n"), home / ".config/acsmtp.ini")
    assert_sent(run(["-t"], input=HELLO))
    spool = home / ".local/state/acsmtp/spool"
    assert len(list(spool.glob("*.env"))) == 1
    assert spool.stat().st_mode & 0o777 == 0o700
    assert_sent(run(["-q"]))
    assert len(server.messages) == 1
    assert list(spool.glob("*.env")) == []


# --- the schedule

MINUTE = 60
SCHEDULE = [1, 2, 5, 15, 30, 60, 60, 60]
PATIENT = [5, 15, 30, 60, 60, 60]


def test_a_message_is_tried_less_and_less(acs, queued):
    server = acs(faults=(Fault("rcpt", reply="450 4.2.1 Busy"),))
    queue = queued(server, {"warn_after": 0})
    assert_sent(queue.send(HELLO))
    for number, minutes in enumerate(SCHEDULE, 1):
        entry = queue.only()
        assert entry.attempts == number
        assert_within(entry.next, minutes)
        queue.due()
        assert_sent(queue.flush())
    assert len(server.sessions) == len(SCHEDULE) + 1


@pytest.mark.parametrize("fault, schedule", [
    (Fault("auth_response", reply="535 5.7.3 Authentication unsuccessful"), PATIENT),
    (Fault("auth", reply="454 4.7.0 Temporary authentication failure"), SCHEDULE),
    (Fault("connect", action="close"), SCHEDULE),
])
def test_an_account_is_tried_less_and_less(acs, queued, fault, schedule):
    """Its pause is over, and one message finds out that it is not."""
    server = acs(faults=(fault,))
    queue = queued(server, {"warn_after": 0})
    assert_sent(queue.send(HELLO))
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    for number, minutes in enumerate(schedule[:4], 1):
        assert len(server.sessions) == number
        assert_within(queue.pause("test"), minutes)
        queue.end_pause("test")
        assert queue.run().status == 0
    assert len(queue.ids()) == 2


def assert_within(moment, minutes):
    """So much later, and up to a quarter more."""
    wait = moment - time.time()
    assert minutes * MINUTE - 30 <= wait <= minutes * MINUTE * 1.25 + 1


@pytest.mark.parametrize("text", [None, "[account test]\nnonsense = 1\n"])
def test_mail_of_a_configuration_that_is_gone(acs, queued, config, run, text):
    """As that of an account that is gone: warned about and told through another account,
    whose configuration the report keeps."""
    server = acs()
    queue = queued(server)
    lost, kept = queue.ini, config(server, account="kept", log=queue.path.parent / "log",
                                   extra=f"[delivery]\nqueue = on\nbackground = off\n"
                                   f"spool = {queue.path}\n")
    assert_sent(queue.send(HELLO, "-odq", "-f", "me@example.com", "-t"))
    assert_sent(run(["-C", kept, "-odq", "-f", "you@example.com", "-t"], input=HELLO))
    if text is None:
        os.unlink(lost)
    else:
        Path(lost).write_text(text, encoding="utf-8")
    id, = [entry.id for entry in queue.entries() if entry.config == lost]
    queue.age(id, 4.5 * HOUR)
    assert_sent(run(["-C", kept, "-q"]))
    assert os.path.basename(lost) in queue.only().why
    assert b"Action: delayed" in server.messages[-1].data
    queue.age(id, 5 * DAY + HOUR)
    assert_sent(run(["-C", kept, "-q"]))
    assert queue.ids() == []
    recipient, = queue.only(failed=True).recipients
    assert os.path.basename(lost) in recipient.why
    assert b"Action: failed" in server.messages[-1].data
    assert [message.recipients[0] for message in server.messages if b"Action:" in message.data] \
        == ["me@example.com"] * 2


def test_an_account_of_the_same_name_does_not_wait_for_it(acs, queued, config, run):
    """The configuration is gone, not the account."""
    server = acs()
    queue = queued(server)
    other = config(server, extra=f"[delivery]\nqueue = on\nbackground = off\n"
                   f"spool = {queue.path}\n")
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    for _ in range(3):
        assert_sent(run(["-C", other, "-odq", "-t"], input=HELLO))
    os.unlink(queue.ini)
    assert_sent(run(["-C", other, "-q"]))
    assert len(server.messages) == 3 and queue.only().config == queue.ini
