# SPDX-License-Identifier: GPL-3.0-or-later
"""Many recipients, and some of them are refused: every one of those can be found, by whoever
sent the message and by whoever reads the log."""

import re
import subprocess

import pytest

from emulator.faults import Fault
from helpers.program import environment, installed
from outcome import assert_sent

UNAVAILABLE = 69
MANY, BAD = 1000, 250
GOOD = [f"good-{i}@example.org" for i in range(MANY - BAD)]
GONE = [f"refused-{i}@a-rather-long-name-of-a-domain.example.org" for i in range(BAD)]


def mixed():
    """Those who wait first, the refused last."""
    return ["later@example.org", *GOOD, *GONE]


def refusals(words="550 5.1.1 No such user"):
    return [*(Fault(one, reply=words) for one in GONE),
            Fault("later@example.org", reply="450 4.2.1 Busy")]


@pytest.fixture
def sent(acs, queued):
    """sent(delivery, *options) -> (queue, result)."""
    def send(delivery, *options, **keys):
        server = acs(faults=refusals())
        queue = queued(server, delivery=delivery, rate_per_minute=0, rate_per_hour=0, **keys)
        return queue, queue.send("Subject: x\n\nHello\n", *options, "--", *mixed())
    return send


def told(text):
    return set(re.findall(r"<(refused-\d+@[a-z.-]+)>", text))


def test_the_log_has_all_of_them(sent):
    queue, result = sent({"queue": "off"}, "-f", "me@example.com")
    assert result.status != 0
    lines = queue.log.splitlines()
    id = re.search(r" (\S{16}): ", lines[0])[1]
    refused = [line for line in lines if f"{id}: refused: to=<" in line]
    assert told("\n".join(refused)) == set(GONE)
    assert all(line.endswith(" error=550 5.1.1 No such user") for line in refused)
    assert len(refused) < 6
    assert all(len(line) < 8000 for line in lines)
    whole = [line for line in lines if "partly sent" in line]
    assert whole and all(" reply=" in line and " error=" in line for line in whole)


def test_the_refused_come_first(sent):
    queue, result = sent({"queue": "on"}, "-f", "me@example.com")
    lines = result.stderr.splitlines()
    shown = [line for line in lines if "not sent to <" in line]
    assert len(shown) == 20 and all("<refused-" in line for line in shown)
    more, = [line for line in lines if "and 231 more" in line]
    assert str(queue.path.parent) in more and "the log (" in more


def test_where_the_rest_stands(sent):
    """Kept for a report: the queue knows them."""
    queue, result = sent({"queue": "on"}, "-oem", "-f", "me@example.com")
    more, = [line for line in result.stderr.splitlines() if "and 231 more" in line]
    id = re.search(r"`acsmtp queue show (\S+)`", more)[1]
    shown = queue.acsmtp("show", id).stdout
    assert len(re.findall(r"(?m)^recipient: +refused-", shown)) == BAD


def test_without_a_log_all_are_named(sent):
    _, result = sent({"queue": "off"}, "-f", "me@example.com", log="off")
    assert told(result.stderr) == set(GONE)


def test_the_report_has_all_of_them(acs, queued):
    server = acs(faults=refusals())
    queue = queued(server, rate_per_minute=0, rate_per_hour=0)
    assert_sent(queue.send("Subject: x\n\nHello\n", "-odq", "-f", "me@example.com", "--",
                           *GONE, *GOOD))
    for _ in range(2):
        assert_sent(queue.flush())
    report, = [one.data for one in server.messages if b"Action: failed" in one.data]
    assert report.count(b"Final-Recipient: ") == BAD


def test_one_line_where_one_will_do(acs, queued):
    server = acs(faults=[Fault("a@example.org", reply="550 5.1.1 No such user")])
    queue = queued(server, delivery={"queue": "off"})
    assert queue.send("Subject: x\n\nHello\n", "--", "a@example.org",
                      "b@example.org").status != 0
    assert len(queue.log.splitlines()) == 1


def test_a_refusal_beside_one_that_waits(acs, queued):
    """The line of the whole has the reason of the latter."""
    server = acs(faults=[Fault("a@example.org", reply="550 5.1.1 No such user"),
                         Fault("b@example.org", reply="450 4.2.1 Busy")])
    queue = queued(server)
    assert queue.send("Subject: x\n\nHello\n", "--", "a@example.org",
                      "b@example.org").status != 0
    line, = [line for line in queue.log.splitlines() if ": refused: " in line]
    assert "to=<a@example.org>" in line and "No such user" in line
    assert queue.flush().status == 0


def test_one_reply_costs_one_text(acs, config, home):
    """Thousands who are refused alike need no more than as many who are not."""
    def peak(*faults):
        ini = config(acs(faults=faults), log="off", max_recipients=10000,
                     extra="[delivery]\nqueue = off\n")
        program = ["python3", "-c", "import resource, subprocess, sys\n"
                   "subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
                   "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                   installed("sendmail"), "-C", ini, "-f", "me@example.com", "--",
                   *(f"refused-{i}@example.org" for i in range(5000))]
        return int(subprocess.run(program, capture_output=True, check=True, timeout=120,
                                  env=environment(home, None)).stdout)
    accepted, refused = peak(), peak(Fault("RCPT", reply="550 5.1.1 No such user"))
    assert refused < accepted + 1024, f"KiB, as {accepted} where all are taken"
