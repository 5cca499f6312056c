# SPDX-License-Identifier: GPL-3.0-or-later
"""doc/containers.md: what it shows is run, as near to Docker and Kubernetes as can be without
them."""

import re
import smtplib
from pathlib import Path

import pytest
import yaml

from helpers.waiting import wait_until
from packages.container import PLACE, Container
from packages.network import Network

PAGE = Path(__file__).parents[2] / "doc/containers.md"
FROM = "DoNotReply@mail.contoso.com"
SECRET = "the password of the account"
RELAY, WEB = "172.30.0.2", "172.30.0.3"


def blocks(kind):
    """The examples of a language, each with the heading above it."""
    found, heading = [], ""
    for part in re.split(r"(?m)^(## .*|```\w+\n(?s:.*?)^```)$", PAGE.read_text(encoding="utf-8")):
        if part.startswith("## "):
            heading = part[3:]
        elif part.startswith(f"```{kind}\n"):
            found.append((heading, part.split("\n", 1)[1].removesuffix("```")))
    return found


def block(kind, heading):
    [text] = [text for above, text in blocks(kind) if above == heading]
    return text


def manifests():
    for heading, text in blocks("yaml"):
        if heading.startswith("Kubernetes"):
            yield from yaml.safe_load_all(text)


def pods():
    return [(m["spec"], m["spec"]["template"]["spec"]) for m in manifests()
            if m["kind"] in ("Deployment", "StatefulSet")]


def ours(pod):
    [one] = [c for c in pod["containers"] if "/acsmtp:" in c["image"]]
    return one


# --- what it says

def test_its_variables_exist(run):
    lines = run(["help", "settings"], program="acsmtp").stdout.splitlines()
    known = {line.split("\t")[1].upper() for line in lines}
    named = set(re.findall(r"\bACSMTP_([A-Z_]+)", PAGE.read_text(encoding="utf-8")))
    assert len(named) > 5
    assert {name for name in named if name.removesuffix("_FILE") not in known} == set()


