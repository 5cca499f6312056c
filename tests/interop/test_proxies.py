# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies that other people run: microsocks for SOCKS5, tinyproxy for HTTP CONNECT."""

import socket
import subprocess

import pytest

from helpers.ports import closed, closed_port, port_for_us
from helpers.waiting import wait_until
from namespaces import unshare_command

TEMPFAIL, NOPERM = 75, 77
HELLO = "From: DoNotReply@contoso.com\nTo: a@example.org\n\nHello.\n"
USER = "jo"
# As it is, and in a URL. The file of tinyproxy can hold no others than these.
PASSWORDS = {"socks5": ("pa@ss:w%rd", "pa%40ss%3Aw%25rd"), "http": ("pa.ss-w_rd", "pa%2ess-w_rd")}
# The proxy alone knows where that is; the certificate "othername" is its.
HOST = "mail.example.net"
# In the proxy's namespace only.
AS_IT_KNOWS = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'


class RealProxy:
    def __init__(self, kind, programs, directory, allowed):
        self.kind, self.port = kind, port_for_us()
        self.password, self.encoded = PASSWORDS[kind]
        unshare, reason = unshare_command()
        assert unshare, reason
        hosts = directory / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {HOST}\n")
        start = self._socks if kind == "socks5" else self._http
        self._process = subprocess.Popen(
            [*unshare, "sh", "-c", AS_IT_KNOWS, "-", hosts,
             *start(programs / "usr/bin", directory, allowed)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers, f"{kind} at port {self.port}", process=self._process)

    def _socks(self, programs, _directory, _allowed):
        return [programs / "microsocks", "-i", "127.0.0.1", "-p", str(self.port),
                "-u", USER, "-P", self.password]

    def _http(self, programs, directory, allowed):
        file = directory / "tinyproxy.conf"
        file.write_text(f"Port {self.port}\nListen 127.0.0.1\nTimeout 30\nMaxClients 20\n"
                        f"Allow 127.0.0.1\nBasicAuth {USER} {self.password}\n"
                        + "".join(f"ConnectPort {port}\n" for port in allowed))
        return [programs / "tinyproxy", "-d", "-c", file]

    def _answers(self):
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def url(self, user=USER, password=None):
        login = f"{user}:{password or self.encoded}@" if user else ""
        return f"{self.kind}://{login}127.0.0.1:{self.port}"

    def stop(self):
        """unshare ends at once, and the kernel kills the proxy behind it a moment later."""
        self._process.kill()
        self._process.wait()
        wait_until(lambda: not self._answers(), f"{self.kind} at port {self.port} is gone")


@pytest.fixture
def real_proxy(packages, tmp_path):
    running = []

    def start(kind, allowed=()):
        running.append(RealProxy(kind, packages, tmp_path, allowed))
        return running[-1]

    yield start
    for one in running:
        one.stop()


KINDS = pytest.mark.parametrize("kind", ["socks5", "http"])


@KINDS
def test_mail_goes_by_it(acs, send, real_proxy, kind):
    """The name is for the proxy to find, and the certificate is for the name."""
    server, way = acs(certificate="othername"), real_proxy(kind)
    result = send(server, HELLO, proxy=way.url(), host=HOST)
    assert result.status == 0, result.stderr
    assert server.message.recipients == ["a@example.org"]
    assert server.sessions[0].sni == HOST


@KINDS
@pytest.mark.parametrize("login", [(USER, "another"), ("",)], ids=["wrong", "none"])
def test_not_without_the_password(acs, send, real_proxy, kind, login):
    server, way = acs(), real_proxy(kind)
    result = send(server, HELLO, proxy=way.url(*login), host=HOST)
    assert result.status == NOPERM, result.stderr
    assert f"proxy {kind}://127.0.0.1:{way.port}: " in result.stderr
    words = "does not accept user and password" if login[0] else "it wants a login"
    assert words in result.stderr
    assert "another" not in result.stderr
    assert server.sessions == []


@KINDS
def test_nobody_at_the_port(send, real_proxy, kind):
    way = real_proxy(kind)
    with closed_port() as port:
        result = send(None, HELLO, proxy=way.url(), host=HOST, port=port)
    assert_told(result, way, f"{HOST}:{port}")


@KINDS
def test_name_that_it_does_not_know(send, real_proxy, kind):
    way = real_proxy(kind)
    result = send(None, HELLO, proxy=way.url(), host="nowhere.invalid")
    assert_told(result, way, "nowhere.invalid:587")


def test_port_that_it_does_not_allow(acs, send, real_proxy):
    server, way = acs(), real_proxy("http", allowed=(443,))
    result = send(server, HELLO, proxy=way.url(), host=HOST)
    assert_told(result, way, "its rules do not allow this connection (403)")
    assert server.sessions == []


@KINDS
def test_away(acs, send, real_proxy, kind):
    server, way = acs(), real_proxy(kind)
    way.stop()
    with closed("127.0.0.1", way.port):     # and nobody else's proxy
        result = send(server, HELLO, proxy=way.url(), host=HOST)
    assert_told(result, way, "nothing goes around it")
    assert server.sessions == []


def assert_told(result, way, *words):
    assert result.status == TEMPFAIL, result.stderr
    for word in (f"proxy {way.kind}://127.0.0.1:{way.port}: ", *words):
        assert word in result.stderr
    for secret in (way.password, way.encoded):
        assert secret not in result.stderr
