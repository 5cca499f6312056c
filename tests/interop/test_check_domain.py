# SPDX-License-Identifier: GPL-3.0-or-later
"""acsmtp check looks at a domain's records: NSD, an authoritative name server, has them."""

import json
import os
import socket
import subprocess

import pytest

from helpers.waiting import PATIENCE, wait_until
from namespaces import Machine, unshare_command
from unpacked import path_list

SPF = "v=spf1 include:spf.protection.outlook.com -all"
DKIM = "selector{0}-azurecomm-prod-net._domainkey"

ZONE = """\
$ORIGIN {name}.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
"""

RIGHT = f"""\
@ TXT "{SPF}"
@ TXT "some-verification=1234"
@ MX 10 mx
_dmarc TXT "v=DMARC1; p=reject"
{DKIM.format(1)} CNAME {DKIM.format(1)}.azurecomm.net.
{DKIM.format(2)} CNAME {DKIM.format(2)}.azurecomm.net.
mail TXT "{SPF}"
{DKIM.format(1)}.mail CNAME {DKIM.format(1)}.azurecomm.net.
"""

ZONES = {
    "contoso.com": RIGHT,
    "bare.example": "",
    "twice.example": f"""\
@ TXT "{SPF}"
@ TXT "v=spf1 mx -all"
_dmarc TXT "v=DMARC1; p=none"
_dmarc TXT "v=DMARC1; p=reject"
""",
    "wrong.example": f"""\
@ TXT "v=spf1 include:spf.protection.outlook.com.example ~all"
@ TXT "V=spf10 {SPF}"
@ MX 0 .
_dmarc TXT "v=DMARC10; p=none"
{DKIM.format(1)} CNAME {DKIM.format(1)}.azurecomm.net
{DKIM.format(2)} TXT "v=DKIM1; p=AAAA"
""",
    # In pieces, as long records have to be, with a term that a piece's end cuts.
    "long.example": '@ TXT "v=spf1 ip4:192.0.2.1 include:spf.protec" "tion.outlook.com'
                    + " a" * 80 + '" "' + " a" * 100 + ' -all"\n',
    # More than a datagram holds: the answer is had over TCP.
    "large.example": f'@ TXT "{SPF}"\n' + "".join(
        f'@ TXT "verification-{number}={"x" * 200}"\n' for number in range(30)),
    # Its CNAME leads elsewhere, and the resolver hands both records over.
    "led.example": '_dmarc CNAME policy\npolicy TXT "v=DMARC1; p=none"\n',
    "broken.example": "nonsense\n",     # SERVFAIL
}

CONFIG = """\
server:
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{directory}"
  xfrdir: "{directory}"
  pidfile: "{directory}/pid"
  xfrdfile: "{directory}/xfrd"
  zonelistfile: "{directory}/zones"
  logfile: "{directory}/log"
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
"""


def write_zones(directory, addresses):
    text = CONFIG.format(directory=directory)
    text += "".join(f"server:\n  ip-address: {address}\n" for address in addresses)
    for name, records in ZONES.items():
        head = "" if name == "broken.example" else ZONE.format(name=name)
        (directory / name).write_text(head + records)
        text += f'zone:\n  name: {name}\n  zonefile: "{name}"\n'
    path = directory / "nsd.conf"
    path.write_text(text)
    return path


def is_answering(family, address):
    """Whether it answers anything at all; the question is one of no sense."""
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.2)
        asking.connect(address)
        try:
            asking.send(b"\0\1\0\0\0\1\0\0\0\0\0\0\0\0\1\0\1")
            return asking.recv(512)
        except OSError:
            return b""


def free_port(family, host):
    """One that is free for UDP and TCP."""
    while True:
        with socket.socket(family, socket.SOCK_DGRAM) as udp, socket.socket(family) as tcp:
            udp.bind((host, 0))
            port = udp.getsockname()[1]
            try:
                tcp.bind((host, port))
            except OSError:     # somebody else has it for TCP
                continue
            return port


def said_in(directory):
    return "".join(path.read_text() for path in (directory / "output", directory / "log")
                   if path.exists())


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
            udp.bind(("::1", 0))
            return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def nsd(packages, tmp_path_factory):
    """The address of a running NSD, and that over IPv6, or None."""
    directory = tmp_path_factory.mktemp("nsd")
    places = [(socket.AF_INET, "127.0.0.1")] + [(socket.AF_INET6, "::1")] * has_ipv6()
    places = [(family, (host, free_port(family, host))) for family, host in places]
    config = write_zones(directory, [f"{host}@{port}" for _, (host, port) in places])
    environment = {"LD_LIBRARY_PATH": path_list("usr/lib/*-linux-gnu*", under=packages),
                   "PATH": os.environ["PATH"]}
    with open(directory / "output", "wb") as output:
        process = subprocess.Popen([packages / "usr/sbin/nsd", "-d", "-c", config],
                                   env=environment, stdout=output, stderr=output)
    try:
        for family, address in places:
            wait_until(lambda: is_answering(family, address), "NSD",
                       lambda: said_in(directory), PATIENCE, process)
        names = [f"127.0.0.1:{places[0][1][1]}",
                 f"[::1]:{places[1][1][1]}" if len(places) > 1 else None]
        yield names
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def domain_of(run, acs, config, nsd):
    """domain_of(domain) -> the findings about it, by name."""
    def look(domain, server=None, **keys):
        sender = f"DoNotReply@{domain}"
        path = config(acs(senders=(sender,)), from_=sender, **keys)
        result = run(["check", "--config", path, "--nameserver", server or nsd[0], "--json"],
                     program="acsmtp")
        said = json.loads(result.stdout)
        assert result.status == 0, result.stdout
        return {step["name"]: step for step in said["steps"]
                if not step["vital"] and step["name"] != "quota"}
    return look


