# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program says when it is asked: help, version, --dry-run, -v, -X, the log."""

import os
import re
import stat
import subprocess

import pytest

from helpers.program import environment, installed

MESSAGE = "From: DoNotReply@contoso.com\nTo: a@example.org\nBcc: b@example.org\n\nbody\n"
RECIPIENT = "a@example.org"


# --- help and version

@pytest.mark.parametrize("program, arguments", [
    ("sendmail", ["--help"]), ("acsmtp", ["--help"]), ("acsmtp", ["help"]),
    ("acsmtp", ["send", "--help"]), ("sendmail", ["-t", "-i", "--help", RECIPIENT]),
])
def test_help(run, program, arguments):
    result = run(arguments, program=program)
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout.startswith("usage: ")
    for option in ("-t", "-f ADDRESS", "--dry-run", "-X FILE", "--account ACCOUNT"):
        assert f"\n  {option} " in result.stdout


@pytest.mark.parametrize("program, arguments", [
    ("sendmail", ["--version"]), ("acsmtp", ["--version"]), ("acsmtp", ["version"]),
])
def test_version(run, program, arguments):
    result = run(arguments, program=program)
    assert (result.status, result.stderr) == (0, "")
    assert re.fullmatch(r"acsmtp \d\S*\n", result.stdout)


def test_settings(run):
    """One a line: section, name, default and meaning, with tabs between them."""
    result = run(["help", "settings"], program="acsmtp")
    assert (result.status, result.stderr) == (0, "")
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert {len(row) for row in rows} == {4}
    assert {row[0] for row in rows} == {"account", "defaults", "delivery", "daemon"}
    assert {"host", "password_command", "t_with_arguments"} <= {row[1] for row in rows}


def test_what_a_person_sees_first(run):
    """The commands, and not a screenful of sendmail's options."""
    result = run([], program="acsmtp")
    assert (result.status, result.stdout) == (64, "")
    assert result.stderr.startswith("usage: ") and "\n  setup " in result.stderr
    assert "acsmtp --help" in result.stderr and "\n  -odb " not in result.stderr
    assert len(result.stderr.splitlines()) <= 33
    full = run(["--help"], program="acsmtp").stdout
    assert full.index("\n  setup ") < full.index("\n  -odb ")


@pytest.mark.parametrize("word", ["queue", "account", "password"])
def test_group_of_commands(run, word):
    """Help that is asked for is an answer; the same without being asked, a mistake."""
    asked = run([word, "--help"], program="acsmtp")
    assert (asked.status, asked.stderr) == (0, "")
    usage = asked.stdout.splitlines()
    assert len(usage) >= 3
    assert all(line.startswith(f"usage: acsmtp {word} ") for line in usage)
    bare = run([word], program="acsmtp")
    assert (bare.status, bare.stdout, bare.stderr) == (64, "", asked.stdout)


@pytest.mark.parametrize("arguments", [[], ["help", "nothing"], ["hlep"], ["root"]])
def test_acsmtp_that_makes_no_sense(run, arguments):
    result = run(arguments, input=MESSAGE, program="acsmtp")
    assert result.status == 64
    assert result.stdout == "" and result.stderr
    if arguments == ["hlep"]:
        assert '"help"' in result.stderr


@pytest.mark.parametrize("arguments", [["-t"], [RECIPIENT], ["send", "-t"],
                                       ["send", RECIPIENT], ["-i", "--", RECIPIENT]])
def test_acsmtp_is_sendmail_too(acs, run, config, home, arguments):
    server = acs()
    (home / ".config").mkdir()
    with open(config(server), encoding="utf-8") as made:
        path = home / ".config/acsmtp.ini"
        path.touch(0o600)
        path.write_text(made.read(), encoding="utf-8")
    assert run(arguments, input=MESSAGE, program="acsmtp").status == 0
    assert server.message.recipients[0] == RECIPIENT


# --- the dry run

def test_dry_run(acs, send):
    server = acs()
    result = send(server, MESSAGE, "--dry-run", "-t", "c@example.org")
    assert (result.status, result.stderr) == (0, "")
    envelope, header, body = result.stdout.split("\n\n")
    assert "account: test" in envelope
    assert f"localhost:{server.port}" in envelope
    assert "sender: <DoNotReply@contoso.com>" in envelope
    assert re.findall("recipient: <(.*)>", envelope) == [
        "c@example.org", "a@example.org", "b@example.org"]
    assert "Date: " in header and "Message-ID: " in header and "Bcc" not in header
    assert body == "body\n"
    assert server.options.password not in result.stdout
    assert server.sessions == []


def test_dry_run_shows_what_is_sent(acs, send):
    """The same bytes, but for the line ends."""
    message = (MESSAGE.replace("\n\n", "\nMessage-ID: <x@y>\n"
                               "Date: Thu, 1 Jan 2026 00:00:00 +0000\n\n")
               + ("x" * 99 + "\n") * 30000 + "\n.\nJörg\n")
    server = acs()
    shown = send(server, message, "--dry-run", "-t", "-i")
    assert send(server, message, "-t", "-i").status == 0
    expected = server.message.data.decode().replace("\r\n", "\n")
    assert shown.stdout.split("\n\n", 1)[1] == expected


