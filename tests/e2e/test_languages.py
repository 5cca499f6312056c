# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told in their language, and what stays English whatever it is."""

import json
import os
import pty
import re
import shutil
import subprocess
import time
import unicodedata
from pathlib import Path

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from helpers.person import Person
from outcome import HELLO, assert_sent
from helpers.spool import Spool
from helpers.tokens import Helper
from test_token_login import Login, browse

JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
CONFIG, USAGE = 78, 64


@pytest.fixture(scope="session")
def locales(tmp_path_factory):
    """A directory for LOCPATH with a Japanese and a German locale, which few machines have."""
    assert shutil.which("localedef"), "localedef is missing; on Debian: libc-bin and locales"
    directory = tmp_path_factory.mktemp("locales")
    for name in "ja_JP", "de_DE":
        subprocess.run(["localedef", "-i", name, "-f", "UTF-8", directory / f"{name}.UTF-8"],
                       check=True, capture_output=True)
    return directory


@pytest.fixture
def japanese(locales):
    return {"LOCPATH": locales, "LC_ALL": "ja_JP.UTF-8"}


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


@pytest.fixture
def say(run, japanese):
    """say(*arguments): acsmtp's Result under a Japanese locale."""
    def command(*arguments, **options):
        return run(arguments, program="acsmtp", env=japanese, **options)
    return command


def with_queue(spool, background="off"):
    return f"[delivery]\nspool = {spool.path}\nqueue = on\nbackground = {background}\n"


def columns(text):
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


# --- Japanese

def test_every_text_of_the_help(say):
    """All that the tables have for people, behind the column of their names."""
    result = say("help")
    assert (result.status, result.stderr) == (0, "")
    rows = [line for line in result.stdout.splitlines() if re.match("  [-a-z]", line)]
    assert len(rows) > 80
    assert [row for row in rows if not JAPANESE.search(row)] == []
    assert result.stdout.startswith("使い方: sendmail [OPTION...]")


def test_every_setting(say):
    rows = [line.split("\t") for line in say("help", "settings").stdout.splitlines()]
    assert len(rows) > 30
    assert [row for row in rows if not JAPANESE.search(row[3])] == []
    assert rows[0][:3] == ["account", "service", "acs"]


def words(say):
    """The words of each command."""
    lines = say("help").stdout.split("コマンド:\n")[1].split("\n\n")[0].splitlines()
    return [re.match(r"  ([a-z]+(?: [a-z]+)?)(?= |$)", line)[1].split() for line in lines]


def test_every_flag(say):
    commands = words(say)
    assert ["queue", "list"] in commands and ["check"] in commands
    for command in commands:
        result = say(*command, "--help")
        assert (result.status, result.stderr) == (0, ""), command
        usage, _, text, *flags = result.stdout.splitlines()
        assert usage.startswith("使い方: ") or command == ["queue", "run"]
        assert JAPANESE.search(text) or command == ["queue", "run"]
        for flag in flags:
            assert not flag.strip() or JAPANESE.search(flag) or command == ["queue", "run"]


def test_columns(say, config, spool):
    """Japanese letters are two columns wide: labels end where they do in English."""
    ini = config(extra=with_queue(spool))
    lines = say("queue", "show", spool.add(), "--config", ini).stdout.splitlines()
    assert len(lines) > 8
    labels = [re.match(r"[^:]*: *", line)[0] for line in lines]
    assert {columns(label) for label in labels} == {13}
    assert sum(bool(JAPANESE.search(label)) for label in labels) > 8


def test_check(acs, say, config):
    result = say("check", "--config", config(acs(), password="wrong"))
    assert result.status == 77
    lines = result.stdout.splitlines()
    assert lines[0].startswith("✓   設定          アカウント test (ただ 1 つのアカウント)")
    assert any(line.startswith("✗   AUTH          ") for line in lines)
    assert "–   送信者        試していません: AUTHに失敗したため" in lines
    assert "シークレット" in result.stdout and "ポータル 1: " in result.stdout
    titles = [re.match(r"\S   \S+(?: [12])? +", line) for line in lines]
    assert {columns(title[0]) for title in titles if title} == {18}


