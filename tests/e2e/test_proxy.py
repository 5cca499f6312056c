# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that is reached by a proxy: what it is told, what it may do, and what nobody sees."""

import json
import os
import re
import socket

import pytest

from outcome import HELLO, assert_failed, assert_nobody_called, assert_not_in, assert_sent

TEMPFAIL, PROTOCOL, NOPERM, CONFIG = 75, 76, 77, 78
KINDS = ["socks5", "http"]
SECRET = "pass:w@rd/%41 ü"


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "proxy-password"
    path.touch(mode=0o600)
    path.write_text(SECRET + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("kind", KINDS)
def test_mail_goes_by_the_proxy(acs, send, proxy, kind, tls):
    server, way = acs(tls=tls), proxy(kind)
    assert_sent(send(server, HELLO, proxy=way.url(), tls=tls))
    assert way.asked == [("localhost", server.port)]
    assert server.message.recipients == ["a@example.org"]
    # The certificate was verified for the server's name, and nothing but TLS went by.
    assert server.sessions[0].sni == "localhost"
    assert b"DoNotReply" not in way.heard


@pytest.mark.parametrize("kind", KINDS)
def test_the_proxy_resolves_names(acs, send, proxy, kind):
    """Nobody else knows this one."""
    server = acs()
    way = proxy(kind, goes_to=("127.0.0.1", server.port))
    result = send(server, HELLO, proxy=way.url(), host="smtp.nowhere.invalid")
    assert way.asked == [("smtp.nowhere.invalid", server.port)]
    assert_failed(result, PROTOCOL, "not for smtp.nowhere.invalid")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]"])
@pytest.mark.parametrize("kind", KINDS)
def test_addresses(acs, send, proxy, kind, host):
    server = acs()
    way = proxy(kind, goes_to=("127.0.0.1", server.port))
    result = send(server, HELLO, proxy=way.url(), host=host)
    assert way.asked == [(host.strip("[]"), server.port)]
    assert_sent(result)


