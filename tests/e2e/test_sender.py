# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a message is from: sender_policy, names for the From field."""

import email.header
import re

import pytest

OURS = "DoNotReply@contoso.com"
OTHER = "bea@example.com"
RECIPIENT = "a@example.org"
BODY = "To: a@example.org\nSubject: s\n\nbody\n"
STATUS_DENIED = 77


def header(message, name):
    head = message.data.split(b"\r\n\r\n", 1)[0].decode("utf-8", "surrogateescape")
    head = re.sub(r"\r\n(?=[ \t])", "", head)
    return [line.split(":", 1)[1].strip() for line in head.split("\r\n")
            if line.lower().startswith(name.lower() + ":")]


@pytest.fixture
def sent(acs, run, config):
    """sent(message, *args, env=None, **keys): the message as it arrived."""
    def send_it(message, *args, env=None, **keys):
        server = acs(senders=None)
        result = run(["-C", config(server, **keys), *(args or ["-t"])], input=message,
                     env=env)
        assert (result.status, result.stderr) == (0, "")
        return server.message
    return send_it


# --- rewrite, the default

@pytest.mark.parametrize("args", [["-t"], ["-t", "-f", OTHER], ["-t", "-f", OURS],
                                  ["-t", "-fbea"]])
def test_rewrite(sent, args):
    message = sent(f"From: Bea B. <{OTHER}>\n{BODY}", *args)
    assert message.sender == OURS
    (author,) = header(message, "From")
    assert author.endswith(f"<{OURS}>") and "Bea B." in author
    assert header(message, "Reply-To") == [OTHER]


def test_rewrite_without_a_name(sent):
    """The old address is what the reader then sees."""
    (author,) = header(sent(f"From: {OTHER}\n{BODY}"), "From")
    assert OTHER in author and author.endswith(f"<{OURS}>")


@pytest.mark.parametrize("form", ["{} <{}>", '"{}" <{}>', "{1} ({0})"])
def test_rewrite_keeps_a_name_in_iso_2022_jp(sent, form):
    name = "（鈴木、太郎），。旧姓：佐藤"
    author = form.format(name.encode("iso-2022-jp").decode(), OTHER)
    message = sent(f"From: {author}\n{BODY}")
    shown, mailbox = header(message, "From")[0].rsplit(" ", 1)
    assert str(email.header.make_header(email.header.decode_header(shown))) == name
    assert (mailbox, header(message, "Reply-To")) == (f"<{OURS}>", [OTHER])


def test_rewrite_keeps_reply_to(sent):
    message = sent(f"Reply-To: r@example.com\nFrom: {OTHER}\n{BODY}")
    assert header(message, "Reply-To") == ["r@example.com"]
    assert OURS in header(message, "From")[0]


def test_rewrite_of_a_bare_name_adds_no_reply_to(sent):
    message = sent(f"From: root\n{BODY}")
    assert header(message, "Reply-To") == []
    assert OURS in header(message, "From")[0]


@pytest.mark.parametrize("policy", ["rewrite", "refuse"])
@pytest.mark.parametrize("author", [OURS, f"Shop <{OURS}>", "donotreply@CONTOSO.com",
                                    "sales@contoso.com", "X <any@shop.example>"])
def test_allowed_senders_stay(sent, author, policy):
    message = sent(f"From: {author}\n{BODY}", sender_policy=policy,
                   allowed_senders="donotreply@contoso.com, sales@contoso.com "
                                   "@shop.example")
    assert header(message, "From") == [author]
    assert header(message, "Reply-To") == []
    address = re.search(r"[^<\s]+@[^>]+", author)[0]
    assert message.sender == address


def test_null_sender_stays(sent):
    """RFC 5321 section 6.1: nobody is told of what becomes of a notification."""
    message = sent(f"From: {OURS}\n{BODY}", "-t", "-f<>", null_sender="send")
    assert message.sender == ""
    assert sent(f"From: {OURS}\n{BODY}", "-t", "-f<>", service="other").sender == ""


def test_null_sender_of_the_account(sent):
    """acs.md expects the service to refuse it."""
    assert sent(f"From: {OURS}\n{BODY}", "-t", "-f<>").sender == OURS


