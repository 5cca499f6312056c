# SPDX-License-Identifier: GPL-3.0-or-later
"""Real programs that speak SMTP give their mail to the daemon's TCP listeners."""

import os
import pwd
import shutil
import smtplib
import subprocess

import pytest

from arrived import BODY, SENDER, parse, text_of
from helpers.daemon import DOOR
from helpers.ports import port_for_us
from helpers.waiting import wait_until
from namespaces import unshare_command
from postfix import Postfix
from test_dialogue import extensions

USER, PASSWORD = "web", "correct horse; battery#staple"
MESSAGE = f"From: {SENDER}\nTo: b@example.org\nSubject: hello\n\nfirst\n.\n..\nlast\n"


@pytest.fixture
def listener(acs, daemon):
    """A daemon for this machine's programs; port and server stand in it."""
    server, port = acs(senders=(SENDER,)), port_for_us()
    d = daemon(server, extra=f"listen = 127.0.0.1:{port}\n", sender_policy="keep",
               rate_per_minute=0, rate_per_hour=0)
    d.server, d.port = server, port
    return d


@pytest.fixture
def hub(acs, pki, daemon):
    """A daemon that wants TLS and a login of everybody."""
    server, port = acs(senders=(SENDER,)), port_for_us()
    d = daemon(server, start=False, sender_policy="keep", rate_per_minute=0, rate_per_hour=0)
    certificates, key = pki.chain("good")
    shutil.copy(certificates, d.top / "cert.pem")
    shutil.copy(key, d.top / "key.pem")
    made = subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True,
                          text=True).stdout
    (d.top / "users").write_text(f"{USER}:{made}")
    for name in "key.pem", "users":
        (d.top / name).chmod(0o600)
        if d.is_root:
            os.chown(d.top / name, 0, pwd.getpwnam(DOOR).pw_gid)
            (d.top / name).chmod(0o640)
    d.write(f"listen = 127.0.0.1:{port}\nlisten_cert = {d.top}/cert.pem\n"
            f"listen_key = {d.top}/key.pem\nlisten_users = {d.top}/users\n"
            "allow_from = 192.0.2.0/24\n")
    assert d.start(), d.process.stderr.read().decode()
    d.server, d.port = server, port
    return d


def wait_for_mail(d, count=1):
    wait_until(lambda: len(d.server.messages) >= count, f"{count} messages")
    assert len(d.server.messages) == count
    return d.server.messages


def test_curl(listener, call, tmp_path):
    (tmp_path / "message").write_text(MESSAGE)
    done = call("curl", "-sS", f"smtp://127.0.0.1:{listener.port}", "--mail-from", SENDER,
                "--mail-rcpt", "b@example.org", "--mail-rcpt", "c@example.org",
                "--upload-file", tmp_path / "message", "--crlf")
    assert done.returncode == 0
    message, = wait_for_mail(listener)
    assert message.recipients == ["b@example.org", "c@example.org"]
    assert message.data.endswith(b"\r\nfirst\r\n.\r\n..\r\nlast\r\n")


def test_curl_with_a_login(hub, pki, call, tmp_path):
    (tmp_path / "message").write_text(MESSAGE)
    for user, status in ((f"{USER}:{PASSWORD}", 0), (f"{USER}:wrong", 67)):
        done = call("curl", "-sS", "--ssl-reqd", "--cacert", pki.ca, "--user", user,
                    f"smtp://localhost:{hub.port}", "--mail-from", SENDER,
                    "--mail-rcpt", "b@example.org", "--upload-file", tmp_path / "message")
        assert done.returncode == status
    wait_for_mail(hub)


def test_swaks(listener, call, packages):
    for words in ["--pipeline"], ["--protocol", "SMTP"], ["--attach-body", BODY]:
        done = call("perl", packages / "usr/bin/swaks", "--server", "127.0.0.1", "--port",
                    listener.port, "--from", SENDER, "--to", "b@example.org,c@example.org",
                    "--helo", "me.example.net", *words)
        assert done.returncode == 0
        assert b"Ok: queued as " in done.stdout
    messages = wait_for_mail(listener, 3)
    assert all(one.recipients == ["b@example.org", "c@example.org"] for one in messages)


def test_msmtp(hub, pki, call, peers_program, tmp_path):
    (tmp_path / "msmtprc").write_text(
        f"account default\nhost localhost\nport {hub.port}\ntls on\ntls_starttls on\n"
        f"tls_trust_file {pki.ca}\nauth on\nuser {USER}\npassword \"{PASSWORD}\"\n"
        f"from {SENDER}\n")
    (tmp_path / "msmtprc").chmod(0o600)
    done = call(peers_program("msmtp"), "-C", tmp_path / "msmtprc", "-t",
                stdin=MESSAGE.encode())
    assert done.returncode == 0
    message, = wait_for_mail(hub)
    assert message.recipients == ["b@example.org"]


