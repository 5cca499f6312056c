# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of sending share: a message, and what a failure has to look like."""

import base64

HELLO = "To: a@example.org\nSubject: test\n\nHello\n"


def assert_failed(result, status, *words):
    """This exit status, and one line for people in which all the words stand."""
    assert result.status == status, result.stderr
    assert result.stderr.count("\n") == 1 and result.stderr.endswith("\n"), result.stderr
    assert_said(result, *words)


def assert_said(result, *words):
    assert result.stderr.startswith("sendmail: "), result.stderr
    assert result.stderr.rstrip("\n").isprintable(), repr(result.stderr)
    missing = [word for word in words if word not in result.stderr]
    assert not missing, f"{missing} not in: {result.stderr}"


def assert_sent(result):
    assert (result.status, result.stdout, result.stderr) == (0, "", "")


def transmitted(server):
    """How often a whole message came, whatever was said to it."""
    return sum(len(session.messages) for session in server.sessions)


def only_session(server):
    sessions = server.sessions
    assert len(sessions) == 1, f"{len(sessions)} connections, not one"
    return sessions[0]


def assert_nobody_called(server):
    assert server.sessions == []


def assert_not_in(secret, text):
    """Neither as it is nor in base64, wherever in a base64 text it begins."""
    secret = secret.encode()
    text = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    assert secret not in text
    for before in range(3):
        shifted = base64.b64encode(b"\0" * before + secret)
        # The characters at both ends depend on what stands beside the secret.
        assert shifted[4 if before else 0:-4] not in text