@pytest.mark.parametrize("place", ["url", "file"])
@pytest.mark.parametrize("kind", KINDS)
def test_login(acs, send, proxy, secret_file, kind, place):
    user = "j@ x" if kind == "http" else "j@:x"
    server, way = acs(), proxy(kind, user=user, password=SECRET)
    keys = {"proxy": way.url(user, SECRET)} if place == "url" else {
        "proxy": way.url(user), "proxy_password_file": secret_file}
    assert_sent(send(server, HELLO, **keys))
    assert way.logins == [(user, SECRET)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_open_proxy_hears_no_password(acs, send, proxy, kind):
    """SOCKS5 offers both; who knows HTTP says it at once."""
    server, way = acs(), proxy(kind)
    assert_sent(send(server, HELLO, proxy=way.url("jo", SECRET)))
    assert way.logins == ([] if kind == "socks5" else [("jo", SECRET)])


@pytest.mark.parametrize("kind", KINDS)
def test_one_byte_at_a_time(acs, send, proxy, kind):
    server, way = acs(), proxy(kind, user="jo", password=SECRET, drips=True)
    assert_sent(send(server, HELLO, proxy=way.url("jo", SECRET)))


# --- what goes wrong

@pytest.mark.parametrize("fault, status, words", [
    ("silent", TEMPFAIL, "did not answer in time"),
    ("deaf", TEMPFAIL, "closed the connection"),
    ("half", TEMPFAIL, "closed the connection"),
    ("garbage", PROTOCOL, "no such proxy"),
    ("forever", PROTOCOL, None),
    ("echo", None, None),
])
@pytest.mark.parametrize("kind", KINDS)
def test_faults(acs, send, proxy, kind, fault, status, words):
    server = acs()
    way = proxy(kind, user="jo", password=SECRET, fault=fault)
    server.violations_expected = fault == "forever" and kind == "socks5"
    result = send(server, HELLO, "-v", "-t", proxy=way.url("jo", SECRET), timeout=2)
    assert result.status == status if status else result.status in (TEMPFAIL, PROTOCOL, NOPERM)
    assert f"proxy {kind}://127.0.0.1:{way.port}: " in result.stderr or fault == "forever"
    assert words is None or words in result.stderr
    assert_not_in(SECRET, result.stderr + result.stdout)
    assert server.messages == []


@pytest.mark.parametrize("kind, reply, words", [
    ("socks5", 1, "does not say why"), ("socks5", 2, "rules do not allow"),
    ("socks5", 4, "cannot reach the server"), ("socks5", 5, "refused the connection"),
    ("socks5", 99, "number 99"), ("http", 403, "rules do not allow"),
    ("http", 502, "cannot reach the server (502)"), ("http", 302, "302"),
])
def test_it_says_no(acs, send, proxy, kind, reply, words):
    server, way = acs(), proxy(kind, reply=reply)
    assert_failed(send(server, HELLO, proxy=way.url()), TEMPFAIL, f"localhost:{server.port}",
                  f"proxy {kind}://127.0.0.1:{way.port}: ", words)
    assert_nobody_called(server)


@pytest.mark.parametrize("kind", KINDS)
def test_it_wants_a_login(acs, send, proxy, kind):
    server, way = acs(), proxy(kind, user="jo", password=SECRET)
    assert_failed(send(server, HELLO, proxy=way.url()), NOPERM, "wants a login",
                  "`proxy_password_file`")
    assert_nobody_called(server)


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_password(acs, send, proxy, kind):
    server, way = acs(), proxy(kind, user="jo", password="another")
    result = send(server, HELLO, proxy=way.url("jo", SECRET))
    assert_failed(result, NOPERM, "does not accept user and password", "`proxy`")
    assert_not_in(SECRET, result.stderr)
    assert_nobody_called(server)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_goes_around_a_proxy_that_is_down(acs, send, queued, kind):
    server = acs()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"{kind}://127.0.0.1:{nobody.getsockname()[1]}"
        assert_failed(send(server, HELLO, proxy=url), TEMPFAIL, f"proxy {url}: ",
                      "nothing goes around it")
        queue = queued(server, proxy=url)
        assert queue.send(HELLO).status == 0
        assert len(queue.ids()) == 1
    assert_nobody_called(server)


@pytest.mark.parametrize("kind", KINDS)
def test_a_proxy_of_ipv6_is_named_so_that_its_port_is_seen(acs, send, kind):
    with socket.socket(socket.AF_INET6) as nobody:
        nobody.bind(("::1", 0))
        url = f"{kind}://[::1]:{nobody.getsockname()[1]}"
        assert_failed(send(acs(), HELLO, proxy=url, host="2001:db8::1", port=587), TEMPFAIL,
                      f"[2001:db8::1]:587: proxy {url}: ")


# --- settings

@pytest.mark.parametrize("value, words", [
    ("127.0.0.1:1080", "SCHEME://"),
    ("socks4://127.0.0.1:1080", "kind is not known"),
    ("socks5://127.0.0.1", "port of the proxy is missing"),
    ("socks5://127.0.0.1:0", "port is no number"),
    ("socks5://127.0.0.1:99999", "port is no number"),
    ("socks5://:1080", "names no server"),
    ("socks5://[::1:1080", "bracket"),
    ("http://127.0.0.1:1080/path", "follows the port"),
    ("http://jo:hush%zz@127.0.0.1:1080", "two hexadecimal digits"),
    ("http://jo:hush%00@127.0.0.1:1080", "a NUL byte, %00"),
    ("http://jo%00:hush@127.0.0.1:1080", "a NUL byte, %00"),
    ("socks5://jo:hu@sh@127.0.0.1:1080", "an @ stands in its user or password"),
    ("socks5://j@o:hush@127.0.0.1:1080", "an @ stands in its user or password"),
    ("socks5://j@o@127.0.0.1:1080", "an @ stands in its user or password"),
    ("http://j%3Ao:hush@127.0.0.1:1080", "colon"),
    ("http://jo:hu/sh@127.0.0.1:port", "port is no number"),
    ("http://:hush@127.0.0.1:1080", "password has no user"),
])
def test_values_that_make_no_sense(acs, send, value, words):
    server = acs()
    result = send(server, HELLO, proxy=value)
    assert_failed(result, CONFIG, "line ", "proxy: ", words)
    assert not re.search("hu.?sh", result.stderr)
    assert_nobody_called(server)


def test_two_passwords(acs, send, secret_file):
    assert_failed(send(acs(), HELLO, proxy="http://jo:hush@127.0.0.1:9",
                       proxy_password_file=secret_file), CONFIG, "proxy", "file too")


def test_password_for_nothing(acs, send, secret_file):
    assert_failed(send(acs(), HELLO, proxy_password_file=secret_file), CONFIG, "proxy")


def test_the_file_with_a_password_is_private(acs, run, config):
    path = config(acs(), proxy="http://jo:hush@127.0.0.1:9", password=None,
                  password_command="echo x")
    os.chmod(path, 0o644)
    result = run(["-C", path, "-t"], input=HELLO)
    assert_failed(result, CONFIG, path, "others can read")
    assert "hush" not in result.stderr


def test_file_that_others_can_read(acs, send, proxy, secret_file):
    secret_file.chmod(0o644)
    way = proxy("socks5", user="jo", password=SECRET)
    assert_failed(send(acs(), HELLO, proxy=way.url("jo"), proxy_password_file=secret_file),
                  CONFIG, "proxy_password_file", "others can read")


def test_defaults_and_an_account_of_its_own(acs, send, proxy):
    """A password is for the proxy beside which it stands."""
    server = acs()
    mine, theirs = proxy("socks5"), proxy("http", user="jo", password=SECRET)
    extra = f"[defaults]\nproxy = {theirs.url('jo', SECRET)}\n"
    assert_sent(send(server, HELLO, extra=extra))
    assert theirs.logins == [("jo", SECRET)]
    assert_sent(send(server, HELLO, extra=extra, proxy=mine.url("jo")))
    assert b"pass" not in mine.heard
    assert_sent(send(server, HELLO, extra=extra, proxy='""'))
    assert len(theirs.asked) == 1


# --- what people see

def test_no_password_is_shown(acs, run, config, proxy):
    server, way = acs(), proxy("http", user="jo", password=SECRET)
    path = config(server, proxy=way.url("jo", SECRET))
    shown = way.url("jo")
    for args in (["explain", "-C", path, "a@example.org"], ["account", "show", "-C", path],
                 ["check", "--config", path], ["check", "--config", path, "--json"]):
        result = run(args, input=HELLO, program="acsmtp")
        text = result.stdout + result.stderr
        assert_not_in(SECRET, text)
        assert way.url("jo", SECRET).split(":")[2].split("@")[0] not in text
        if args[0] != "check":
            assert shown in text, text


def test_explain_shows_the_way(acs, run, config):
    path = config(acs(), proxy="socks5://jo@proxy.example:1080", source_address="192.0.2.1",
                  address_family="ipv4", auth="plain", host="smtp.example.org", port=2525)
    result = run(["explain", "-C", path, "a@example.org"], input=HELLO, program="acsmtp")
    assert result.status == 0, result.stderr
    line = next(line for line in result.stdout.splitlines() if line.startswith("route: "))
    for word in ("192.0.2.1", "socks5://jo@proxy.example:1080", "smtp.example.org:2525",
                 "address_family = ipv4", "tls = starttls", "auth = plain"):
        assert word in line
    result = run(["explain", "--json", "-C", path, "a@example.org"], input=HELLO,
                 program="acsmtp")
    assert json.loads(result.stdout)["route"] == line.removeprefix("route: ")


def check_steps(run, path):
    result = run(["check", "--json", "--config", path], program="acsmtp")
    return {step["name"]: step for step in json.loads(result.stdout)["steps"]}


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_check_shows_each_step(acs, run, config, proxy, tls):
    server, way = acs(tls=tls), proxy("socks5")
    steps = check_steps(run, config(server, tls=tls, proxy=way.url()))
    assert [steps[name]["state"] for name in ("dns", "tcp", "proxy", "tls", "auth")] == ["ok"] * 5
    assert str(way.port) in steps["tcp"]["text"]
    assert f"localhost:{server.port}" in steps["proxy"]["text"]


def test_check_blames_the_proxy(acs, run, config, proxy):
    server, way = acs(), proxy("http", reply=503)
    steps = check_steps(run, config(server, proxy=way.url()))
    assert steps["tcp"]["state"] == "ok"
    assert steps["proxy"]["state"] == "failed"
    assert "503" in steps["proxy"]["text"]
    assert steps["greeting"]["state"] == "skipped"
