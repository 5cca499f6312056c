# SPDX-License-Identifier: GPL-3.0-or-later
"""mutt, git send-email, PHP, mail and cron send through the installed sendmail."""

import email
import email.policy

import pytest

SENDER = "DoNotReply@contoso.com"
STRANGER = "somebody@example.org"       # whom the service does not let send

# Sentences that a mail program might take for something else.
BODY = "Grüße aus Köln 🎉\n.\n..two dots\nFrom here on\n\nthe end\n"


@pytest.fixture
def service(acs, config, use_config):
    """The emulator, and a configuration that leaves senders alone and leads there."""
    server = acs(senders=(SENDER,))
    use_config(config(server, sender_policy="keep"))
    return server


def parse(message):
    return email.message_from_bytes(message.data, policy=email.policy.default)


def text_of(part):
    """The decoded text of a part, with the line ends of this side."""
    return part.get_payload(decode=True).decode().replace("\r\n", "\n")


def envelope(message):
    return message.sender, sorted(message.recipients)


# --- mutt

@pytest.fixture
def mutt(call, sendmail):
    def mutt(*arguments, sender=SENDER):
        settings = (f'set sendmail="{sendmail} -oem -oi"', f"set from={sender}",
                    "set use_envelope_from", "set copy=no", "set write_bcc")
        options = [word for setting in settings for word in ("-e", setting)]
        return call("mutt", "-n", "-F", "/dev/null", *options, *arguments,
                    stdin=BODY.encode())
    return mutt


def test_mutt_sends(service, mutt):
    done = mutt("-s", "Größe", "-c", "copy@example.org", "you@example.org")
    assert done.returncode == 0
    message = service.message
    assert envelope(message) == (SENDER, ["copy@example.org", "you@example.org"])
    mail = parse(message)
    assert mail["Subject"] == "Größe"
    assert (mail["To"], mail["Cc"]) == ("you@example.org", "copy@example.org")
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


# --- PHP's mail()

@pytest.fixture
def php(call, packages, sendmail, tmp_path):
    """Call mail() with these arguments, each given as PHP writes it."""
    def php(*arguments, command=f"{sendmail} -t -i"):
        script = tmp_path / "mail.php"
        script.write_text(f"<?php exit(mail({', '.join(arguments)}) ? 0 : 1);")
        program, = packages.glob("usr/bin/php[0-9]*")
        return call(program, "-n", "-d", f"sendmail_path={command}", script)
    return php


def quoted(text):
    """A string as PHP writes it, with its escapes."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def test_php_sends(service, php):
    done = php(quoted("you@example.org, Zoë <two@example.org>"), quoted("Grüße 🎉"),
               quoted(BODY),
               rf'"From: Büro <{SENDER}>\r\nCc: copy@example.org\r\n'
               r'Bcc: hidden@example.org\r\nX-Mailer: PHP\r\n'
               r'Content-Type: text/plain; charset=utf-8"',
               quoted(f"-f{SENDER}"))
    assert done.returncode == 0
    message = service.message
    assert envelope(message) == (SENDER, [
        "copy@example.org", "hidden@example.org", "two@example.org", "you@example.org"])
    header, _, body = message.data.partition(b"\r\n\r\n")
    assert "\r\nSubject: Grüße 🎉\r\n".encode() in header
    assert b"\r\nX-Mailer: PHP\r\n" in header
    assert b"hidden" not in message.data
    assert b"\r\r" not in message.data
    # PHP ends the message with a line end of its own.
    assert body.decode().rstrip("\r\n") == BODY.rstrip("\n").replace("\n", "\r\n")


def test_php_sends_an_encoded_subject(service, php):
    done = php(quoted("you@example.org"), "'=?UTF-8?B?' . base64_encode('Grüße 🎉') . '?='",
               r'"one\r\ntwo\nthree"',
               f"['From' => '{SENDER}', 'Reply-To' => 'reply@example.org']")
    assert done.returncode == 0
    mail = parse(service.message)
    assert mail["Subject"] == "Grüße 🎉"
    assert mail["Reply-To"] == "reply@example.org"
    assert text_of(mail).splitlines() == ["one", "two", "three"]


def test_php_notices_a_refusal(service, php):
    done = php(quoted("you@example.org"), quoted("no"), quoted("text"),
               quoted(f"From: {STRANGER}"), quoted(f"-f{STRANGER}"))
    assert done.returncode == 1
    assert service.messages == []


def test_php_names_its_own_configuration(acs, config, php, sendmail):
    server = acs()
    path = config(server)
    done = php(quoted("you@example.org"), quoted("hello"), quoted("text"),
               command=f"{sendmail} -C {path} -t -i")
    assert done.returncode == 0
    assert envelope(server.message) == (SENDER, ["you@example.org"])


# --- mail, from bsd-mailx

@pytest.fixture
def mail(call, sendmail, tmp_path):
    def mail(*arguments, **variables):
        (tmp_path / "mailrc").write_text(f"set sendmail={sendmail}\n")
        return call("bsd-mailx", *arguments, stdin=BODY.encode(),
                    MAILRC=str(tmp_path / "mailrc"), **variables)
    return mail


def test_mail_sends(service, mail):
    done = mail("-s", "Größe", "-r", SENDER, "-c", "copy@example.org",
                "-b", "hidden@example.org", "-a", "X-Extra: yes", "you@example.org")
    assert done.returncode == 0
    message = service.message
    assert envelope(message) == (SENDER, [
        "copy@example.org", "hidden@example.org", "you@example.org"])
    received = parse(message)
    assert received["X-Extra"] == "yes"
    assert b"hidden" not in message.data
    assert text_of(received) == BODY


def test_mail_notices_a_refusal(service, mail):
    done = mail("-s", "no", "-r", STRANGER, "you@example.org")
    assert done.returncode == 1
    assert service.messages == []


# --- cron

def test_cron_sends_to_root(acs, config, use_config, call, sendmail):
    """Cron's own header names nobody that the service would take."""
    server = acs()
    use_config(config(server, extra="[delivery]\nlocal_recipients = admin@contoso.com\n"))
    report = (b"From: root (Cron Daemon)\nTo: root\n"
              b"Subject: Cron <root@host> echo \xc3\xa4\n"
              b"MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
              b"Content-Transfer-Encoding: 8bit\n"
              b"X-Cron-Env: <SHELL=/bin/sh>\n\n.\n\xc3\xa4\n")
    done = call(sendmail, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root",
                stdin=report)
    assert done.returncode == 0
    message = server.message
    assert envelope(message) == (SENDER, ["admin@contoso.com"])
    received = parse(message)
    assert received["From"].addresses[0].addr_spec == SENDER
    assert received["To"].addresses[0].domain, "services refuse a bare name"
    assert received["X-Cron-Env"] == "<SHELL=/bin/sh>"
    assert text_of(received) == ".\nä\n"


def test_cron_notices_a_refusal(acs, config, use_config, call, sendmail):
    server = acs(senders=("other@contoso.com",))
    use_config(config(server, extra="[delivery]\nlocal_recipients = admin@contoso.com\n"))
    done = call(sendmail, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root",
                stdin=b"From: root (Cron Daemon)\nTo: root\nSubject: no\n\ntext\n")
    assert done.returncode != 0
    assert server.messages == []