def test_sender_field_is_rewritten_too(sent):
    message = sent(f"From: {OURS}\nSender: root@web1.example\n{BODY}", "-t")
    assert header(message, "From") == [OURS]
    assert [OURS in value for value in header(message, "Sender")] == [True]
    assert header(message, "Reply-To") == []


def test_several_authors(sent):
    message = sent(f"From: Bea <{OTHER}>, Carl <carl@example.net>\n{BODY}", "-t")
    assert header(message, "From") == [f'"Bea, Carl" <{OURS}>']
    assert header(message, "Reply-To") == [f"{OTHER}, carl@example.net"]


def test_cron_is_recognised_and_can_be_answered(sent):
    message = sent(f"From: root (Cron Daemon)\nTo: root\n{BODY}", "-t",
                   extra="[delivery]\naliases = off\nlocal_recipients = adm@contoso.com\n")
    name, address = header(message, "From")[0].rsplit(" ", 1)
    assert re.fullmatch(r'"Cron Daemon \(root@[^ )]+\)"', name), name
    assert address == f"<{OURS}>"
    assert header(message, "Reply-To") == ["adm@contoso.com"]
    assert "adm@contoso.com" in header(message, "To")[0]


# --- a sender that is thrown away

UNUSABLE = ["root@", "@", "a b", '"a b@x', "a@@b", "a@b, c@d", "b\udcff@x",
            "x" * 2000 + "@example.org", "root@vm..", "a@[1.2"]


@pytest.mark.parametrize("sender", [*UNUSABLE, "root@vm.(none)", "root@example.org.",
                                    '"a b"@x', "b\u00e4r@b\u00e4r", "root"])
@pytest.mark.parametrize("option", ["-f", "-r"])
def test_it_stops_no_mail(sent, tmp_path, sender, option):
    log = tmp_path / "log"
    message = sent(f"From: Bea <{OTHER}>\n{BODY}", "-t", option, sender, log=log)
    assert message.sender == OURS
    assert header(message, "From") == [f"Bea <{OURS}>"]
    said = [line for line in log.read_text().splitlines() if "is no address" in line]
    assert len(said) == (sender in UNUSABLE)
    assert all(f'{option} "' in line for line in said)


@pytest.mark.parametrize("policy", ["keep", "refuse"])
@pytest.mark.parametrize("sender", UNUSABLE)
def test_where_it_matters_it_does(acs, send, tmp_path, policy, sender):
    server, log = acs(senders=None), tmp_path / "log"
    result = send(server, f"From: {OURS}\n{BODY}", "-t", "-f", sender, sender_policy=policy,
                  log=log)
    assert result.status == 64 and "-f" in result.stderr
    line, = log.read_text().splitlines()
    assert ": not taken: " in line and "is no address" in line
    assert server.sessions == []


def test_a_final_dot_is_cut_everywhere(acs, run, config, tmp_path):
    """The DNS takes it, mail does not; an address with one is the same as without."""
    (tmp_path / "aliases").write_text("al: c@example.org.\n")
    server = acs(senders=None)
    keys = {"from": "x@example.com.", "sender_policy": "refuse",
            "allowed_senders": "a@example.com.,@example.net.",
            "extra": f"[delivery]\naliases = {tmp_path}/aliases\n"
                     "local_recipients = d@example.org.\n"}
    for sender in ("a@example.com.", "x@example.com", "b@example.net."):
        result = run(["-C", config(server, **keys), "-t", "-f", sender, "e@example.org.",
                      "e@example.org", "al", "nobody-of-this-name"],
                     input="From: x@example.com.\nTo: E <e@example.org.>\n\nb\n")
        assert (result.status, result.stderr) == (0, "")
        message = server.messages[-1]
        assert message.sender == sender.rstrip(".")
        assert sorted(message.recipients) == ["c@example.org", "d@example.org",
                                              "e@example.org"]
        assert header(message, "From") == ["x@example.com"]
        assert header(message, "To") == ["E <e@example.org>"]


# --- who a From that is added names

ENV = "env@example.org"


