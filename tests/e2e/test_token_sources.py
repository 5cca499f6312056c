# SPDX-License-Identifier: GPL-3.0-or-later
"""The helper for tokens: each source, and what each says when it fails."""

import contextlib
import os
import shutil
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from emulator.identity import EXCHANGE, SCOPE
from helpers.ports import closed_port
from helpers.tokens import (CLOCK, CONFIG, LATER, LOGIN, OK, REFUSED, UNTRUSTED, USAGE,
                            Helper)

ARC_KEYS = Path("/var/opt/azcmagent/tokens")
RESOURCE = SCOPE.removesuffix("/.default")


@pytest.fixture
def given(identity, home):
    """given(**options) -> a Helper whose endpoints are an Identity of its own."""
    return lambda **options: Helper(home, identity(**options))


def by_secret(helper, command="get", **changes):
    return helper(command, "client-secret", helper.identity.client_secret, **changes)


def works(helper, answer):
    assert answer.status == OK, answer.said
    assert answer.said == ""
    assert helper.identity.accepts(answer.token)
    assert answer.token == helper.identity.issued[-1]
    left = int(answer.facts["expires"]) - time.time()
    assert helper.identity.lifetime - 60 < left <= helper.identity.lifetime + 1
    return True


# --- applications

def test_client_secret(given):
    helper = given()
    works(helper, by_secret(helper))
    asked, = helper.identity.asked("token")
    assert asked.path == "/contoso/oauth2/v2.0/token"
    assert asked.form == {"grant_type": "client_credentials", "scope": SCOPE,
                          "client_id": helper.identity.client_id,
                          "client_secret": helper.identity.client_secret}
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_client_secret_with_odd_characters(given):
    helper = given(client_secret="a+b&c=d%20 e~ü")
    works(helper, by_secret(helper))


@pytest.mark.parametrize("authority", ["{}/", "{}///"])
def test_authority_may_end_with_a_slash(given, authority):
    helper = given()
    works(helper, by_secret(helper, authority=authority.format(helper.identity.authority)))


@pytest.mark.parametrize("changes, words", [
    ({"tenant": None}, ["tenant is missing"]),
    ({"tenant": "a/b"}, ["tenant a/b"]),
    ({"client_id": None}, ["client_id is missing"]),
    ({"scope": None}, ["token_scope is missing"]),
    ({"authority": "http://localhost"}, ["http://localhost", "https"]),
    ({"authority": "ftp://localhost"}, ["ftp://localhost", "https"]),
    ({"authority": "https://"}, ["https://"]),
    ({"authority": "https://user:word@localhost/"}, ["token_authority"]),
    ({"ca_file": "/does/not/exist"}, ["/does/not/exist"]),
    ({"scope": "nonsense"}, ["scope", "70011"]),
])
def test_settings_that_make_no_sense(given, changes, words):
    helper = given()
    by_secret(helper, **changes).fails(CONFIG, *words)
    assert helper.identity.issued == []


def test_no_secret(given):
    helper = given()
    helper("get", "client-secret").fails(CONFIG, "there is no client secret")


@pytest.mark.parametrize("words", [
    [], ["get"], ["get", "password"], ["fetch", "refresh"], ["get", "refresh", "colour=red"],
    ["get", "refresh", "stamp=x"], ["get", "refresh", "seconds=0"],
    ["get", "refresh", "tenant=a\nb"],
])
def test_usage(given, words, home):
    helper = given()
    done = subprocess.run([*helper.words("", "")[:1], *words], input=b"", check=False,
                          capture_output=True, cwd=home, timeout=60)
    assert done.returncode == USAGE
    assert b"usage: token" in done.stderr


# --- certificates

@pytest.fixture
def certified(given, pki):
    return given(certificate=pki.application())


def by_certificate(helper, file, secret="", **changes):
    return helper("get", "client-certificate", secret, certificate_file=file, **changes)


def test_client_certificate(certified, pki):
    """openssl has verified the assertion: the emulator takes no other."""
    works(certified, by_certificate(certified, pki.application()))
    form = certified.identity.asked("token")[0].form
    assert "client_secret" not in form
    assert form["client_assertion_type"].endswith("jwt-bearer")
    again = certified("renew", "client-certificate", certificate_file=pki.application())
    works(certified, again)


