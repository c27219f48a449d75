"""MTurk's API: one client, at most its rate, and every way in which a call can end.

`RequestRefused` means that the call had no effect. Any other error leaves that open, and the caller
must look before asking again.
"""

import functools
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)
from botocore.httpsession import URLLib3Session
from botocore.loaders import create_loader
from botocore.utils import get_environ_proxies
from django.conf import settings
from django.utils import timezone

from tasks.crowds import CrowdError, NotThere, Unavailable
from tasks.crowds.rehearsals import is_loopback
from tasks.models import Campaign

SANDBOX = "https://mturk-requester-sandbox.us-east-1.amazonaws.com"
PRODUCTION = "https://mturk-requester.us-east-1.amazonaws.com"
CLOSED = (
    "Amazon closed Mechanical Turk for good on September 30, 2026. Use the crowd `local`"
    " (invitation links), or point MTURK_ENDPOINT_URL to an endpoint that speaks its API:"
    " `manage.py rehearse` is one."
)
AT_ONCE = 16  # calls in flight: some wait to be tried again and must not hold up the others
ATTEMPTS = 8
MISSED = 0.05  # seconds
LONGEST_WAIT = 20.0  # seconds between two of them
# Errors that will pass and do not blame the request, whatever their type.
BUSY = re.compile(r"throttl|rate ?exceeded|too ?many ?requests|service ?unavailable", re.IGNORECASE)
# Errors that blame the key, in whichever member they stand.
KEY = re.compile(
    r"UnrecognizedClient|InvalidClientTokenId|AuthFailure|Authentication|NotAuthorized|AccessDenied"
    r"|ExpiredToken|security token|access key|signature",
    re.IGNORECASE,
)
NO_ASSIGNMENT = re.compile(r"AssignmentDoesNotExist|assignment\b.* does not exist", re.IGNORECASE)
KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
CONNECT, READ = 5, 15  # seconds for one try
SILENCE = 30  # seconds in which a call's tries got no answer, after which nothing is tried again
PAGE = 100
AWAKE = 5.0  # seconds for which the endpoint counts as reachable after an answer, or as silent

T = TypeVar("T")
R = TypeVar("R")


