# SPDX-License-Identifier: GPL-3.0-or-later
"""How a person logs in: what the helper says, waits for, and never believes."""

import base64
import hashlib
import socket
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

from emulator.identity import SCOPE
from helpers.program import text_of
from helpers.tokens import CONFIG, DISMISSED, LATER, LOGIN, OK, REFUSED, Helper

PERSON = {"scope": f"{SCOPE} offline_access", "user": "person@contoso.com"}


class Login:
    """One that goes on: `said` is what it printed until the person is to act."""

    def __init__(self, helper, how, secret="", **changes):
        self.helper = helper
        self.process = helper.start("login", how, secret, **{**PERSON, **changes})
        self.said = {}
        while "seconds" not in self.said:
            line = text_of(self.process.stdout.readline())
            if not line:
                break
            key, _, value = line.rstrip("\n").partition("=")
            self.said[key] = value

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.said["open"]).query))

    def end(self):
        out, err = self.process.communicate(timeout=60)
        facts = dict(line.split("=", 1) for line in text_of(out).splitlines())
        return self.process.returncode, facts.get("refresh_token"), text_of(err)


@pytest.fixture
def begin(identity, home):
    """begin(how, secret="", options={}, **settings) -> a Login."""
    begun = []

    def start(how, secret="", options=None, **changes):
        begun.append(Login(Helper(home, identity(**(options or {}))), how, secret, **changes))
        return begun[-1]

    yield start
    for login in begun:
        login.process.kill()
        login.process.communicate()


