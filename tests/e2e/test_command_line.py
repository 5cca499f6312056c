# SPDX-License-Identifier: GPL-3.0-or-later
"""sendmail(8)'s options: each in its spellings, and what the server gets of it."""

import subprocess

import pytest

from helpers.program import environment, installed

ADDRESS = "a@example.org"
FROM = "DoNotReply@contoso.com"
MESSAGE = "From: DoNotReply@contoso.com\nSubject: s\n\none\n.\ntwo\n"
WITH_TO = "To: a@example.org\n" + MESSAGE
STATUS_USAGE, STATUS_UNAVAILABLE = 64, 69


def body_of(message):
    return message.data.split(b"\r\n\r\n", 1)[1]


# --- accepted, and nothing comes of it

WITHOUT_EFFECT = """
    -bm -ba -Ac -Am -A:c -c -D:FILE -DFILE -d -d0-99.1 -E -J -em -ep -ew -ee -e:m -oem
    -oep -oew -oee -h30 -h:30 -M{daemon}x -M:x -m -om -n -om1 -oo -o7 -o:7 -oA/etc/aliases
    -odi -odb -odq -odd -p:ESMTP:host -pSMTP -s -U -T -T3h -x -G -Ltag -L:tag
    -ODeliveryMode=b -O:DeliveryMode=i -OErrorMode=m -OUnknown=1 -O:Unknown
    -OVerbose=false -OTimeout.queuereturn=4d -B7BIT -B:8bitmime -B8BITMIME -b:m -oi0
    -oifalse -oe -e: -OErrorMode= -B7bit
""".split()


@pytest.mark.parametrize("option", WITHOUT_EFFECT)
def test_accepts_what_has_nothing_to_do(acs, send, option):
    """A colon stands between an option and a value of its own word."""
    server = acs()
    result = send(server, MESSAGE, *option.split(":", 1), ADDRESS)
    assert (result.status, result.stderr, result.stdout) == (0, "", "")
    assert server.message.recipients == [ADDRESS]
    assert server.message.sender == FROM
    assert body_of(server.message) == b"one\r\n"


# --- the lone dot

DOT_IS_TEXT = """
    -i -oi -o:i -oiem -oitrue -oi1 -OIgnoreDots -OIgnoreDots=true -O:ignoredots=1 -ic -ci
    -iodi
""".split()


@pytest.mark.parametrize("option", DOT_IS_TEXT)
def test_lone_dot_is_text(acs, send, option):
    server = acs()
    assert send(server, MESSAGE, *option.split(":", 1), ADDRESS).status == 0
    assert body_of(server.message) == b"one\r\n.\r\ntwo\r\n"


# --- recipients from the header

@pytest.mark.parametrize("options", [
    "-t", "-it", "-ti", "-tiv", "-i -t", "-t -oi -oem", "-t --", "-eq -t", "-tG", "-tem",
    "-t -XLOG",
])
def test_recipients_from_the_header(acs, send, options):
    server = acs()
    assert send(server, WITH_TO, *options.split()).status == 0
    assert server.message.recipients == [ADDRESS]


@pytest.mark.parametrize("choice, expected", [
    (None, {"a@example.org", "b@example.org", "c@example.org"}),
    ("add", {"a@example.org", "b@example.org", "c@example.org"}),
    ("remove", {"a@example.org"}),
])
def test_recipients_from_both(acs, send, choice, expected):
    server = acs()
    extra = f"[delivery]\nt_with_arguments = {choice}\n" if choice else ""
    result = send(server, "To: a@example.org\nCc: b@EXAMPLE.org\n\n.\n", "-t",
                  "b@example.org", "c@example.org", extra=extra)
    assert result.status == 0, result.stderr
    taken = server.message.recipients
    assert {address.lower() for address in taken} == expected
    assert len(taken) == len(expected)


