# SPDX-License-Identifier: GPL-3.0-or-later
"""cron, at and sudo report by mail: the real ones, on a machine of their own.

They call /usr/sbin/sendmail by that name and as root. Their headers name nobody that a
service would take: bare names, and at not even a From.
"""

import socket

import pytest

from arrived import BODY, SENDER, address_of, assert_whole, envelope, parse, text_of
from helpers.waiting import PATIENCE, wait_until
from namespaces import PAM, Machine, unshare_command

ADMIN = "admin@contoso.com"

CRON = """
mkdir -p /var/spool/cron/crontabs
cron -f &
"""

# As Debian's package makes it. A job starts as soon as atd hears of it, batch jobs as
# well, however busy the machine is.
ATD = """
mkdir -p /var/spool/cron/atjobs /var/spool/cron/atspool
touch /var/spool/cron/atjobs/.SEQ
chown -R daemon:daemon /var/spool/cron/at*
chmod 1770 /var/spool/cron/at*
atd -f -l 10000 &
until [ -s /run/atd.pid ]; do sleep 0.02; done
"""


@pytest.fixture
def server(acs, config, use_config):
    """The service with its one MailFrom address; mail to root goes to the admin."""
    server = acs(senders=(SENDER,))
    use_config(config(server, extra=f"[delivery]\nlocal_recipients = {ADMIN}\n"))
    return server


@pytest.fixture
def machine(packages, sendmail, home, tmp_path):
    unshare, reason = unshare_command()
    if not unshare:
        pytest.skip(f"no namespaces for daemons: {reason}")
    machine = Machine(unshare, packages, sendmail, tmp_path / "machine", home)
    for service in ("cron", "atd", "sudo"):
        machine.write(f"etc/pam.d/{service}", PAM)
    return machine


@pytest.fixture
def reports(server, machine):
    """reports(script, count): what arrives while that goes on, by subject."""
    def reports(script, count=1):
        def all_said():
            ended = [session for session in server.sessions if session.closed]
            return len(ended) >= count

        with machine.running(script):
            wait_until(all_said, "the reports", machine.log, PATIENCE)
        assert len(server.messages) == count
        return sorted(server.messages, key=lambda message: parse(message)["Subject"])
    return reports


def assert_from_root(mail):
    """From the account, but one can see who it was, and nobody is a bare name."""
    assert_whole(mail)
    assert address_of(mail, "From") == SENDER
    words = f"{mail['From']} {mail['Reply-To']}"
    assert "root" in words and socket.gethostname() in words
    for name in ("From", "To", "Reply-To"):
        for address in mail[name].addresses if mail[name] else ():
            assert address.domain, mail[name]


# --- cron

def test_cron(machine, reports):
    """Jobs at the start of the machine: those of a new one need no waiting."""
    text = machine.write("report", BODY)
    # A setting holds for the jobs below it.
    machine.write("etc/crontab", "SHELL=/bin/sh\n"
                  f"@reboot root cat {text}; echo on standard error >&2\n"
                  "MAILTO=you@example.org\n"
                  "@reboot root echo zwölf; exit 3\n"
                  'MAILTO=""\n'
                  "@reboot root echo nobody wants to know\n")
    first, second = reports(CRON, 2)
    assert envelope(first) == (SENDER, [ADMIN])
    mail = parse(first)
    assert_from_root(mail)
    assert "Cron Daemon" in str(mail["From"])
    assert mail["Subject"].endswith(f"cat {text}; echo on standard error >&2")
    assert f"<HOME={machine.home}>" in mail.get_all("X-Cron-Env")
    assert text_of(mail) == BODY + "on standard error\n"

    assert envelope(second) == (SENDER, ["you@example.org"])
    mail = parse(second)
    assert_from_root(mail)
    assert mail["To"] == "you@example.org"
    assert text_of(mail) == "zwölf\n"


def test_cron_with_another_locale(machine, reports):
    """Cron declares its own charset, whatever the job has printed: here plain ASCII. The
    bytes arrive all the same, and a reader may make sense of them."""
    machine.write("etc/crontab", "@reboot root echo zwölf\n")
    message, = reports("export LC_ALL=C" + CRON)
    mail = parse(message)
    assert_from_root(mail)
    assert mail.get_payload(decode=True) == "zwölf\r\n".encode()


# --- at

def test_at(machine, reports):
    """Its mail has neither From nor a MIME header; -i guards the lone dot."""
    text = machine.write("report", BODY)
    message, = reports(ATD + f"echo 'cat {text}; echo error >&2' | at now")
    assert envelope(message) == (SENDER, [ADMIN])
    mail = parse(message)
    assert_whole(mail)
    assert address_of(mail, "From") == SENDER
    assert mail["To"].addresses[0].domain
    assert mail["Subject"].split() == ["Output", "from", "your", "job", "1"]
    assert text_of(mail) == BODY + "error\n"


def test_batch_without_output(reports):
    """-m asks for a mail about nothing: a header and an empty body."""
    message, = reports(ATD + "echo true | at -m -q b now")
    assert envelope(message) == (SENDER, [ADMIN])
    mail = parse(message)
    assert_whole(mail)
    assert text_of(mail).strip() == ""


# --- sudo

def test_sudo(machine, reports, home):
    """It reports whoever may not use it. The mailer's home is /, as sudo sees it, so it
    is told where the configuration is."""
    machine.write("etc/sudoers", 'Defaults mailto="root", mailerpath=/usr/sbin/sendmail\n'
                  f'Defaults mailerflags="-t -C {home}/.config/acsmtp.ini"\n', 0o440)
    message, = reports("sudo -n id && exit 1")
    assert envelope(message) == (SENDER, [ADMIN])
    mail = parse(message)
    assert_from_root(mail)
    assert mail["Subject"].startswith("*** SECURITY information for")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "COMMAND=/usr/bin/id" in text_of(mail)


# --- as cron calls, where there is no such machine

def test_call_of_cron(server, call, sendmail):
    report = (b"From: root (Cron Daemon)\nTo: root\n"
              b"Subject: Cron <root@host> echo \xc3\xa4\n"
              b"MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
              b"Content-Transfer-Encoding: 8bit\n"
              b"X-Cron-Env: <SHELL=/bin/sh>\n\n.\n\xc3\xa4\n")
    done = call(sendmail, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root",
                stdin=report)
    assert done.returncode == 0
    message = server.message
    assert envelope(message) == (SENDER, [ADMIN])
    received = parse(message)
    assert address_of(received, "From") == SENDER
    assert received["To"].addresses[0].domain, "services refuse a bare name"
    assert received["X-Cron-Env"] == "<SHELL=/bin/sh>"
    assert text_of(received) == ".\nä\n"


def test_call_of_cron_is_refused(acs, config, use_config, call, sendmail):
    server = acs(senders=("other@contoso.com",))
    use_config(config(server, extra=f"[delivery]\nlocal_recipients = {ADMIN}\n"))
    done = call(sendmail, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root",
                stdin=b"From: root (Cron Daemon)\nTo: root\nSubject: no\n\ntext\n")
    assert done.returncode == 77
    assert server.messages == []
