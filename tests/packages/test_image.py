# SPDX-License-Identifier: GPL-3.0-or-later
"""The image, run as a container engine does: any user, a root that cannot be written, a volume."""

import hashlib
import json
import os
import smtplib
import tarfile
from pathlib import Path

import pytest

from helpers.waiting import wait_until
from packages.container import UID, Container
from packages.network import Network

FROM = "DoNotReply@contoso.com"
SECRET = "the password of the account"
CONFIG = 78


@pytest.fixture
def pod():
    """The network that a test's containers share with their server, and nobody else."""
    with Network() as one:
        yield one


@pytest.fixture
def serve(acs, pod):
    return lambda: pod.within(lambda: acs(password=SECRET))


@pytest.fixture
def container(image, pod, tmp_path):
    """container(server, **env) -> one with the settings of an account; "secret" is its text."""
    made = []

    def make(server=None, pki=None, secret=f"{SECRET}\r\n", **more):
        directory = tmp_path / f"container-{len(made)}"
        directory.mkdir()
        options = {key: more.pop(key) for key in ("uid", "groups", "volume", "network")
                   if key in more}
        one = Container(image, directory, **{"network": pod.pid, **options})
        one.env.update(ACSMTP_SERVICE="other", ACSMTP_HOST="localhost",
                       ACSMTP_PORT=server.port if server else 1, ACSMTP_USER="contoso-smtp",
                       ACSMTP_FROM=FROM)
        if secret is not None:
            one.env["ACSMTP_PASSWORD_FILE"] = one.secret("password", secret)
        if pki:
            one.env["ACSMTP_TLS_CA_FILE"] = one.secret("ca", Path(pki.ca).read_text())
        one.env.update(more)
        made.append(one)
        return one

    yield make
    for one in made:
        one.__exit__()


@pytest.fixture
def send(pod):
    return lambda *subject: pod.within(lambda: come("127.0.0.1", *subject))


def come(address, subject="x"):
    with smtplib.SMTP(address, 2525, timeout=60) as client:
        client.sendmail("web@contoso.com", ["a@example.org"], f"Subject: {subject}\n\nx\n")


def lines_of(out):
    return [json.loads(line) for line in out.splitlines()]


# --- what it is