@pytest.fixture
def peers_program(packages):
    return lambda name: packages.parent / "peers/usr/bin" / name


NODEMAILER = """\
const nodemailer = require('nodemailer');
const [port, user, pass, from] = process.argv.slice(2);
const transport = nodemailer.createTransport({
	host: '127.0.0.1', port: Number(port), tls: { servername: 'localhost' },
	pool: true, maxConnections: 3, requireTLS: true, auth: { user, pass } });
const send = n => transport.sendMail({ from, to: 'b@example.org', subject: `Grüße ${n}`,
	text: 'Zeile 1\\n.\\nZeile ü\\n' });
Promise.all([...Array(8).keys()].map(send)).then(all => {
	all.forEach(one => console.log(one.response));
	transport.close();
}, error => { console.log(error.message); process.exitCode = 1; transport.close(); });
"""


def test_nodemailer(hub, pki, call, packages, tmp_path):
    """Eight messages over three connections that are kept, under TLS and with a login."""
    script = tmp_path / "send.js"
    script.write_text(NODEMAILER)
    for password, status in (PASSWORD, 0), ("wrong", 1):
        done = call(*node(packages), script, hub.port, USER, password, SENDER,
                    NODE_PATH=packages / "usr/share/nodejs", NODE_EXTRA_CA_CERTS=pki.ca,
                    LD_LIBRARY_PATH="")
        assert done.returncode == status
    assert b"535" in done.stdout
    messages = wait_for_mail(hub, 8)
    assert sorted(parse(one)["Subject"] for one in messages) == [f"Grüße {n}" for n in range(8)]
    assert text_of(parse(messages[0])) == "Zeile 1\n.\nZeile ü\n"


def node(packages):
    """The system's, or Debian's where it wants its files below /usr."""
    if not (packages / "usr/bin/node").exists():
        return ["node"]
    unshare, reason = unshare_command()
    assert unshare, reason
    return [*unshare, "sh", "-c",
            f"mount -t overlay -o ro,lowerdir={packages}/usr:/usr overlay /usr && exec node \"$@\"",
            "sh"]


SYMFONY = r"""<?php
require 'Symfony/Component/Mailer/autoload.php';
use Symfony\Component\Mailer\Transport\Smtp\EsmtpTransport;
use Symfony\Component\Mime\Email;
$transport = new EsmtpTransport('127.0.0.1', (int)$argv[1], false);
foreach (array_slice($argv, 2) as $to) {
	$email = (new Email())->from('SENDER')->to($to)->subject('Grüße')->text("Zeile ü\n");
	echo 'id: ' . $transport->send($email)->getMessageId() . "\n";
}
"""


def test_symfony(listener, call, packages, tmp_path):
    program, = packages.glob("usr/bin/php[0-9]*.[0-9]")
    modules, = packages.glob("usr/lib/php/2*")
    script = tmp_path / "send.php"
    script.write_text(SYMFONY.replace("SENDER", SENDER), encoding="utf-8")
    done = call(program, "-n", "-d", f"include_path={packages}/usr/share/php",
                "-d", f"extension_dir={modules}", *extensions(modules), script, listener.port,
                "a@example.org", "b@example.org")
    assert done.returncode == 0
    assert done.stdout.count(b"id: ") == 2
    wait_for_mail(listener, 2)


def test_smtp_source(listener, call, packages):
    """Postfix's own load: eight at a time, in sessions of their own."""
    done = call(packages / "usr/sbin/smtp-source", "-s", "8", "-m", "80", "-l", "2048", "-f",
                SENDER, "-t", "b@example.org", f"127.0.0.1:{listener.port}",
                LD_LIBRARY_PATH=f"{packages}/usr/lib/postfix:{packages}/usr/lib/x86_64-linux-gnu")
    assert done.returncode == 0
    wait_for_mail(listener, 80)


def test_postfix_relays(listener, pki, packages, tmp_path_factory):
    """A whole mail server whose smarthost we are."""
    unshare, reason = unshare_command()
    assert unshare, reason
    server = Postfix(unshare, packages, tmp_path_factory.mktemp("relay"))
    try:
        server.start(pki.chain("good"), "u", "p", mechanisms="plain", next_port=listener.port)
        with smtplib.SMTP("127.0.0.1", server.port, timeout=60) as client:
            for _ in range(3):
                client.sendmail(SENDER, ["b@example.org", "c@example.org"], MESSAGE)
        messages = wait_for_mail(listener, 3)
    finally:
        print(server.log())
        server.stop()
    for one in messages:
        assert sorted(one.recipients) == ["b@example.org", "c@example.org"]
        assert b"Received: " in one.data and one.data.endswith(b"\r\nfirst\r\n.\r\n..\r\nlast\r\n")