def test_lines_on_a_terminal(home, japanese, config):
    """No line is wider than the terminal, although Japanese has no blanks to break at."""
    master, slave = pty.openpty()
    command = [installed("acsmtp"), "check", "--config", config(None, from_=None, user="")]
    done = subprocess.run(command, stdout=slave, stdin=subprocess.DEVNULL, check=False, cwd=home,
                          env=environment(home, {**japanese, "NO_COLOR": "1"}), timeout=60)
    os.close(slave)
    said = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        said += piece
    os.close(master)
    lines = said.decode().splitlines()
    assert done.returncode == CONFIG and len(lines) > 10
    assert [line for line in lines if columns(line) > 80 and not re.match(" *[/`]", line)] == []
    assert [line for line in lines if line.strip()[:1] in set("、。）」")] == []


def test_an_error_and_its_advice(say):
    result = say("check", "--jsn")
    assert result.status == USAGE
    assert result.stderr == "acsmtp: --jsn というフラグはありません。--json のことでしょうか\n"
    result = say("queue", "remove")
    assert result.status == USAGE
    assert result.stderr == ("acsmtp: queue remove: どのメッセージかを指定してください。"
                             "ID、パターン、--account、--sender、--recipient、--all の"
                             "いずれかを指定してください\n")


def test_the_configuration(say, tmp_path):
    """Where it is comes in Japanese too, around what is wrong."""
    ini = tmp_path / "wrong.ini"
    ini.write_text("[account work]\nport = many\n", encoding="utf-8")
    result = say("account", "list", "--config", ini)
    assert result.status == CONFIG
    assert result.stderr == (f"acsmtp: {ini}、2 行目: [account work] port: \"many\" は 1 から 65535 "
                             "までの数ではありません\n")


@pytest.mark.parametrize("error, words", [
    ({"aadsts": 7000222}, "AADSTS7000222: クライアント シークレットの期限が切れています: 「証明書と"),
    ({"error": "invalid_scope"}, ": token_scope は要求できるものではありません (it is invalid_scope): "),
    ({"aadsts": 123456}, "This is what it says"),
], ids=["number", "word", "unknown"])
def test_why_there_is_no_token(acs, identity, say, run, japanese, config, error, words):
    """The helper's sentence is found in our catalog; who sends and logs has it in English."""
    authority = identity()
    authority.fail("token", **error)
    ini = config(acs(), password=authority.client_secret, token="client-secret", tenant="contoso",
                 client_id=authority.client_id, token_authority=authority.authority,
                 token_ca_file=authority.ca)
    said = say("password", "test", "--config", ini)
    assert said.status != 0 and words in said.stderr
    sent = run(["-C", ini, "-t"], input="To: a@example.org\n\nHello\n", env=japanese)
    assert sent.status != 0 and not JAPANESE.search(sent.stderr)


@pytest.mark.parametrize("keys, words, english", [
    ({"token": "client-certificate", "certificate_file": "{home}/c.pem"},
     "証明書の鍵が入っていません: 鍵を PEM で入れてください",
     "the certificate's key is not in it: put the key into it, as PEM"),
    ({"token": "client-certificate", "certificate_file": "/nowhere/c.pem"},
     "application: certificate_file: /nowhere/c.pem", "No such file"),
    ({"token": "workload-identity"}, "ポッドにラベル", "does the pod have the label"),
    ({"token": "refresh", "token_authority": "https://127.0.0.1:1"}, "に接続できません",
     "cannot be reached"),
])
def test_what_the_helper_for_tokens_says(acs, say, run, japanese, config, pki, home, keys, words,
                                         english):
    """To a person in his language, in logs and to programs in English."""
    (home / "c.pem").touch(0o600)
    (home / "c.pem").write_bytes(Path(pki.ca).read_bytes())
    keys = {key: value.format(home=home) for key, value in keys.items()}
    log = home / "log"
    ini = config(acs(), auth="xoauth2", tenant="contoso.onmicrosoft.com", client_id="app-id",
                 log=log, **keys)
    said = say("check", "--config", ini)
    assert words in said.stdout and english not in said.stdout
    sent = run(["-C", ini, "-t"], input="To: a@example.org\n\nHello\n", env=japanese)
    for text in sent.stderr, log.read_text():
        assert english in text and text.isascii()


