# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a message waits or has failed: the last cause, and each fact once."""

import json

from emulator.faults import Fault
from outcome import HELLO, assert_sent
from helpers.ports import closed_port
from helpers.queue import DAY, HOUR

LISTS = [(["queue", "list"], "acsmtp"), (["queue", "list", "--json"], "acsmtp"),
         (["-bp"], "sendmail")]
SENDER = ["-f", "me@example.com", "-t"]


def lists(run, queue, *arguments):
    """What each of them says."""
    return [run([*words, *(arguments if program == "acsmtp" else []), "-C", queue.ini],
                program=program).stdout for words, program in LISTS]


def test_the_last_cause(acs, queued, run):
    """What kept it waiting for days is history when it is refused."""
    server = acs(faults=[Fault("a@example.org", reply="550 5.1.1 No such user")])
    with closed_port() as port:
        queue = queued(server, port=port)
        assert_sent(queue.send(HELLO, *SENDER))
        assert "refused" in queue.only().why
    queue.configure(server)
    queue.due()
    assert_sent(queue.flush())
    for shown in lists(run, queue, "--failed")[:2]:
        assert "550 5.1.1 No such user" in shown
        assert "Connection refused" not in shown
    id = queue.only(failed=True).id
    assert "Connection refused" not in run(["queue", "show", id, "-C", queue.ini],
                                           program="acsmtp").stdout


def test_what_an_older_reason_says_of_failed_mail(queued, run):
    """An entry that keeps both, as it was written once."""
    queue = queued()
    queue.add(failed=True, why="Connection refused",
              to=[("a@example.org", "reported", "550 5.1.1 No such user")])
    for shown in lists(run, queue, "--failed")[:1]:
        assert shown.splitlines()[0].endswith("failed: 550 5.1.1 No such user")


def test_the_account_is_named_once(queued, run):
    """After a failure that pauses the account, and of what came during the pause."""
    with closed_port() as port:
        queue = queued(port=port)
        for _ in range(2):
            assert_sent(queue.send(HELLO, *SENDER))
    entries = queue.entries()
    assert [entry.why.count("account test") for entry in entries] == [0, 0]
    assert all("refused" in entry.why for entry in entries)
    for shown in lists(run, queue):
        assert "account test: account test" not in shown
    said = [json.loads(shown) for shown in lists(run, queue) if shown.startswith("{")]
    account, = said[0]["accounts"]
    assert not account["reason"].startswith("account test")
    checked = run(["check", "--json", "-C", queue.ini], program="acsmtp").stdout
    quota, = [step for step in json.loads(checked)["steps"] if step["name"] == "quota"]
    assert "account test" not in quota["text"]


def test_the_caller_is_told_the_account_once(queued):
    with closed_port() as port:
        queue = queued(port=port, delivery={"queue": "off"})
        result = queue.send(HELLO, *SENDER)
    assert result.status == 75
    assert result.stderr.startswith("sendmail: account test: localhost:")
    assert result.stderr.count("account test") == 1


def test_the_account_that_went_last(acs, queued):
    """Given up for want of an account, not for what was wrong before."""
    with closed_port() as port:
        queue = queued(port=port, account="other")
        assert_sent(queue.send(HELLO, "-a", "other", *SENDER))
    queue.configure(acs())
    assert_sent(queue.flush())
    queue.age(queue.only().id, 5 * DAY + HOUR)
    assert_sent(queue.flush())
    recipient, = queue.only(failed=True).recipients
    assert 'there is no account "other"' in recipient.why
    assert "Connection refused" not in recipient.why