def test_client_certificate_with_a_passphrase(certified, pki, home):
    file = home / "both"
    plain = Path(pki.application()).read_text()
    key = subprocess.run(["openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout",
                          "pass:open sesame"], input=plain, text=True, check=True,
                         capture_output=True).stdout
    file.touch(0o600)
    file.write_text(plain[:plain.index("-----BEGIN PRIVATE")] + key)
    works(certified, by_certificate(certified, file, "open sesame\n"))
    by_certificate(certified, file, "wrong").fails(CONFIG, "passphrase", str(file))
    by_certificate(certified, file, tenant="other").fails(CONFIG, str(file), "passphrase",
                                                          "openssl")


def certificate_faults(pki, file):
    whole, other = (Path(pki.application(name)).read_text()
                    for name in ("application", "other-application"))
    middle = whole.index("-----BEGIN PRIVATE")
    return {
        "no key": (whole[:middle], ["key is not in it"]),
        "no certificate": (whole[middle:], ["no certificate"]),
        "other's key": (whole[:middle] + other[other.index("-----BEGIN PRIVATE"):],
                        ["do not belong together"]),
        "nothing": ("", ["no certificate"]),
        "elliptic": (Path(pki.application(
            "elliptic", "ec -pkeyopt ec_paramgen_curve:P-256")).read_text(), ["RSA"]),
        "huge": (whole + "x" * 300000, [str(file)]),
    }


@pytest.mark.parametrize("fault", ["no key", "no certificate", "other's key", "nothing",
                                   "elliptic", "huge"])
def test_certificate_file_that_will_not_do(certified, pki, home, fault):
    file = home / "certificate"
    text, words = certificate_faults(pki, file)[fault]
    file.touch(0o600)
    file.write_text(text)
    by_certificate(certified, file).fails(CONFIG, str(file), *words)
    assert certified.identity.requests == []


def test_certificate_file_that_is_not_ours_alone(certified, pki, home):
    file = home / "certificate"
    shutil.copy(pki.application(), file)
    file.chmod(0o644)
    by_certificate(certified, file).fails(CONFIG, str(file), "others")
    by_certificate(certified, home / "none").fails(CONFIG, str(home / "none"))
    by_certificate(certified, None).fails(CONFIG, "certificate_file is missing")


def test_certificate_of_another_application(certified, pki):
    certified.identity.violations_expected = True
    by_certificate(certified, pki.application("other-application")).fails(
        REFUSED, "application", "AADSTS700027", "certificate_file")


@pytest.mark.parametrize("clock, words", [(3600, "60 minutes behind"),
                                          (-3600, "60 minutes ahead")])
def test_clock_that_is_an_hour_off(certified, pki, clock, words):
    certified.identity.clock = clock
    by_certificate(certified, pki.application()).fails(CLOCK, "clock:", words, "700024")


# --- workload identities

@pytest.fixture
def pod(given, home):
    helper = given(federated="first.federated.token")
    file = home / "azure-identity-token"
    file.write_text(helper.identity.federated)
    helper.variables = {"AZURE_FEDERATED_TOKEN_FILE": file, "AZURE_TENANT_ID": "contoso",
                        "AZURE_CLIENT_ID": helper.identity.client_id,
                        "AZURE_AUTHORITY_HOST": helper.identity.authority + "/"}
    helper.settings = {"scope": SCOPE, "ca_file": helper.identity.ca}
    helper.file = file
    return helper


def test_workload_identity(pod):
    works(pod, pod("get", "workload-identity"))
    pod.identity.federated = "second.federated.token"
    pod.file.write_text(pod.identity.federated)
    works(pod, pod("renew", "workload-identity"))
    assert [request.form["client_assertion"] for request in pod.identity.asked("token")] == \
        ["first.federated.token", "second.federated.token"]