def test_the_page_at_the_end_of_a_login(identity, home, japanese):
    helper = Helper(home, identity())
    helper.variables = japanese
    login = Login(helper, "browser")
    status, page = browse(login)
    assert status == 200 and 'lang="ja"' in page and "ログインしました。" in page
    assert login.end()[0] == 0


def test_setup(acs, pki, home, japanese, tmp_path):
    """A person who reads Japanese alone comes to an account that works."""
    server = acs(user="contoso-smtp")
    ini = tmp_path / "new.ini"
    ini.touch(0o600)
    ini.write_text(f"[defaults]\ntls_ca_file = {pki.ca}\nlog = off\n"
                   "[delivery]\nqueue = off\naliases = off\n", encoding="utf-8")
    one = Person([str(installed("acsmtp")), "setup", "--config", str(ini), "--host", server.host,
                  "--port", str(server.port)],
                 environment(home, {"TERM": "xterm", **japanese}), home)
    try:
        one.answer("サービス [acs]: ", "")
        one.answer("SMTP ユーザー名: ", "contoso-smtp")
        one.answer("送信者: ", "nobody")
        one.answer("送信者: ", "DoNotReply@contoso.com")
        one.answer("送信者の名前: ", "")
        one.answer("シークレットの保存場所 [ini]: ", "")
        one.answer("シークレットの期限: ", "")
        one.secret("シークレット: ", server.options.password)
        assert one.end() == 0
    finally:
        one.leave()
    assert f"アカウント default を {ini} に書き込みました。" in one.words
    assert "メッセージを送ってみましょう" in one.words
    assert ini.read_text(encoding="utf-8").isascii()


def test_queue_list(say, config, spool):
    ini = config(extra=with_queue(spool))
    spool.add(arrived=int(time.time()) - 725, next=int(time.time()) + 330, attempts=3,
              why="smtp.azurecomm.net: connection refused")
    first, last = say("queue", "list", "--config", ini).stdout.splitlines()
    assert re.match(r"\w{16}    12 分       24 B  test  ", first)
    assert first.endswith(": 5 分後に試行、試行 3 回: smtp.azurecomm.net: connection refused")
    assert last == f"メッセージ 1 通、24 B 場所: {spool.path}"


def test_many_locales(run, locales):
    """
    LANGUAGE decides among those of a locale; what is not there is English. In C.UTF-8 the C
    library says whether LANGUAGE counts: since glibc 2.39 it does not.
    """
    def first_line(**env):
        return run(["help"], program="acsmtp", env={"LOCPATH": locales, **env}).stdout[:5]

    assert first_line(LC_ALL="ja_JP.UTF-8") == "使い方: "
    assert first_line(LANG="ja_JP.UTF-8") == "使い方: "
    assert first_line(LC_MESSAGES="ja_JP.UTF-8") == "使い方: "
    assert first_line(LANG="de_DE.UTF-8", LANGUAGE="ja") == "使い方: "
    assert first_line(LANG="de_DE.UTF-8", LANGUAGE="fr:ja") == "使い方: "
    assert first_line(LANG="ja_JP.UTF-8", LANGUAGE="en") == "usage"
    assert first_line(LANG="C", LANGUAGE="ja") == "usage"
    assert first_line(LANG="C.UTF-8") == "usage"
    assert first_line(LANG="ja_JP.UTF-8", LC_MESSAGES="C") == "usage"
    assert first_line(LC_ALL="de_DE.UTF-8") == "usage"
    assert first_line(LC_ALL="ja_JP.EUC-JP") == "usage"


# --- English

