# SPDX-License-Identifier: GPL-3.0-or-later
"""KeePassXC as the keyring, which keeps its promises in other ways than GNOME's does."""

import subprocess

import pytest

from arrived import SENDER
from helpers.bus import SessionBus
from helpers.waiting import PATIENCE, wait_until

MESSAGE = f"From: {SENDER}\nTo: a@example.org\n\nbody\n"
PASSWORD = "correct horse; battery#staple"
STATUS_OK, STATUS_CONFIG = 0, 78

# Its Secret Service is on, and shows the one group that the database has.
SETTINGS = """\
[General]
ConfigVersion=2
SingleInstance=false
UpdateCheckMessageShown=true
[GUI]
CheckForUpdates=false
[FdoSecrets]
Enabled=true
ConfirmAccessItem=false
ConfirmDeleteItem=false
ShowNotification=false
UnlockBeforeSearch=false
"""
# A window that has never been shown measures its columns while it is being shown, and runs
# its events in between. These free an animation that Qt is about to look at, and 2.7.10
# ends with SIGSEGV: it has been shown before, then.
WINDOW = """\
[GUI]
ListViewState=@ByteArray(seen)
"""
DATABASE = """\
<?xml version="1.0" encoding="UTF-8"?>
<KeePassFile><Meta><Generator>KeePassXC</Generator><DatabaseName>test</DatabaseName>
<CustomData><Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key>
<Value>{00000000-0000-0000-0000-000000000001}</Value></Item></CustomData></Meta>
<Root><Group><UUID>AAAAAAAAAAAAAAAAAAAAAQ==</UUID><Name>Root</Name></Group></Root></KeePassFile>
"""


@pytest.fixture
def keepassxc(packages, caller_environment, sendmail):
    """The bus on which it runs, with a database that is open."""
    if not (sendmail.parents[1] / "libexec/acsmtp/keyring").exists():
        pytest.skip("built without libsecret")
    bus = SessionBus()
    try:
        open_database(bus, packages, caller_environment["LD_LIBRARY_PATH"])
        yield bus
        print(bus.log)
    finally:
        bus.stop()


def open_database(bus, packages, library_path):
    home = bus.directory / "home"
    for directory, text in ((".config", SETTINGS), ("cache", WINDOW)):
        (home / directory / "keepassxc").mkdir(parents=True)
        (home / directory / "keepassxc/keepassxc.ini").write_text(text)
    home.chmod(0o700)
    (home / "db.xml").write_text(DATABASE)
    plugins = ":".join(map(str, packages.glob("usr/lib/*-linux-gnu*/qt5/plugins")))
    variables = {"HOME": str(home), "TMPDIR": str(home), "XDG_RUNTIME_DIR": str(home),
                 "LANG": "C.UTF-8",
                 "XDG_CONFIG_HOME": str(home / ".config"), "XDG_CACHE_HOME": str(home / "cache"),
                 "LD_LIBRARY_PATH": library_path, "QT_PLUGIN_PATH": plugins,
                 "QT_QPA_PLATFORM": "offscreen"}
    made = subprocess.run(
        [packages / "usr/bin/keepassxc-cli", "import", "-q", "-p", home / "db.xml",
         home / "db.kdbx"], input=b"database\ndatabase\n", env=variables, capture_output=True,
        timeout=60, check=False)
    assert (home / "db.kdbx").exists(), made
    listener = bus.run(["dbus-monitor", "--address", bus.address, "type=signal"])
    wait_until(lambda: "member=NameLost" in bus.log, "dbus-monitor", process=listener)
    program = bus.run([packages / "usr/bin/keepassxc", "--pw-stdin", home / "db.kdbx"],
                      b"database\n", **variables)
    # Asking would bring it down before its database is open (2.7.4), so it is overheard.
    wait_until(lambda: "member=CollectionChanged" in bus.log, "KeePassXC", lambda: bus.log,
               PATIENCE, program)


def test_stored_and_sent_and_removed(keepassxc, acs, config, run):
    server = acs(senders=(SENDER,), password=PASSWORD)
    path = config(server, password=None)

    def password(word, text=""):
        return run(["password", word, "--config", path], input=text, program="acsmtp",
                   env={"DBUS_SESSION_BUS_ADDRESS": keepassxc.address})

    nothing = password("test")
    assert nothing.status == STATUS_CONFIG
    assert "nothing for user contoso-smtp" in nothing.stderr
    done = password("set", "the first one")
    assert (done.status, done.stderr) == (STATUS_OK, "")
    # Nobody is there to answer whether that may be overwritten.
    assert password("set", PASSWORD).status == STATUS_OK
    assert password("test").stdout == "account test: 29 bytes from keyring\n"
    result = run(["-C", path, "-t"], input=MESSAGE,
                 env={"DBUS_SESSION_BUS_ADDRESS": keepassxc.address})
    assert (result.status, result.stderr) == (STATUS_OK, "")
    assert server.message.accepted
    assert password("clear").status == STATUS_OK
    assert "nothing for user contoso-smtp" in password("test").stderr
