# SPDX-License-Identifier: GPL-3.0-or-later
"""mutt, neomutt and git send-email send through the installed sendmail."""

import pytest

from arrived import BODY, SENDER, STRANGER, assert_whole, envelope, parse, text_of


# --- mutt and neomutt

@pytest.fixture(params=["mutt", "neomutt"])
def mutt(request, call, sendmail):
    def mutt(*arguments, sender=SENDER):
        settings = (f'set sendmail="{sendmail} -oem -oi"', f"set from={sender}",
                    "set use_envelope_from", "set copy=no", "set write_bcc")
        options = [word for setting in settings for word in ("-e", setting)]
        return call(request.param, "-n", "-F", "/dev/null", *options, *arguments,
                    stdin=BODY.encode())
    return mutt


def test_mutt_sends(service, mutt):
    done = mutt("-s", "Größe", "-c", "Zoë <copy@example.org>", "you@example.org")
    assert done.returncode == 0
    message = service.message
    assert envelope(message) == (SENDER, ["copy@example.org", "you@example.org"])
    mail = parse(message)
    assert_whole(mail)
    assert mail["Subject"] == "Größe"
    assert (mail["To"], mail["Cc"]) == ("you@example.org", "Zoë <copy@example.org>")
    assert text_of(mail) == BODY


def test_mutt_sends_an_attachment(service, mutt, tmp_path):
    content = bytes(range(256)) * 300
    (tmp_path / "all bytes.bin").write_bytes(content)
    done = mutt("-s", "attached", "-a", "all bytes.bin", "--", "you@example.org")
    assert done.returncode == 0
    text, attached = parse(service.message).iter_parts()
    assert text_of(text) == BODY
    assert attached.get_filename() == "all bytes.bin"
    assert attached.get_payload(decode=True) == content


def test_mutt_writes_bcc_and_nobody_sees_it(service, mutt):
    done = mutt("-s", "hush", "-b", "hidden@example.org", "you@example.org")
    assert done.returncode == 0
    message = service.message
    assert envelope(message) == (SENDER, ["hidden@example.org", "you@example.org"])
    assert b"hidden" not in message.data


def test_mutt_notices_a_refusal(service, mutt):
    done = mutt("-s", "no", "you@example.org", sender=STRANGER)
    assert done.returncode == 1
    assert b"child exited 77" in done.stdout
    assert service.messages == []


# --- git send-email

@pytest.fixture
def git(call, sendmail, tmp_path):
    """A repository with three commits, the last ones to be sent."""
    def git(*arguments, **options):
        return call("git", "-C", tmp_path / "repository", *arguments,
                    GIT_CONFIG_NOSYSTEM="1", **options)

    call("git", "init", "-q", "repository")
    for name, value in (("user.name", "Jörg Müller"), ("user.email", SENDER),
                        ("sendemail.smtpserver", sendmail),
                        ("sendemail.confirm", "never")):
        git("config", name, value)
    for number, content in enumerate(("one\n", "two\n", BODY)):
        (tmp_path / "repository/file").write_text(content)
        git("add", "file")
        git("commit", "-q", "-m", f"Änderung {number}")
    return git


def test_git_sends_a_patch(service, git, tmp_path):
    done = git("send-email", "--to=one@example.org", "--to=two@example.org",
               "--cc=Zoë <copy@example.org>", "--bcc=hidden@example.org",
               "--suppress-cc=all", "-1")
    assert done.returncode == 0
    message = service.message
    assert envelope(message) == (SENDER, [
        "copy@example.org", "hidden@example.org", "one@example.org", "two@example.org"])
    mail = parse(message)
    assert mail["Subject"] == "[PATCH] Änderung 2"
    assert mail["From"] == f"Jörg Müller <{SENDER}>"
    assert mail["Cc"] == "Zoë <copy@example.org>"
    assert b"hidden" not in message.data
    # What has arrived can be applied: every byte of the patch is where it was.
    git("checkout", "-q", "-b", "received", "HEAD~1")
    assert git("am", stdin=message.data.replace(b"\r\n", b"\n")).returncode == 0
    assert (tmp_path / "repository/file").read_text() == BODY


def test_git_sends_a_series(service, git):
    """One call of sendmail for each patch, the second in reply to the first."""
    done = git("send-email", "--to=one@example.org", "--suppress-cc=all",
               f"--envelope-sender={SENDER}", "-2")
    assert done.returncode == 0
    first, second = (parse(message) for message in service.messages)
    assert first["Subject"] == "[PATCH 1/2] Änderung 1"
    assert second["Subject"] == "[PATCH 2/2] Änderung 2"
    assert second["In-Reply-To"] == first["Message-ID"]


def test_git_notices_a_refusal(service, git):
    done = git("send-email", "--to=one@example.org", f"--from={STRANGER}",
               f"--envelope-sender={STRANGER}", "-1")
    assert done.returncode == 77
    assert service.messages == []