@pytest.mark.parametrize("args", [["-f", ENV], ["-r", ENV], ["-f", f"<{ENV}>"], ["-f<>"], []])
@pytest.mark.parametrize("name", [None, "Full Name"])
@pytest.mark.parametrize("sender", ["", "Sender: s@example.org\n"])
@pytest.mark.parametrize("policy", ["rewrite", "keep", "refuse"])
def test_author_who_is_added(sent, args, name, sender, policy):
    """-f, where it is the sender that goes out; `from` where nothing is given or it is not."""
    message = sent(sender + BODY, "-t", *args, *(["-F", name] if name else []),
                   sender_policy=policy, null_sender="send",
                   allowed_senders=ENV if policy == "refuse" else "")
    has_env = ENV in "".join(args)
    author = ENV if has_env and policy != "rewrite" else OURS
    (value,) = header(message, "From")
    assert value.endswith(f"<{author}>") or value == author
    assert not name or value == f"{name} <{author}>"
    assert message.sender == ("" if args == ["-f<>"] else author)
    assert header(message, "Reply-To") == []
    if sender:
        assert (OURS in header(message, "Sender")[0]) == (policy == "rewrite")


@pytest.mark.parametrize("args, author", [(["-f", "env@example.org"], "env@example.org"),
                                          (["-fenv"], "env@"), ([], "@"), (["-f<>"], "@")])
def test_author_who_is_added_without_an_account_of_its_own(sent, args, author):
    message = sent(BODY, "-t", "-FFull Name", *args, sender_policy="keep", **{"from": ""})
    assert header(message, "From")[0].startswith("Full Name <")
    assert author in header(message, "From")[0]


# --- keep

def test_keep(sent):
    message = sent(f"From: Bea <{OTHER}>\n{BODY}", "-t", "-f", "x@example.net",
                   sender_policy="keep")
    assert message.sender == "x@example.net"
    assert header(message, "From") == [f"Bea <{OTHER}>"]
    assert header(message, "Reply-To") == []


def test_keep_shows_what_the_service_says(acs, send):
    server = acs()
    result = send(server, f"From: {OTHER}\n{BODY}", "-t", "-f", OTHER,
                  sender_policy="keep")
    assert result.status == STATUS_DENIED
    assert "5.3.5" in result.stderr
    assert server.messages == []


# --- refuse

@pytest.mark.parametrize("args, author", [
    (["-t", "-f", OTHER], OURS), (["-t"], OTHER), (["-t", "-f", OURS], OTHER),
])
def test_refuse(acs, send, args, author):
    server = acs()
    result = send(server, f"From: {author}\n{BODY}", *args, sender_policy="refuse",
                  allowed_senders="sales@contoso.com")
    assert result.status == STATUS_DENIED
    for text in (OTHER, OURS, "sales@contoso.com"):
        assert text in result.stderr
    assert server.sessions == []


def test_refuse_takes_what_will_do(sent):
    message = sent(f"From: {OURS}\n{BODY}", "-t", "-f", OURS, sender_policy="refuse")
    assert message.sender == OURS


# --- twice in one header

@pytest.mark.parametrize("mode", ["-odi", "-odq"])
@pytest.mark.parametrize("policy, author, answers", [
    ("rewrite", f"Bea <{OURS}>", [f"Bea <{OTHER}>, carl@example.net"]),
    ("keep", f"Bea <{OTHER}>", [f"Bea <{OTHER}>, carl@example.net"]),
])
def test_two_authors_in_two_fields(acs, queued, policy, author, answers, mode):
    """Large receivers refuse two From fields, and many a From of two addresses."""
    server = acs(senders=None)
    queue = queued(server, sender_policy=policy)
    message = f"From: Bea <{OTHER}>\nFrom: carl@example.net\n{BODY}"
    assert queue.send(message, mode, "-t").status == 0
    queue.flush()
    assert header(server.message, "From") == [author]
    assert header(server.message, "Reply-To") == answers
    assert "stood more than once in the header, and now once: From\n" in queue.log


