# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot leave now: each temporary outcome makes one durable message, exit status 0
and silence; without a queue the caller keeps it."""

import os
import re
import time

import pytest

from emulator.faults import Fault
from outcome import HELLO, assert_failed, assert_sent, transmitted
from helpers.ports import black_hole, closed_port

TEMPFAIL, NOHOST, PROTOCOL, NOPERM, CONFIG = 75, 68, 76, 77, 78
LINE_BY_LINE = ("CHUNKING", "PIPELINING")
GOING = "421 4.3.2 Service not available, closing transmission channel"

# name: (faults or options of the server, keys of the account, status without a queue,
#        words of the reason, who waits for it: the message or the account)
OUTCOMES = {
    "4xx to MAIL": ([Fault("mail", reply="451 4.3.0 Not now")], {}, TEMPFAIL,
                    "451 4.3.0 Not now", "message"),
    "4xx to RCPT": ([Fault("rcpt", reply="450 4.2.1 Busy")], {}, TEMPFAIL,
                    "450 4.2.1 Busy", "message"),
    "4xx to DATA": ([Fault("data", reply="451 4.3.0 Not now")], {}, TEMPFAIL,
                    "451 4.3.0 Not now", "message"),
    "4xx after it": ([Fault("body", reply="451 4.3.0 Not now")], {}, TEMPFAIL,
                     "451 4.3.0 Not now", "message"),
    "full": ([Fault("mail", reply="452 4.3.1 Insufficient storage")], {}, TEMPFAIL,
             "452 4.3.1", "message"),
    "quota at MAIL": ([Fault("mail", reply="450 4.5.127 Message rejected. Excessive rate")],
                      {}, TEMPFAIL, "4.5.127", "account"),
    "quota after it": ([Fault("body", reply="450 4.5.127 Message rejected. Excessive rate")],
                       {}, TEMPFAIL, "4.5.127", "account"),
    "454 to AUTH": ([Fault("auth", reply="454 4.7.0 Temporary authentication failure")], {},
                    TEMPFAIL, "454 4.7.0", "account"),
    "454 to STARTTLS": ([Fault("starttls", reply="454 4.7.0 TLS not available")], {},
                        TEMPFAIL, "454 4.7.0", "account"),
    "password refused": ([], {"password": "wrong"}, NOPERM, "535 5.7.3", "account"),
    "no password": ([], {"password": None, "password_command": "false"}, NOPERM,
                    "the command failed", "account"),
    "certificate of another host": ({"certificate": "othername"}, {}, PROTOCOL,
                                    "certificate", "account"),
    "expired certificate": ({"certificate": "expired"}, {}, PROTOCOL, "expired", "account"),
    "no TLS there": ({"without": "STARTTLS"}, {}, PROTOCOL, "STARTTLS", "account"),
    "TLS broken off": ([Fault("handshake", action="close")], {}, TEMPFAIL, "TLS", "account"),
    "silence": ([Fault("connect", action="silence")], {"timeout": 1}, TEMPFAIL,
                "did not answer in time", "account"),
    "silence to MAIL": ([Fault("mail", action="silence")], {"timeout": 1}, TEMPFAIL,
                        "did not answer in time", "message"),
}
STEPS = ["connect", "ehlo", "starttls", "ehlo2", "auth", "auth_response", "mail", "rcpt",
         "data", "body"]
OUTCOMES |= {f"421 at {step}": ([Fault(step, reply=GOING, action="close")], {}, TEMPFAIL, GOING,
                                "message" if step in STEPS[-4:] else "account")
             for step in STEPS}
OUTCOMES |= {f"lost at {step}": ([Fault(step, action="reset")], {}, TEMPFAIL,
                                 "localhost", "message" if step in STEPS[-4:] else "account")
             for step in STEPS[:-1]}


def start(acs, what):
    """DATA line by line, so that every step has a reply of its own."""
    if isinstance(what, dict):
        without = LINE_BY_LINE + ((what["without"],) if "without" in what else ())
        return acs(**{**what, "without": without})
    return acs(without=LINE_BY_LINE, faults=tuple(what))


def assert_deferred(queue, result, words):
    """Silent, durable, and told in the log."""
    assert_sent(result)
    entry = queue.only()
    assert words in " ".join([entry.why, *(one.why for one in entry.recipients)])
    assert all(state in ("deferred", "waiting") for state in entry.states.values())
    assert queue.files() == [f"{entry.id}.env", f"{entry.id}.msg"]
    for line in (r"queued: uid=\d+ account=test from=<\S+> recipients=1 not-before=\S+ error=",
                 "not sent: "):
        found, = re.findall(rf".*{entry.id}: {line}.*", queue.log)
        assert words in found
    return entry


@pytest.mark.parametrize("name", OUTCOMES)
def test_deferred(acs, queued, name):
    what, keys, _, words, waits = OUTCOMES[name]
    server = start(acs, what)
    queue = queued(server, **keys)
    before = int(time.time())
    result = queue.send(HELLO)
    entry = assert_deferred(queue, result, words)
    # An account has a pause of its own, and its mail is due when that is over.
    assert entry.attempts == (waits == "message")
    wait = entry.next - before
    if waits == "message":
        assert 60 <= wait and entry.next <= time.time() + 75
    else:
        assert entry.next <= time.time()
        assert queue.state().exists()


@pytest.mark.parametrize("name", OUTCOMES)
def test_without_a_queue_the_caller_keeps_it(acs, send, name):
    what, keys, status, words, _ = OUTCOMES[name]
    server = start(acs, what)
    result = send(server, HELLO, **keys)
    assert_failed(result, status, words)
    assert server.messages == []


@pytest.mark.parametrize("name", ["4xx to MAIL", "4xx after it", "password refused",
                                  "silence to MAIL", "quota after it", "421 at data"])
def test_it_arrives_when_all_is_well_again(acs, queued, name):
    what, keys, _, words, _ = OUTCOMES[name]
    queue = queued(start(acs, what), **keys)
    entry = assert_deferred(queue, queue.send(HELLO), words)
    server = acs()
    queue.configure(server)
    queue.due()
    assert_sent(queue.flush())
    assert server.message.recipients == ["a@example.org"]
    assert queue.files() == []
    assert re.search(rf"{entry.id}: sent: ", queue.log)


@pytest.mark.parametrize("port", [closed_port, black_hole])
def test_no_way_to_the_server(queued, port):
    with port() as number:
        queue = queued(host="127.0.0.1", port=number, timeout=1)
        assert_deferred(queue, queue.send(HELLO), f"127.0.0.1:{number}")


def test_unknown_host(queued):
    queue = queued(host="mail.example.invalid", timeout=1)
    assert_deferred(queue, queue.send(HELLO), "mail.example.invalid")


@pytest.mark.parametrize("name", ["4xx to MAIL", "password refused"])
def test_quiet_and_loud_callers_hear_nothing_of_it(acs, queued, name):
    what, keys, _, _, _ = OUTCOMES[name]
    for option in ("-oep", "-oeq", "-oem", "-oew", "-oee", "-em", "-OErrorMode=m"):
        queue = queued(start(acs, what), **keys)
        assert_sent(queue.send(HELLO, option, "-t"))
        assert len(queue.ids()) == 1 and queue.ids(failed=True) == []


def test_an_account_that_waits_is_not_tried(acs, queued):
    """The second message goes into the queue without a word to the server."""
    server = acs(faults=(Fault("auth", reply="454 4.7.0 Temporary failure"),))
    queue = queued(server)
    for _ in range(2):
        assert_sent(queue.send(HELLO))
    assert len(server.sessions) == 1
    assert len(queue.ids()) == 2
    assert all("454 4.7.0" in entry.why + entry.recipients[0].why for entry in queue.entries())


def test_a_program_that_flushes_does_not_log_in_on_and_on(acs, queued):
    """A login that was refused is tried for who asks, and not for ever, which locks accounts."""
    server = acs()
    queue = queued(server, password="wrong")
    assert_sent(queue.send(HELLO))
    for sessions in (2, 3, 3, 3):
        assert_sent(queue.flush())
        assert len(server.sessions) == sessions
    assert queue.acsmtp("retry", "--all").status == 0    # somebody says that all is well
    assert queue.run().status == 0
    assert len(server.sessions) == 4


def test_a_pause_of_the_network_ends_with_a_flush(acs, queued):
    server = acs()
    with closed_port() as port:
        queue = queued(host="127.0.0.1", port=port)
        assert_sent(queue.send(HELLO))
    queue.configure(server)
    assert_sent(queue.flush())
    assert len(server.messages) == 1


# --- permanent outcomes are the caller's

@pytest.mark.parametrize("step, status", [("mail", 77), ("rcpt", 67), ("data", 69),
                                          ("body", 69)])
def test_refused_for_good_is_not_queued(acs, queued, step, status):
    server = acs(without=LINE_BY_LINE, faults=(Fault(step, reply="554 5.0.0 No"),))
    queue = queued(server)
    assert_failed(queue.send(HELLO), status, "554 5.0.0 No")
    assert queue.files() == []


def test_an_account_that_makes_no_sense_is_told(acs, queued):
    """Time alone does not mend it, so it is not kept in silence; with -oem it is kept."""
    server = acs()
    queue = queued(server, user=None)
    assert_failed(queue.send(HELLO), CONFIG, "`user` is missing")
    assert queue.files() == []
    assert_sent(queue.send(HELLO, "-oem", "-t"))
    assert "`user` is missing" in queue.only().why
    queue.configure(server)
    queue.due()
    assert_sent(queue.flush())
    assert len(server.messages) == 1


# --- several recipients

MIXED = "To: good@example.org, later@example.org, never@example.org\nSubject: t\n\nHello\n"


@pytest.mark.parametrize("without", [(), LINE_BY_LINE])
def test_each_recipient_has_its_own_fate(acs, queued, without):
    server = acs(without=without,
                 faults=(Fault("later@example.org", reply="450 4.2.1 Busy", times=2),
                         Fault("never@example.org", reply="550 5.1.1 Unknown")))
    queue = queued(server)
    result = queue.send(MIXED)
    assert result.status == 67
    for words in ("not sent to <never@example.org>: RCPT TO <never@example.org>: 550 5.1.1 ",
                  "queued for <later@example.org>", "sent to 1 of 3"):
        assert words in result.stderr
    assert not re.search("(sent to|queued for) <good@", result.stderr)
    entry = queue.only()
    assert entry.states == {"good@example.org": "sent", "later@example.org": "deferred"}
    for tries in (2, 3):
        queue.due()
        assert queue.flush().status == 0
    assert [message.recipients for message in server.messages] == [
        ["good@example.org"], ["later@example.org"]]
    assert queue.files() == []
    assert "reported" not in queue.log    # the caller knows


def test_one_waits_and_nobody_was_refused(acs, queued):
    server = acs(faults=(Fault("later@example.org", reply="450 4.2.1 Busy", times=1),))
    queue = queued(server)
    assert_sent(queue.send("To: good@example.org, later@example.org\n\nHello\n"))
    assert_sent(queue.flush())
    assert [message.recipients for message in server.messages] == [
        ["good@example.org"], ["later@example.org"]]
    assert queue.files() == []


def test_more_recipients_than_a_transaction_takes(acs, queued):
    """The second batch meets the quota; the first is never sent again."""
    server = acs(faults=(Fault("body", reply="450 4.5.127 Excessive message rate", times=1,
                               when=lambda session, _: len(session.messages) == 2),))
    everybody = [f"r{n:02}@example.org" for n in range(60)]
    queue = queued(server)
    assert_sent(queue.send("Subject: t\n\nHello\n", *everybody))
    waiting = [one for one, state in queue.only().states.items() if state != "sent"]
    assert waiting == everybody[50:]
    queue.due()
    assert_sent(queue.flush())
    assert [message.recipients for message in server.messages] == [
        everybody[:50], everybody[50:]]


def test_many_recipients_durable_first(acs, queued):
    server = acs()
    everybody = [f"r{n:03}@example.org" for n in range(120)]
    queue = queued(server)
    assert_sent(queue.send("Subject: t\n\nHello\n", "-odq", *everybody))
    assert_sent(queue.flush())
    assert [len(message.recipients) for message in server.messages] == [50, 50, 20]
    assert [one for message in server.messages for one in message.recipients] == everybody
    assert len(server.sessions) == 1


def test_files_are_private(acs, queued):
    queue = queued(acs())
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    for directory, directories, files in os.walk(queue.path):
        assert os.stat(directory).st_mode & 0o777 == 0o700
        assert all(os.stat(os.path.join(directory, file)).st_mode & 0o777 == 0o600
                   for file in files)


def test_the_account_of_the_message_is_the_queue_s(acs, queued):
    """Nothing is transmitted twice by one call."""
    server = acs(faults=(Fault("body", reply="451 4.3.0 Not now"),))
    queue = queued(server)
    assert_sent(queue.send(HELLO))
    assert transmitted(server) == 1