@pytest.mark.parametrize("arguments", [["--help"], ["-bz"], ["-bp", "-C", "/nowhere"],
                                       ["-t", "-C", "/nowhere"]])
@pytest.mark.parametrize("program", ["sendmail", "acsmtp"])
def test_sendmail_mode(run, japanese, program, arguments):
    said = run(arguments, program=program, env=japanese)
    meant = run(arguments, program=program)
    assert said == meant
    assert (said.stdout + said.stderr).isascii()


def test_sending(acs, run, config, japanese, tmp_path):
    """The dialogue, the transcript, the log and the error."""
    log, transcript = tmp_path / "log", tmp_path / "transcript"
    ini = config(acs(), password="wrong", log=log)
    result = run(["-v", "-X", transcript, "-C", ini, "a@example.org"], input=b"\nHello\n",
                 env=japanese)
    assert result.status == 77
    for text in (result.stdout, result.stderr, log.read_text(), transcript.read_text()):
        assert text.isascii()


def test_what_a_deferred_message_says(acs, queued, japanese):
    """Its entry, the log, and mailq."""
    queue = queued(acs(), password="wrong")
    assert_sent(queue.send(HELLO, "a@example.org", env=japanese))
    assert queue.acsmtp("run", "--flush", env=japanese).stdout.isascii()
    assert queue.send("", "-bp", env=japanese).stdout.isascii()
    entry, = queue.entries()
    assert "535" in entry.why and everything_in(queue.path).isascii()
    assert queue.log.count("\n") >= 2 and queue.log.isascii()


def test_what_commands_write(acs, say, config, spool, tmp_path):
    """Entries, the log and the account's state, by commands that speak Japanese."""
    log = tmp_path / "log"
    ini = config(acs(), log=log, extra=with_queue(spool))
    one = spool.add(failed=True, why="it was refused", to=[("a@example.org", "failed", "550 no")])
    two = spool.add(next=int(time.time()) + 900)
    for sub, name in (("retry", one), ("hold", two), ("release", two), ("remove", two)):
        result = say("queue", sub, name, "--config", ini)
        assert (result.status, result.stderr) == (0, "")
        assert JAPANESE.search(result.stdout)
    assert log.read_text().count("\n") == 4 and log.read_text().isascii()
    assert everything_in(spool.path).isascii()


def test_check_that_sends(acs, say, config, spool, tmp_path):
    log = tmp_path / "log"
    server = acs()
    ini = config(server, log=log, extra=with_queue(spool))
    result = say("check", "--config", ini, "--send", "you@example.org")
    assert JAPANESE.search(result.stdout)
    assert server.message.data.isascii() and b"This message was sent by" in server.message.data
    assert log.read_text().count("\n") == 1 and log.read_text().isascii()
    assert everything_in(spool.path).isascii()


def test_what_a_refusal_leaves(acs, say, config, spool, tmp_path):
    """check --send learns of a pause: the account's state has the reason in English."""
    log = tmp_path / "log"
    ini = config(acs(faults=[Fault("body", reply="450 4.5.127 Excessive message rate")]), log=log, extra=with_queue(spool))
    result = say("check", "--config", ini, "--send", "you@example.org")
    assert result.status != 0 and JAPANESE.search(result.stdout)
    assert log.read_text().isascii()
    assert everything_in(spool.path).isascii()


@pytest.mark.parametrize("command", [["check"], ["queue", "list"], ["explain", "--json", "-C"]])
def test_json(acs, run, say, config, spool, command):
    """For programs there is one language."""
    ini = config(acs(), from_=None, extra=with_queue(spool))
    arguments = [*command, ini, "-i", "a@example.org"] if command[0] == "explain" else \
        [*command, "--config", ini, "--json"]
    result = say(*arguments, input=b"\nHello\n")
    json.loads(result.stdout or "{}")
    assert result.stdout.isascii() and result.stderr.isascii()


def everything_in(directory):
    return "".join(path.read_text(encoding="utf-8", errors="replace")
                   for path in sorted(Path(directory).rglob("*")) if path.is_file())