def test_removing_all_leaves_none(acs, send):
    server = acs()
    result = send(server, WITH_TO, "-t", "a@example.org",
                  extra="[delivery]\nt_with_arguments = remove\n")
    assert result.status == STATUS_USAGE
    assert "no recipients" in result.stderr
    assert server.sessions == []


def test_header_counts_only_with_t(acs, send):
    server = acs()
    assert send(server, WITH_TO, "b@example.org").status == 0
    assert server.message.recipients == ["b@example.org"]


@pytest.mark.parametrize("arguments", [["-i"], ["-t"], [""], ["", "  "], ["-i", "--"],
                                       [","], ["()"], ["nobody:;"]])
@pytest.mark.parametrize("message", ["", "Subject: s\n\nbody\n", "To: \n\n", "To:,\n\n"])
def test_no_recipients(acs, send, arguments, message):
    server = acs()
    result = send(server, message, *arguments)
    assert result.status == STATUS_USAGE
    assert "recipient" in result.stderr
    assert server.sessions == []


# --- where options end

def test_first_recipient_ends_the_options(acs, send):
    server = acs()
    assert send(server, MESSAGE, ADDRESS, "-b@example.org").status == 0
    assert server.message.recipients == [ADDRESS, "-b@example.org"]


def test_two_dashes_end_the_options(acs, send):
    server = acs()
    assert send(server, MESSAGE, "-i", "--", "-t@example.org", ADDRESS).status == 0
    assert server.message.recipients == ["-t@example.org", ADDRESS]


# --- the sender

@pytest.mark.parametrize("option, sender", [
    (["-f", "b@contoso.com"], "b@contoso.com"),
    (["-fb@contoso.com"], "b@contoso.com"),
    (["-r", "b@contoso.com"], "b@contoso.com"),
    (["-rb@contoso.com"], "b@contoso.com"),
    (["-f", "<b@contoso.com>"], "b@contoso.com"),
    (["-f", "Bea <b@contoso.com>"], "b@contoso.com"),
    (["-f", '"B, B" <b@contoso.com>'], "b@contoso.com"),
    (["-f", '"b b"@contoso.com'], '"b b"@contoso.com'),
    (["-f", "b@contoso.com", "-f", "b@contoso.com"], "b@contoso.com"),
    (["-f", ""], ""),
    (["-f", "<>"], ""),
    (["-f<>"], ""),
    (["-eq", "-f<>"], ""),
    (["-f", "b@contoso.com", "-r", "b@contoso.com"], "b@contoso.com"),
])
def test_sender(acs, send, option, sender):
    server = acs(senders=None)
    result = send(server, MESSAGE, *option, ADDRESS, sender_policy="keep",
                  null_sender="send")
    assert result.status == 0, result.stderr
    assert server.message.sender == sender


@pytest.mark.parametrize("options", [
    ["-f", "a@contoso.com", "-f", "b@contoso.com"],
    ["-f", "a@contoso.com", "-r", "b@contoso.com"],
    ["-f", "a@contoso.com, b@contoso.com"],
    ["-f", "a@contoso.com b"],
    ["-f", "a@@contoso.com"],
    ["-f", "<a@contoso.com"],
    ["-f", "@contoso.com"],
])
def test_senders_that_make_no_sense(acs, send, options):
    server = acs(senders=None)
    result = send(server, MESSAGE, *options, ADDRESS, sender_policy="keep")
    assert result.status in (0, STATUS_USAGE)
    if result.status == 0:    # a missing bracket, where the meaning is plain
        assert server.message.sender == "a@contoso.com"
        assert options == ["-f", "<a@contoso.com"]
    else:
        assert "-f" in result.stderr or "-r" in result.stderr
        assert server.sessions == []


