# SPDX-License-Identifier: GPL-3.0-or-later
"""Real callers while the server is down: they hear that all is well, and it is. The
runner in the background keeps none of them waiting."""

import shutil

import pytest

from arrived import BODY, SENDER, envelope, parse, text_of
from helpers.ports import closed_port

TO = "you@example.org"


def php(call, packages, sendmail, tmp_path):
    program, = packages.glob("usr/bin/php[0-9]*.[0-9]")
    (tmp_path / "body").write_text(BODY)
    script = tmp_path / "mail.php"
    script.write_text(f"<?php exit(mail('{TO}', 'hello', file_get_contents('body'), "
                      f"\"From: {SENDER}\\r\\nMIME-Version: 1.0\\r\\n"
                      "Content-Type: text/plain; charset=utf-8\\r\\n"
                      "Content-Transfer-Encoding: 8bit\") ? 0 : 1);")
    return call(program, "-n", "-d", f"sendmail_path={sendmail} -t -i", script)


def mutt(call, packages, sendmail, tmp_path):
    return call("mutt", "-n", "-F", "/dev/null", "-e", f'set sendmail="{sendmail} -oem -oi"',
                "-e", f"set from={SENDER}", "-e", "set copy=no", "-s", "hello", TO,
                stdin=BODY.encode())


def git(call, packages, sendmail, tmp_path):
    def run(*arguments):
        return call("git", "-C", tmp_path / "repository", *arguments, GIT_CONFIG_NOSYSTEM="1")

    call("git", "init", "-q", "repository")
    for name, value in (("user.name", "Me"), ("user.email", SENDER),
                        ("sendemail.smtpserver", sendmail), ("sendemail.confirm", "never")):
        run("config", name, value)
    (tmp_path / "repository/file").write_text(BODY)
    run("add", "file")
    run("commit", "-q", "-m", "hello")
    return run("send-email", f"--to={TO}", "--suppress-cc=all", "-1")


@pytest.fixture
def configure(queued, home):
    """configure(server, **keys): the queue, with the ini file where sendmail looks."""
    (home / ".config").mkdir()
    queue = None

    def write(server=None, **keys):
        nonlocal queue
        delivery = {"background": "on"}
        queue = queue.configure(server, delivery, **keys) if queue else \
            queued(server, delivery, **keys)
        shutil.copy(queue.ini, home / ".config/acsmtp.ini")
        return queue

    return write


@pytest.mark.parametrize("caller", [php, mutt, git])
def test_the_server_is_down(acs, configure, call, packages, sendmail, tmp_path, caller):
    with closed_port() as port:
        queue = configure(host="127.0.0.1", port=port)
        assert caller(call, packages, sendmail, tmp_path).returncode == 0
        assert queue.only().states == {TO: "deferred"}
        assert queue.wait_for_runner()
    server = acs()
    configure(server)
    assert call(sendmail, "-q").returncode == 0
    queue.wait_until_empty()
    assert envelope(server.message) == (SENDER, [TO])
    mail = parse(server.message)
    if caller is git:
        assert mail["Subject"] == "[PATCH] hello"
    else:
        assert mail["Subject"] == "hello"
        assert text_of(mail).rstrip("\n") == BODY.rstrip("\n")


@pytest.mark.parametrize("caller", [php, mutt, git])
def test_a_refusal_is_noticed_all_the_same(acs, configure, call, packages, sendmail, tmp_path,
                                           caller):
    server = acs(senders=())
    queue = configure(server)
    assert caller(call, packages, sendmail, tmp_path).returncode != 0
    if caller is mutt:    # which wants a mail about it besides
        assert queue.only(failed=True).states == {TO: "reported"}
    else:
        assert queue.files() == []
    assert server.messages == []
