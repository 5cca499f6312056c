# SPDX-License-Identifier: GPL-3.0-or-later
"""sendmail -bs: SMTP on standard input and output, for programs that speak nothing else."""

import re
import signal
import smtplib
import socket
import subprocess

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from helpers.waiting import wait_for

MESSAGE = "Subject: test\r\n\r\nHello\r\n"


class Dialogue(smtplib.SMTP):
    """Python's own client at the other end of the program's standard input and output."""

    def __init__(self, args, home):
        super().__init__(timeout=60)
        self.sock, theirs = socket.socketpair()
        self.sock.settimeout(60)
        self.file = self.sock.makefile("rb")
        self.process = subprocess.Popen(
            [str(installed("sendmail")), *args, "-bs"], stdin=theirs, stdout=theirs,
            stderr=subprocess.PIPE, env=environment(home, {}), cwd=home)
        theirs.close()
        self.greeting = self.getreply()

    def end(self):
        """The exit status, and that nothing was said on standard error."""
        self.close()
        _, said = self.process.communicate(timeout=60)
        assert said == b""
        return self.process.returncode


@pytest.fixture
def speak(home):
    """speak("-C", ini): a Dialogue that has been greeted."""
    dialogues = []

    def begin(*args):
        dialogues.append(Dialogue(args, home))
        return dialogues[-1]

    yield begin
    for one in dialogues:
        one.close()
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def test_hello(acs, config, speak):
    smtp = speak("-C", config(acs()))
    assert smtp.greeting[0] == 220
    assert smtp.ehlo("me")[0] == 250
    assert {"pipelining", "size", "8bitmime", "smtputf8", "dsn", "chunking",
            "enhancedstatuscodes", "limits"} <= set(smtp.esmtp_features)
    assert smtp.esmtp_features["size"] == "10485760"
    assert not {"auth", "starttls"} & set(smtp.esmtp_features)
    assert smtp.quit()[0] == 221
    assert smtp.end() == 0


def test_messages(acs, config, speak):
    """A hundred of them, as a queue worker sends them; the service has each."""
    server = acs()
    smtp = speak("-C", config(server))
    smtp.helo("[127.0.0.1]")
    for number in range(100):
        assert smtp.mail("DoNotReply@contoso.com")[0] == 250
        assert smtp.rcpt(f"a{number}@example.org")[0] == 250
        code, words = smtp.data(f"To: a{number}@example.org\r\n{MESSAGE}")
        assert code == 250
        assert re.fullmatch(rb"Ok: queued as [0-9a-v]{16}", words)
        assert smtp.noop()[0] == 250
    smtp.quit()
    assert smtp.end() == 0
    assert [one.recipients for one in server.messages] == \
        [[f"a{number}@example.org"] for number in range(100)]


def test_enhanced(acs, config, speak):
    """What the service said of the whole is no code of ours; ours stand after EHLO alone."""
    smtp = speak("-C", config(acs()))
    smtp.ehlo("me")
    smtp.mail("DoNotReply@contoso.com", ["SIZE=100", "BODY=8BITMIME"])
    smtp.rcpt("a@example.org")
    assert re.fullmatch(rb"2\.0\.0 Ok: queued as [0-9a-v]{16}", smtp.data(MESSAGE)[1])


@pytest.mark.parametrize("body", ["Grüße\r\n".encode(), b"..dots\r\n.\r\n", b"bare LF\nand\r CR\r\n",
                                  b"x" * 70 + b"\r\n" * 3])
def test_bytes(acs, config, speak, body):
    """8-bit text comes after HELO too."""
    server = acs()
    smtp = speak("-C", config(server))
    smtp.helo("me")
    smtp.mail("DoNotReply@contoso.com")
    smtp.rcpt("a@example.org")
    smtp.putcmd("data")
    assert smtp.getreply()[0] == 354
    smtp.send(b"Subject: x\r\n\r\n" + re.sub(rb"(?m)^\.", b"..", body) + b".\r\n")
    assert smtp.getreply()[0] == 250
    arrived = server.message.data.partition(b"\r\n\r\n")[2]
    assert arrived == re.sub(rb"\r\n|\r|\n", b"\r\n", body)


def test_smuggling(acs, config, speak):
    server = acs()
    smtp = speak("-C", config(server))
    for end in "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n":
        smtp.helo("me")
        smtp.mail("DoNotReply@contoso.com")
        smtp.rcpt("a@example.org")
        smtp.putcmd("data")
        smtp.getreply()
        smtp.send(f"Subject: x\r\n\r\none{end}MAIL FROM:<DoNotReply@contoso.com>\r\n"
                  "RCPT TO:<smuggled@example.org>\r\nDATA\r\nSubject: y\r\n\r\n.\r\n".encode())
        assert smtp.getreply()[0] == 250
        assert smtp.noop()[0] == 250
    assert {to for one in server.messages for to in one.recipients} == {"a@example.org"}
    assert len(server.messages) == 6