@pytest.mark.parametrize("message, arguments, status", [
    ("\n", ["-t"], 64), (MESSAGE, ["a@@b"], 65), (MESSAGE, ["-a", "nobody", "-t"], 78),
])
def test_dry_run_that_fails(acs, send, message, arguments, status):
    assert send(acs(), message, "--dry-run", *arguments).status == status


def test_dry_run_asks_for_no_password(acs, send, home):
    server = acs()
    result = send(server, MESSAGE, "--dry-run", "-t", password=None,
                  password_command=f"touch {home}/asked; echo x")
    assert result.status == 0
    assert not (home / "asked").exists()


# --- the dialogue

@pytest.mark.parametrize("option", ["-v", "-ov", "-OVerbose=true", "-O Verbose"])
def test_verbose(acs, send, option):
    server = acs()
    result = send(server, MESSAGE, "-t", *option.split())
    assert (result.status, result.stderr) == (0, "")
    for text in ("220 ", "EHLO ", "STARTTLS", "AUTH LOGIN",
                 "MAIL FROM:<DoNotReply@contoso.com>", "RCPT TO:<a@example.org>", "250 "):
        assert text in result.stdout


def test_quiet_unless_asked(acs, send):
    result = send(acs(), MESSAGE, "-t")
    assert (result.status, result.stdout, result.stderr) == (0, "", "")


def test_transcript_is_appended(acs, send, home):
    server = acs()
    path = home / "transcript"
    path.write_text("before\n")
    assert send(server, MESSAGE, "-t", "-X", path).status == 0
    once = path.read_text()
    assert once.startswith("before\n") and "RCPT TO:<a@example.org>" in once
    assert send(server, MESSAGE, "-t", "-X", path).status == 0
    assert path.read_text().count("RCPT TO:<a@example.org>") == 2


def test_transcript_is_private(acs, send, home):
    assert send(acs(), MESSAGE, "-t", "-X", home / "transcript").status == 0
    assert stat.S_IMODE((home / "transcript").stat().st_mode) == 0o600


def test_transcript_that_cannot_be_written(acs, send, home):
    server = acs()
    result = send(server, MESSAGE, "-t", "-X", home / "missing/transcript")
    assert result.status == 73
    assert "missing/transcript" in result.stderr
    assert server.sessions == []


def test_transcript_into_a_pipe_without_a_reader(acs, send, home):
    server = acs()
    os.mkfifo(home / "pipe")
    result = send(server, MESSAGE, "-t", "-X", home / "pipe")
    assert result.status == 73
    assert f"-X {home}/pipe: " in result.stderr and "reads it" in result.stderr
    assert server.sessions == []


def test_transcript_on_a_full_disk_does_not_matter(acs, send):
    """The mail is what counts."""
    server = acs()
    assert send(server, MESSAGE, "-t", "-X", "/dev/full").status == 0
    assert server.message.accepted


# --- the log

def test_log(acs, send, home):
    server = acs()
    assert send(server, MESSAGE, "-t", "-L", "shop", log=home / "log").status == 0
    (line,) = (home / "log").read_text().splitlines()
    for text in ("shop[", "account=test", "from=<DoNotReply@contoso.com>",
                 "<a@example.org>", "<b@example.org>", "accepted=2/2", "size=", "TLS1.3",
                 f"message-id={message_id(server)}", "duration=", "2.6.0 Queued"):
        assert text in line


def message_id(server):
    return re.search(rb"Message-ID: (\S+)", server.message.data)[1].decode()


def test_log_on_standard_error(acs, send):
    result = send(acs(), MESSAGE, "-t", log="stderr")
    assert result.status == 0
    assert result.stderr.count("\n") == 1 and "account=test" in result.stderr


def test_refusals_are_logged(acs, send, home):
    result = send(acs(), MESSAGE, "-t", "-f", "x@example.net", log=home / "log",
                  sender_policy="refuse")
    assert result.status == 77
    assert "x@example.net" in (home / "log").read_text()


@pytest.mark.parametrize("log", ["/dev/full", "/dev/null/none/acsmtp.log", "/"])
def test_log_that_cannot_be_written(acs, send, log):
    server = acs()
    result = send(server, MESSAGE, "-t", log=log)
    assert result.status == 0
    assert "the mail is not affected" in result.stderr and log in result.stderr
    assert server.message.accepted


# --- what is said when something fails

@pytest.mark.parametrize("option", ["-eq", "-oeq", "-OErrorMode=q", "-e q"])
def test_exit_status_only(send, acs, option):
    result = send(acs(), "\n", "-t", *option.split())
    assert (result.status, result.stdout, result.stderr) == (64, "", "")


@pytest.mark.parametrize("program, arguments", [("sendmail", ["-t"]),
                                                ("acsmtp", ["-t"]), ("mailq", ["recipient"])])
def test_who_says_it(run, program, arguments):
    assert run(arguments, program=program).stderr.startswith(f"{program}: ")


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\u202eb", "a\udc9bb", "x" * 200])
def test_name_that_it_is_called_by(home, name):
    done = subprocess.run([name, "-Z"], executable=installed("sendmail"), check=False,
                          env=environment(home, None), capture_output=True, timeout=60)
    said = done.stderr.decode()
    assert done.returncode == 64
    assert ": unknown option -Z" in said
    assert said.rstrip("\n").isprintable() and len(said) < 200