def test_settings_stand_over_variables(pod):
    pod("get", "workload-identity", client_id="another").fails(CONFIG, "AADSTS700016")
    assert pod.identity.asked("token")[0].form["client_id"] == "another"


@pytest.mark.parametrize("content, words", [(None, "cannot be opened"), ("", "no token"),
                                            ("\n", "no token"), ("x" * 20000, "no token")])
def test_federated_token_that_is_none(pod, content, words):
    pod.file.unlink()
    if content is not None:
        pod.file.write_text(content)
    pod("get", "workload-identity").fails(CONFIG, "AZURE_FEDERATED_TOKEN_FILE", words)


def test_no_variable_of_a_workload(pod):
    pod("get", "workload-identity", env={"AZURE_FEDERATED_TOKEN_FILE": None}).fails(
        CONFIG, "AZURE_FEDERATED_TOKEN_FILE", "azure.workload.identity/use")


def test_federated_token_that_fits_no_credential(pod):
    pod.file.write_text("a.foreign.token")
    pod("get", "workload-identity").fails(REFUSED, "application", "AADSTS70021", "subject")


# --- machines

@pytest.fixture
def on(given):
    """on(kind, ...) -> a Helper on such a machine, with a scope and nothing else."""
    def place(kind, **options):
        helper = given(**options)
        helper.variables = helper.identity.machine(kind)
        helper.settings = {"scope": SCOPE}
        return helper
    return place


@pytest.mark.parametrize("kind, where, sent", [
    ("imds", "metadata", {"api-version": "2018-02-01", "resource": RESOURCE}),
    ("app-service", "msi", {"api-version": "2019-08-01", "resource": RESOURCE}),
    ("azure-ml", "msi", {"api-version": "2017-09-01", "resource": RESOURCE}),
    ("cloud-shell", "msi", {"resource": RESOURCE}),
])
def test_machine(on, kind, where, sent):
    helper = on(kind)
    works(helper, helper("get", "managed-identity"))
    asked, = helper.identity.asked(where)
    assert {**asked.query, **asked.form} == sent


@pytest.mark.parametrize("kind, where, key", [
    ("imds", "metadata", "client_id"), ("app-service", "msi", "client_id"),
    ("azure-ml", "msi", "clientid"),
])
def test_identity_that_is_assigned(on, kind, where, key):
    helper = on(kind, identities=("the-one",))
    works(helper, helper("get", "managed-identity", identity="the-one"))
    assert helper.identity.asked(where)[0].query[key] == "the-one"
    works(helper, helper("get", "managed-identity", env={"AZURE_CLIENT_ID": "the-one"}))
    helper("get", "managed-identity", identity="other").fails(
        REFUSED, "identity:", "no such managed identity", "Identity not found")


def test_the_two_steps(on):
    """The machine's token is no more than the proof for the application."""
    helper = on("imds", identities=("the-one",))
    answer = helper("get", "managed-identity", identity="the-one", tenant="contoso",
                    client_id=helper.identity.client_id, ca_file=helper.identity.ca,
                    authority=helper.identity.authority)
    works(helper, answer)
    machine, = helper.identity.asked("metadata")
    exchange, = helper.identity.asked("token")
    assert machine.query["resource"] == EXCHANGE
    assert exchange.form["client_assertion"] == helper.identity.issued[0]
    assert answer.token == helper.identity.issued[1]


@pytest.mark.parametrize("authority, audience", [
    ("https://login.microsoftonline.us", "USGov"),
    ("https://login.partner.microsoftonline.cn", "China"),
])
def test_audience_of_other_clouds(on, authority, audience):
    helper = on("imds")
    helper.identity.fail("metadata", status=400, times=None)
    helper("get", "managed-identity", tenant="x", client_id="y", authority=authority)
    assert helper.identity.asked("metadata")[0].query["resource"] == EXCHANGE + audience


