# SPDX-License-Identifier: GPL-3.0-or-later
"""The image, run as a container engine does: any user, a root that cannot be written, a volume."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from helpers.waiting import wait_until

FROM = "DoNotReply@contoso.com"
SECRET = "the password of the account"
# As another process of the host would have it: a uid that nobody has, of the group of root.
UID = 23456

RUN = """\
set -eu
root=$1 volume=$2
shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind "$volume" "$root/var/spool/acsmtp"
if [ -e "$root/run/secrets" ]; then
	mount --bind "$root/run/secrets" "$root/run/secrets"
	mount -o remount,bind,ro "$root/run/secrets"
fi
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root"
cd "$root"
exec chroot --userspec=23456:0 --groups=0 . "$@"
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def blob(archive, digest):
    return archive.extractfile(f"blobs/sha256/{digest.removeprefix('sha256:')}").read()


@pytest.fixture(scope="module")
def image(dist):
    """Its configuration, as an engine reads it."""
    with tarfile.open(dist / "acsmtp-0.1.oci.tar") as archive:
        index = json.load(archive.extractfile("index.json"))
        manifest = json.loads(blob(archive, index["manifests"][0]["digest"]))
        return json.loads(blob(archive, manifest["config"]["digest"])), manifest


class Container:
    def __init__(self, dist, image, directory):
        self.config, manifest = image
        self.root = directory / "root"
        self.volume = directory / "volume"
        self.volume.mkdir()
        self.volume.chmod(0o775)
        with tarfile.open(dist / "acsmtp-0.1.oci.tar") as archive:
            layer = archive.extractfile(
                f"blobs/sha256/{manifest['layers'][0]['digest'].removeprefix('sha256:')}")
            with tarfile.open(fileobj=layer, mode="r:gz") as files:
                files.extractall(self.root)
        (self.root / "proc").mkdir()
        self.port = free_port()
        self.process = None
        self.said = {}

    def set(self, server, pki, **others):
        secret = self.root / "run/secrets/password"
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.write_text(SECRET + "\n")
        (self.root / "etc/tests.pem").write_text(Path(pki.ca).read_text())
        self.said = {"ACSMTP_SERVICE": "other", "ACSMTP_HOST": "localhost",
                     "ACSMTP_PORT": server.port if server else free_port(),
                     "ACSMTP_USER": "contoso-smtp", "ACSMTP_PASSWORD_FILE": "/run/secrets/password",
                     "ACSMTP_FROM": FROM, "ACSMTP_TLS_CA_FILE": "/etc/tests.pem",
                     "ACSMTP_LISTEN": f"127.0.0.1:{self.port}", **others}

    def _command(self, *words):
        told = dict(line.split("=", 1) for line in self.config["config"]["Env"])
        return (["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", RUN, "bash",
                 self.root, self.volume, *words],
                {**told, **{key: str(value) for key, value in self.said.items()},
                 "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

    def start(self):
        config = self.config["config"]
        command, env = self._command(*config["Entrypoint"], *config["Cmd"])
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        wait_until(lambda: self.health().returncode == 0, "it is well",
                   lambda: self.process.stderr.read(), process=self.process)

    def run(self, *words, input=""):
        command, env = self._command(*words)
        return subprocess.run(command, env=env, input=input, capture_output=True, text=True,
                              check=False, timeout=60)

    def health(self):
        return self.run(*self.config["config"]["Healthcheck"]["Test"][1:])

    def signal(self, number):
        """To its first process, whose end is that of all."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in children.read_text().split():
            os.kill(int(pid), number)

    def stop(self):
        """As an engine does it, which kills after some seconds."""
        self.signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=60)
        status, self.process = self.process.returncode, None
        return status, out.decode(), err.decode()

    def send(self, subject):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as client:
            client.sendmail("web@contoso.com", ["a@example.org"], f"Subject: {subject}\n\nx\n")


@pytest.fixture
def container(dist, image, tmp_path):
    one = Container(dist, image, tmp_path)
    yield one
    if one.process:
        one.signal(signal.SIGKILL)
        one.process.communicate()


def test_what_it_says_of_itself(image):
    config = image[0]["config"]
    assert config["User"] == "10001:0" and config["StopSignal"] == "SIGTERM"
    assert "2525/tcp" in config["ExposedPorts"] and "/var/spool/acsmtp" in config["Volumes"]
    assert config["Healthcheck"]["Test"] == ["CMD", "/usr/bin/acsmtp", "daemon", "status"]


@pytest.mark.as_root
def test_its_life(acs, pki, container):
    server = acs(password=SECRET)
    container.set(server, pki)
    container.start()
    container.send("by TCP")
    wait_until(lambda: len(server.messages) == 1, "it arrives")
    assert os.stat(container.volume / "queue").st_uid == UID
    done = container.run("/usr/sbin/sendmail", "-t", input="To: b@example.org\n\nx\n")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: len(server.messages) == 2, "it arrives")
    status, out, err = container.stop()
    assert (status, err) == (0, "")
    assert "accepted=1/1" in out and SECRET not in out


@pytest.mark.as_root
def test_mail_survives(acs, pki, container):
    """The container ends with mail in it; the next one sends it."""
    container.set(None, pki, ACSMTP_LOG_FORMAT="json")
    container.start()
    container.send("waits")
    status, out, _ = container.stop()
    assert status == 0
    assert {json.loads(line).get("event") for line in out.splitlines()} >= {"taken"}
    server = acs(password=SECRET)
    container.set(server, pki)
    container.start()
    done = container.run("/usr/bin/acsmtp", "queue", "run", "--flush")
    wait_until(lambda: len(server.messages) == 1, "it arrives", lambda: done)


@pytest.mark.as_root
def test_without_settings(container):
    done = container.run("/usr/bin/acsmtp", "daemon")
    assert done.returncode == 78 and "ACSMTP_USER" in done.stderr
    assert list(container.volume.iterdir()) == []