def test_refused_and_on(acs, config, speak):
    """A recipient that leads nowhere is refused when it is named; then RSET, and the next."""
    server = acs()
    smtp = speak("-C", config(server))
    smtp.helo("me")
    smtp.mail("DoNotReply@contoso.com")
    assert smtp.rcpt("nobody-of-that-name")[0] == 550
    assert smtp.rset()[0] == 250
    smtp.sendmail("DoNotReply@contoso.com", ["a@example.org"], MESSAGE)
    smtp.quit()
    assert smtp.end() == 0
    assert server.message.recipients == ["a@example.org"]


def test_service_refuses(acs, config, speak):
    server = acs(faults=(Fault("bad@example.org", reply="550 5.1.1 Unknown"),))
    smtp = speak("-C", config(server))
    smtp.helo("me")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        smtp.sendmail("DoNotReply@contoso.com", ["bad@example.org"], MESSAGE)
    assert refused.value.smtp_code == 550
    assert b"Unknown" in refused.value.smtp_error
    smtp.sendmail("DoNotReply@contoso.com", ["good@example.org"], MESSAGE)
    smtp.quit()
    assert smtp.end() == 0


TWO = ["a@example.org", "bad@example.org"]
UNKNOWN = Fault("bad@example.org", reply="550 5.1.1 Unknown")


def test_some_refused(acs, queued, speak):
    """The message is ours, and who was refused is told of by mail."""
    server = acs(faults=(UNKNOWN,))
    queue = queued(server)
    smtp = speak("-C", queue.ini)
    smtp.helo("me")
    assert smtp.sendmail("DoNotReply@contoso.com", TWO, MESSAGE) == {}
    queue.flush()
    assert [one.recipients for one in server.messages] == \
        [["a@example.org"], ["DoNotReply@contoso.com"]]
    assert b"bad@example.org" in server.messages[1].data


def test_some_refused_and_some_wait(acs, queued, speak):
    server = acs(faults=(UNKNOWN, Fault("a@example.org", reply="450 4.2.1 Later", times=1)))
    queue = queued(server)
    smtp = speak("-C", queue.ini)
    smtp.helo("me")
    assert smtp.sendmail("DoNotReply@contoso.com", TWO, MESSAGE) == {}
    queue.due()
    queue.flush()
    assert {to for one in server.messages for to in one.recipients} == \
        {"a@example.org", "DoNotReply@contoso.com"}


@pytest.mark.parametrize("reply", ["550 5.1.1 Unknown", "450 4.2.1 Later"])
def test_some_refused_without_a_queue(acs, config, speak, reply):
    """Never a reply after which the client would try again by itself."""
    smtp = speak("-C", config(acs(faults=(Fault("bad@example.org", reply=reply),))))
    smtp.helo("me")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        smtp.sendmail("DoNotReply@contoso.com", TWO, MESSAGE)
    assert refused.value.smtp_code == 554
    assert b"1 of 2 recipients" in refused.value.smtp_error


def test_later_without_a_queue(acs, config, speak):
    smtp = speak("-C", config(acs(faults=(Fault("body", reply="451 4.3.0 Later"),))))
    smtp.helo("me")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        smtp.sendmail("DoNotReply@contoso.com", ["a@example.org"], MESSAGE)
    assert refused.value.smtp_code == 451


def test_later_with_a_queue(acs, queued, speak):
    queue = queued(acs(faults=(Fault("body", reply="451 4.3.0 Later"),)))
    smtp = speak("-C", queue.ini)
    smtp.helo("me")
    smtp.sendmail("DoNotReply@contoso.com", ["a@example.org"], MESSAGE)
    assert queue.only().states == {"a@example.org": "deferred"}


@pytest.mark.parametrize("args", [["-odq"], ["-odb", "-oem"]])
def test_queued(acs, queued, speak, args):
    """The reply names the message as the queue does."""
    queue = queued(acs())
    smtp = speak("-C", queue.ini, *args)
    smtp.helo("me")
    smtp.mail("DoNotReply@contoso.com")
    smtp.rcpt("a@example.org")
    _, words = smtp.data(MESSAGE)
    assert words.decode() == f"Ok: queued as {queue.only().id}"


