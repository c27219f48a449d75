"""The stand-in's HTTP server: the requester's API, externalSubmit, and a few knobs.

POST /                        an operation, as botocore sends it
POST /mturk/externalSubmit    where a HIT's page hands in its answer
GET /rehearsal/proof          by which the site knows its own rehearsal (tasks/crowds/rehearsals.py)
POST /rehearsal/clock         {"seconds": n}: move the marketplace's clock forward
POST /rehearsal/faults        {"dropped": 0.05, ...}: see faults.py
"""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from tasks.crowds.rehearsals import PROOF, proof_of
from tasks.simulation.rehearsal import protocol, worker_site
from tasks.simulation.rehearsal.faults import Dropped, Faults, Troublemaker, WebPage
from tasks.simulation.rehearsal.market import Market, NotAllowed
from tasks.simulation.rehearsal.protocol import Fault

JSON = "application/x-amz-json-1.1"
HTML = "text/html; charset=utf-8"
HANDED_IN = "<!DOCTYPE html><title>Handed in</title><p>Your work was handed in. Thank you.</p>"
REFUSED = "<!DOCTYPE html><title>Not handed in</title><p>Not handed in: {}.</p>"


class Server(ThreadingHTTPServer):
    """One marketplace at one address; each connection has a thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, market: Market, trouble: Troublemaker, port: int = 0) -> None:
        self.market, self.trouble = market, trouble
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        """Say nothing of a client that went away."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        try:
            if path == "/mturk/externalSubmit":
                self._hand_in(parse_qsl(body.decode(), keep_blank_values=True))
            elif path.startswith("/worker/"):
                self._worker(path.removeprefix("/worker/"), dict(parse_qsl(body.decode())))
            elif path.startswith("/rehearsal/"):
                self._turn(path.removeprefix("/rehearsal/"), json.loads(body or b"{}"))
            else:
                self._operation(body)
        except Dropped:
            self._drop()

    def _drop(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/mturk/externalSubmit":
            self._hand_in(parse_qsl(address.query, keep_blank_values=True))
        elif address.path == PROOF:
            self._send(200, "text/plain", proof_of(address.query).encode())
        elif address.path == "/":
            self._send(200, HTML, worker_site.home(self.server.market).encode())
        else:
            self._worker(address.path.removeprefix("/worker/"), dict(parse_qsl(address.query)))

    def _worker(self, what: str, given: dict[str, str]) -> None:
        """What a person at a browser does; see worker_site."""
        market = self.server.market
        hit, assignment = given.get("hit", ""), given.get("assignment", "")
        try:
            if self.command == "POST" and what == "accept":
                self._go_to(worker_site.accept(market, hit))
            elif self.command == "POST" and what == "return":
                worker_site.give_back(market, assignment)
                self._go_to("/")
            elif self.command == "GET" and what == "preview":
                self._send(200, HTML, worker_site.preview(market, hit).encode())
            elif self.command == "GET" and what == "work":
                page = worker_site.work(market, self.server.address, assignment)
                self._send(200, HTML, page.encode())
            else:
                self._send(404, "text/plain", b"A rehearsal of Mechanical Turk: see /\n")
        except NotAllowed as error:
            self._send(409, HTML, REFUSED.format(error).encode())

    def _go_to(self, address: str) -> None:
        self.send_response(303)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _operation(self, body: bytes) -> None:
        def effect() -> bytes:
            name, parameters = protocol.read(self.headers.get("X-Amz-Target", ""), body)
            return protocol.write(name, self.server.market.carry_out(name, parameters))

        try:
            self._send(200, JSON, self.server.trouble.around(effect))
        except Fault as fault:
            self._send(fault.status, JSON, fault.body())
        except WebPage as page:
            self._send(page.status, HTML, page.body)

    def _hand_in(self, fields: list[tuple[str, str]]) -> None:
        try:
            self.server.market.hand_in(dict(fields).get("assignmentId", ""), fields)
        except NotAllowed as error:
            self._send(400, HTML, REFUSED.format(error).encode())
        else:
            self._send(200, HTML, HANDED_IN.encode())

    def _turn(self, knob: str, given: dict) -> None:
        try:
            if knob == "clock":
                now = self.server.market.clock.move(timedelta(seconds=given["seconds"]))
                self.server.market.settle()
                self._send(200, "application/json", json.dumps(now.isoformat()).encode())
            elif knob == "faults":
                self.server.trouble.faults = Faults(**given)
                self._send(200, "application/json", b"{}")
            else:
                self._send(404, "application/json", b'"no such knob"')
        except (TypeError, ValueError, KeyError) as error:
            self._send(400, "application/json", json.dumps(str(error)).encode())

    def _send(
        self, status: int, kind: str, body: bytes, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The marketplace's own time, which may be ahead."""
        return format_datetime(self.server.market.clock.now(), usegmt=True)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: a rehearsal answers thousands of requests."""


@contextlib.contextmanager
def serving(
    market: Market, faults: Faults | None = None, seed: int = 0, port: int = 0
) -> Iterator[Server]:
    """Serve the marketplace on this machine until the block ends.

    Raises OSError if the port is taken.
    """
    with running(Server(market, Troublemaker(faults or Faults(), seed), port)) as server:
        yield server


AnyServer = TypeVar("AnyServer", bound=ThreadingHTTPServer)


@contextlib.contextmanager
def running(server: AnyServer) -> Iterator[AnyServer]:
    """Let a server answer in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