def test_detection(on):
    """The order in which Microsoft's own libraries look."""
    helper = on("imds")
    everything = {**helper.identity.machine("azure-ml"), **helper.identity.machine("arc"),
                  **helper.identity.machine("app-service")}
    works(helper, helper("get", "managed-identity", env=everything))
    assert helper.identity.asked("msi")[-1].query["api-version"] == "2019-08-01"
    everything["IDENTITY_HEADER"] = None
    works(helper, helper("renew", "managed-identity", env=everything))
    assert helper.identity.asked("msi")[-1].query["api-version"] == "2017-09-01"
    helper("get", "managed-identity", env={
        **helper.identity.machine("app-service"),
        "IDENTITY_SERVER_THUMBPRINT": "00"}).fails(CONFIG, "Service Fabric")


def test_header_of_the_platform_is_wrong(on):
    helper = on("app-service")
    helper("get", "managed-identity", env={"IDENTITY_HEADER": "stale"}).fails(
        REFUSED, "identity:", "401", "App Service")
    helper("get", "managed-identity", env={"IDENTITY_HEADER": "a\r\nX-Other: b"}).fails(
        CONFIG, "control character")


@pytest.mark.parametrize("clock", [3600, -3600])
def test_clock_does_not_matter_to_a_machine(on, clock):
    """Its end is told by the endpoint's clock, which it says as well."""
    helper = on("app-service", clock=clock)
    answer = helper("get", "managed-identity")
    assert answer.status == OK
    assert 3500 < int(answer.facts["expires"]) - time.time() < 3610