def test_each_field_once(sent, tmp_path):
    message = sent("Date: d1\nDate: d2\nCc: c@example.org\n"
                   f"From: {OURS}\nTo: b@example.org\nCc: d@example.org\n{BODY}", "-t",
                   log=tmp_path / "log")
    assert sorted(message.recipients) == [f"{name}@example.org" for name in "abcd"]
    assert header(message, "To") == ["b@example.org, a@example.org"]
    assert header(message, "Cc") == ["c@example.org, d@example.org"]
    assert header(message, "Date") == ["d1"]
    assert header(message, "X-Duplicate-Date") == ["d2"]
    assert "now once: To, Cc, Date\n" in (tmp_path / "log").read_text()


# --- the name in a From that we add

@pytest.mark.parametrize("args, keys, env, name", [
    (["-t", "-F", "Anna A"], {}, {}, "Anna A"),
    (["-t", "-FAnna A"], {}, {}, "Anna A"),
    (["-t", "-FAnna"], {"from_name": "Shop"}, {"NAME": "Env"}, "Anna"),
    (["-t"], {"from_name": "Shop"}, {"NAME": "Env"}, "Shop"),
    (["-t"], {}, {"NAME": "Env"}, "Env"),
])
def test_name(sent, args, keys, env, name):
    (author,) = header(sent(BODY, *args, env=env, **keys), "From")
    assert author.replace('"', "") == f"{name} <{OURS}>"


@pytest.mark.parametrize("name, expected", [
    ("Sur, Name", '"Sur, Name"'),
    ("A. B", '"A. B"'),
    ('Q"uote', '"Q\\"uote"'),
    ("back\\slash", '"back\\\\slash"'),
    ("x@y", '"x@y"'),
    ("<a@b>", '"<a@b>"'),
    ("Jörg", "=?utf-8?"),
    ("日本語", "=?utf-8?"),
])
def test_name_is_quoted_as_it_needs(sent, name, expected):
    message = sent(BODY, "-t", "-F", name)
    (author,) = header(message, "From")
    assert author.lower().startswith(expected.lower())
    assert author.endswith(f"<{OURS}>")
    assert message.data.isascii()


@pytest.mark.parametrize("args, keys", [(["-t", "-F", "Anna"], {}),
                                        (["-t"], {"from_name": "Anna"})])
def test_name_for_an_address_that_is_rewritten(sent, args, keys):
    """compat.md: -F is the name "for an address we rewrite" too, where it has none."""
    (author,) = header(sent(f"From: {OTHER}\n{BODY}", *args, **keys), "From")
    assert author == f"Anna <{OURS}>"


def test_names_stay(sent):
    (author,) = header(sent(f"From: Bea <{OURS}>\n{BODY}", "-t", "-FAnna"), "From")
    assert author == f"Bea <{OURS}>"


def test_name_in_the_environment_with_a_line_break(sent):
    message = sent(BODY, env={"NAME": "A\nX-Injected: y"})
    assert b"X-Injected" not in message.data


@pytest.mark.parametrize("mode", ["-odi", "-odq"])
def test_an_empty_reply_to_is_none(acs, queued, mode):
    """Whose From is replaced gets the answers; a field that may not be empty leaves."""
    server = acs()
    queue = queued(server)
    queue.send("From: bea@example.com\nSender:\nReply-To: \nCc:\n \nTo: a@example.org\nX-Empty:\n\nb\n",
               mode, "-t")
    queue.flush()
    header = server.message.data.split(b"\r\n\r\n")[0]
    assert b"\r\nReply-To: bea@example.com\r\n" in header
    assert header.count(b"Reply-To:") == 1
    assert b"Sender:" not in header and b"Cc:" not in header
    assert b"\r\nX-Empty:\r\n" in header


def test_an_empty_reply_to_stays_alone_without_repairs(acs, queued):
    """-G asks that nothing is repaired: the field stays, and a second would be a fault."""
    server = acs()
    queue = queued(server)
    queue.send("From: bea@example.com\nReply-To:\nTo: a@example.org\n\nb\n",
               "-odq", "-G", "a@example.org")
    queue.flush()
    header = server.message.data.split(b"\r\n\r\n")[0]
    assert header.count(b"Reply-To:") == 1
    assert b"\r\nReply-To:\r\n" in header