def browse(login, address=None):
    """As a browser: follows where it is sent. Status and page."""
    context = ssl.create_default_context(cafile=login.helper.identity.ca)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                         urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(address or login.said["open"], timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def logged_in(login):
    status, refresh, said = login.end()
    assert (status, said) == (OK, "")
    assert refresh == login.helper.identity.refresh_token
    return True


# --- in the browser

def test_browser(begin):
    login = begin("browser")
    query = login.query
    assert login.said["open"].startswith(
        f"{login.helper.identity.authority}/contoso/oauth2/v2.0/authorize?")
    assert query["redirect_uri"].startswith("http://localhost:")
    assert query["code_challenge_method"] == "S256" and len(query["code_challenge"]) == 43
    assert query["response_type"] == "code" and len(query["state"]) >= 40
    assert query["scope"] == PERSON["scope"] and query["login_hint"] == PERSON["user"]
    assert 60 < int(login.said["seconds"]) <= 600
    status, page = browse(login)
    assert status == 200 and "You are logged in" in page
    logged_in(login)
    form = login.helper.identity.asked("token")[0].form
    proof = hashlib.sha256(form["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(proof).rstrip(b"=").decode() == query["code_challenge"]
    assert form["redirect_uri"] == query["redirect_uri"] and "client_secret" not in form


def test_what_came_with_a_login_is_kept(begin):
    """The first message needs no other token."""
    login = begin("browser")
    browse(login)
    logged_in(login)
    helper = login.helper
    answer = helper("get", "refresh", helper.identity.refresh_token, **PERSON)
    assert answer.token == helper.identity.issued[0]
    assert len(helper.identity.asked("token")) == 1


def test_browser_is_curl(begin):
    login = begin("browser")
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--location", "--noproxy", "*", "--cacert",
         login.helper.identity.ca, login.said["open"]], capture_output=True, check=True,
        timeout=60)
    assert b"You are logged in" in done.stdout
    logged_in(login)


def test_each_login_has_its_own_words(begin):
    one, other = begin("browser").query, begin("browser").query
    assert one["state"] != other["state"]
    assert one["code_challenge"] != other["code_challenge"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_answer_of_another_login_is_never_redeemed(begin, host):
    login = begin("browser")
    answer = login.query["redirect_uri"].replace("localhost", host)
    status, page = browse(login, f"{answer}?code=stolen&state=another")
    assert status == 400 and "not used" in page
    assert browse(login, f"{answer}?code=stolen")[0] == 404
    assert login.helper.identity.asked("token") == []
    assert login.process.poll() is None
    assert browse(login)[0] == 200      # and the right one is still good
    logged_in(login)


def test_only_another_answer_came(begin):
    login = begin("browser", seconds=1)
    browse(login, f"{login.query['redirect_uri']}?code=stolen&state=another")
    status, refresh, said = login.end()
    assert status == DISMISSED and refresh is None and "state" in said
    assert login.helper.identity.asked("token") == []


def test_nobody_comes(begin):
    status, _, said = begin("browser", seconds=1).end()
    assert status == DISMISSED and "in time" in said and "--device" in said


def test_person_says_no(begin):
    login = begin("browser", options={"person": "no"})
    status, page = browse(login)
    assert status == 200 and "failed" in page
    status, _, said = login.end()
    assert status == DISMISSED and "the person said no" in said


@pytest.mark.parametrize("failure, expected, words", [
    ({"aadsts": 65001, "error": "invalid_grant"}, REFUSED, "consent"),
    ({"how": "html"}, LATER, "no JSON"),
    ({"body": '{"access_token":"x","expires_in":3600}'}, REFUSED, "offline_access"),
])
def test_code_that_gives_nothing(begin, failure, expected, words):
    login = begin("browser")
    login.helper.identity.fail("token", **failure)
    browse(login)
    status, refresh, said = login.end()
    assert status == expected and refresh is None and words in said


def test_page_repeats_nothing(begin):
    login = begin("browser")
    redirect, state = login.query["redirect_uri"], login.query["state"]
    _, page = browse(login, f"{redirect}?state={state}&error=%3Cscript%3Ealert(1)"
                            "&error_description=%1b%5b31m%3Cb%3E")
    assert "script" not in page and "<b>" not in page
    status, _, said = login.end()
    assert status == REFUSED and "\033" not in said


def test_silent_connections_hold_up_nobody(begin):
    """Browsers open some in advance; and not all that comes is HTTP."""
    login = begin("browser")
    port = urllib.parse.urlsplit(login.query["redirect_uri"]).port
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    idle[-1].sendall(b"GET /?state=")
    for rubbish in (b"\x16\x03\x01\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n", b"x" * 20000,
                    b"GET " + b"/" * 9000, b"\0\0\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port)) as one:
            one.sendall(rubbish)
            try:
                one.settimeout(10)
                one.recv(100)
            except ConnectionError:
                pass
    assert browse(login)[0] == 200
    logged_in(login)
    for one in idle:
        one.close()


@pytest.mark.parametrize("changes, words", [
    ({"client_id": None}, "client_id is missing"), ({"scope": None}, "token_scope"),
    ({"authority": "http://localhost"}, "https"),
])
@pytest.mark.parametrize("how", ["browser", "device"])
def test_settings_that_make_no_login(begin, how, changes, words):
    login = begin(how, **changes)
    assert login.said == {}
    status, _, said = login.end()
    assert status == CONFIG and words in said


def test_another_provider(begin, identity, home):
    """Google's manner: addresses of its own, and a secret of the application besides."""
    one = identity()
    urls = {"token_url": f"{one.authority}/token", "authority": None, "tenant": None,
            "authorize_url": f"{one.authority}/o/oauth2/v2/authorize?hl=en",
            "ca_file": one.ca, "client_id": one.client_id}
    login = begin("browser", "its-secret\n", **urls)
    login.helper.identity = one
    assert login.query["hl"] == "en" and login.query["access_type"] == "offline"
    assert browse(login)[0] == 200
    logged_in(login)
    assert one.asked("token")[0].form["client_secret"] == "its-secret"


# --- by a code

def test_device(begin):
    login = begin("device", options={"pending": 2})
    assert login.said["page"] == f"{login.helper.identity.authority}/device"
    assert login.said["code"] == "ABCD-1234"
    logged_in(login)
    asked = login.helper.identity.asked("token")
    assert len(asked) == 3
    assert asked[0].form["device_code"] == "the-code-of-the-device"
    assert login.helper.identity.asked("devicecode")[0].form["scope"] == PERSON["scope"]


def test_device_is_patient(begin):
    """Words of RFC 8628, and what is lost on the way."""
    login = begin("device", options={"pending": 0})
    login.helper.identity.fail("token", how="close")
    logged_in(login)


@pytest.mark.parametrize("failure, expected, words", [
    ({"error": "expired_token"}, DISMISSED, "in time"),
    ({"error": "access_denied"}, DISMISSED, "said no"),
    ({"aadsts": 70000, "error": "invalid_grant"}, LOGIN, "acsmtp login"),
])
def test_device_that_fails(begin, failure, expected, words):
    login = begin("device")
    login.helper.identity.fail("token", times=None, **failure)
    status, refresh, said = login.end()
    assert status == expected and refresh is None and words in said


def test_nobody_enters_the_code(begin):
    login = begin("device", options={"pending": 99}, seconds=2)
    status, _, said = login.end()
    assert status == DISMISSED and "in time" in said


@pytest.mark.parametrize("failure, expected", [
    ({"aadsts": 7000218}, CONFIG), ({"how": "html"}, LATER), ({"body": "{}"}, LATER),
    ({"aadsts": 700016}, CONFIG),
])
def test_no_code_is_given(begin, identity, home, failure, expected):
    one = identity()
    one.fail("devicecode", times=None, **failure)
    helper = Helper(home, one)
    login = Login(helper, "device")
    assert login.said == {}
    assert login.end()[0] == expected