class RequestRefused(CrowdError):
    """MTurk answered that the request is wrong: it had no effect."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class AssignmentGone(RequestRefused, NotThere):
    """MTurk does not know the assignment, or does not know it any more."""


class Pace:
    """At most `rate` requests a second, over all threads; 0: no limit.

    Requests that a delay held up may follow faster, but only up to MISSED seconds' worth of them.
    """

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, **event: Any) -> None:
        """Wait until a request may be sent; botocore calls this before each, retries included."""
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            at = max(now - MISSED, self._next)
            self._next = at + self._gap
        time.sleep(max(at - now, 0.0))


# botocore's descriptions of the APIs, read once and not by each client.
_descriptions = functools.cache(create_loader)


class Client:
    """The API at one endpoint. Calls may come from several threads."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.answered_at: float | None = None
        self._silent: tuple[float, str] | None = None  # when a call was given up, and why
        self._call = threading.local()
        self._ahead = timedelta()
        session = botocore.session.Session()
        session.register_component("data_loader", _descriptions())
        keys = {}
        if is_loopback(endpoint) and session.get_credentials() is None:
            keys = {"aws_access_key_id": "rehearsal", "aws_secret_access_key": "rehearsal"}
        self._boto = boto3.session.Session(botocore_session=session).client(
            "mturk",
            region_name="us-east-1",
            endpoint_url=endpoint,
            config=Config(
                retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
                connect_timeout=CONNECT,
                read_timeout=READ,
                max_pool_connections=2 * AT_ONCE,
            ),
            **keys,
        )
        self._boto.meta.events.register("before-send.mturk", Pace(_rate(endpoint)).wait)
        self._boto.meta.events.register("response-received.mturk", self._look_at_silence)

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation by boto3's name.

        Raises RequestRefused, Unavailable, and CrowdError (effect unclear).
        """
        if self._silent and time.monotonic() - self._silent[0] < AWAKE:
            raise Unavailable(self._silent[1])
        self._call.silence = 0.0
        try:
            answer = self._tried(operation, parameters)
        except ClientError as error:
            raise self._classified(operation, error) from None
        except (NoCredentialsError, PartialCredentialsError):
            raise Unavailable(
                f"{self.endpoint}: no AWS credentials were found: set {KEYS}.{self._closed()}"
            ) from None
        except BotoCoreError as error:
            raise Unavailable(unreachable(self.endpoint, _in_words(error))) from None
        headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
        if "html" in headers.get("content-type", ""):
            raise Unavailable(not_mturk(self.endpoint, "a web page"))
        self.answered_at = time.monotonic()
        self._look_at_clock(headers.get("date"))
        return answer

    def _look_at_silence(self, exception: Exception | None = None, **event: Any) -> None:
        """Give a call up once its tries have waited SILENCE seconds for nothing.

        botocore calls this after each try, and takes 8 of them by itself.
        """
        if not isinstance(exception, ReadTimeoutError | ConnectTimeoutError):
            self._call.silence = 0.0
            return
        self._call.silence += READ if isinstance(exception, ReadTimeoutError) else CONNECT
        if self._call.silence >= SILENCE:
            why = unreachable(self.endpoint, f"no answer within {self._call.silence:g} seconds")
            self._silent = time.monotonic(), why
            raise Unavailable(why)

    def _tried(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Try again after a RequestError that will pass; botocore does so for its own types."""
        for attempt in range(ATTEMPTS):
            try:
                return getattr(self._boto, operation)(**parameters)
            except ClientError as error:
                if attempt + 1 == ATTEMPTS or not _is_busy(error, "RequestError"):
                    raise
            time.sleep(min(LONGEST_WAIT, 2**attempt) * random.random())
        raise AssertionError

    def pages(self, operation: str, member: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every element of a list operation, over all its pages."""
        token: dict[str, str] = {}
        while True:
            page = self.call(operation, MaxResults=PAGE, **parameters, **token)
            yield from page.get(member, [])
            # A page without elements can still name a next one.
            if not page.get("NextToken"):
                return
            if token.get("NextToken") == page["NextToken"]:
                raise CrowdError(f"{self.endpoint}: {operation} returns the same page for ever")
            token = {"NextToken": page["NextToken"]}

    def now(self) -> datetime:
        """The marketplace's time, by which it lets things expire."""
        return timezone.now() + self._ahead

    def _look_at_clock(self, date: str | None) -> None:
        try:
            ahead = parsedate_to_datetime(date or "") - timezone.now()
        except (TypeError, ValueError):
            return
        self._ahead = ahead if abs(ahead) > timedelta(minutes=1) else timedelta()

    def _classified(self, operation: str, error: ClientError) -> CrowdError:
        details = error.response.get("Error", {})
        kind = details.get("Code", "")
        code = str(error.response.get("TurkErrorCode", "")).removeprefix("AWS.MechanicalTurk.")
        message = details.get("Message") or error.response.get("Message") or "no message"
        text = f"MTurk refused {operation}: {message}{f' ({code})' if code else ''}"
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if KEY.search(f"{kind} {code} {message}") or (status == 401 and not kind.isdigit()):
            return Unavailable(
                f"{self.endpoint} does not accept the AWS key ({kind}: {message.rstrip('.')}):"
                f" check {KEYS}.{self._closed()}"
            )
        if kind == "ServiceFault" or status >= 500 or _is_busy(error):
            return CrowdError(
                f"{self.endpoint} is out of order: {operation} failed {ATTEMPTS} times,"
                f" last with: {message.rstrip('.')}.{self._closed()}"
            )
        if kind == "RequestError" or "ParameterValidation" in kind or code:
            is_gone = NO_ASSIGNMENT.search(f"{code} {message}")
            return AssignmentGone(text, code) if is_gone else RequestRefused(text, code)
        if kind.isdigit():  # an HTTP status: whatever answered does not speak the API
            return Unavailable(not_mturk(self.endpoint, f"status {kind}"))
        return CrowdError(f"{self.endpoint}: {operation}: {kind} {message}.{self._closed()}")

    def _closed(self) -> str:
        return f" {CLOSED}" if "amazonaws.com" in self.endpoint else ""


def _is_busy(error: ClientError, kind: str = "") -> bool:
    """Whether the service is too busy to answer; with `kind`, only if the error has that type."""
    details = error.response.get("Error", {})
    if kind and details.get("Code") != kind:
        return False
    code = error.response.get("TurkErrorCode", "")
    return bool(BUSY.search(f"{details.get('Code')} {code} {details.get('Message')}"))


def _in_words(error: BotoCoreError) -> str:
    if isinstance(error, ReadTimeoutError | ConnectTimeoutError):
        return "no answer in time"
    return "it closes the connection" if isinstance(error, ConnectionClosedError) else str(error)


def unreachable(endpoint: str, why: str) -> str:
    """The one line for an endpoint that does not answer."""
    return f"MTurk's endpoint {endpoint} does not answer ({why}). {CLOSED}"


def not_mturk(endpoint: str, what: str) -> str:
    """The one line for something else that answers there."""
    return f"What answers at MTurk's endpoint {endpoint} is not MTurk's API ({what}). {CLOSED}"


_clients: dict[str, Client] = {}
_lock = threading.Lock()


def endpoint_of(campaign: Campaign) -> str:
    """Where the campaign's marketplace is: MTURK_ENDPOINT_URL, or Amazon's own addresses."""
    return settings.MTURK_ENDPOINT_URL or (SANDBOX if campaign.sandbox else PRODUCTION)


def client_of(campaign: Campaign) -> Client:
    """The client of the campaign's endpoint. Raises Unavailable if nobody answers there."""
    endpoint = endpoint_of(campaign)
    known = _clients.get(endpoint)
    if known and known.answered_at and time.monotonic() - known.answered_at < AWAKE:
        return known
    _knock(endpoint)
    with _lock:
        if endpoint not in _clients:
            try:
                _clients[endpoint] = Client(endpoint)
            except (ValueError, BotoCoreError) as error:
                raise Unavailable(f"MTURK_ENDPOINT_URL: {error}") from None
        return _clients[endpoint]


def _knock(endpoint: str) -> None:
    """Fail at once if nobody listens: retries are for an endpoint that is briefly out of order."""
    parts = urlsplit(endpoint)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise Unavailable(f"MTURK_ENDPOINT_URL is {endpoint!r}: its port is not a number") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unavailable(
            f"MTURK_ENDPOINT_URL is {endpoint!r}: give an address that begins with https:// or"
            " http://"
        )
    if get_environ_proxies(endpoint):
        return
    for attempt in range(3):
        try:
            with socket.create_connection((parts.hostname, port), timeout=CONNECT):
                break
        except OSError as error:
            why = error.strerror or type(error).__name__
        time.sleep(0.2 * attempt)
    else:
        raise Unavailable(unreachable(endpoint, why))
    session = URLLib3Session(timeout=(CONNECT, READ))
    try:  # any answer will do, even a closed connection; silence will not
        session.send(AWSRequest("HEAD", endpoint).prepare())
    except ReadTimeoutError:
        raise Unavailable(unreachable(endpoint, f"no answer within {READ} seconds")) from None
    except BotoCoreError:
        pass
    finally:
        session.close()


def _rate(endpoint: str) -> float:
    """Calls a second: the setting, else 20 for Amazon's end and no limit on this machine."""
    if settings.MTURK_CALLS_PER_SECOND is not None:
        return settings.MTURK_CALLS_PER_SECOND
    return 0.0 if is_loopback(endpoint) else 20.0


def in_parallel(work: Iterable[T], call: Callable[[T], R]) -> Iterator[tuple[T, R]]:
    """(item, call(item)) for each, as they finish, some at a time; `call` uses no database.

    After a failure no further call begins; those under way are still yielded, then it is raised.
    """
    items = iter(work)
    running: dict[Future[R], T] = {}
    failure: BaseException | None = None
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while True:
            while failure is None and len(running) < 2 * AT_ONCE:
                try:
                    item = next(items)
                except StopIteration:
                    break
                running[pool.submit(call, item)] = item
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                item = running.pop(future)
                if (error := future.exception()) is not None:
                    failure = failure or error
                    running = {f: item for f, item in running.items() if not f.cancel()}
                else:
                    yield item, future.result()
    if failure is not None:
        raise failure


IDS = re.compile(r"\b[A-Z0-9]{10,64}\b")


def ids_in(text: str) -> list[str]:
    """Words of a message that look like MTurk's ids."""
    return IDS.findall(text)