@pytest.mark.parametrize("options, said", [
    (["-f", "a@contoso.com", "-f", "b@contoso.com"], "-f is given twice: "),
    (["-f", "a@contoso.com", "-r", "b@contoso.com"], "-f and -r are given differently: "),
    (["-r", "a@@contoso.com"], '-r "a@@contoso.com": '),
])
def test_sender_is_named_as_it_was_given(acs, send, options, said):
    result = send(acs(), MESSAGE, *options, ADDRESS, sender_policy="keep")
    assert result.status == STATUS_USAGE
    assert said in result.stderr


# --- delivery status notifications

@pytest.mark.parametrize("options, mail, rcpt", [
    ("-N never", {}, {"NOTIFY": "NEVER"}),
    ("-Nfailure", {}, {"NOTIFY": "FAILURE"}),
    ("-N Success,DELAY,failure", {}, {"NOTIFY": "SUCCESS,DELAY,FAILURE"}),
    ("-R hdrs", {"RET": "HDRS"}, {}),
    ("-RFULL", {"RET": "FULL"}, {}),
    ("-V id+2B1", {"ENVID": "id+2B1"}, {}),
    ("-Vid", {"ENVID": "id"}, {}),
    ("-oem -oi -N failure -R hdrs --", {"RET": "HDRS"}, {"NOTIFY": "FAILURE"}),
])
def test_dsn(acs, send, options, mail, rcpt):
    server = acs()
    result = send(server, MESSAGE, *options.split(), ADDRESS)
    assert result.status == 0, result.stderr
    given = {**server.message.mail_parameters, **server.message.rcpt_parameters[0]}
    for name in ("RET", "ENVID", "NOTIFY"):
        expected = {**mail, **rcpt}.get(name)
        value = given.get(name)
        assert (value if value is None or name == "ENVID" else value.upper()) == expected


def test_dsn_only_where_it_is_offered(acs, send):
    server = acs(without="DSN")
    assert send(server, MESSAGE, "-Nfailure", "-Rhdrs", "-Vid", ADDRESS).status == 0
    assert server.message.rcpt_parameters == [{}]
    assert not {"RET", "ENVID"} & set(server.message.mail_parameters)


# --- refused

NONSENSE = """
    -Z -1 -k -W -b:x -bz -bt -e:x -ex -oex -B:9BIT -Bbinary -N:often -Nnever,failure
    -N:success,, -R:all -V:a=b -V:a+2b -V:a+ -f -F -a -B -X -L -N -R -V -O -o -r
    --frobnicate --acount:x --help=me --dry-run=x ---
""".split() + ["-V:"]


@pytest.mark.parametrize("option", NONSENSE)
def test_usage(acs, send, option):
    """Never 75 (a typo is not transient), never 0, and the option is named."""
    server = acs()
    arguments = option.split(":", 1)
    lacks_value = len(option) == 2 and option[1] in "fFaBXLNRVOor"
    result = send(server, MESSAGE, *arguments, *([] if lacks_value else [ADDRESS]))
    assert result.status == STATUS_USAGE
    assert arguments[0].split("=")[0][:2] in result.stderr
    assert server.sessions == []


@pytest.mark.parametrize("wrong, right", [
    ("--acount=test", "--account"), ("--dryrun", "--dry-run"), ("--versoin", "--version"),
])
def test_nearest_option(run, wrong, right):
    result = run([wrong, ADDRESS])
    assert result.status == STATUS_USAGE
    assert wrong.split("=")[0] in result.stderr and right in result.stderr


def test_address_test_mode(run):
    """What is advised in its place is there."""
    result = run(["-bt"])
    assert result.status == STATUS_USAGE
    assert "--dry-run" in result.stderr and "-bv" in result.stderr


# --- to come

NOT_YET = """
    --json -t:--json
""".split()


@pytest.mark.parametrize("option", NOT_YET)
@pytest.mark.parametrize("recipients", [[], [ADDRESS]])
def test_not_available_yet(acs, send, option, recipients):
    server = acs()
    result = send(server, WITH_TO, *option.split(":", 1), *recipients)
    assert result.status == STATUS_UNAVAILABLE
    assert "not available yet" in result.stderr
    assert result.stdout == ""
    assert server.sessions == []


