# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gives tokens: Entra's endpoints behind TLS, and those of a machine (IMDS, App Service,
Arc and their elders) without it. What they promise and refuse is what their makers document.

    identity = Identity(pki).start()
    identity.fail("token", aadsts=7000222)          # once; times=None: from now on
    identity.authority, identity.ca                 # for the ini file
    identity.machine("imds")                        # variables for the program's environment
    acs(mechanisms=("XOAUTH2",), token=identity.accepts)
    identity.asked("token")                         # the requests that arrived
"""

import hashlib
import http.server
import json
import ssl
import sys
import threading
import time
import traceback
import urllib.parse
from dataclasses import dataclass, field

from emulator import assertions

EXCHANGE = "api://AzureADTokenExchange"
SCOPE = "https://communication.azure.com/.default"
HUGE = 5 * 1024 * 1024


@dataclass
class Request:
    """`where` is token, devicecode, authorize, metadata, msi or nowhere."""
    where: str
    method: str
    path: str
    query: dict
    headers: dict
    form: dict = field(default_factory=dict)
    status: int = 0


@dataclass
class Failure:
    """What is answered instead: an error of Entra's by its number, a status, a body, or how
    the answer fails to come: silence, endless, huge, close, redirect, html."""
    aadsts: int | None = None
    error: str = "invalid_client"
    status: int | None = None
    body: str | None = None
    how: str | None = None
    times: int | None = 1
    headers: dict = field(default_factory=dict)


class Identity:
    """
    client_id, client_secret   the application; None: it has none
    certificate     PEM file of the certificate that its assertions are verified with
    federated       what a federated token may be (the content of the token file)
    refresh_token   of the person; `rotates` replaces it with each answer
    lifetime        of tokens, in seconds
    clock           seconds that the clock of these endpoints is ahead of this machine's
    pending         how often the device's code is not answered yet
    person          yes, no, or other-state: what the one in the browser does
    identities      client ids of user-assigned identities; None: the system-assigned one alone
    arc_key         file of the challenge of Arc
    issued          the access tokens, in order
    failures        of the emulator itself: empty, or a test has failed
    violations      what was wrong with assertions; violations_expected as in Emulator
    """

    def __init__(self, pki, certificate_kind="good", **options):
        self.client_id = "11111111-2222-3333-4444-555555555555"
        self.client_secret = "app~secret.value-of_the_application"
        self.certificate = None
        self.federated = None
        self.refresh_token = "refresh.token.of.the.person"
        self.rotates = False
        self.lifetime = 3599
        self.clock = 0
        self.pending = 1
        self.person = "yes"
        self.identities = None
        self.arc_key = None
        self.header = "the-header-of-the-platform"
        for name, value in options.items():
            if not hasattr(self, name):
                raise TypeError(f"no such option: {name}")
            setattr(self, name, value)
        self.ca = pki.ca
        self.issued = []
        self.failures = []
        self.violations = []
        self.violations_expected = False
        self.requests = []
        self._wanted = {}
        self._codes = {}
        self._claims = {}
        self._revoked = set()
        self._seen = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._servers = [Server(self, pki.chain(certificate_kind)), Server(self, None)]

    def start(self):
        for server in self._servers:
            server.start()
        return self

    def stop(self):
        self._stopped.set()
        for server in self._servers:
            server.stop()

    # --- for tests

    @property
    def authority(self):
        return f"https://localhost:{self._servers[0].port}"

    @property
    def plain(self):
        return f"http://127.0.0.1:{self._servers[1].port}"

    def machine(self, kind):
        """The environment of a program on such a machine."""
        return {
            "imds": {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.plain},
            "app-service": {"IDENTITY_ENDPOINT": f"{self.plain}/msi/token",
                            "IDENTITY_HEADER": self.header},
            "azure-ml": {"MSI_ENDPOINT": f"{self.plain}/msi/token",
                         "MSI_SECRET": self.header},
            "cloud-shell": {"MSI_ENDPOINT": f"{self.plain}/msi/token"},
            "arc": {"IDENTITY_ENDPOINT": f"{self.plain}/metadata/identity/oauth2/token",
                    "IMDS_ENDPOINT": self.plain},
        }[kind]

    def fail(self, where, **how):
        self._wanted.setdefault(where, []).append(Failure(**how))

    def mend(self):
        self._wanted.clear()

    def asked(self, where):
        return [request for request in self.requests if request.where == where]

    def accepts(self, token):
        """Whether the mail service takes this one: issued here, for it, and not revoked."""
        text = token.decode("latin-1") if isinstance(token, bytes) else token
        claims = self._claims.get(text)
        return bool(claims) and text not in self._revoked and \
            claims["aud"] == SCOPE.removesuffix("/.default") and \
            claims["exp"] > time.time() + self.clock

    def revoke(self):
        """What was issued until now is refused from now on."""
        self._revoked.update(self.issued)

    # --- answers

    def issue(self, audience, **claims):
        now = int(time.time() + self.clock)
        with self._lock:
            body = {"aud": audience, "exp": now + self.lifetime, "iat": now, "nbf": now,
                    "appid": self.client_id, "tid": "contoso",
                    "uti": f"n{len(self.issued)}", **claims}
            token = assertions.unsigned(body)
            self.issued.append(token)
            self._claims[token] = body
        return token

    def answer(self, request):
        """(status, headers, body), or the Failure that says what else happens."""
        failure = self._failure(request.where)
        if failure and failure.how:
            return failure
        if failure:
            return self._refuse(failure)
        handler = getattr(self, f"_{request.where}", None)
        if handler is None:
            return 404, {}, "{}"
        return handler(request)

    def _failure(self, where):
        with self._lock:
            for failure in self._wanted.get(where, []):
                if failure.times is None or failure.times > 0:
                    if failure.times is not None:
                        failure.times -= 1
                    return failure
        return None

    def _refuse(self, failure):
        if failure.body is not None:
            return failure.status or 200, failure.headers, failure.body
        if failure.aadsts is None:
            return failure.status or 400, failure.headers, json.dumps(
                {"error": failure.error, "error_description": f"it is {failure.error}"})
        text = (f"AADSTS{failure.aadsts}: This is what it says.\r\nTrace ID: 0a\r\n"
                "Correlation ID: 0b\r\nTimestamp: 2026-11-29 00:00:00Z")
        return failure.status or 401, failure.headers, json.dumps(
            {"error": failure.error, "error_description": text,
             "error_codes": [failure.aadsts], "trace_id": "0a", "correlation_id": "0b"})

    def _no(self, aadsts, error="invalid_client", status=401):
        return self._refuse(Failure(aadsts=aadsts, error=error, status=status))

    def _token(self, request):
        if request.method != "POST":
            return self._no(900561, "invalid_request", 400)
        form = request.form
        grant = form.get("grant_type", "").removeprefix(
            "urn:ietf:params:oauth:grant-type:")
        if form.get("client_id") != self.client_id:
            return self._no(700016, "unauthorized_client", 400)
        return {"client_credentials": self._by_credentials,
                "refresh_token": self._by_refresh_token,
                "authorization_code": self._by_code,
                "device_code": self._by_device}[grant](request)

    def _by_credentials(self, request):
        form = request.form
        if "client_secret" in form:
            good = form["client_secret"] == self.client_secret
            return self._give(form) if good else self._no(7000215)
        if form.get("client_assertion_type") != \
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            return self._no(7000218)
        assertion = form.get("client_assertion", "")
        if assertion == self.federated:
            return self._give(form)
        claims = self._claims.get(assertion)
        if claims:
            return self._give(form) if claims["aud"] == EXCHANGE else self._no(700212)
        return self._by_certificate(request, assertion)

    def _by_certificate(self, request, assertion):
        if not self.certificate:
            return self._no(70021, "invalid_request", 400)
        fault = assertions.fault(assertion, self.certificate, self.client_id,
                                 self.authority + request.path,
                                 time.time() + self.clock, self._seen)
        if fault:
            self.violations.extend([] if fault == "time" else [fault])
            return self._no(700024 if fault == "time" else 700027)
        return self._give(request.form)

    def _give(self, form, **more):
        scope = form.get("scope", "")
        if not scope.startswith("https://"):
            return self._no(70011, "invalid_scope", 400)
        audience = scope.split()[0].removesuffix("/.default")
        return 200, {}, json.dumps({
            "token_type": "Bearer", "expires_in": self.lifetime,
            "ext_expires_in": self.lifetime, "access_token": self.issue(audience), **more})

    def _by_refresh_token(self, request):
        if request.form.get("refresh_token") != self.refresh_token:
            return self._no(70008, "invalid_grant", 400)
        return self._give(request.form, **self._next_refresh_token())

    def _next_refresh_token(self):
        if self.rotates:
            self.refresh_token = f"refresh.token.{len(self.issued)}"
        return {"refresh_token": self.refresh_token}

    # --- persons

    def _authorize(self, request):
        query = request.query
        if self.person == "no":
            answer = {"error": "access_denied", "error_description": "the person said no"}
        else:
            code = f"code-{len(self._codes)}"
            self._codes[code] = query
            answer = {"code": code}
        state = query["state"] if self.person != "other-state" else "another-one"
        self.person = "yes" if self.person == "other-state" else self.person
        to = query["redirect_uri"] + "?" + urllib.parse.urlencode(
            {**answer, "state": state, "session_state": "x"})
        return 302, {"Location": to}, ""

    def _by_code(self, request):
        form = request.form
        asked = self._codes.pop(form.get("code"), None)
        proof = assertions.base64url(
            hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri") or \
                asked.get("code_challenge_method") != "S256" or \
                asked.get("code_challenge") != proof:
            return self._no(50148, "invalid_grant", 400)
        return self._give({"scope": asked["scope"]}, **self._next_refresh_token())

    def _devicecode(self, request):
        self._codes["device"] = request.form
        return 200, {}, json.dumps({
            "device_code": "the-code-of-the-device", "user_code": "ABCD-1234",
            "verification_uri": f"{self.authority}/device", "expires_in": 900,
            "interval": 1, "message": "for people"})

    def _by_device(self, request):
        if request.form.get("device_code") != "the-code-of-the-device":
            return self._no(70000, "invalid_grant", 400)
        if self.person == "no":
            return self._no(0, "authorization_declined", 400)
        if self.pending > 0:
            self.pending -= 1
            return self._no(70016, "authorization_pending", 400)
        return self._give({"scope": self._codes["device"]["scope"]},
                          **self._next_refresh_token())

    # --- machines

    def _machine_answer(self, request, client_id, text_date=False):
        resource = request.query.get("resource") or request.form.get("resource")
        if self.identities is not None and client_id not in self.identities:
            return 400, {}, json.dumps({"error": "invalid_request",
                                        "error_description": "Identity not found"})
        token = self.issue(resource, appid=client_id or "system")
        end = self._claims[token]["exp"]
        answer = {"access_token": token, "resource": resource, "token_type": "Bearer",
                  "expires_on": time.strftime("%m/%d/%Y %H:%M:%S +00:00", time.gmtime(end))
                  if text_date else str(end)}
        if request.where == "metadata":
            answer.update(expires_in=str(self.lifetime), refresh_token="")
        return 200, {}, json.dumps(answer)

    def _metadata(self, request):
        if request.headers.get("Metadata") != "true":
            return 400, {}, json.dumps({"error": "bad_request_102"})
        if request.query.get("api-version") == "2020-06-01":
            return self._arc(request)
        return self._machine_answer(request, request.query.get("client_id"))

    def _arc(self, request):
        authorization = request.headers.get("Authorization")
        if authorization is None:
            return 401, {"WWW-Authenticate": f"Basic realm={self.arc_key}"}, ""
        with open(self.arc_key, encoding="ascii") as file:
            if authorization != f"Basic {file.read()}":
                return 403, {}, ""
        return self._machine_answer(request, None)

    def _msi(self, request):
        headers, query = request.headers, request.query
        if request.method == "POST":
            return self._machine_answer(request, None)
        if query.get("api-version") == "2019-08-01":
            good = headers.get("X-IDENTITY-HEADER") == self.header
            client_id = query.get("client_id")
        else:
            good = headers.get("secret") == self.header
            client_id = query.get("clientid")
        if not good:
            return 401, {}, json.dumps({"error": "the header is not this one"})
        return self._machine_answer(request, client_id,
                                    query.get("api-version") == "2017-09-01")


PLACES = {"token": "token", "devicecode": "devicecode", "authorize": "authorize"}


def place_of(path):
    if path.startswith("/metadata/identity/"):
        return "metadata"
    if path.startswith("/msi/"):
        return "msi"
    return PLACES.get(path.rsplit("/", 1)[-1], "nowhere")


class Handler(http.server.BaseHTTPRequestHandler):
    timeout = 60
    identity = None

    def do_GET(self):
        self._do()

    def do_POST(self):
        self._do()

    def log_message(self, format, *args):
        pass

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + self.identity.clock)

    def _do(self):
        identity = self.identity
        url = urllib.parse.urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        form = self.rfile.read(length).decode("latin-1")
        request = Request(place_of(url.path), self.command, url.path,
                          dict(urllib.parse.parse_qsl(url.query)), dict(self.headers),
                          dict(urllib.parse.parse_qsl(form)))
        identity.requests.append(request)
        answer = identity.answer(request)
        if isinstance(answer, Failure):
            self._misbehave(answer)
            return
        request.status, headers, body = answer
        self._reply(request.status, headers, body.encode())

    def _reply(self, status, headers, body, kind="application/json; charset=utf-8"):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)),
                            **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _misbehave(self, failure):
        stopped = self.identity._stopped
        if failure.how == "silence":
            stopped.wait(120)
        elif failure.how == "html":
            self._reply(200, {}, b"<html><body>Please log in to the hotel</body></html>",
                        "text/html")
        elif failure.how == "huge":
            self._reply(200, {}, b'{"access_token":"' + b"x" * HUGE + b'"}')
        elif failure.how == "redirect":
            self._reply(302, {"Location": f"{self.identity.plain}/elsewhere/token"}, b"")
        elif failure.how == "endless":
            self.send_response(200)
            self.end_headers()
            while not stopped.wait(0.01):
                self.wfile.write(b" ")


class Server:
    """One port; with TLS if there is a chain. Handshakes are the connections' own affair."""

    def __init__(self, identity, chain):
        self.identity = identity
        handler = type("Handler", (Handler,), {"identity": identity})
        self.server = Quiet(("127.0.0.1", 0), handler)
        self.server.identity = identity
        if chain:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*chain)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,),
                                       daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        if self.thread.is_alive():
            self.server.shutdown()
        self.server.server_close()


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    block_on_close = False
    identity = None

    def handle_error(self, request, client_address):
        """A client may leave early; anything else is our own mistake."""
        if not isinstance(sys.exc_info()[1], OSError):
            self.identity.failures.append(traceback.format_exc())
