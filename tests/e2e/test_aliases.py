# SPDX-License-Identifier: GPL-3.0-or-later
"""Names without a domain: the aliases file, newaliases, -bi and -bv."""

import os

import pytest

MESSAGE = "From: DoNotReply@contoso.com\nSubject: s\n\nbody\n"
STATUS_USAGE, STATUS_DATA, STATUS_NO_USER, STATUS_CONFIG = 64, 65, 67, 78


@pytest.fixture
def aliases(tmp_path):
    """aliases(text, local="") -> the section [delivery] of a file with these aliases."""
    path = tmp_path / "aliases"

    def write(text, local=""):
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return f"[delivery]\naliases = {path}\nlocal_recipients = {local}\n"

    write.path = path
    return write


# --- sending

def test_cron(acs, send, aliases):
    """Debian's cron: root has an alias, and none of the bare names leaves the machine."""
    server = acs()
    result = send(server, "From: root (Cron Daemon)\nTo: root\nSubject: Cron\n\nout\n",
                  "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root",
                  extra=aliases("postmaster: root\nroot: admin@contoso.com\n"))
    assert result.status == 0, result.stderr
    assert server.message.recipients == ["admin@contoso.com"]
    assert b"\r\nTo: admin@contoso.com\r\n" in server.message.data


SEVERAL = """\
# comment
Root: admin@contoso.com,
    operators
operators: \\nobody, root2, "Sur, Name" <c@contoso.com>
root2: admin@contoso.com, d@contoso.com
"a b": e@contoso.com
"""


@pytest.mark.parametrize("arguments, header", [
    (["root"], ""), (["-t"], "To: root\n"), (["-t"], "Bcc: ROOT\n"),
    (["-t", "root"], "Cc: operators\n"), (["Boss <root>, root"], ""),
])
def test_several(acs, send, aliases, arguments, header):
    server = acs()
    result = send(server, header + MESSAGE, *arguments,
                  extra=aliases(SEVERAL, "local@contoso.com"))
    assert result.status == 0, result.stderr
    assert server.message.recipients == [
        "admin@contoso.com", "local@contoso.com", "d@contoso.com", "c@contoso.com"]


def test_quoted_name(acs, send, aliases):
    server = acs()
    assert send(server, MESSAGE, '"A b"', extra=aliases(SEVERAL)).status == 0
    assert server.message.recipients == ["e@contoso.com"]


def test_names_in_the_header(acs, send, aliases):
    """In To and Cc as in the envelope; who has no alias gets this machine's domain."""
    server = acs()
    result = send(server, "To: Boss <x@y.example>, root\nCc: nobody2\nReply-To: root\n"
                  + MESSAGE, "a@example.org",
                  extra=aliases("root: a@contoso.com, B <b@contoso.com>\n"))
    assert result.status == 0, result.stderr
    assert server.message.recipients == ["a@example.org"]
    lines = server.message.data.split(b"\r\n")
    assert b"To: Boss <x@y.example>, a@contoso.com, B <b@contoso.com>" in lines
    assert any(line.startswith(b"Cc: nobody2@") for line in lines)
    assert any(line.startswith(b"Reply-To: root@") for line in lines)


def test_long_lists_are_folded(acs, send, aliases):
    expected = [f"member{i}@contoso.com" for i in range(40)]
    server = acs()
    result = send(server, "To: all\n" + MESSAGE,
                  extra=aliases("all: " + ",\n\t".join(expected)))
    assert result.status == 0, result.stderr
    assert server.message.recipients == expected
    assert max(map(len, server.message.data.split(b"\r\n"))) < 100
    for address in expected:
        assert address.encode() in server.message.data


@pytest.mark.parametrize("name", ["*", "default"])
def test_catch_all(acs, send, aliases, name):
    server = acs()
    result = send(server, MESSAGE, "anybody", "root", "full@example.org",
                  extra=aliases(f"root: admin@contoso.com\n{name}: rest@contoso.com\n",
                                "local@contoso.com"))
    assert result.status == 0, result.stderr
    assert server.message.recipients == [
        "rest@contoso.com", "admin@contoso.com", "full@example.org"]


def test_local_recipients_come_last(acs, send, aliases):
    server = acs()
    result = send(server, MESSAGE, "root", "www",
                  extra=aliases("root: admin@contoso.com\n", "local@contoso.com"))
    assert result.status == 0, result.stderr
    assert server.message.recipients == ["admin@contoso.com", "local@contoso.com"]


