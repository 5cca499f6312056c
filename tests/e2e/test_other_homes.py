# SPDX-License-Identifier: GPL-3.0-or-later
"""HOME belongs to somebody else, as after sudo -E and su; and secrets that are mounted."""

import os
import pwd
import socket
import subprocess
from pathlib import Path

import pytest

from helpers.program import environment, installed, make_reachable

pytestmark = pytest.mark.as_root
OTHER = pwd.getpwnam("nobody")
MESSAGE = b"To: a@example.org\n\nHello\n"


def sendmail(args, env, uid=None, **keys):
    def become():
        if uid is not None:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)

    return subprocess.run([installed("sendmail"), *map(str, args)], input=MESSAGE, env=env,
                          capture_output=True, check=False, timeout=60, preexec_fn=become,
                          **keys)


@pytest.fixture
def their_home(tmp_path):
    """Another user's, with an account."""
    home = tmp_path / "theirs"
    ini = home / ".config" / "acsmtp.ini"
    ini.parent.mkdir(parents=True)
    ini.write_text("[account theirs]\nhost = localhost\nuser = u\npassword = p\n"
                   "from = theirs@example.org\n")
    ini.chmod(0o600)
    for path in home, ini.parent, ini:
        os.chown(path, OTHER.pw_uid, OTHER.pw_gid)
    return home


def with_home(home, **more):
    """Nothing but HOME says where files are, unless `more` does."""
    return environment(home, {"XDG_CONFIG_HOME": None, "XDG_CACHE_HOME": None,
                              "XDG_STATE_HOME": None, **more})


def made_below(path):
    """What root has made there."""
    return [found for found in path.rglob("*") if found.lstat().st_uid == 0]


def test_another_users_file_is_passed_over(acs, config, their_home):
    """-C stands for the system's file, which is somewhere else in a test."""
    server = acs()
    done = sendmail(["--dry-run", "-t"], with_home(their_home))
    assert b"theirs@example.org" not in done.stdout
    words = f"warning: {their_home}/.config/acsmtp.ini belongs to another user " \
            f"(uid {OTHER.pw_uid}) and was not read"
    assert words in done.stderr.decode() and b"sudo -H" in done.stderr
    assert b"belongs neither" not in done.stderr
    done = sendmail(["-C", config(server, tls_session_cache="on"), "-t"],
                    with_home(their_home))
    assert (done.returncode, done.stderr) == (0, b"")
    assert server.message.accepted
    assert made_below(their_home) == []


@pytest.mark.parametrize("variable, below", [("XDG_CONFIG_HOME", ".config"),
                                             ("XDG_CONFIG_HOME", "not/there/yet")])
def test_another_users_directory(their_home, variable, below):
    done = sendmail(["--dry-run", "-t"], with_home(Path("/nonexistent"),
                                                   **{variable: their_home / below}))
    assert b"theirs@example.org" not in done.stdout
    assert (b"belongs to another user" in done.stderr) == (below == ".config")


def test_another_users_file_in_our_own_home(their_home):
    os.chown(their_home, 0, 0)
    done = sendmail(["--dry-run", "-t"], with_home(their_home))
    assert b"belongs to another user" in done.stderr
    assert b"belongs neither" not in done.stderr


def test_roots_file_in_another_home(their_home):
    """A container with any uid, HOME of the image's, and a file that root has mounted."""
    os.chown(their_home / ".config" / "acsmtp.ini", 0, 0)
    (their_home / ".config" / "acsmtp.ini").chmod(0o600)
    done = sendmail(["--dry-run", "-t"], with_home(their_home))
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"theirs@example.org" in done.stdout


def test_their_link_to_roots_file(their_home, config):
    """Where it leads is for its owner to say, and so not for us."""
    ini = their_home / ".config" / "acsmtp.ini"
    ini.unlink()
    ini.symlink_to(config(from_="roots@example.org"))
    os.chown(ini, OTHER.pw_uid, OTHER.pw_gid, follow_symlinks=False)
    done = sendmail(["--dry-run", "-t"], with_home(their_home))
    assert b"roots@example.org" not in done.stdout