def states(found):
    """What was found of the domain: the end of a service depends on the day."""
    return {name: step["state"] for name, step in found.items() if name != "service"}


ALL_RIGHT = dict.fromkeys(["domain", "spf", "dkim1", "dkim2", "dmarc", "mx", "log"], "ok")


@pytest.mark.parametrize("which", [0, 1], ids=["IPv4", "IPv6"])
def test_right(domain_of, nsd, which):
    if not nsd[which]:
        pytest.skip("no IPv6 here")
    found = domain_of("contoso.com", server=nsd[which])
    assert states(found) == ALL_RIGHT
    assert found["spf"]["figures"] == {"name": "contoso.com", "records": [SPF]}
    assert found["dmarc"]["text"] == "v=DMARC1; p=reject"
    assert found["mx"]["figures"]["records"] == ["10 mx.contoso.com"]


def test_letters_beyond_ascii_and_case(domain_of):
    assert states(domain_of("CONTOSO.com")) == ALL_RIGHT


def test_nothing(domain_of):
    found = domain_of("bare.example")
    assert states(found) == ALL_RIGHT | {"spf": "failed", "dkim1": "failed", "dkim2": "failed",
                                         "dmarc": "warning", "mx": "warning"}
    assert found["spf"]["advice"] == [f"add a TXT record at bare.example: {SPF}"]
    assert f"no CNAME at {DKIM.format(2)}.bare.example" in found["dkim2"]["text"]
    assert "_dmarc.bare.example: v=DMARC1; p=none" in found["dmarc"]["advice"][0]


def test_no_such_domain(domain_of):
    found = domain_of("nothing.contoso.com")
    assert found["spf"]["text"] == "there is no domain nothing.contoso.com"


def test_twice(domain_of):
    found = domain_of("twice.example")
    assert found["spf"]["state"] == found["dmarc"]["state"] == "failed"
    assert "twice.example has 2 SPF records" in found["spf"]["text"]
    assert len(found["spf"]["figures"]["records"]) == 2
    assert "into one" in found["spf"]["advice"][0]
    assert "has 2 DMARC records" in found["dmarc"]["text"]


def test_wrong(domain_of):
    """What looks right at a glance."""
    found = domain_of("wrong.example")
    assert "does not let the service send" in found["spf"]["text"]
    assert "do not add a second one" in found["spf"]["advice"][0]
    assert "azurecomm.net.wrong.example, which is not Azure's" in found["dkim1"]["text"]
    assert "end in a dot" in found["dkim1"]["advice"][0]
    assert found["dkim2"]["state"] == "failed" and "no CNAME" in found["dkim2"]["text"]
    assert found["dmarc"]["state"] == "warning"
    assert "takes no mail" in found["mx"]["text"]


def test_other_services_need_no_include(domain_of):
    found = domain_of("wrong.example", service="other")
    assert found["spf"]["state"] == "ok" and "dkim1" not in found


def test_subdomain(domain_of):
    """DMARC is inherited, nothing else is; a record without the subdomain is found."""
    found = domain_of("mail.contoso.com")
    assert states(found) == ALL_RIGHT | {"dkim2": "failed", "mx": "warning"}
    assert "of contoso.com, which is above" in found["dmarc"]["text"]
    assert (f"in the zone of the parent its name is {DKIM.format(2)}.mail"
            in found["dkim2"]["advice"][1])


def test_long(domain_of):
    assert domain_of("long.example")["spf"]["state"] == "ok"


def test_large(domain_of):
    found = domain_of("large.example")
    assert found["spf"]["state"] == "ok" and found["spf"]["figures"]["records"] == [SPF]


def test_led(domain_of):
    assert domain_of("led.example")["dmarc"]["text"] == "v=DMARC1; p=none"


@pytest.mark.parametrize("domain, words", [("broken.example", "SERVFAIL"),
                                           ("elsewhere.example", "REFUSED")])
def test_cannot(domain_of, domain, words):
    found = domain_of(domain)
    assert words in found["spf"]["text"] and words in found["dmarc"]["text"]
    assert "whoever runs the name servers" in found["spf"]["advice"][0]


# --- the system's resolver: resolv.conf names the server, at the one port it can

UP = """\
python3 -c '
import fcntl, socket, struct
with socket.socket() as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sH22x", b"lo", 1))    # SIOCSIFFLAGS, IFF_UP
'
"""


def test_resolv_conf(packages, sendmail, config, home, tmp_path):
    unshare, reason = unshare_command()
    if not unshare:
        pytest.skip(f"no namespaces: {reason}")
    directory = tmp_path / "nsd"
    directory.mkdir()
    machine = Machine([*unshare[:-1], unshare[-1], "--net"], packages, sendmail,
                      tmp_path / "machine", home)
    machine.write("etc/resolv.conf", "nameserver 127.0.0.1\n")
    machine.write("etc/nsswitch.conf", "passwd: files\nhosts: dns\n")
    conf = write_zones(directory, ["127.0.0.1@53"])
    path = config(None, host="ns.contoso.com", port=1)
    script = UP + f"""
nsd -c {conf}
until [ -s {directory}/pid ]; do sleep 0.02; done
{sendmail.parent.parent}/bin/acsmtp check --config {path} --json > {directory}/out || true
mv {directory}/out {directory}/said
"""
    with machine.running(script):
        wait_until((directory / "said").exists, "its words", machine.log, PATIENCE)
    steps = {step["name"]: step
             for step in json.loads((directory / "said").read_text())["steps"]}
    assert steps["dns"]["figures"]["addresses"] == ["127.0.0.1"]
    assert steps["tcp"]["state"] == "failed"
    assert states({name: steps[name] for name in ALL_RIGHT}) == ALL_RIGHT
