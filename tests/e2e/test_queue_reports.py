# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever sent a message learns from the queue that it failed or is late: once, readably,
and never in circles."""

import email
import email.policy
import quopri
import re
from datetime import date, timedelta

import pytest

from emulator.faults import Fault
from outcome import assert_nobody_called, assert_said, assert_sent
from helpers.queue import DAY, HOUR

NOUSER, UNAVAILABLE = 67, 69
ME = "me@example.com"
OURS = "DoNotReply@contoso.com"
NO = "550 5.1.1 No such user"
MESSAGE = (f"From: Me <{ME}>\nTo: a@example.org\nSubject: For a\nMessage-ID: <one@example.com>\n"
           "\nHello\n")


def refusing(acs, *recipients, reply=NO, **options):
    return acs(faults=tuple(Fault(one, reply=reply) for one in recipients or ["a@example.org"]),
               **options)


def fail(queue, message=MESSAGE, *args):
    """It goes through the queue, so that nobody waits for the refusal."""
    assert_sent(queue.send(message, "-odq", *(args or ["-t"])))
    assert_sent(queue.flush())


def reports_of(server):
    """The reports that arrived, in order."""
    return [message for message in server.messages
            if b"multipart/report" in message.data]


def parsed(message):
    report = email.message_from_bytes(message.data, policy=email.policy.default)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    assert report["Auto-Submitted"] == "auto-replied"
    assert report["Message-ID"] and report["Date"]
    assert not [part.defects for part in report.walk() if part.defects]
    return report


def failures(report):
    """{recipient: status} of its part for programs."""
    _, status, _ = report.iter_parts()
    _, *each = status.get_payload()
    assert all(fields["Action"] == "failed" for fields in each)
    return {fields["Final-Recipient"].split(";")[1].strip(): fields["Status"]
            for fields in each}


# --- what the sender gets

def test_the_sender_is_told(acs, queued):
    server = refusing(acs)
    queue = queued(server)
    fail(queue)
    sent = server.message
    assert sent.recipients == [ME]    # the sender as it was, not the one put in its place
    assert sent.sender == "DoNotReply@contoso.com"
    assert set(sent.rcpt_parameters[0]) == {"NOTIFY"}
    assert sent.rcpt_parameters[0]["NOTIFY"] == "NEVER"
    report = parsed(sent)
    assert report["To"] == ME
    assert report["From"].addresses[0].addr_spec == "DoNotReply@contoso.com"
    assert failures(report) == {"a@example.org": "5.1.1"}
    words, _, original = report.iter_parts()
    assert "a@example.org" in words.get_content() and NO in words.get_content()
    assert "For a" in str(original.get_payload())
    entry = queue.only(failed=True)
    assert entry.states == {"a@example.org": "reported"}
    assert entry.id in words.get_content()
    assert queue.ids() == []
    assert re.search(rf"{entry.id}: failure is reported to <{ME}> as \w+", queue.log)


@pytest.mark.parametrize("days, is_told", [(20, True), (-2, True), (40, False)])
def test_the_end_of_the_secret_is_told(acs, queued, days, is_told):
    """To who reads no log."""
    day = (date.today() + timedelta(days=days)).isoformat()
    server = refusing(acs)
    fail(queued(server, password_expires=day))
    words, _, _ = parsed(server.message).iter_parts()
    assert (f"ends on {day}" in " ".join(words.get_content().split())) == is_told


def test_the_envelope_sender_is_told(acs, queued):
    server = refusing(acs)
    queue = queued(server)
    fail(queue, MESSAGE, "-f", "bounces@example.com", "-t")
    assert server.message.recipients == ["bounces@example.com"]


def test_report_to(acs, queued):
    server = refusing(acs)
    queue = queued(server, {"report_to": "postmaster@example.com"})
    fail(queue)
    assert server.message.recipients == ["postmaster@example.com"]


def test_other_servers_get_the_null_sender(acs, queued):
    server = refusing(acs, senders=None)
    queue = queued(server, service="other")
    fail(queue)
    assert server.message.sender == ""
    assert server.message.recipients == [ME]


def no_null(reply, **how):
    return Fault("MAIL", reply=reply, when=lambda _, line: b"<>" in line, **how)


@pytest.mark.parametrize("action", [None, "close"])
@pytest.mark.parametrize("mode", ["-odq", "-odi"])
@pytest.mark.parametrize("without", [(), "PIPELINING", "CHUNKING"])
def test_where_the_null_sender_is_refused(acs, queued, action, mode, without):
    """It goes once more, from the account."""
    server = acs(senders=None, without=without, faults=(
        Fault("a@example.org", reply=NO), no_null("553 5.1.8 no such sender", action=action)))
    queue = queued(server, service="other", sender_policy="keep")
    queue.send(MESSAGE, mode, "-oem", "-t")
    assert_sent(queue.flush())
    assert server.message.sender == OURS
    assert server.message.recipients == [ME]
    assert failures(parsed(server.message)) == {"a@example.org": "5.1.1"}
    assert queue.ids() == []
    assert queue.log.count(f"goes from <{OURS}>, as <> is refused") == 1


@pytest.mark.parametrize("reply, left", [("553 5.1.8 no", []), ("451 4.1.8 later", [OURS])])
def test_where_that_is_refused_too(acs, queued, reply, left):
    """No report about a report, and no third sender; what may pass is tried again."""
    server = acs(senders=None, faults=(
        Fault("a@example.org", reply=NO), no_null("553 5.1.8 no such sender"),
        Fault("MAIL", reply=reply, when=lambda _, line: OURS.encode() in line)))
    queue = queued(server, service="other", sender_policy="keep")
    fail(queue)
    assert_sent(queue.flush())
    assert [entry.sender for entry in queue.entries()] == left
    assert server.messages == []
    assert len(queue.ids(failed=True)) == 2 - len(left)
    assert queue.log.count("is reported to") == 1


def test_where_the_null_sender_has_to_wait(acs, queued):
    server = acs(senders=None, faults=(
        Fault("a@example.org", reply=NO), no_null("451 4.7.1 later", times=1)))
    queue = queued(server, service="other", sender_policy="keep")
    fail(queue)
    assert_sent(queue.flush())
    assert server.message.sender == ""


@pytest.mark.parametrize("option, body, kind", [
    ("-Rfull", True, "message/rfc822"), ("-Rhdrs", False, "text/rfc822-headers"),
    (None, False, "text/rfc822-headers")])
def test_how_much_is_returned(acs, queued, option, body, kind):
    server = refusing(acs)
    queue = queued(server)
    fail(queue, MESSAGE.replace("Hello", "Unheard-of"), *([option] if option else []), "-t")
    _, _, original = parsed(server.message).iter_parts()
    assert (b"Unheard-of" in server.message.data) == body
    assert original.get_content_type() == kind


def test_the_envelope_id_comes_back(acs, queued):
    server = refusing(acs)
    queue = queued(server)
    fail(queue, MESSAGE, "-Vmy+20id", "-t")
    _, status, _ = parsed(server.message).iter_parts()
    assert status.get_payload()[0]["Original-Envelope-Id"] == "my id"


@pytest.mark.parametrize("subject, kind", [("Hello", "message/rfc822"),
                                           ("Grüße", "message/global")])
def test_a_full_report_to_a_server_without_8bit(acs, queued, subject, kind):
    """Only a message/global may be encoded as a whole (RFC 6532), a message/rfc822 is
    encoded inside."""
    server = refusing(acs, without=("8BITMIME", "SMTPUTF8", "BINARYMIME"))
    queue = queued(server)
    fail(queue, f"From: {ME}\nTo: a@example.org\nSubject: {subject}\nMIME-Version: 1.0\n"
         "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
         "Zoë schreibt\n", "-Rfull", "-t")
    assert server.message.data.isascii()
    _, _, original = parsed(server.message).iter_parts()
    assert original.get_content_type() == kind
    inner = original.get_payload(0)
    if kind == "message/global":    # which Python takes as it is
        assert original["Content-Transfer-Encoding"] == "quoted-printable"
        inner = email.message_from_bytes(quopri.decodestring(inner.as_bytes()),
                                         policy=email.policy.default)
    assert inner.get_content().strip() == "Zoë schreibt"
    assert inner["Subject"] == subject


def test_cron_is_told(acs, queued):
    """What programs send on their own is for somebody to know about."""
    server = refusing(acs)
    queue = queued(server)
    fail(queue, "Auto-Submitted: auto-generated\nPrecedence: bulk\n" + MESSAGE)
    assert len(reports_of(server)) == 1


# --- who is not told

@pytest.mark.parametrize("options, header, why", [
    (["-NNEVER"], "", "NOTIFY"),
    (["-Nsuccess"], "", "NOTIFY"),
    (["-f<>"], "", "its sender is <>"),
    ([], "Auto-Submitted: auto-replied\n", "auto-replied"),
])
def test_nobody_is_told(acs, queued, options, header, why):
    server = refusing(acs)
    queue = queued(server)
    fail(queue, header + MESSAGE, *options, "-t")
    assert server.messages == []
    entry = queue.only(failed=True)
    assert re.search(rf"{entry.id}: nobody is told of its failure: .*{re.escape(why)}",
                     queue.log)


def test_no_more_than_reports_per_hour(acs, queued):
    server = acs(faults=(Fault("RCPT", reply=NO,
                               when=lambda session, line: b"@example.org" in line),))
    queue = queued(server, rate_per_minute=0, rate_per_hour=0)
    for number in range(50):
        assert_sent(queue.send(MESSAGE.replace("a@", f"a{number}@"), "-odq", "-t"))
    assert_sent(queue.flush())
    assert len(queue.ids(failed=True)) == 50
    assert len(reports_of(server)) == 20
    assert queue.log.count("more than reports_per_hour") == 30


def test_a_report_that_is_refused_makes_no_other(acs, queued):
    server = refusing(acs, "a@example.org", ME)
    queue = queued(server)
    fail(queue)
    assert_sent(queue.flush())
    assert server.messages == []
    assert queue.ids() == []
    message, report = sorted(queue.entries(failed=True), key=lambda entry: entry.report)
    assert (message.report, report.report) == (0, 1)
    assert f"{report.id}: nobody is told of its failure: it is a report itself" in queue.log


# --- what is in it when not all fail at one time

def test_two_reports_each_with_its_own(acs, queued):
    server = acs(faults=(Fault("a@example.org", reply=NO),
                         Fault("b@example.org", reply="450 4.2.1 Busy", times=1),
                         Fault("b@example.org", reply="552 5.2.2 Full")))
    queue = queued(server)
    fail(queue, MESSAGE.replace("To: ", "To: b@example.org, c@example.org, "))
    assert queue.only().states == {"b@example.org": "deferred", "c@example.org": "sent",
                                   "a@example.org": "reported"}
    queue.due()
    assert_sent(queue.flush())
    assert [failures(parsed(report)) for report in reports_of(server)] == [
        {"a@example.org": "5.1.1"}, {"b@example.org": "5.2.2"}]
    assert queue.only(failed=True).states["b@example.org"] == "reported"


# --- -oem and -oee: nobody waits for the direct attempt either

@pytest.mark.parametrize("option, status", [("-oem", NOUSER), ("-oee", 0), ("-em", NOUSER),
                                            ("-ee", 0), ("-OErrorMode=m", NOUSER)])
def test_a_refusal_is_kept_and_reported(acs, queued, option, status):
    server = refusing(acs)
    queue = queued(server)
    result = queue.send(MESSAGE, option, "-t")
    if status:
        assert result.status == status
        assert_said(result, NO)
    else:
        assert_sent(result)
    assert queue.only(failed=True).states == {"a@example.org": "reported"}
    assert_sent(queue.flush())
    assert server.message.recipients == [ME]
    assert failures(parsed(server.message)) == {"a@example.org": "5.1.1"}


def test_a_report_of_a_refusal_goes_by_itself(acs, queued):
    server = refusing(acs)
    queue = queued(server, {"background": "on"})
    assert queue.send(MESSAGE, "-oem", "-t").status == NOUSER
    queue.wait_until_empty()
    assert server.message.recipients == [ME]


@pytest.mark.parametrize("option", ["-oep", "-oeq", "-oew"])
def test_a_refusal_is_the_caller_s(acs, queued, option):
    server = refusing(acs)
    queue = queued(server)
    result = queue.send(MESSAGE, option, "-t")
    assert result.status == NOUSER
    assert (result.stderr == "") == (option == "-oeq")
    assert queue.files() == []


@pytest.mark.parametrize("option, status", [("-oem", NOUSER), ("-oee", 0), ("-oep", NOUSER)])
def test_one_is_refused_and_another_waits(acs, queued, option, status):
    """The one is reported if the caller wants mail, else the caller knows."""
    server = acs(faults=(Fault("a@example.org", reply=NO),
                         Fault("b@example.org", reply="450 4.2.1 Busy", times=1)))
    queue = queued(server)
    result = queue.send(MESSAGE.replace("To: ", "To: b@example.org, "), option, "-t")
    assert result.status == status
    assert (result.stderr == "") == (status == 0)
    queue.due()
    assert_sent(queue.flush())
    assert [one.recipients for one in server.messages if one not in reports_of(server)] == [
        ["b@example.org"]]
    told = [failures(parsed(report)) for report in reports_of(server)]
    assert told == ([] if option == "-oep" else [{"a@example.org": "5.1.1"}])
    assert len(queue.ids(failed=True)) == len(told)


def test_everybody_is_refused_by_durable_first(acs, queued):
    server = refusing(acs)
    queue = queued(server, {"mode": "queued"})
    assert_sent(queue.send(MESSAGE))
    assert_nobody_called(server)
    assert_sent(queue.flush())
    assert len(reports_of(server)) == 1


def test_local_name_that_nobody_has(acs, queued):
    """It is refused at once, in whatever mode; the other recipient gets the message."""
    server = acs()
    queue = queued(server)
    result = queue.send("Subject: t\n\nHello\n", "-odq", "a@example.org", "nobody-of-that-name")
    assert result.status == NOUSER
    assert_said(result, "nobody-of-that-name") if result.stderr.count("\n") == 1 else None
    assert "nobody-of-that-name" in result.stderr
    assert queue.only().states == {"a@example.org": "waiting"}
    assert_sent(queue.flush())
    assert server.message.recipients == ["a@example.org"]
    assert queue.files() == []


NOWHERE = ["nobody-of-that-name", "a@@example.org", "a b@example.org", "bad <x@example.org> y",
           "two\n lines@example.org"]


@pytest.mark.parametrize("option, status", [("-oem", 1), ("-oee", 0)])
@pytest.mark.parametrize("name", NOWHERE)
def test_who_leads_nowhere_is_kept_and_reported(acs, queued, name, option, status):
    """As cron calls: without it the output of a job would be lost."""
    server = acs()
    queue = queued(server)
    result = queue.send(f"From: {ME}\nTo: {name}\nSubject: t\n\nprecious\n", option, "-t")
    assert (result.status != 0) == (result.stderr != "") == bool(status)
    entry = queue.only(failed=True)
    assert set(entry.states.values()) == {"reported"}
    assert b"precious" in queue.message(entry.id, failed=True)
    assert "not taken: " in queue.log
    assert_sent(queue.flush())
    assert server.message.recipients == [ME]
    parsed(server.message)
    assert queue.acsmtp("list", "--failed").status == 0
    assert queue.acsmtp("show", entry.id).status == 0
    assert not (queue.path / "damaged").exists()


@pytest.mark.parametrize("name", NOWHERE)
def test_who_leads_nowhere_beside_one_who_waits(acs, queued, name):
    server = acs(faults=(Fault("a@example.org", reply="450 4.2.1 Busy", times=1),))
    queue = queued(server)
    result = queue.send(f"From: {ME}\nTo: a@example.org,\n {name}\n\nHello\n", "-oem", "-t")
    assert result.status != 0 and "a@example.org" in result.stderr
    queue.due()
    assert_sent(queue.flush())
    assert sorted(message.recipients for message in server.messages) == [
        ["a@example.org"], [ME]]
    assert not (queue.path / "damaged").exists()


@pytest.mark.parametrize("option", ["-oem", "-oee", "-oep"])
def test_without_a_queue_a_refusal_is_the_caller_s(acs, queued, option):
    server = refusing(acs)
    queue = queued(server, {"queue": "off"})
    assert queue.send(MESSAGE, option, "-t").status == NOUSER
    result = queue.send("Subject: t\n\nHello\n", option, "nobody-of-that-name")
    assert result.status == NOUSER
    assert_said(result, "nobody-of-that-name")
    assert queue.files() == [] and server.messages == []


# --- late, and given up

def deferring(acs):
    return acs(faults=(Fault("a@example.org", reply="450 4.2.1 Busy"),))


def test_the_sender_is_warned_once(acs, queued):
    server = deferring(acs)
    queue = queued(server)
    assert_sent(queue.send(MESSAGE))
    queue.age(queue.only().id, 4 * HOUR + 60)
    assert_sent(queue.flush())
    report, = reports_of(server)
    assert report.recipients == [ME]
    _, status, _ = parsed(report).iter_parts()
    assert status.get_payload()[1]["Action"] == "delayed"
    assert queue.only().warned == 1
    for _ in range(2):
        queue.due()
        assert_sent(queue.flush())
    assert len(reports_of(server)) == 1


@pytest.mark.parametrize("warn_after, age", [(4, 3.9 * HOUR), (0, 4 * DAY), (48, 47 * HOUR)])
def test_no_warning_before_its_time(acs, queued, warn_after, age):
    server = deferring(acs)
    queue = queued(server, {"warn_after": warn_after})
    assert_sent(queue.send(MESSAGE))
    queue.age(queue.only().id, age)
    queue.due()
    assert_sent(queue.flush())
    assert reports_of(server) == []
    assert queue.only().warned == 0


def test_given_up(acs, queued):
    server = deferring(acs)
    queue = queued(server, {"warn_after": 0})
    assert_sent(queue.send(MESSAGE))
    id = queue.only().id
    queue.age(id, 5 * DAY - HOUR)
    queue.due()
    assert_sent(queue.flush())
    assert queue.only().states == {"a@example.org": "deferred"}
    queue.age(id, 5 * DAY + HOUR)
    queue.due()
    assert_sent(queue.flush())
    assert queue.only(failed=True).states == {"a@example.org": "reported"}
    report, = reports_of(server)
    words, _, _ = parsed(report).iter_parts()
    assert "5 days" in words.get_content() and "450 4.2.1 Busy" in words.get_content()
    assert set(failures(parsed(report))) == {"a@example.org"}


def test_given_up_while_its_account_waits(acs, queued):
    """The first has its last chance when somebody asks. The second meets the pause, and the
    third was never tried: that is enough when the account has failed six times."""
    server = acs()
    queue = queued(server, {"warn_after": 0}, password="wrong")
    for _ in range(3):
        assert_sent(queue.send(MESSAGE))
    for id in queue.ids():
        queue.age(id, 5 * DAY + HOUR)
        queue.rewrite(id, next=0)
    assert queue.run().stdout == "0 sent, 3 wait, 1 failed\n"    # its report waits too
    assert len(server.sessions) == 2
    queue.set_failures("test", 6)
    assert queue.run().stdout == "0 sent, 3 wait, 1 failed\n"
    assert len(server.sessions) == 2
    assert all("535 5.7.3" in one.recipients[0].why for one in queue.entries(failed=True))
    queue.configure(server, {"warn_after": 0})
    queue.due()
    assert_sent(queue.flush())
    assert sorted(message.recipients for message in server.messages) == [
        ["a@example.org"], [ME], [ME]]


def test_failed_mail_is_kept_for_a_while(acs, queued):
    server = refusing(acs)
    queue = queued(server, {"reports_per_hour": 0})
    fail(queue)
    entry = queue.only(failed=True)
    queue.ago(f"failed/{entry.id}.env", 30 * DAY - HOUR)
    assert_sent(queue.flush())
    assert queue.ids(failed=True) == [entry.id]
    queue.ago(f"failed/{entry.id}.env", 30 * DAY + HOUR)
    assert_sent(queue.flush())
    assert queue.files() == []
    assert f"{entry.id}: removed" in queue.log


# --- whose sender leads nowhere

@pytest.fixture
def of_a_program(acs, queued):
    """of_a_program(**keys) -> its server and queue: it has no From, and no alias for its user;
    its one recipient was refused."""
    def give_up(delivery=None, **keys):
        server = refusing(acs, senders=(keys.get("from_", OURS),))
        queue = queued(server, delivery, **keys)
        fail(queue, "Subject: backup\n\nIt is full.\n", "a@example.org")
        return server, queue
    return give_up


def test_a_program_without_a_sender(of_a_program):
    """Whoever has set the account up reads its `from`."""
    server, queue = of_a_program(from_="alerts@contoso.com")
    assert_sent(queue.flush())
    assert [message.recipients for message in server.messages] == [["alerts@contoso.com"]]
    entry = queue.only(failed=True)
    assert entry.states == {"a@example.org": "reported"}
    assert "the sender was told" in queue.acsmtp("show", entry.id).stdout


@pytest.mark.parametrize("from_", ["DoNotReply@contoso.com", "no-reply@contoso.com",
                                   "shop.noreply@contoso.com"])
def test_nobody_reads_what_is_sent_from(of_a_program, run, from_):
    """That is said wherever somebody looks."""
    server, queue = of_a_program(from_=from_)
    assert server.messages == [] and queue.ids() == []
    entry = queue.only(failed=True)
    assert entry.states == {"a@example.org": "untold"}
    assert "nobody is told of its failure" in queue.log
    shown = queue.acsmtp("show", entry.id).stdout
    assert "and nobody was told" in shown and "sender was told" not in shown
    assert "1 failed message, " in (listed := queue.acsmtp("list", "--failed").stdout)
    assert ", 1 of which nobody was told" in listed
    checked = run(["check", "--config", queue.ini], program="acsmtp").stdout
    assert "1 failed; 1 of which nobody was told" in checked and "report_to" in checked
    assert queue.acsmtp("retry", "--failed", "--all").status == 0
    assert queue.only().states == {"a@example.org": "waiting"}


def test_somebody_is_named_to_be_told(of_a_program):
    server, queue = of_a_program({"report_to": "ops@example.net"})
    assert_sent(queue.flush())
    assert [message.recipients for message in server.messages] == [["ops@example.net"]]
    assert queue.only(failed=True).states == {"a@example.org": "reported"}