def test_too_large(acs, config, speak):
    smtp = speak("-C", config(acs(), max_size=1000))
    smtp.ehlo("me")
    assert smtp.mail("DoNotReply@contoso.com", ["SIZE=1001"])[0] == 552
    smtp.mail("DoNotReply@contoso.com")
    smtp.rcpt("a@example.org")
    assert smtp.data(MESSAGE + ("x" * 70 + "\r\n") * 1000)[0] == 552
    # Just not, but with the fields that it lacks.
    smtp.mail("DoNotReply@contoso.com")
    smtp.rcpt("a@example.org")
    code, words = smtp.data(MESSAGE + ("x" * 70 + "\r\n") * 13)
    assert code == 552 and words.startswith(b"5.3.4 ") and b"max_size" in words
    assert smtp.noop()[0] == 250


def test_nobody_is_served(config, home):
    """The greeting says why, and so does standard error."""
    path = config()
    with open(path, "a", encoding="ascii") as file:
        file.write("nonsense\n")
    done = subprocess.run([installed("sendmail"), "-C", path, "-bs"], input=b"QUIT\r\n",
                          capture_output=True, check=False, timeout=60,
                          env=environment(home, {}), cwd=home)
    assert done.returncode == 78
    assert done.stdout.startswith(b"421 ") and b"[delivery]" in done.stdout
    assert done.stdout.count(b"\n") == 1


@pytest.mark.parametrize("said", [b"", b"HELO me\r\n", b"HELO me\r\nMAIL FROM:<a@example.org>\r\n",
                                  b"HELO me\nQUIT\n", b"nonsense\r\n"])
def test_end_of_input(acs, config, home, said):
    """Whatever was said before, and whoever reads no reply."""
    done = subprocess.run([installed("sendmail"), "-C", config(acs()), "-bs"], input=said,
                          capture_output=True, check=False, timeout=60,
                          env=environment(home, {}), cwd=home)
    assert (done.returncode, done.stderr) == (0, b"")


def test_script(acs, config, home):
    """All of it at once, as a shell script says it."""
    server = acs()
    said = ("HELO me\nMAIL FROM:<DoNotReply@contoso.com>\nRCPT TO:<a@example.org>\nDATA\n"
            "Subject: x\r\n\r\nHello\r\n.\r\nQUIT\n").encode()
    done = subprocess.run([installed("sendmail"), "-C", config(server), "-bs"], input=said,
                          capture_output=True, check=False, timeout=60,
                          env=environment(home, {}), cwd=home)
    assert [line[:3] for line in done.stdout.split(b"\r\n")] == \
        [b"220", b"250", b"250", b"250", b"354", b"250", b"221", b""]
    assert server.message.recipients == ["a@example.org"]


def test_dsn_values_that_are_none(acs, config, home):
    """They are refused before the message is taken, and harm no other recipient."""
    server = acs()
    said = ("EHLO me\nMAIL FROM:<DoNotReply@contoso.com> ENVID=+zz\n"
            "MAIL FROM:<DoNotReply@contoso.com> ENVID=a+2Bb\n"
            "RCPT TO:<b@example.org> ORCPT=rfc822;\n"
            "RCPT TO:<a@example.org> ORCPT=rfc822;a+2Bx@example.org\nDATA\n"
            "Subject: x\r\n\r\nHello\r\n.\r\nQUIT\n").encode()
    done = subprocess.run([installed("sendmail"), "-C", config(server), "-bs"], input=said,
                          capture_output=True, check=False, timeout=60,
                          env=environment(home, {}), cwd=home)
    assert [line[:9] for line in done.stdout.split(b"\r\n") if line[3:4] == b" "][2:6] == \
        [b"501 5.5.4", b"250 2.1.0", b"501 5.5.4", b"250 2.1.5"]
    assert server.message.recipients == ["a@example.org"]


def test_transcript_and_verbose(acs, config, home, speak):
    """-v must not speak into the dialogue."""
    smtp = speak("-C", config(acs()), "-v", "-X", str(home / "transcript"))
    smtp.helo("me")
    smtp.sendmail("DoNotReply@contoso.com", ["a@example.org"], MESSAGE)
    smtp.quit()
    assert smtp.end() == 0
    assert "EHLO" in (home / "transcript").read_text(encoding="ascii")


def test_signal_when_idle(acs, config, speak):
    """Nothing is lost by it, and it is heeded after a message too."""
    smtp = speak("-C", config(acs()))
    smtp.helo("me")
    smtp.sendmail("DoNotReply@contoso.com", ["a@example.org"], MESSAGE)
    smtp.process.send_signal(signal.SIGTERM)
    assert wait_for(lambda: smtp.process.poll() is not None)


def test_aliases(acs, config, speak, tmp_path):
    (tmp_path / "aliases").write_text("root: admin@example.org\n")
    server = acs()
    smtp = speak("-C", config(server, extra=f"[delivery]\naliases = {tmp_path}/aliases\n"))
    smtp.helo("me")
    smtp.sendmail("DoNotReply@contoso.com", ["root"], MESSAGE)
    assert server.message.recipients == ["admin@example.org"]