def test_nobody(acs, send, aliases):
    server = acs()
    result = send(server, MESSAGE, "www", extra=aliases("root: admin@contoso.com\n"))
    assert result.status == STATUS_NO_USER
    for word in ('"www"', "no domain", str(aliases.path), "local_recipients"):
        assert word in result.stderr
    assert server.sessions == []


# --- what is refused, with file and line

@pytest.mark.parametrize("target, word", [
    ("|/bin/cat", "|/bin/cat"), ('"|/bin/cat -n, x"', "|/bin/cat"),
    ("/var/mail/root", "/var/mail/root"), (":include:/etc/passwd", ":include:/etc/passwd"),
    ("good@contoso.com, |cat", "|cat"), ("a@@contoso.com", "a@@contoso.com"),
    ("", "no target"), ("\\nobody", "local delivery"),
])
def test_refused_targets(acs, send, aliases, target, word):
    server = acs()
    result = send(server, MESSAGE, "good@example.org", "root",
                  extra=aliases(f"# first\nwww: root\nroot: {target}\n"))
    assert result.status in (STATUS_CONFIG, STATUS_NO_USER)
    assert f"{aliases.path}, line 3" in result.stderr and word in result.stderr
    assert "sent to 1 of 2 recipients" in result.stderr
    assert server.message.recipients == ["good@example.org"]


def test_loop(acs, send, aliases):
    server = acs()
    result = send(server, MESSAGE, "good@example.org", "root",
                  extra=aliases("root: www\nwww: admin\nadmin: a@contoso.com, root\n"))
    assert result.status == STATUS_CONFIG
    assert f'{aliases.path}, line 3: alias "admin" leads back to "root" of line 1' in \
        result.stderr
    assert server.message.recipients == ["good@example.org"]


def test_faults_elsewhere_cost_nothing(acs, send, aliases):
    server = acs()
    faulty = "list: |/usr/bin/list\nno colon\na: b\nb: a\nroot: admin@contoso.com\n"
    result = send(server, MESSAGE, "root", "full@example.org", extra=aliases(faulty))
    assert (result.status, result.stderr) == (0, "")
    assert server.message.recipients == ["admin@contoso.com", "full@example.org"]


def test_full_addresses_need_no_file(acs, send, aliases):
    server = acs()
    extra = aliases("")
    aliases.path.unlink()
    assert send(server, MESSAGE, "a@example.org", extra=extra).status == 0
    result = send(server, MESSAGE, "root", extra=extra)
    assert result.status == STATUS_CONFIG
    assert str(aliases.path) in result.stderr
    assert len(server.messages) == 1


@pytest.mark.parametrize("make", [
    lambda path: path.mkdir(), os.mkfifo,
    lambda path: (path.touch(), path.chmod(0o666)),
    lambda path: path.write_bytes(b"root: a@contoso.com\n\0"),
    lambda path: path.write_bytes(b"a: b@contoso.com\n" * 70000),
], ids=["directory", "pipe", "others may write", "NUL", "large"])
def test_files_that_are_not_used(acs, send, aliases, make):
    server = acs()
    extra = aliases("", "local@contoso.com")
    aliases.path.unlink()
    make(aliases.path)
    result = send(server, MESSAGE, "root", extra=extra)
    assert result.status == STATUS_CONFIG
    assert str(aliases.path) in result.stderr
    assert server.sessions == []


# --- newaliases, -bi, -I

@pytest.fixture(params=[("newaliases", []), ("sendmail", ["-bi"]), ("sendmail", ["-I"])],
                ids=["newaliases", "-bi", "-I"])
def check(request, run, config):
    """check(section) -> the result of a check, in each of its spellings."""
    program, arguments = request.param

    def run_check(section):
        return run([*arguments, "-C", config(extra=section)], program=program)

    return run_check


def test_good_file(check, aliases):
    result = check(aliases("root: admin@contoso.com\nwww: root, a@x.example\n"))
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout == (f"{aliases.path}: 2 aliases, longest 17 bytes, "
                             "41 bytes total\n")


def test_faulty_file(check, aliases):
    result = check(aliases("root: |cat\nno colon\na: b\nb: a\nroot: b@x.example\n"
                           "www: x@@y\n"))
    assert result.status == STATUS_CONFIG
    lines = result.stderr.splitlines()
    for number in (1, 2, 4, 5, 6):
        assert any(f"{aliases.path}, line {number}: " in line for line in lines)
    assert "faults: 5" in lines[-1] and len(lines) == 6
    assert result.stdout.startswith(f"{aliases.path}: 5 aliases")


