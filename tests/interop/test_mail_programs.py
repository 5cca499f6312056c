# SPDX-License-Identifier: GPL-3.0-or-later
"""The three programs called mail, of bsd-mailx, s-nail and mailutils."""

import pytest

from arrived import BODY, SENDER, STRANGER, address_of, assert_whole, envelope, parse, text_of


@pytest.fixture
def bsd_mailx(call, sendmail, tmp_path):
    def mail(*arguments, body=BODY):
        (tmp_path / "mailrc").write_text(f"set sendmail={sendmail}\n")
        return call("bsd-mailx", *arguments, stdin=body.encode(),
                    MAILRC=str(tmp_path / "mailrc"))
    return mail


@pytest.fixture
def s_nail(call, sendmail):
    """Without sendwait it would not see how sendmail ended, without fullnames it would
    drop the names of people."""
    def mail(*arguments, body=BODY):
        return call("s-nail", "-:/", "-S", f"mta={sendmail}", "-S", "sendwait",
                    "-S", "v15-compat=yes", "-S", "fullnames", *arguments,
                    stdin=body.encode())
    return mail


@pytest.fixture
def mailutils(call, sendmail):
    def mail(*arguments, body=BODY):
        return call("mail.mailutils", "--no-config", "-n", "-E",
                    f"set sendmail=sendmail://{sendmail}", *arguments,
                    stdin=body.encode())
    return mail


# --- bsd-mailx

def test_bsd_mailx_sends(service, bsd_mailx):
    done = bsd_mailx("-s", "Größe", "-r", SENDER, "-c", "copy@example.org",
                     "-b", "hidden@example.org", "-a", "X-Extra: yes", "you@example.org")
    assert done.returncode == 0
    message = service.message
    assert envelope(message) == (SENDER, [
        "copy@example.org", "hidden@example.org", "you@example.org"])
    received = parse(message)
    assert_whole(received)
    assert (received["Subject"], received["To"], received["Cc"]) == (
        "Größe", "you@example.org", "copy@example.org")
    assert address_of(received, "From") == SENDER
    assert received["X-Extra"] == "yes"
    assert b"hidden" not in message.data
    assert text_of(received) == BODY


def test_bsd_mailx_notices_a_refusal(service, bsd_mailx):
    done = bsd_mailx("-s", "no", "-r", STRANGER, "you@example.org")
    assert done.returncode == 1
    assert service.messages == []


# --- s-nail

def test_s_nail_sends(service, s_nail, tmp_path):
    content = bytes(range(256)) * 30
    (tmp_path / "all.bin").write_bytes(content)
    done = s_nail("-s", "Größe", "-r", SENDER, "-c", "Zoë <copy@example.org>",
                  "-b", "hidden@example.org", "-a", "all.bin", "-C", "X-Extra: yes",
                  "you@example.org")
    assert done.returncode == 0
    message = service.message
    assert envelope(message) == (SENDER, [
        "copy@example.org", "hidden@example.org", "you@example.org"])
    mail = parse(message)
    assert_whole(mail)
    assert b"hidden" not in message.data
    assert (mail["Subject"], mail["Cc"]) == ("Größe", "Zoë <copy@example.org>")
    assert mail["X-Extra"] == "yes"
    text, attached = mail.iter_parts()
    assert text_of(text) == BODY
    assert attached.get_filename() == "all.bin"
    assert attached.get_payload(decode=True) == content


def test_s_nail_takes_the_list_from_the_text(service, s_nail):
    """-t is its own work: what reaches us is arguments again."""
    header = "To: you@example.org\nBcc: hidden@example.org\nSubject: Größe\n"
    done = s_nail("-r", SENDER, "-t", body=f"{header}\n{BODY}")
    assert done.returncode == 0
    message = service.message
    assert envelope(message) == (SENDER, ["hidden@example.org", "you@example.org"])
    assert b"hidden" not in message.data
    mail = parse(message)
    assert mail["Subject"] == "Größe"
    assert text_of(mail) == BODY


def test_s_nail_notices_a_refusal(service, s_nail):
    done = s_nail("-s", "no", "-r", STRANGER, "you@example.org")
    assert done.returncode != 0
    assert service.messages == []


# --- mailutils

def test_mailutils_sends(service, mailutils):
    """It writes no From, no MIME header and no encoded word; all of that is our work."""
    done = mailutils("-s", "Größe", "-r", SENDER, "-a", "Cc: copy@example.org",
                     "-a", "Bcc: hidden@example.org", "-a", "X-Extra: yes",
                     "you@example.org", "Two <two@example.org>")
    assert done.returncode == 0
    message = service.message
    assert envelope(message) == (SENDER, [
        "copy@example.org", "hidden@example.org", "two@example.org", "you@example.org"])
    assert b"hidden" not in message.data
    mail = parse(message)
    assert mail["Subject"] == "Größe"
    assert mail["X-Extra"] == "yes"
    assert mail["From"].addresses[0].addr_spec == SENDER
    assert mail.get_content_charset() == "utf-8"
    assert text_of(mail) == BODY


def test_mailutils_sends_an_attachment(service, mailutils, tmp_path):
    content = bytes(range(256)) * 30
    (tmp_path / "all.bin").write_bytes(content)
    done = mailutils("-M", "-s", "attached", "-r", SENDER, "-A", tmp_path / "all.bin",
                     "you@example.org")
    assert done.returncode == 0
    assert envelope(service.message) == (SENDER, ["you@example.org"])
    mail = parse(service.message)
    assert_whole(mail)
    text, attached = mail.iter_parts()
    assert text_of(text) == BODY
    assert attached.get_filename() == "all.bin"
    assert attached.get_payload(decode=True) == content


def test_mailutils_notices_a_refusal(service, mailutils):
    done = mailutils("-s", "no", "-r", STRANGER, "you@example.org")
    assert done.returncode != 0
    assert service.messages == []