def test_explicit_file_is_still_judged(their_home):
    done = sendmail(["-C", their_home / ".config" / "acsmtp.ini", "-t"],
                    with_home(their_home))
    assert done.returncode == 78 and b"belongs neither to this user nor to root" in done.stderr
    assert b"chown" in done.stderr


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"])
def test_nothing_of_ours_is_made_there(acs, config, their_home, variable):
    server = acs()
    env = with_home(Path("/nonexistent"))
    env[variable] = str(their_home)
    done = sendmail(["-C", config(server, tls_session_cache="on"), "-t"], env)
    assert done.returncode == 0
    assert made_below(their_home) == []


def test_another_users_netrc(acs, config, their_home):
    """Ours would count; theirs is not even looked into."""
    netrc = their_home / ".netrc"
    netrc.write_text("machine localhost login contoso-smtp password theirs\n")
    netrc.chmod(0o600)
    os.chown(netrc, OTHER.pw_uid, OTHER.pw_gid)
    done = sendmail(["-C", config(acs(), password=None, keyring="off"), "-t"],
                    with_home(their_home))
    assert done.returncode == 78 and b"no password was found" in done.stderr
    os.chown(their_home, 0, 0)
    done = sendmail(["-C", config(acs(), password=None, keyring="off"), "-t"],
                    with_home(their_home))
    assert done.returncode == 78
    assert b"~/.netrc belongs to another user" in done.stderr


BOB = 54321


@pytest.fixture
def su_bob(home, tmp_path):
    """su_bob(args) -> CompletedProcess: `su bob`, without a dash: HOME is still root's."""
    bobs = tmp_path / "bob"
    bobs.mkdir()
    make_reachable(tmp_path)
    home.chmod(0o700)
    os.chown(bobs, BOB, BOB)
    passwd = tmp_path / "passwd"
    passwd.write_text(f"root:x:0:0::/root:/bin/sh\nbob:x:{BOB}:{BOB}:Bob:{bobs}:/bin/sh\n")
    passwd.chmod(0o644)

    def run_it(*args):
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/passwd && exec "$@"', passwd,
             "setpriv", f"--reuid={BOB}", f"--regid={BOB}", "--clear-groups",
             installed("sendmail"), *args], input=MESSAGE, capture_output=True, check=False,
            env=with_home(home), timeout=60, cwd="/")

    return bobs, run_it


def test_own_home_after_su(su_bob):
    """His account, and his queue, are where the user database has his home."""
    bobs, run_it = su_bob
    ini = bobs / ".config" / "acsmtp.ini"
    ini.parent.mkdir()
    ini.write_text("[account bobs]\nhost = 127.0.0.1\nport = 1\nuser = u\npassword = p\n"
                   "from = bob@example.org\nlog = off\n[delivery]\nbackground = off\n")
    ini.chmod(0o600)
    for path in ini.parent, ini:
        os.chown(path, BOB, BOB)
    done = run_it("-odq", "-t")
    assert done.returncode == 0, done.stderr
    assert list((bobs / ".local/state/acsmtp/spool").glob("*.msg"))


# --- secrets that are mounted

MOUNT = """
mount -t tmpfs -o mode=755 tmpfs "$PLACE" || exit 99
if [ "$KIND" = ext4 ]; then
\tmkfs.ext4 -q "$PLACE/image" 2M && mount -o loop "$PLACE/image" "$PLACE" || exit 99
fi
(umask 077; cp "$SECRET" "$PLACE/secret") && chmod "$MODE" "$PLACE/secret" || exit 99
chown "$OWNER" "$PLACE/secret" || exit 99
if [ "$READ_ONLY" ]; then
\tmount -o remount,ro,bind "$PLACE" || exit 99
fi
exec "$@"
"""