@pytest.mark.parametrize("name, status, said", [
    ("hoststat", 0, "no host status is kept"), ("purgestat", 0, "no host status is kept"),
    ("any-other-name", STATUS_USAGE, "no recipients"),
])
def test_names_of_links(run, home, tmp_path, name, status, said):
    """What the program is called by tells what is wanted; unknown names are sendmail."""
    (home / ".config").mkdir()
    path = home / ".config/acsmtp.ini"
    path.touch(0o600)
    path.write_text("[account x]\nfrom = a@contoso.com\n", encoding="utf-8")
    link = tmp_path / name
    link.symlink_to(installed("acsmtp"))
    done = subprocess.run([link], env=environment(home, None), capture_output=True,
                          input=b"", check=False, timeout=60)
    assert done.returncode == status
    assert done.stderr.startswith(f"{name}: ".encode()) and said.encode() in done.stderr


@pytest.mark.parametrize("word", ["explain", "check", "queue", "send"])
def test_a_command_behind_options(acs, config, run, tmp_path, word):
    """Whoever types that means the command; whoever is called so is reached all the same, and
    by any other name it is a recipient, as ever."""
    server = acs()
    aliases = tmp_path / "names"
    aliases.write_text(f"{word}: someone@example.org\n")
    ini = config(server, extra=f"[delivery]\naliases = {aliases}\n")
    done = run(["-C", ini, word, "x@example.org"], input=WITH_TO, program="acsmtp")
    assert (done.status, done.stdout) == (STATUS_USAGE, "")
    assert done.stderr == (f"acsmtp: options stand behind a command: `acsmtp {word} ...`; a "
                           "recipient called so stands after --\n")
    assert not server.messages
    for program, words in ("acsmtp", ["--", word]), ("sendmail", [word]):
        done = run(["-C", ini, *words], input=WITH_TO, program=program)
        assert (done.status, done.stderr) == (0, "")
        assert server.messages[-1].recipients == ["someone@example.org"]
    assert len(server.messages) == 2


@pytest.mark.parametrize("option", ["-bh", "-bH"])
def test_no_host_status_is_kept(acs, send, option):
    server = acs()
    assert send(server, WITH_TO, option).status == 0
    assert server.sessions == []


@pytest.mark.parametrize("option", [["other"], ["-a", "other"], ["-aother"],
                                    ["--account", "other"], ["--account=other"]])
@pytest.mark.parametrize("words", [["account", "show"], ["password", "test"]])
def test_accounts_are_named_as_for_sendmail(run, config, option, words):
    ini = config(account="other", extra="[account more]\nuser = x\nfrom = x@example.org\n"
                 "password = y\n[defaults]\ndefault_account = more\n")
    for given in (["-C", ini, *option], [*option, f"-C{ini}"]):
        result = run([*words, *given], program="acsmtp")
        assert result.status == 0, result.stderr
        assert "account other" in result.stdout


# --- as with msmtp

@pytest.mark.parametrize("args", [
    ["--read-recipients"], ["-t", "--read-envelope-from"], ["--from=DoNotReply@contoso.com", "-t"],
    ["--from", "DoNotReply@contoso.com", "-t"], ["-t", "--set-from-header=auto"],
    ["-t", "--set-date-header=auto", "--set-msgid-header=auto", "--set-to-header=off"],
    ["-t", "--remove-bcc-headers"], ["-t", "--remove-bcc-headers=on", "--keepbcc=off"],
    ["-t", "--protocol=smtp", "--auto-from=off", "--undisclosed-recipients=off"],
    ["-t", "--add-missing-from-header", "--add-missing-date-header=on", "--tls-certcheck=on"],
    ["-t", "--dsn-notify=off", "--dsn-return=off", "--debug=off"],
    ["-t", "--from-full-name=Full Name"],
])
def test_msmtps_options(acs, send, args):
    server = acs()
    result = send(server, WITH_TO, *args)
    assert (result.status, result.stderr, result.stdout) == (0, "", "")
    assert server.message.recipients == [ADDRESS]
    assert server.message.sender == FROM


