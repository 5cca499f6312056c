# SPDX-License-Identifier: GPL-3.0-or-later
"""PHP's mail() on a server: its user can read neither the account's secret nor the queue."""

import base64
import os
import subprocess

import pytest

from arrived import BODY, SENDER, envelope, parse, text_of
from helpers.waiting import wait_until
from unpacked import path_list

pytestmark = pytest.mark.as_root

SCRIPT = f"""<?php
$text = base64_decode($argv[1]);
echo mail('you@example.org', 'Grüße', $text, "From: {SENDER}", '-f{SENDER}') ? 'sent' : 'refused';
foreach (array_slice($argv, 2) as $path)
	echo is_readable($path) ? ' open' : ' closed';
"""


@pytest.fixture
def server(acs, daemon, packages, sendmail):
    """server.php(path, ...): what www-data's PHP says of a message and of these paths."""
    emulated = acs(senders=(SENDER,))
    d = daemon(emulated, start=False, sender_policy="keep").be_the_systems()
    assert d.start(*d.apart), d.process.stderr.read().decode()
    (d.top / "mail.php").write_text(SCRIPT)
    # The tree of packages is root's alone: for that user it stands elsewhere.
    tree = d.top / "root"
    tree.mkdir()
    libraries = path_list("usr/lib/*-linux-gnu*", under=packages).replace(str(packages), str(tree))
    program, = packages.glob("usr/bin/php[0-9]*.[0-9]")

    def php(*paths):
        done = subprocess.run(
            ["nsenter", "-t", str(d.process.pid), "-m", "unshare", "--mount", "sh", "-c",
             'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh", packages, tree,
             "setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups",
             tree / program.relative_to(packages), "-n", "-d", f"sendmail_path={sendmail} -t -i",
             d.top / "mail.php", base64.b64encode(BODY.encode()), *paths],
            capture_output=True, text=True, check=False, timeout=60, cwd="/",
            env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libraries})
        print(done.stderr)
        return done.stdout

    d.php, d.emulated = php, emulated
    return d


def test_php_of_another_user(server):
    assert server.php(server.config, server.top / "spool") == "sent closed closed"
    wait_until(lambda: server.emulated.messages, "it arrives")
    message = server.emulated.message
    assert envelope(message) == (SENDER, ["you@example.org"])
    assert parse(message)["Subject"] == "Grüße" and text_of(parse(message)) == BODY + "\n"


def test_php_hears_that_the_daemon_is_not_there(server):
    os.remove(f"/proc/{server.process.pid}/root/run/acsmtp/socket")
    assert server.php() == "refused"
    assert not server.emulated.messages