@pytest.fixture
def mounted(acs, config, home, tmp_path):
    """mounted(mode, owner, kind, read_only, file) -> CompletedProcess, of a send whose
    password_file, or whose ini with a password, is on a file system of its own."""
    place = tmp_path / "run"
    place.mkdir()
    secret = tmp_path / "secret"

    def send(mode="0444", owner="0:0", kind="tmpfs", read_only="", ini=False, uid=None):
        server = acs()
        if ini:
            secret.write_bytes(open(config(server), "rb").read())
        else:
            secret.write_text(server.options.password + "\n")
        path = place / "secret"
        settings = path if ini else config(server, password=None, password_file=path)
        if not ini and uid is not None:
            # What the user must be able to read.
            os.chmod(settings, 0o644)
        env = environment(home, {"PLACE": place, "SECRET": secret, "MODE": mode,
                                 "OWNER": owner, "KIND": kind, "READ_ONLY": read_only})
        become = [] if uid is None else ["setpriv", f"--reuid={uid}", f"--regid={uid}",
                                         "--clear-groups"]
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", MOUNT, "sh", *become, installed("sendmail"),
             "-C", str(settings), "-t"], input=MESSAGE, capture_output=True, check=False,
            env=env, timeout=60)
        if done.returncode == 99:
            pytest.skip(f"this cannot be mounted here: {done.stderr!r}")
        return done

    return send


@pytest.mark.parametrize("case", [
    {"mode": "0444"}, {"mode": "0644"}, {"mode": "0444", "read_only": "1"},
    {"mode": "0644", "read_only": "1", "kind": "ext4"}, {"mode": "0644", "ini": True},
    {"mode": "0440"}, {"mode": "0400"},
])
def test_mounted_secret(mounted, case):
    done = mounted(**case)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("case, words", [
    ({"mode": "0644", "kind": "ext4"}, "others can read it (mode 0644)"),
    ({"mode": "0664"}, "others can write it (mode 0664)"),
    ({"mode": "0646", "read_only": "1"}, "others can write it (mode 0646)"),
    ({"mode": "0444", "owner": "65534:65534"}, "belongs neither to this user nor to root"),
])
def test_mounted_secret_that_is_none(mounted, case, words):
    done = mounted(**case)
    assert done.returncode == 78
    assert words in done.stderr.decode() and b"; ch" in done.stderr


def test_memory_that_is_everybodys(acs, config, home, tmp_path):
    """/dev/shm is where everybody puts files."""
    server = acs()
    path = "/dev/shm/secret"
    script = """mount -t tmpfs -o mode=1777 tmpfs /dev/shm || exit 99
        cp "$SECRET" /dev/shm/secret && chmod 644 /dev/shm/secret && exec "$@" """
    secret = tmp_path / "secret"
    secret.write_text(server.options.password + "\n")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", installed("sendmail"), "-t",
         "-C", config(server, password=None, password_file=path)], input=MESSAGE,
        capture_output=True, env=environment(home, {"SECRET": secret}), timeout=60)
    assert done.returncode == 78 and b"others can read it" in done.stderr


def test_another_users_bus(config, home, tmp_path):
    """Who listens there would get to see a secret that is to be stored."""
    if not installed("keyring").exists():
        pytest.skip("this acsmtp was built without the keyring")
    path = tmp_path / "bus"
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(path))
        bus.listen()
        bus.setblocking(False)
        env = environment(home, {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={path}",
                                 "XDG_RUNTIME_DIR": None})
        for owner in OTHER.pw_uid, 0:
            os.chown(path, owner, 0)
            try:
                subprocess.run([installed("acsmtp"), "password", "test", "--config",
                                config(password=None)], env=env, capture_output=True,
                               check=False, timeout=30 if owner else 2,
                               stdin=subprocess.DEVNULL)
            except subprocess.TimeoutExpired:
                assert owner == 0, "it waits for another user's bus"
            if owner:
                with pytest.raises(BlockingIOError):
                    bus.accept()
            else:
                bus.accept()[0].close()