def test_msmtps_file(acs, run, config):
    server = acs()
    for args in (["--file", config(server)], ["--file=" + config(server)]):
        assert run([*args, "-t"], input=WITH_TO).status == 0
    assert len(server.messages) == 2


def test_msmtps_notifications(acs, send):
    server = acs()
    assert send(server, WITH_TO, "-t", "--dsn-notify=failure,delay", "--dsn-return", "hdrs") \
        .status == 0
    assert send(server, WITH_TO, "-t", "--dsn-notify=sometimes").status == STATUS_USAGE


@pytest.mark.parametrize("option", ["--pretend", "-P"])
def test_msmtps_pretend(run, config, option):
    result = run(["-C", config(), option, "-t"], input=WITH_TO)
    assert result.status == 0 and ADDRESS in result.stdout


@pytest.mark.parametrize("option", [["--debug"], ["-X", "-"], ["-X-"], ["--debug=on"],
                                    ["-v", "-X", "-"]])
def test_dialogue_on_standard_output(acs, send, home, option):
    server = acs()
    result = send(server, WITH_TO, "-t", *option)
    assert result.status == 0, result.stderr
    assert result.stdout.count("MAIL FROM:") == 1 and "EHLO" in result.stdout
    assert server.options.password not in result.stdout
    assert not (home / "-").exists()


@pytest.mark.parametrize("args, says", [
    (["--serverinfo"], "acsmtp check"), (["-S"], "acsmtp check"),
    (["--configure", "a@example.org"], "acsmtp setup"), (["--rmqs=host"], "remote queue"),
    (["--set-from-header=on"], "sender_policy"), (["--set-from-header"], "sender_policy"),
    (["--set-from-header=off"], "-G"), (["--host=h"], "-a or -C"), (["--port", "25"], "-a"),
    (["--logfile=/tmp/log"], "`log`"), (["--syslog=on"], "`log`"), (["--tls=off"], "`tls`"),
    (["--passwordeval=x"], "password_command"), (["--aliases=/x"], "[delivery]"),
    (["--protocol=lmtp"], "only protocol"), (["--remove-bcc-headers=off"], "always removed"),
    (["--tls-certcheck=off"], "tls_fingerprint"), (["--maildomain=x"], "`from`"),
    (["--set-to-header=on"], "stays"), (["--source-ip=::1"], "directly"),
])
def test_msmtps_options_that_have_another_name(run, args, says):
    result = run([*args, "-t"], input=WITH_TO)
    assert result.status == STATUS_USAGE and result.stdout == ""
    assert "msmtp" in result.stderr and says in result.stderr
    assert result.stderr.count("\n") == 1


# Every long option of msmtp 1.8's; a name that is in neither table would be a surprise.
OF_MSMTP = """
    version help configure pretend debug serverinfo rmqs file account host port timeout
    connect-timeout auto-from from maildomain auth user passwordeval tls tls-starttls
    tls-trust-file tls-crl-file tls-fingerprint tls-key-file tls-cert-file tls-certcheck
    tls-force-sslv3 tls-min-dh-prime-bits tls-priorities tls-host-override dsn-notify
    dsn-return protocol domain logfile logfile-time-format syslog aliases proxy-host
    proxy-port add-missing-from-header add-missing-date-header set-from-header
    set-date-header set-msgid-header set-to-header remove-bcc-headers
    undisclosed-recipients source-ip socket keepbcc read-recipients read-envelope-from
""".split()


def test_every_option_of_msmtp_is_known(run):
    for name in OF_MSMTP:
        result = run(["-C", "/nowhere/at/all", f"--{name}=x"], input="")
        assert "unknown option" not in result.stderr, name
