# SPDX-License-Identifier: GPL-3.0-or-later
"""Line breaks and other control characters in arguments never reach the wire."""

import os

import pytest

MESSAGE = "From: DoNotReply@contoso.com\nTo: a@example.org\n\nbody\n"
RECIPIENT = "a@example.org"
REFUSED = (64, 65)
NAMES = [b"From", b"To", b"Reply-To", b"Date", b"Message-ID"]

PAYLOADS = ["\nRCPT TO:<evil@example.net>", "\r\nRCPT TO:<evil@example.net>", "\revil",
            "\nBcc: evil@example.net", "\n", "\r", "\1", "\x1b[31m",
            "\x7f", "\x0b", "\t\n\t", "\x08"]

# An option, and a value that would do without the payload.
OPTIONS = [
    ("-f", "DoNotReply@contoso.com"), ("-r", "DoNotReply@contoso.com"),
    ("-f", "Name <DoNotReply@contoso.com>"), ("-F", "Full Name"),
    ("-N", "failure"), ("-R", "full"), ("-V", "id"), ("-B", "8BITMIME"), ("-L", "tag"),
    ("-a", "test"), ("--account", "test"), ("-O", "Name=value"), ("-p", "ESMTP"),
    ("-o", "x"), ("-M", "x"), ("-h", "3"), ("-A", "c"), ("-e", "m"), ("-b", "m"),
]


def unharmed(server, result):
    """Refused with its own status and a sentence, before anybody was asked."""
    assert result.status in REFUSED, result
    assert result.stderr.endswith("\n") and result.stderr.count("\n") == 1
    assert not any(c < " " for c in result.stderr[:-1])
    assert server.sessions == []


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("option, value", OPTIONS)
def test_options(acs, send, option, value, payload):
    server = acs()
    for text in (value + payload, payload + value):
        result = send(server, MESSAGE, "-t", option, text)
        unharmed(server, result)
    if not option.startswith("--"):
        unharmed(server, send(server, MESSAGE, "-t", f"{option}{value}{payload}"))


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("recipient", ["a@example.org{}", "{}a@example.org",
                                       "a@exam{}ple.org", '"a{}"@example.org',
                                       "Name{} <a@example.org>", "a@example.org ({})",
                                       "a@example.org,{}b@example.org"])
def test_recipients(acs, send, recipient, payload):
    server = acs()
    unharmed(server, send(server, MESSAGE, "-i", "--", recipient.format(payload)))


@pytest.mark.parametrize("option", ["-C", "-X"])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_files(acs, run, config, home, option, payload):
    server = acs()
    path = f"{home}/file{payload.replace('/', '')}"
    result = run(["-C", config(server), option, path, "-t"], input=MESSAGE)
    unharmed(server, result)
    assert os.listdir(home) == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_long_options(acs, send, payload):
    server = acs()
    unharmed(server, send(server, MESSAGE, "-t", f"--frobnicate{payload}"))
    unharmed(server, send(server, MESSAGE, "-t", f"--account=test{payload}"))
    unharmed(server, send(server, MESSAGE, "-t", f"-Z{payload}"))


# --- and in what the header says

@pytest.mark.parametrize("field", [
    "To: a@example.org\r b@example.org", 'To: "a\x01b"@example.org',
    'To: "a\r b"@example.org', "To: a@exam\x0bple.org", "To: a@example.org\x7f",
])
def test_header_addresses(acs, send, field):
    """Whatever it is taken for: one address is one command of one line."""
    server = acs()
    result = send(server, f"{field}\nFrom: DoNotReply@contoso.com\n\nbody\n", "-t")
    assert result.status in (0, *REFUSED)
    for session in server.sessions:
        for line in session.commands:
            assert line.endswith(b"\r\n")
            assert not any(byte < 32 or byte == 127 for byte in line[:-2])


@pytest.mark.parametrize("name", ["A\r\n B", "A\n\tB"])
def test_folded_names_are_one_line(acs, send, name):
    """Unfolded for the From that takes its place, nothing else in it."""
    server = acs()
    result = send(server, f"From: {name} <b@example.com>\nTo: a@example.org\n\nbody\n")
    assert result.status == 0, result.stderr
    header = server.message.data.split(b"\r\n\r\n")[0].split(b"\r\n")
    (author,) = [line for line in header if line.startswith(b"From:")]
    assert author.endswith(b"<DoNotReply@contoso.com>")
    assert all(line.split(b":")[0] in NAMES for line in header)


def test_environment(acs, run, config):
    """NAME and HOME are no better than arguments."""
    server = acs()
    result = run(["-C", config(server), RECIPIENT], input="\nbody\n",
                 env={"NAME": "A\r\nBcc: evil@example.net",
                      "LOGNAME": "x\ny", "USER": "\n"})
    assert result.status == 0
    assert b"evil" not in server.message.data
    assert server.message.recipients == [RECIPIENT]
