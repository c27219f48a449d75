"""Prolific's API: one client, and every way in which a call can end.

`RequestRefused` means that the call had no effect. Any other error of a call that changes something
leaves that open, and the caller must look before asking again: only reads are repeated here, and
calls that were refused because Prolific was too busy (429).
"""

import os
import re
import threading
import time
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import stamina
from django.conf import settings
from django.utils import timezone

from tasks.crowds import CrowdError
from tasks.crowds.rehearsals import is_loopback

API = "/api/v1"
KEYS = "/.well-known/study/jwks.json"
CONNECT, READ = 5.0, 30.0  # seconds
ATTEMPTS, PATIENCE = 8, 60.0  # of a read or a busy service: times, seconds in all
CONNECTIONS = 3  # attempts to connect, before nobody is said to listen
LONGEST_WAIT = 20.0  # seconds that a Retry-After is taken for
PAGE = 100
MOST_PAGES = 10_000
SHOWN = 300  # characters of an error
SAFE = re.compile(r"[\x21-\x7e]+")  # what a token may consist of


stamina.instrumentation.set_on_retry_hooks([])  # the error at the end says enough


class RequestRefused(CrowdError):
    """Prolific answered that the request is wrong: it had no effect."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Unreachable(CrowdError):
    """No connection came about, so the call had no effect."""


class Unclear(CrowdError):
    """The call may have had its effect, or not."""


class _Busy(Exception):
    """Refused for now: no effect, and Prolific may say when to ask again."""

    def __init__(self, after: float | None) -> None:
        super().__init__("busy")
        self.after = after


class _Token(httpx2.Auth):
    """Adds the token to a request; nothing else of this process holds it."""

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = f"Token {settings.PROLIFIC_API_TOKEN.strip()}"
        yield request


class Client:
    """The API at one address. Calls may come from several threads."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._ahead = timedelta()
        self._last = threading.local()  # the headers of the last answer
        self._http = httpx2.Client(
            base_url=address,
            timeout=httpx2.Timeout(READ, connect=CONNECT),
            headers={"Accept": "application/json", "User-Agent": "second-look"},
            follow_redirects=False,
            trust_env=not is_loopback(address),
        )

    def read(self, path: str, **parameters: Any) -> Any:
        """The answer to a GET, asked again while the service is out of order. Raises CrowdError."""
        return self._patiently("GET", path, parameters, None, repeatable=True)

    def compute(self, path: str, body: Any) -> Any:
        """The answer to a POST that changes nothing, so it is asked like a read."""
        return self._patiently("POST", path, {}, body, repeatable=True)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """A call that changes something, made once. Raises RequestRefused, Unreachable, Unclear."""
        return self._patiently(method, path, {}, body, repeatable=False)

    def rows(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every element of a list, over all its pages, whatever size the pages have."""
        seen: set[str] = set()
        for number in range(1, MOST_PAGES):
            try:
                page = self.read(path, **parameters, page_size=PAGE, page=number)
            except RequestRefused:
                if number == 1:
                    raise
                return  # there is no such page
            new = [row for row in self.results(path, page) if row["id"] not in seen]
            if not new:
                return
            seen |= {row["id"] for row in new}
            yield from new
        raise CrowdError(f"{self.address}: {path} has no end")

    def results(self, path: str, answer: Any) -> list[dict[str, Any]]:
        """The elements in an answer. Raises CrowdError if it is not Prolific's."""
        rows = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(r, dict) and "id" in r for r in rows):
            raise self._strange(path, "an answer without results")
        return rows

    def keys(self) -> Any:
        """The public keys by which Prolific signs."""
        return self._patiently("GET", KEYS, {}, None, repeatable=True)

    def header(self, name: str) -> str:
        """A header of the last answer that this thread got; "": it had none."""
        headers: httpx2.Headers | None = getattr(self._last, "headers", None)
        return headers.get(name, "") if headers is not None else ""

    def now(self) -> datetime:
        """Prolific's time."""
        return timezone.now() + self._ahead

    def _patiently(
        self, method: str, path: str, parameters: dict[str, Any], body: Any, repeatable: bool
    ) -> Any:
        failed_to_connect = 0

        def again(error: Exception) -> bool | float:
            nonlocal failed_to_connect
            if isinstance(error, _Busy):
                return True if error.after is None else min(error.after, LONGEST_WAIT)
            if isinstance(error, Unreachable):
                failed_to_connect += 1
                return failed_to_connect < CONNECTIONS
            return repeatable and isinstance(error, Unclear)

        try:
            for attempt in stamina.retry_context(again, attempts=ATTEMPTS, timeout=PATIENCE):
                with attempt:
                    return self._once(method, path, parameters, body)
        except _Busy:
            raise CrowdError(f"{self._name()} is too busy: try again in a few minutes") from None
        raise AssertionError

    def _once(self, method: str, path: str, parameters: dict[str, Any], body: Any) -> Any:
        """One request. Raises _Busy, RequestRefused, Unreachable, Unclear."""
        inside = path != KEYS
        url = f"{API}{path}" if inside else path
        began = time.monotonic()
        try:
            answer = self._http.request(
                method,
                url,
                params=parameters or None,
                json=body,
                auth=_Token() if inside else None,
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as error:
            raise Unreachable(
                f"{self._name()} does not answer ({_why(error)}); PROLIFIC_API_URL says where it is"
            ) from None
        except httpx2.HTTPError as error:
            after = f" after {time.monotonic() - began:.0f} s"
            raise Unclear(
                f"{self._name()} gave no answer to {method} {path}{after} ({_why(error)})"
            ) from None
        self._last.headers = answer.headers
        self._look_at_clock(answer.headers.get("date"))
        if answer.status_code == 429:
            raise _Busy(_seconds(answer.headers.get("retry-after")))
        if answer.status_code >= 500:
            raise Unclear(
                f"{self._name()} is out of order: {method} {path} failed with status"
                f" {answer.status_code}{self._said(answer)}"
            )
        if answer.status_code >= 400:
            raise self._refused(method, path, answer)
        if answer.status_code >= 300:
            raise self._strange(path, f"it leads elsewhere, status {answer.status_code}")
        if not answer.content:
            return None
        if "csv" in answer.headers.get("content-type", ""):
            return answer.text
        try:
            return answer.json()
        except ValueError:
            page = "html" in answer.headers.get("content-type", "")
            what = "a web page answered" if page else "the answer is not JSON"
            raise self._strange(path, what) from None

    def _refused(self, method: str, path: str, answer: httpx2.Response) -> CrowdError:
        status = answer.status_code
        if status == 401 or (status == 403 and path == "/workspaces/"):
            return RequestRefused(
                f"{self._name()} does not accept the token in PROLIFIC_API_TOKEN"
                f"{self._said(answer)}",
                status,
            )
        return RequestRefused(f"Prolific refused {method} {path}{self._said(answer)}", status)

    def _strange(self, path: str, what: str) -> CrowdError:
        return Unclear(
            f"{self._name()} does not speak Prolific's API at {path}: {what}."
            " Check PROLIFIC_API_URL."
        )

    def _name(self) -> str:
        return f"Prolific ({self.address})"

    def _said(self, answer: httpx2.Response) -> str:
        """What the service says is wrong, in whichever form, as the end of a sentence."""
        try:
            said = _texts(answer.json())
        except ValueError:
            said = ""
        said = _without_token(" ".join(said.split()))
        return f": {said[:SHOWN]}" if said else f" (status {answer.status_code})"

    def _look_at_clock(self, date: str | None) -> None:
        try:
            ahead = parsedate_to_datetime(date or "") - timezone.now()
        except (TypeError, ValueError):
            return
        self._ahead = ahead if abs(ahead) > timedelta(minutes=1) else timedelta()


def _texts(said: Any) -> str:
    """The sentences in an error of Prolific: {"error": {...}}, {"message", "detail"}, or parts."""
    if isinstance(said, str):
        return said
    if isinstance(said, list):
        return "; ".join(filter(None, map(_texts, said)))
    if not isinstance(said, dict):
        return ""
    if "error" in said:
        return _texts(said["error"])
    known = [said[name] for name in ("title", "message", "detail") if said.get(name)]
    if known:
        parts = list(dict.fromkeys(map(_texts, known)))
        return ": ".join(filter(None, parts))
    named = ((name, _texts(value)) for name, value in said.items())
    return "; ".join(f"{name}: {text}" for name, text in named if text)


def _without_token(text: str) -> str:
    token = settings.PROLIFIC_API_TOKEN.strip()
    return text.replace(token, "(the token)") if token else text


def _why(error: Exception) -> str:
    """Why no answer came; the error's own words may quote the request."""
    return type(error).__name__


def _seconds(after: str | None) -> float | None:
    try:
        return max(float(after or ""), 0.0)
    except ValueError:
        return None


_clients: dict[tuple[int, str], Client] = {}
_lock = threading.Lock()


def client() -> Client:
    """This process's client of Prolific. Raises CrowdError where there is no token to use."""
    if wrong := wrong_token():
        raise CrowdError(wrong)
    key = os.getpid(), settings.PROLIFIC_API_URL
    with _lock:
        if key not in _clients:
            _clients[key] = Client(settings.PROLIFIC_API_URL)
        return _clients[key]


def wrong_token() -> str:
    """What is wrong with the token, without showing it; "" if nothing is."""
    token = settings.PROLIFIC_API_TOKEN.strip()
    if not token:
        return "PROLIFIC_API_TOKEN is not set: make a token in Prolific's settings, API tokens"
    if not SAFE.fullmatch(token):
        return "PROLIFIC_API_TOKEN holds a character that no token has: copy it again"
    return ""