def test_names_that_lead_nowhere(check, aliases):
    result = check(aliases("postmaster: root\n"))
    assert result.status == 0
    assert "warning" in result.stderr and '"root"' in result.stderr


def test_no_file(check, aliases):
    result = check("[delivery]\naliases = off\n")
    assert (result.status, result.stderr) == (0, "")
    assert "off" in result.stdout
    section = aliases("")
    aliases.path.unlink()
    result = check(section)
    assert result.status == STATUS_CONFIG
    assert str(aliases.path) in result.stderr


@pytest.mark.parametrize("program, arguments", [("newaliases", []), ("sendmail", ["-bi"])])
def test_without_an_account(run, aliases, tmp_path, program, arguments):
    """As when the program was just installed."""
    path = tmp_path / "none.ini"
    path.write_text(aliases("root: admin@contoso.com\n"))
    result = run([*arguments, "-C", path], program=program)
    assert (result.status, result.stderr) == (0, "")
    assert "1 aliases" in result.stdout
    path.write_text("[delivery]\nnonsense = 1\n")
    result = run([*arguments, "-C", path], program=program)
    assert result.status == STATUS_CONFIG and "nonsense" in result.stderr


# --- -bv

def test_where_recipients_go(acs, send, aliases):
    """One line each, and neither is a message read nor a server asked."""
    server = acs()
    result = send(server, MESSAGE, "-bv", "root, a@example.org", "www",
                  extra=aliases("root: admin@contoso.com, b@contoso.com\n",
                                "local@contoso.com"))
    assert (result.status, result.stderr) == (0, "")
    through = "through account test (the default account)"
    assert result.stdout.splitlines() == [
        f"root... deliverable: <admin@contoso.com>, <b@contoso.com> {through}",
        f"a@example.org... deliverable: <a@example.org> {through}",
        f"www... deliverable: <local@contoso.com> {through}",
    ]
    assert server.sessions == []


def test_which_account(run, config):
    extra = ("[account other]\nhost = localhost\nfrom = other@example.net\n"
             "[defaults]\ndefault_account = test\n")
    path = config(extra=extra)
    for arguments, reason in [
            ([], "test (the default account)"),
            (["-f", "other@example.net"], "other (its from or allowed_senders has the "
                                          "envelope sender)"),
            (["-a", "other"], "other (named on the command line)")]:
        result = run(["-C", path, "-bv", *arguments, "a@example.org"])
        assert (result.status, result.stderr) == (0, "")
        assert result.stdout.endswith(f" through account {reason}\n")


@pytest.mark.parametrize("recipient, word", [
    ("www", "no alias"), ("|cat", "a program"), ("a@@b", "is no address"),
    ("loop", "leads back"), ("list", "a list"),
])
def test_undeliverable(acs, send, aliases, recipient, word):
    server = acs()
    result = send(server, MESSAGE, "-bv", "--", "a@example.org", recipient,
                  extra=aliases("loop: loop2\nloop2: loop\nlist: :include:/etc/list\n"))
    assert result.status == STATUS_NO_USER
    good, bad = result.stdout.splitlines()
    assert good.startswith("a@example.org... deliverable: ")
    assert bad.startswith(f"{recipient}... undeliverable: ") and word in bad
    assert "1 of 2" in result.stderr
    assert server.sessions == []


def test_each_piece_of_an_argument(acs, send, aliases):
    server = acs()
    result = send(server, MESSAGE, "-bv", "--", "a@@b, c@example.org, Jane Doe, root",
                  '"d@example.org, e@example.org',
                  extra=aliases("root: admin@contoso.com\n"))
    assert result.status == STATUS_NO_USER
    lines = result.stdout.splitlines()
    assert [line.partition("... ")[0] for line in lines] == [
        "c@example.org", "root", "a@@b", "Jane Doe", '"d@example.org, e@example.org']
    assert [line.partition("... ")[2].partition(":")[0] for line in lines] == [
        "deliverable", "deliverable", *["undeliverable"] * 3]
    assert '"Jane Doe" at byte 22 is no address: blanks' in lines[3]
    assert all("expected: name@domain" in line for line in lines[2:])
    assert "3 of 5" in result.stderr
    assert server.sessions == []


def test_nobody_to_show(send):
    result = send(None, MESSAGE, "-bv")
    assert (result.status, result.stdout) == (STATUS_USAGE, "")
    assert "no recipients" in result.stderr
