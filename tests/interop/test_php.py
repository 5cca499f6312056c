# SPDX-License-Identifier: GPL-3.0-or-later
"""PHP's mail() sends through the installed sendmail."""

import email.utils

import pytest

from arrived import BODY, SENDER, STRANGER, address_of, assert_whole, envelope, parse, \
    text_of

# From 8.2.4 on PHP ends header lines with CRLF. With this switched on it uses LF as it
# did before; what the script gave it stays as it was in both cases.
MIXED = "mail.mixed_lf_and_crlf"


@pytest.fixture
def program(packages):
    program, = packages.glob("usr/bin/php[0-9]*.[0-9]")
    return program


@pytest.fixture
def php(call, program, sendmail, tmp_path):
    """Call mail() with these arguments, each given as PHP writes it."""
    def php(*arguments, command=f"{sendmail} -t -i", settings=()):
        script = tmp_path / "mail.php"
        script.write_text(f"<?php exit(mail({', '.join(arguments)}) ? 0 : 1);")
        options = [word for setting in settings for word in ("-d", setting)]
        return call(program, "-n", "-d", f"sendmail_path={command}", *options, script)
    return php


@pytest.fixture
def version(call, program):
    said = call(program, "-n", "-r", "echo PHP_VERSION_ID;").stdout
    return int(said)


def quoted(text):
    """A string as PHP writes it, with its escapes."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@pytest.mark.parametrize("sender", [f"-f{SENDER}", f"-f {SENDER}", ""])
@pytest.mark.parametrize("mixed", ["off", "on"])
def test_php_sends(service, php, version, mixed, sender):
    if mixed == "on" and version < 80204:
        pytest.skip(f"PHP {version} does not know {MIXED}")
    done = php(quoted("you@example.org, Zoë <two@example.org>"), quoted("Grüße 🎉"),
               quoted(BODY),
               rf'"From: Büro <{SENDER}>\r\nCc: copy@example.org\r\n'
               r'Bcc: hidden@example.org\r\nX-Mailer: PHP\nX-Bare: LF\r\n'
               r'Content-Type: text/plain; charset=utf-8"',
               quoted(sender), settings=[f"{MIXED}={mixed}"])
    assert done.returncode == 0
    message = service.message
    assert envelope(message) == (SENDER, [
        "copy@example.org", "hidden@example.org", "two@example.org", "you@example.org"])
    header, _, body = message.data.partition(b"\r\n\r\n")
    assert parse(message)["Subject"] == "Grüße 🎉"
    assert header.isascii()
    assert b"\r\nX-Mailer: PHP\r\nX-Bare: LF\r\n" in header
    assert b"hidden" not in message.data
    # PHP ends the message with a line end of its own.
    assert body.decode() == BODY.replace("\n", "\r\n") + "\r\n"


@pytest.mark.parametrize("mixed", ["off", "on"])
def test_php_sends_lines_of_any_kind(service, php, mixed):
    """What a script with CRLF, LF and both of them in its text meant."""
    done = php(quoted("you@example.org"),
               "'=?UTF-8?B?' . base64_encode('Grüße 🎉') . '?='",
               r'"one\r\ntwo\nthree\r\n\r\n\n.\r\n.\nend"',
               f"['From' => '{SENDER}', 'Reply-To' => 'reply@example.org']",
               settings=[f"{MIXED}={mixed}"])
    assert done.returncode == 0
    assert b"\r\r" not in service.message.data
    mail = parse(service.message)
    assert_whole(mail)
    assert mail["Subject"] == "Grüße 🎉"
    assert mail["Reply-To"] == "reply@example.org"
    assert text_of(mail) == "one\ntwo\nthree\n\n\n.\n.\nend\n"


@pytest.mark.parametrize("mixed", ["off", "on"])
def test_php_folds_an_encoded_header(service, php, mixed):
    """mb_encode_mimeheader() and libraries fold with CRLF, older scripts with LF."""
    addresses = [f"person{n}@example.org" for n in range(40)]
    folded = r',\r\n\t'.join(addresses[:20]) + r',\n '.join([""] + addresses[20:])
    done = php(quoted("you@example.org"),
               r'"=?utf-8?Q?Gr=C3=B6=C3=9Fe?=\r\n =?utf-8?Q?_x?="',
               quoted("text"), rf'"From: {SENDER}\r\nCc: {folded}"',
               settings=[f"{MIXED}={mixed}"])
    assert done.returncode == 0
    message = service.message
    assert sorted(message.recipients) == sorted(addresses + ["you@example.org"])
    mail = parse(message)
    assert mail["Subject"] == "Größe x"
    assert [one for _, one in email.utils.getaddresses([mail["Cc"]])] == addresses


def test_php_needs_no_sender(acs, config, use_config, php):
    """A script that names nobody: www-data@localhost may not send, the account may."""
    server = acs(senders=(SENDER,))
    use_config(config(server))
    done = php(quoted("you@example.org"), quoted("hello"), quoted(BODY))
    assert done.returncode == 0
    assert envelope(server.message) == (SENDER, ["you@example.org"])
    mail = parse(server.message)
    assert_whole(mail)
    assert address_of(mail, "From") == SENDER
    # The text has no MIME header of its own: it gets one.
    assert text_of(mail) == BODY + "\n"
    assert mail.get_content_charset() == "utf-8"


def test_php_rewrites_a_stranger(acs, config, use_config, php):
    """Contact forms put their visitor into From; the answer must still reach him."""
    server = acs(senders=(SENDER,))
    use_config(config(server))
    done = php(quoted("you@example.org"), quoted("hello"), quoted("text"),
               rf'"From: Jörg Visitor <{STRANGER}>"', quoted(f"-f{STRANGER}"))
    assert done.returncode == 0
    assert envelope(server.message) == (SENDER, ["you@example.org"])
    mail = parse(server.message)
    assert mail["From"] == f"Jörg Visitor <{SENDER}>"
    assert address_of(mail, "Reply-To") == STRANGER


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
