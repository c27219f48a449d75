"""A stand-in for a panel: it sends people with ids to a study, takes them back, and pays by table.

GET /                      the study, for whoever wants to take part by hand
GET /join?id=PERSON        a new session of that person: on to the study
GET /back?id=&of=&cc=      a person comes back; the page says what the panel makes of it
GET /rehearsal/proof       by which the site knows its own rehearsal (tasks/crowds/rehearsals.py)

A browser meets it as another origin than the site's.
"""

import contextlib
import secrets
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from tasks.crowds.rehearsals import PROOF, proof_of
from tasks.models import Campaign, Session

HTML = "text/html; charset=utf-8"
CODES = {"done": "C0DONE", "screened_out": "C0OUT", "no_consent": "C0NO", "no_work": "C0NONE"}
MISTAKEN = ("MISTAKEN", "")  # what people type who have lost the code
PAGE = "<!DOCTYPE html><html lang=en><title>A panel</title><main><h1>{}</h1>{}</main>"


@dataclass
class Panel:
    """What the panel keeps: who was sent for which session, how they came back, what it paid."""

    study: str = ""  # the address that was pasted, without its query
    sent: dict[str, str] = field(default_factory=dict)  # by session: the person's id
    returned: dict[str, list[str]] = field(default_factory=dict)  # by session: codes, as they came
    strange: list[str] = field(default_factory=list)  # who came back without having been sent so
    paid: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # by session
    address: str = ""

    def setting(self) -> dict[str, Any]:
        """The campaign's setting `panel` for it."""
        return {
            "id_param": "PID",
            "session_param": "SID",
            "completion_url": f"{self.address}/back?id={{id}}&of={{session}}&cc={{code}}",
            "codes": CODES,
            "id_pattern": "[a-z0-9-]{1,40}",
            "ids": None,
        }

    def send(self, person: str) -> str:
        """A new session of a person; the address to which they are sent for it."""
        session = secrets.token_hex(8)
        self.sent[session] = person
        return self.address_for(person, session)

    def address_for(self, person: str, session: str) -> str:
        """The study's address for a session."""
        return f"{self.study}?{urlencode({'PID': person, 'SID': session})}"

    def take_back(self, person: str, session: str, code: str) -> bool:
        """A person comes back. Returns whether they were sent for that session."""
        if self.sent.get(session) != person:
            self.strange.append(f"{person} came back for {session} with {code!r}")
            return False
        self.returned.setdefault(session, []).append(code)
        return True

    def pay(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Pay what an uploaded table of payments says is owed, to people who were sent."""
        for row in rows:
            if self.sent.get(row["session"]) != row["worker"]:
                self.strange.append(f"{row['worker']} was to be paid for {row['session']}")
            else:
                self.paid[row["session"]] += Decimal(row["owed"])

    def disagreements(self, campaign: Campaign) -> list[str]:
        """Where what people came back with is not what the site says of their sessions."""
        wrong = list(self.strange)
        sessions = {each.key: each for each in Session.objects.filter(campaign=campaign)}
        for key, codes in self.returned.items():
            session = sessions.get(key)
            outcome = session.outcome if session is not None else "no_work"
            expected = CODES.get(outcome)
            wrong += [
                f"session {key} is {outcome or 'running'}, and its person came back with {code}"
                for code in set(codes).difference(MISTAKEN)
                if code != expected
            ]
        for key, session in sessions.items():
            if self.sent.get(key) != session.worker.external_id:
                wrong.append(f"session {key} is {session.worker.external_id}'s on the site")
        return wrong


class Server(ThreadingHTTPServer):
    """One panel at one address."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, panel: Panel, port: int = 0) -> None:
        self.panel = panel
        super().__init__(("127.0.0.1", port), Handler)
        panel.address = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        """Say nothing of a client that went away."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        given = dict(parse_qsl(address.query))
        panel = self.server.panel
        if address.path == PROOF:
            self._send(200, proof_of(address.query), "text/plain")
        elif address.path == "/":
            form = "<form action=/join><label>Your id <input name=id></label> <button>Take part"
            self._send(200, PAGE.format("A study on pictures", form))
        elif address.path == "/join":
            self.send_response(303)
            self.send_header("Location", panel.send(given.get("id", "")))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif address.path == "/back":
            self._back(given)
        else:
            self._send(404, PAGE.format("No such page", ""))

    def _back(self, given: dict[str, str]) -> None:
        code = given.get("cc", "")
        if not self.server.panel.take_back(given.get("id", ""), given.get("of", ""), code):
            self._send(403, PAGE.format("We did not send you", ""))
            return
        outcomes = {code: outcome.replace("_", " ") for outcome, code in CODES.items()}
        said = outcomes.get(code, "not known to us")
        self._send(200, PAGE.format("Welcome back", f"<p>Your session: {escape(said)}.</p>"))

    def _send(self, status: int, text: str, kind: str = HTML) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: a rehearsal answers thousands of requests."""


@contextlib.contextmanager
def panel_serving(port: int = 0) -> Iterator[Panel]:
    """Serve a panel on this machine until the block ends. Raises OSError if the port is taken."""
    panel = Panel()
    server = Server(panel, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield panel
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def joined(panel: Panel, person: str) -> str:
    """The panel's own address at which a browser takes part as that person."""
    return f"{panel.address}/join?id={quote(person)}"