def test_its_manifests_hold_together():
    """What a cluster would refuse, or start and leave without mail."""
    assert len(pods()) == 2
    for spec, pod in pods():
        labels = spec["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"].items() <= labels.items()
        one = ours(pod)
        names = {v["name"] for v in pod.get("volumes", [])}
        names |= {c["metadata"]["name"] for c in spec.get("volumeClaimTemplates", [])}
        assert {m["name"] for m in one["volumeMounts"]} == names
        assert PLACE in {m["mountPath"] for m in one["volumeMounts"]}
        security = {**pod.get("securityContext", {}), **one["securityContext"]}
        assert security["runAsNonRoot"] and security["readOnlyRootFilesystem"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert all(isinstance(entry["value"], str) for entry in one["env"])
    [service] = [m for m in manifests() if m["kind"] == "Service"]
    spec, relay = pods()[1]
    assert service["spec"]["selector"].items() <= \
        spec["template"]["metadata"]["labels"].items()
    assert service["metadata"]["name"] == spec["serviceName"]
    assert [p["targetPort"] for p in service["spec"]["ports"]] == \
        [p["containerPort"] for p in ours(relay)["ports"]] == [2525]


# --- what it shows, done

@pytest.fixture
def lines():
    """The network of the relay, and that of a program."""
    with Network() as mail, Network() as web:
        mail.connect(web, f"{RELAY}/24", f"{WEB}/24")
        yield mail, web


@pytest.fixture
def serve(acs):
    return lambda network: network.within(lambda: acs(password=SECRET, senders=(FROM,)))


class Relay:
    """A container of the page, that sends to the emulator."""

    def __init__(self, image, directory, network, server, pki, env, **options):
        self.container = Container(image, directory, network=network.pid, **options, **env)
        self.container.env.update(
            ACSMTP_HOST="localhost", ACSMTP_PORT=server.port,
            ACSMTP_TLS_CA_FILE=self.container.secret("ca", Path(pki.ca).read_text("ascii")))

    def __enter__(self):
        self.container.start()
        return self.container

    def __exit__(self, *_):
        self.container.__exit__()


def say(host, port, subject):
    with smtplib.SMTP(host, port, timeout=60) as client:
        client.sendmail("web@mail.contoso.com", ["a@example.org"], f"Subject: {subject}\n\nx\n")


def arrives(server, words):
    wait_until(lambda: any(words in m.data for m in server.messages), "it arrives")


def secret_of_kubernetes(directory):
    """A directory of links into another one, which is changed for a new one at once."""
    place = directory / "smtp"
    (place / "..2026").mkdir(parents=True)
    (place / "..2026/password").write_text(SECRET)
    (place / "..data").symlink_to("..2026")
    (place / "password").symlink_to("..data/password")
    return place


def compose(image, directory, network, server, pki):
    told = yaml.safe_load(block("yaml", "Compose"))
    mail = told["services"]["mail"]
    assert mail["read_only"] and mail["cap_drop"] == ["ALL"]
    assert set(mail["secrets"]) == set(told["secrets"])
    [volume] = mail["volumes"]
    assert volume.split(":") == [*told["volumes"], PLACE]
    relay = Relay(image, directory, network, server, pki, mail["environment"], uid=10001)
    [name] = mail["secrets"]
    relay.container.secret(name, SECRET + "\n")
    return relay, told["services"]["web"]["environment"]


@pytest.mark.as_root
def test_compose(serve, pki, image, lines, tmp_path):
    mail, web = lines
    server = serve(mail)
    relay, env = compose(image, tmp_path, mail, server, pki)
    assert env["SMTP_HOST"] == "mail"
    with relay:
        web.within(lambda: say(RELAY, int(env["SMTP_PORT"]), "from the web"))
        arrives(server, b"Subject: from the web")
    assert {message.sender for message in server.messages} == {FROM}


@pytest.mark.as_root
@pytest.mark.parametrize("number", [0, 1])
def test_kubernetes(serve, pki, image, lines, tmp_path, number):
    """As the sidecar of a program, and as a relay; their probes answer."""
    mail, web = lines
    server = serve(mail)
    _, pod = pods()[number]
    one = ours(pod)
    env = {entry["name"]: entry["value"] for entry in one["env"]}
    relay = Relay(image, tmp_path, mail, server, pki, env, uid=10001)
    # An emptyDir; or a claim, whose group is that of the pod.
    relay.container.volume.chmod(0o2775 if pod.get("securityContext") else 0o777)
    relay.container.mount(secret_of_kubernetes(tmp_path), "/run/secrets/smtp")
    with relay as container:
        [probe] = [one[key] for key in ("livenessProbe", "readinessProbe") if key in one]
        assert container.execute(*probe["exec"]["command"]).returncode == 0
        mail.within(lambda: say("127.0.0.1", 2525, "beside it"))
        arrives(server, b"Subject: beside it")
        if "ACSMTP_LISTEN" in env:
            with pytest.raises(ConnectionRefusedError):
                web.within(lambda: say(RELAY, 2525, "nobody else"))
        else:
            web.within(lambda: say(RELAY, 2525, "another pod"))
            arrives(server, b"Subject: another pod")
    assert {message.sender for message in server.messages} == {FROM}


@pytest.mark.as_root
def test_php(serve, pki, machine_with_php, image, lines, tmp_path):
    """mail() as www-data, in a Debian with what the steps of the Dockerfile leave."""
    mail, web = lines
    server = serve(mail)
    relay, _ = compose(image, tmp_path, mail, server, pki)
    steps = block("dockerfile", "PHP's official image").replace("\\\n", "")
    [command] = re.findall(r"(?m)^RUN (.*)$", steps)
    copies = re.findall(r"(?m)^COPY (.*) (\S+)$", steps)
    assert copies == [("dist/acsmtp_*.deb dist/acsmtp-mta_*.deb", "/tmp/"),
                      ("acsmtp.ini", "/etc/acsmtp.ini")]
    machine = machine_with_php
    with relay:
        machine.shell("cp /packages/acsmtp_*.deb /packages/acsmtp-mta_*.deb /tmp/", check=True)
        # The root of the tests has what apt would fetch.
        done = machine.shell(command.replace("apt-get update && ", ""))
        assert done.returncode == 0, done.stdout + done.stderr
        (machine.root / "etc/acsmtp.ini").write_text(block("ini", "PHP's official image"))
        (machine.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{RELAY} mail\n")
        done = machine.run("php", "-r", "exit(mail('a@example.org', 'from PHP', 'x') ? 0 : 1);",
                           user=(33, 33), network=web.pid)
        assert done.returncode == 0, done.stdout + done.stderr
        arrives(server, b"Subject: from PHP")
        relay.container.stop()
        done = machine.run("php", "-r", "exit(mail('a@example.org', 'x', 'x') ? 0 : 1);",
                           user=(33, 33), network=web.pid)
        assert done.returncode == 1 and "mail:2525" in done.stderr
