"""The HTTP server of the stand-in for Prolific: its API, and a page for a person at a browser.

/api/v1/..., /.well-known/study/jwks.json     the API, see operations.py
GET /submissions/complete?cc=CODE             where participants come back to; see participant_site
GET /rehearsal/proof, POST /rehearsal/clock, POST /rehearsal/faults      as for MTurk
"""

import base64
import contextlib
import hashlib
import hmac
import json
import ssl
import threading
import uuid
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from tasks.crowds.rehearsals import PROOF, is_loopback, proof_of
from tasks.simulation.rehearsal.faults import Dropped, Faults, Troublemaker, WebPage
from tasks.simulation.rehearsal.prolific import participant_site
from tasks.simulation.rehearsal.prolific.errors import Fault, NotAllowed, broken, busy, missing
from tasks.simulation.rehearsal.prolific.market import ProlificMarket
from tasks.simulation.rehearsal.prolific.operations import PUBLIC, operation_for
from tasks.simulation.rehearsal.prolific.schemas import check_answer, check_body
from tasks.simulation.rehearsal.server import HTML, REFUSED, Handler, running

JSON = "application/json"
TOLD_EVERY = 0.2  # seconds between two looks for events that hooks should be told


class ProlificServer(ThreadingHTTPServer):
    """One stand-in at one address; each connection has a thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, market: ProlificMarket, trouble: Troublemaker, port: int = 0, token: str = ""
    ) -> None:
        """`token`: the only one that is taken; "": any."""
        self.market, self.trouble, self.token = market, trouble, token
        self.trusted: ssl.SSLContext | bool = True  # certificates of sites that hooks are sent to
        self.ended = threading.Event()
        super().__init__(("127.0.0.1", port), ProlificHandler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        """Say nothing of a client that went away."""

    def answer(
        self, method: str, target: str, authorization: str, body: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        """Carry out a request: the answer's status, body and headers. Raises Fault.

        An answer that its schema does not allow is noted.
        """
        address = urlsplit(target)
        if (asked := operation_for(method, address.path)) is None:
            raise missing("The page")
        operation, ids = asked
        if operation not in PUBLIC:
            self._check(authorization)
        given: Any = dict(parse_qsl(address.query))
        if method != "GET":
            given = _json(body)
            check_body(operation.name, given)
        with self.market.lock:
            self.market.calls[operation.name] += 1
            self.market.last_call = operation.name
            self.market.settle()
            answer = operation.carry_out(self.market, given, *ids)
            self.market.settle()
            headers: dict[str, str] = {}
            if operation.name == "subscribe":
                newest = list(self.market.subscriptions.values())[-1]
                headers["X-Hook-Secret"] = newest["confirmation"]
        try:
            check_answer(operation.name, answer)
        except AssertionError as error:
            self.market.broken.append(str(error))
            raise
        return operation.status, json.dumps(answer).encode(), headers

    def _check(self, authorization: str) -> None:
        scheme, _, token = authorization.partition(" ")
        if scheme != "Token" or not token or (self.token and token != self.token):
            raise Fault(401, "Authentication failed", "The token is missing or wrong.")

    def tell_hooks(self) -> None:
        """Tell subscribers what has happened: each event twice, the newest first."""
        with self.market.lock:
            news, self.market.news = self.market.news[::-1], []
            hooks = [s for s in self.market.subscriptions.values() if _can_be_told(s)]
        for kind, event in news:
            for hook in hooks:
                if hook["event_type"] == kind:
                    self._tell(hook["target_url"], event)

    def _tell(self, address: str, event: dict) -> None:
        body, stamp = json.dumps(event).encode(), str(int(self.market.clock.now().timestamp()))
        signed = hmac.new(self.market.secret.encode(), stamp.encode() + body, hashlib.sha256)
        headers = {
            "Content-Type": JSON,
            "X-Event-ID": str(uuid.uuid4()),
            "X-Prolific-Request-Timestamp": stamp,
            "X-Prolific-Request-Signature": base64.b64encode(signed.digest()).decode(),
        }
        for _ in range(2):
            with contextlib.suppress(httpx2.HTTPError):
                httpx2.post(
                    address,
                    content=body,
                    headers=headers,
                    timeout=5,
                    trust_env=False,
                    verify=self.trusted,
                )

    def tell(self) -> None:
        """Keep the hooks told until the server ends."""
        while not self.ended.wait(TOLD_EVERY):
            self.tell_hooks()


class ProlificHandler(Handler):
    """One connection."""

    server: ProlificServer  # type: ignore[assignment]

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == PROOF:
            self._send(200, "text/plain", proof_of(address.query).encode())
        elif address.path == "/" or address.path.startswith("/submissions/complete"):
            self._participant("", dict(parse_qsl(address.query)))
        else:
            self._answer(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if path.startswith("/rehearsal/"):
            self._turn(path.removeprefix("/rehearsal/"), json.loads(body or b"{}"))
        elif path.startswith("/participant/"):
            self._participant(path.removeprefix("/participant/"), dict(parse_qsl(body.decode())))
        else:
            self._answer(body)

    do_PATCH = do_POST

    def _answer(self, body: bytes) -> None:
        status = 200
        headers: dict[str, str] = {}

        def effect() -> bytes:
            nonlocal status, headers
            authorization = self.headers.get("Authorization") or ""
            status, answer, headers = self.server.answer(
                self.command, self.path, authorization, body
            )
            return answer

        try:
            answer = self.server.trouble.around(effect)
        except Fault as fault:
            self._send(fault.status, JSON, fault.body())
        except WebPage as page:
            self._send(page.status, HTML, page.body)
        except Dropped:
            self._drop()
        else:
            self._send(status, JSON, answer, headers)

    def _participant(self, what: str, given: dict[str, str]) -> None:
        """What a person at a browser does; see participant_site."""
        market = self.server.market
        try:
            if what == "take":
                self._go_to(participant_site.take(market, given.get("study", "")))
            elif what == "return":
                participant_site.give_back(market, given.get("submission", ""))
                self._go_to("/")
            elif "cc" in given:
                participant_site.complete(market, given["cc"])
                self._go_to("/")
            else:
                self._send(200, HTML, participant_site.home(market).encode())
        except NotAllowed as error:
            self._send(409, HTML, REFUSED.format(error).encode())


def _can_be_told(subscription: dict[str, Any]) -> bool:
    """Whether it was confirmed and is on this machine: a rehearsal tells nobody else."""
    return subscription["is_enabled"] and is_loopback(subscription["target_url"])


def _json(body: bytes) -> object:
    try:
        return json.loads(body or b"{}")
    except ValueError as error:
        raise Fault(400, "Bad request", f"The body is not JSON: {error}") from None


@contextlib.contextmanager
def serving_prolific(
    market: ProlificMarket,
    faults: Faults | None = None,
    seed: int = 0,
    port: int = 0,
    token: str = "",
) -> Iterator[ProlificServer]:
    """Serve the stand-in on this machine until the block ends; OSError: the port is taken."""
    trouble = Troublemaker(faults or Faults(), seed, busy, broken)
    with running(ProlificServer(market, trouble, port, token)) as server:
        teller = threading.Thread(target=server.tell)
        teller.start()
        try:
            yield server
        finally:
            server.ended.set()
            teller.join()