def test_endpoint_that_is_absent(on):
    helper = on("imds")
    with closed_port() as port:
        helper("get", "managed-identity", env={
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": f"http://127.0.0.1:{port}"}).fails(
                LATER, "endpoint:", f"127.0.0.1:{port}", "IMDS")
    helper("get", "managed-identity", env={
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": "file:///etc"}).fails(CONFIG, "file:///etc")


@pytest.mark.parametrize("status", [400, 401, 403])
def test_something_else_is_at_that_address(on, status):
    """Other clouds have a service of their own there, and some networks a wall."""
    helper = on("imds")
    helper.identity.fail("metadata", status=status, body="<html>Who are you?</html>")
    helper("get", "managed-identity").fails(LATER, "endpoint:", f"HTTP {status}", "Azure")


@pytest.mark.parametrize("status", [404, 410, 429, 503])
def test_metadata_service_that_is_not_ready(on, status):
    helper = on("imds")
    helper.identity.fail("metadata", status=status)
    works(helper, helper("get", "managed-identity"))
    assert len(helper.identity.asked("metadata")) == 2


def test_metadata_service_that_stays_busy(on):
    helper = on("imds")
    helper.identity.fail("metadata", status=429, times=None)
    helper("get", "managed-identity", seconds=3).fails(LATER, "HTTP 429", "try again")
    assert len(helper.identity.asked("metadata")) == 2


@pytest.fixture
def arc_key():
    """A file where the agent's are; and the directory goes if we have made it."""
    made = [path for path in [ARC_KEYS, *ARC_KEYS.parents] if not path.exists()]
    ARC_KEYS.mkdir(parents=True, exist_ok=True)
    path = ARC_KEYS / f"{uuid.uuid4()}.key"
    path.write_text("the-key-of-the-agent")
    yield path
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):      # another test may have one there
        for directory in made:
            directory.rmdir()


@pytest.mark.as_root
def test_arc(on, arc_key):
    helper = on("arc", arc_key=arc_key)
    works(helper, helper("get", "managed-identity"))
    first, second = helper.identity.asked("metadata")
    assert "Authorization" not in first.headers
    assert second.headers["Authorization"] == "Basic the-key-of-the-agent"
    helper("get", "managed-identity", identity="x").fails(CONFIG, "identity", "Arc")


@pytest.mark.as_root
@pytest.mark.parametrize("change, words", [
    (lambda key: key.write_text("x" * 4097), "4096"),
    (lambda key: key.write_text(""), "nothing in it"),
    (lambda key: key.write_text("two\nlines"), "no key"),
    (lambda key: (key.unlink(), key.symlink_to("/etc/passwd")), "cannot be read"),
    (lambda key: (key.unlink(), os.mkfifo(key)), "4096"),
])
def test_key_of_arc_that_is_none(on, arc_key, change, words):
    helper = on("arc", arc_key=arc_key)
    change(arc_key)
    answer = helper("get", "managed-identity")
    assert answer.status in (REFUSED, CONFIG) and words in answer.said
    assert len(helper.identity.asked("metadata")) == 1


@pytest.mark.parametrize("path", [
    "/etc/passwd", "/var/opt/azcmagent/tokens/../../../../etc/x.key", "",
    "/var/opt/azcmagent/tokens/x.pem", "/var/opt/azcmagent/tokens/a/x.key",
    "/var/opt/azcmagent/tokensx/x.key", "{home}/x.key",
])
def test_challenge_outside_its_directory(on, home, path):
    """Any process may listen where the agent should: it gets no file of ours."""
    (home / "x.key").write_text("a secret of ours")
    helper = on("arc", arc_key=path.format(home=home))
    helper("get", "managed-identity").fails(REFUSED, "identity:", "challenge", "not answered")
    assert len(helper.identity.asked("metadata")) == 1


# --- persons

def by_refresh(helper, command="get", secret=None, **changes):
    return helper(command, "refresh", secret or helper.identity.refresh_token, **changes)


def test_refresh_token(given):
    helper = given()
    answer = by_refresh(helper)
    works(helper, answer)
    assert "refresh_token" not in answer.facts      # it is the same
    assert helper.identity.asked("token")[0].form["grant_type"] == "refresh_token"


def test_refresh_token_that_is_replaced(given):
    helper = given(rotates=True)
    old = helper.identity.refresh_token
    answer = by_refresh(helper)
    assert answer.facts["refresh_token"] == helper.identity.refresh_token != old
    # Whoever reads the store now, and whoever read it before, has the kept token.
    assert by_refresh(helper).token == answer.token
    assert by_refresh(helper, secret=old).token == answer.token
    assert len(helper.identity.asked("token")) == 1


def test_another_provider(given):
    """Its endpoints are named, and its application has a secret besides."""
    helper = given()
    changes = {"authority": None, "tenant": None,
               "token_url": helper.identity.authority + "/oauth/token"}
    works(helper, helper("get", "refresh", f"{helper.identity.refresh_token}\nits-secret\n",
                         **changes))
    asked, = helper.identity.asked("token")
    assert asked.path == "/oauth/token"
    assert asked.form["client_secret"] == "its-secret"
    assert asked.form["refresh_token"] == helper.identity.refresh_token
    by_refresh(helper, **{**changes, "token_url": "http://localhost/token"}).fails(
        CONFIG, "http://localhost/token")


def test_refresh_token_that_is_gone(given):
    helper = given()
    by_refresh(helper, secret="an-old-one").fails(LOGIN, "identity:", "AADSTS70008",
                                                  "acsmtp login")
    helper("get", "refresh").fails(LOGIN, "acsmtp login")


# --- what endpoints say

@pytest.mark.parametrize("number, status, words", [
    (7000215, REFUSED, ["application:", "not its id"]),
    (7000222, REFUSED, ["application:", "expired", "new one"]),
    (700016, CONFIG, ["application:", "client_id", "tenant"]),
    (90002, CONFIG, ["application:", "tenant"]),
    (50001, REFUSED, ["scope:", "token_scope"]),
    (65001, REFUSED, ["role:", "consent"]),
    (700213, REFUSED, ["application:", "subject"]),
    (90061, LATER, ["identity:", "issuer"]),
    (50173, LOGIN, ["identity:", "acsmtp login"]),
    (700082, LOGIN, ["identity:", "acsmtp login"]),
    (700024, REFUSED, ["identity:", "clock is right"]),
    (123456, REFUSED, ["This is what it says"]),
])
def test_number(given, number, status, words):
    helper = given()
    helper.identity.fail("token", aadsts=number)
    by_secret(helper).fails(status, f"AADSTS{number}", *words)


@pytest.mark.parametrize("error, status", [("invalid_grant", LOGIN), ("invalid_scope", CONFIG),
                                           ("invalid_client", REFUSED), ("odd", REFUSED)])
def test_word_without_a_number(given, error, status):
    helper = given()
    helper.identity.fail("token", error=error)
    by_refresh(helper).fails(status, error if error == "odd" else "HTTP 400")


@pytest.mark.parametrize("failure, words", [
    ({"how": "silence"}, ["does not answer in time"]),
    ({"how": "endless"}, ["endpoint:"]),
    ({"how": "huge"}, ["65536 bytes"]),
    ({"how": "html"}, ["no JSON"]),
    ({"how": "redirect"}, ["302", "not followed"]),
    ({"how": "close"}, ["cannot be reached"]),
    ({"body": "{}"}, ["no access token"]),
    ({"body": "[]"}, ["no JSON"]),
    ({"body": '{"access_token":"a b"}'}, ["no access token"]),
    ({"body": '{"access_token":"' + "x" * 9300 + '"}'}, ["no access token"]),
    ({"body": '{"access_token":["x"]}'}, ["no access token"]),
    ({"body": '{"access_token":"x","expires_in":3600} trailing'}, ["no JSON"]),
    ({"body": "{" * 1000}, ["no JSON"]),
    ({"status": 503, "body": "down"}, ["HTTP 503"]),
])
@pytest.mark.parametrize("where", ["token", "msi"])
def test_endpoint_that_misbehaves(given, failure, words, where):
    helper = given()
    helper.identity.fail(where, times=None, **failure)
    seconds = 1 if failure.get("how") in ("silence", "endless") else None
    if where == "token":
        answer = by_secret(helper, seconds=seconds)
    else:
        answer = helper("get", "managed-identity", seconds=seconds, client_id=None,
                        env=helper.identity.machine("app-service"))
    answer.fails(LATER, *words)
    assert helper.identity.asked("nowhere") == []
    assert "\033" not in answer.said
    assert helper.kept == []


def test_error_that_would_harm_a_terminal(given):
    helper = given()
    helper.identity.fail("token", status=400, body='{"error":"\\u001b[31mred","error_description"'
                                                   ':"\\u001b]0;title\\u0007 \\u202e"}')
    answer = by_secret(helper)
    answer.fails(REFUSED, "red")
    assert "\033" not in answer.said and "\u202e" not in answer.said


def test_busy_authority_is_asked_again(given):
    helper = given()
    helper.identity.fail("token", status=503)
    works(helper, by_secret(helper))
    assert len(helper.identity.asked("token")) == 2


def test_token_that_has_ended(given):
    helper = given(lifetime=0)
    by_secret(helper).fails(CLOCK, "clock:")


# --- whom it trusts, and by what way

@pytest.mark.parametrize("kind", ["othername", "selfsigned", "expired", "foreign"])
def test_authority_whose_certificate_does_not_verify(given, kind):
    helper = given(certificate_kind=kind)
    by_secret(helper).fails(UNTRUSTED, "endpoint:", "localhost", "token_ca_file")
    assert helper.identity.requests == []


def test_root_that_is_not_trusted(given):
    helper = given()
    by_secret(helper, ca_file=None).fails(UNTRUSTED, "localhost")
    assert helper.identity.requests == []


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY",
                                  "https_proxy"])
@pytest.mark.parametrize("kind", ["imds", "app-service"])
def test_machine_is_never_asked_by_a_proxy(on, name, kind):
    helper = on(kind)
    with closed_port() as port:
        works(helper, helper("get", "managed-identity",
                             env={name: f"http://127.0.0.1:{port}"}))


def test_authority_is_asked_by_the_proxy_of_the_environment(given):
    helper = given()
    with closed_port() as port:
        by_secret(helper, env={"https_proxy": f"http://127.0.0.1:{port}"}).fails(
            LATER, "cannot be reached")
        works(helper, by_secret(helper, env={"https_proxy": f"http://127.0.0.1:{port}",
                                             "no_proxy": "localhost"}))
    assert len(helper.identity.requests) == 1


def test_netrc_is_no_business_of_ours(given, home):
    helper = given()
    (home / ".netrc").write_text("default login a password b\n")
    works(helper, by_secret(helper))
    assert "Authorization" not in helper.identity.requests[0].headers