def test_what_it_says_of_itself(image):
    config = image.config["config"]
    assert config["User"] == "10001:0" and config["StopSignal"] == "SIGTERM"
    assert "2525/tcp" in config["ExposedPorts"] and "/var/spool/acsmtp" in config["Volumes"]
    assert image.health == ["/usr/bin/acsmtp", "daemon", "status"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == "acsmtp"
    assert labels["org.opencontainers.image.licenses"] == "GPL-3.0-or-later"
    assert len(image.config["history"]) == len(image.config["rootfs"]["diff_ids"]) == 1


def test_every_reader_finds_it(dist, image):
    """Each blob is what its name says; a Docker of before the format finds the same ones."""
    with tarfile.open(dist / "acsmtp-0.1.oci.tar") as archive:
        names = set(archive.getnames())
        for name in names:
            if name.startswith("blobs/"):
                content = archive.extractfile(name).read()
                assert hashlib.sha256(content).hexdigest() == name.rpartition("/")[2]
        assert json.load(archive.extractfile("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
        [old] = json.load(archive.extractfile("manifest.json"))
    assert {old["Config"], *old["Layers"]} < names
    assert old["Config"].endswith(image.manifest["config"]["digest"].removeprefix("sha256:"))
    assert old["RepoTags"] == ["localhost/acsmtp:0.1"]


def test_what_is_in_it(image):
    """Nobody can become root by it; there is no shell, and all that it needs."""
    files = [path for path in image.root.rglob("*") if not path.is_symlink()]
    assert not [path for path in files if path.stat().st_mode & 0o6000]
    assert not any((image.root / "usr/bin" / name).exists() for name in ("sh", "bash", "apt"))
    assert (image.root / "etc/ssl/certs/ca-certificates.crt").stat().st_size > 100_000
    assert [p for p in files if p.stat().st_mode & 0o002] == [image.root / "tmp"]


# --- its life

@pytest.mark.as_root
def test_its_life(serve, pki, send, container):
    """By TCP and by the command within; told to end it ends, and says nothing secret."""
    server = serve()
    one = container(server, pki)
    one.start()
    send()
    wait_until(lambda: len(server.messages) == 1, "it arrives")
    assert os.stat(one.volume / "queue").st_uid == UID
    done = one.execute("/usr/sbin/sendmail", "-t", input="To: b@example.org\n\nx\n")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: len(server.messages) == 2, "it arrives")
    assert json.loads(one.execute(*one.image.health, "--json").stdout)["waiting"] == 0
    status, out, err = one.stop()
    assert (status, err) == (0, "")
    assert "accepted=1/1" in out and SECRET not in out
    assert one.check().returncode != 0


@pytest.mark.as_root
def test_mail_survives(serve, pki, send, container):
    """The container ends with mail in it; the next one sends it."""
    first = container(None, pki, ACSMTP_LOG_FORMAT="json")
    first.start()
    send("waits")
    status, out, _ = first.stop()
    assert status == 0
    assert {line.get("event") for line in lines_of(out)} >= {"taken"}
    server = serve()
    second = container(server, pki, volume=first.volume)
    second.start()
    done = second.execute("/usr/bin/acsmtp", "queue", "run", "--flush")
    wait_until(lambda: len(server.messages) == 1, "it arrives", lambda: done)


@pytest.mark.as_root
def test_killed_it_loses_nothing(serve, pki, send, container):
    """As when the memory of a pod is used up."""
    server = serve()
    first = container(None, pki)
    first.start()
    send()
    first.stop("KILL")
    second = container(server, pki, volume=first.volume)
    second.start()
    second.execute("/usr/bin/acsmtp", "queue", "run", "--flush")
    wait_until(lambda: len(server.messages) == 1, "it arrives")


@pytest.mark.as_root
def test_other_images_names(serve, pki, send, container):
    server = serve()
    ours = dict.fromkeys(["ACSMTP_SERVICE", "ACSMTP_HOST", "ACSMTP_PORT", "ACSMTP_USER",
                          "ACSMTP_FROM"])
    one = container(server, pki, secret=None, **ours, SMTP_HOST="localhost", SMTP_PORT=server.port,
                    SMTP_USERNAME="contoso-smtp", SMTP_FROM=FROM)
    one.env["SMTP_PASSWORD_FILE"] = one.secret("smtp", SECRET)
    one.start()
    send()
    wait_until(lambda: len(server.messages) == 1, "it arrives")


@pytest.mark.as_root
def test_its_first_process(container):
    """It hears signals, and buries whom others leave to it; a shell of this machine leaves some."""
    one = container()
    one.mount("/usr/bin/dash", "/usr/bin/sh")
    one.start()
    first = one.pid()
    family = Path(f"/proc/{first}/task/{first}/children")
    own = family.read_text()
    done = one.execute("/usr/bin/sh", "-c", "for i in 1 2 3; do ( ( : ) & : ); done")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: family.read_text() == own, "they are gone", family.read_text)
    one.signal("HUP")
    wait_until(lambda: b"read again" in os.read(one.process.stdout.fileno(), 4096), "it has heard")
    assert one.stop("INT")[0] == 0


# --- its volume

@pytest.mark.as_root
@pytest.mark.parametrize("group, mode, groups", [
    (0, 0o777, ()),                     # a fresh one of Kubernetes
    (1000650000, 0o2775, (1000650000,)),    # OpenShift: the group is another one of the pod
])
def test_volumes(send, container, group, mode, groups):
    one = container(groups=groups)
    os.chown(one.volume, 0, group)
    one.volume.chmod(mode)
    one.start()
    send()
    assert {path.name for path in one.volume.iterdir()} == {"queue", "run"}
    assert {path.stat().st_mode & 0o077 for path in one.volume.iterdir()} == {0}


@pytest.mark.as_root
def test_volumes_that_do_not_do(container):
    closed, none, fixed = container(), container(), container()
    closed.volume.chmod(0o755)
    none.mounts.pop(0)
    fixed.mounts[0]["options"] = ["rbind", "ro"]
    for one, why in (closed, "Permission denied"), (none, "Read-only file system"), \
            (fixed, "Read-only file system"):
        one.launch()
        status, out, _ = one.ended()
        assert status == CONFIG
        assert f"cannot make the directory /var/spool/acsmtp/run: {why}; " in out
        assert "a volume is mounted there" in out
        assert list(one.volume.iterdir()) == []


@pytest.mark.as_root
def test_another_user_than_the_last_time(send, container):
    """The mail of the first one is not lost; who it was is said."""
    first = container()
    first.start()
    send()
    first.stop()
    second = container(volume=first.volume, uid=UID + 1)
    second.launch()
    status, out, _ = second.ended()
    assert status == CONFIG
    assert f"the directory belongs to another user (uid {UID}); run this as that user" in out
    assert list((first.volume / "queue").glob("*.msg"))


# --- its settings

@pytest.mark.as_root
@pytest.mark.parametrize("secret, why", [
    (None, "/run/secrets/none: cannot open it: No such file or directory"),
    ("", "/run/secrets/password: there is nothing on its first line"),
    ("\n", "/run/secrets/password: there is nothing on its first line"),
])
def test_secrets_that_do_not_do(send, container, secret, why):
    """It is said at once, by the name of the variable; mail is kept until it is mended."""
    one = container(secret=secret, ACSMTP_LOG_FORMAT="json")
    one.env.setdefault("ACSMTP_PASSWORD_FILE", "/run/secrets/none")
    one.start()
    send()
    _, out, _ = one.stop()
    said = lines_of(out)[0]["message"]
    assert said == (f"warning: account environment: ACSMTP_PASSWORD_FILE {why}; "
                    "its mail waits until that is mended")
    assert list((one.volume / "queue").glob("*.msg"))


@pytest.mark.as_root
def test_a_directory_for_a_secret(container):
    """Docker makes one where the file is missing."""
    one = container(secret=None, ACSMTP_PASSWORD_FILE="/run/secrets/smtp")
    (one.directory / "missing").mkdir()
    one.mount(one.directory / "missing", "/run/secrets/smtp")
    one.start()
    assert "ACSMTP_PASSWORD_FILE /run/secrets/smtp: not a regular file" in one.stop()[1]


@pytest.mark.as_root
def test_settings_that_are_missing(container):
    """Without any it does not start; without one that mail needs, it says which, and keeps it."""
    one = container(secret=None, **dict.fromkeys(["ACSMTP_SERVICE", "ACSMTP_HOST", "ACSMTP_USER"]))
    done = one.run("/usr/bin/acsmtp", "daemon")
    assert done.returncode == CONFIG and "ACSMTP_USER, ACSMTP_FROM and ACSMTP_PASSWORD_FILE" in \
        done.stderr
    assert list(one.volume.iterdir()) == []
    one = container(ACSMTP_SERVICE=None, ACSMTP_USER=None)
    one.start()
    assert "warning: account environment: ACSMTP_USER is missing; its mail waits" in one.stop()[1]


@pytest.mark.as_root
def test_settings_that_do_not_do(container):
    """Each is called by its variable."""
    one = container()
    for variable, value, words in (
            ("ACSMTP_PORT", "x", 'ACSMTP_PORT: port: "x" is not a number from 1 to 65535'),
            ("ACSMTP_FORM", "x", "ACSMTP_FORM: unknown variable; did you mean ACSMTP_FROM?"),
            ("ACSMTP_LISTEN", "2525", "ACSMTP_LISTEN: [daemon] listen: "),
            ("ACSMTP_ALLOW_FROM", "10.0.0.0/99", "ACSMTP_ALLOW_FROM: [daemon] allow_from: "),
            ("ACSMTP_LISTEN_CERT", "/none", "ACSMTP_LISTEN_CERT: [daemon] listen_cert: "),
            ("ACSMTP_MAX_CLIENTS", "0", "ACSMTP_MAX_CLIENTS: max_clients: "),
    ):
        before = one.env.get(variable)
        one.env[variable] = value
        done = one.run("/usr/bin/acsmtp", "daemon")
        one.env[variable] = before
        assert done.returncode == CONFIG and words in done.stdout + done.stderr, done


# --- its clients

@pytest.mark.as_root
def test_containers_beside_it(serve, pki, pod, container):
    """Those of the engine's network are let in; who comes from anywhere else is not."""
    with Network() as web, Network() as world:
        pod.connect(web, "172.30.0.2/24", "172.30.0.3/24")
        pod.connect(world, "203.0.113.2/24", "203.0.113.3/24")
        server = serve()
        container(server, pki).start()
        web.within(lambda: come("172.30.0.2"))
        wait_until(lambda: len(server.messages) == 1, "it arrives")
        with pytest.raises(smtplib.SMTPException) as refused:
            world.within(lambda: come("203.0.113.2"))
        assert (refused.value.smtp_code, b"203.0.113.3" in refused.value.smtp_error) == (421, True)
