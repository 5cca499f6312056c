# SPDX-License-Identifier: GPL-3.0-or-later
"""Symfony Mailer, which Laravel and Nextcloud send with, hands over by sendmail -bs."""

import pytest

from arrived import SENDER
from emulator.faults import Fault

SCRIPT = r"""<?php
require 'Symfony/Component/Mailer/autoload.php';
use Symfony\Component\Mailer\Transport\SendmailTransport;
use Symfony\Component\Mime\Email;
$transport = new SendmailTransport($argv[1] . ' -bs');
foreach (array_slice($argv, 2) as $to) {
	$email = (new Email())->from('SENDER')->to($to)->subject('Grüße')
		->text("Zeile 1\n.\nZeile ü\n");
	try {
		echo 'id: ' . $transport->send($email)->getMessageId() . "\n";
	} catch (Exception $e) {
		echo 'failed: ', strtok($e->getMessage(), "\n"), "\n";
	}
}
"""


@pytest.fixture
def symfony(call, packages, sendmail, tmp_path):
    """symfony(recipient, ...): a message to each, in one dialogue; what the script says."""
    program, = packages.glob("usr/bin/php[0-9]*.[0-9]")
    modules, = packages.glob("usr/lib/php/2*")
    script = tmp_path / "send.php"
    script.write_text(SCRIPT.replace("SENDER", SENDER), encoding="utf-8")

    def send(*recipients):
        done = call(program, "-n", "-d", f"include_path={packages}/usr/share/php",
                    "-d", f"extension_dir={modules}", *extensions(modules), script,
                    sendmail, *recipients)
        assert done.returncode == 0, done.stdout
        return done.stdout.decode().splitlines()

    return send


def extensions(modules):
    """Those that are no part of the program itself in this release."""
    return [word for name in ("mbstring", "ctype", "iconv", "tokenizer")
            if (modules / f"{name}.so").exists() for word in ("-d", f"extension={name}")]


def test_symfony(service, symfony):
    said = symfony("a@example.org", "b@example.org", "c@example.org")
    assert len(said) == 3 and all(line.startswith("id: ") for line in said)
    assert [one.recipients for one in service.messages] == \
        [["a@example.org"], ["b@example.org"], ["c@example.org"]]
    assert b"\r\n.\r\n" in service.messages[0].data


def test_symfony_refused(acs, config, use_config, symfony):
    """The application hears of it, and the dialogue goes on."""
    server = acs(senders=(SENDER,), faults=(Fault("a@example.org", reply="550 5.1.1 Unknown"),))
    use_config(config(server, sender_policy="keep"))
    said = symfony("a@example.org", "b@example.org")
    assert said[0].startswith("failed: ") and "550" in said[0]
    assert said[1].startswith("id: ")
    assert [one.recipients for one in server.messages] == [["b@example.org"]]
