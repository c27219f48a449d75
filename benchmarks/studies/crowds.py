"""Workers in browsers of their own, many at once, and how long they wait: for load.py."""

import contextlib
import http.client
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

TILES = 48  # of a HIT
FIRST_DRAFT = 4  # seconds from the page to its first draft: two until the first choice, two more
NEXT_DRAFT = 10
Field = tuple[str, str]


@dataclass
class Browser:
    """A worker's browser without pictures: keeps its cookie, reads the form and posts it."""

    SECTION = re.compile(r'name="none" value="([^"]+)"')
    ITEM = re.compile(r'name="selected" value="([^"]+)"')
    HIDDEN = re.compile(r'type="hidden" name="([^"]+)" value="([^"]*)"')
    ACTION = re.compile(r'<form method="post" action="([^"]+)"')

    address: str
    think: float  # seconds, on average
    rng: random.Random
    source: str  # an address of this machine of its own
    pages: list[float] = field(default_factory=list)
    drafts: list[float] = field(default_factory=list)
    submits: list[float] = field(default_factory=list)
    cookie: str = ""

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(
            urlsplit(self.address).netloc, timeout=60, source_address=(self.source, 0)
        )

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str, str]:
        """The status, the redirect's address, and the page."""
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        page = answer.read().decode()
        if cookie := answer.getheader("Set-Cookie"):
            self.cookie = cookie.split(";")[0]
        return answer.status, answer.getheader("Location") or "", page

    def do(self, where: str) -> tuple[int, str, str]:
        """Do one HIT, from its page to the response to its form. Raises RuntimeError."""
        started = time.monotonic()
        status, _, page = self.ask("GET", where)
        self.pages.append(time.monotonic() - started)
        if status != 200 or len(self.ITEM.findall(page)) != TILES:
            raise RuntimeError(f"GET {where}: {status}, not a page of {TILES} tiles")
        form = page[: page.index("</form>")]
        fields = [(name, unescape(value)) for name, value in self.HIDDEN.findall(form)]
        choices = [("none", section) for section in self.SECTION.findall(page)]
        self.choose(where, fields, choices)
        fields += choices
        started = time.monotonic()
        answer = self.ask("POST", where.split("?")[0], urlencode(fields))
        self.submits.append(time.monotonic() - started)
        return answer

    def choose(self, where: str, fields: list[Field], choices: list[Field]) -> None:
        """Look at the pictures and choose; as the page does, save a draft from time to time.

        Meanwhile the server closes the connection. Raises RuntimeError.
        """
        if not self.think:
            return
        left = self.think * self.rng.uniform(0.5, 1.5)
        revision, wait = 0, FIRST_DRAFT
        while left > wait:
            self.connection.close()
            time.sleep(wait)
            left -= wait
            revision, wait = revision + 1, NEXT_DRAFT
            draft = [*fields, *choices[:revision], ("draft", "1"), ("revision", str(revision))]
            started = time.monotonic()
            status, _, _ = self.ask("POST", where.split("?")[0], urlencode(draft))
            self.drafts.append(time.monotonic() - started)
            if status != 204:
                raise RuntimeError(f"POST of a draft: {status}")
        self.connection.close()
        time.sleep(left)


Work = Callable[[Browser], None]


def on_site(campaign: Any, workers: int, seconds: float) -> Work:
    """Do HIT after HIT of a local campaign, each with an invitation of their own, until none is
    left or the time is over."""
    from tasks.crowds.local.invitations import make

    links = iter([made.path for made in make(campaign, "the benchmark", count=workers)])

    def work(browser: Browser) -> None:
        until = time.monotonic() + seconds
        path, _, invitation = next(links).partition("?")
        _, where, _ = browser.ask("POST", path, invitation)
        while "/hit/" in where and time.monotonic() < until:
            status, where, _ = browser.do(where)
            if status != 303:
                raise RuntimeError(f"POST: {status}")

    return work


class Board:
    """The open HITs of the stand-in for MTurk, looked up twice a second for all workers."""

    def __init__(self, market: Any) -> None:
        self.market = market
        self._hits: list[Any] = []
        self._looked = 0.0
        self._turn = threading.Lock()

    def accept(self, browser: Browser, worker: str, done: set[str]) -> Any:
        """An assignment of a HIT that the worker has not tried; None if none is free now."""
        from tasks.simulation.rehearsal.market import NotAllowed

        with self._turn:
            if time.monotonic() - self._looked > 0.5:
                self._hits, self._looked = self.market.open_hits(), time.monotonic()
            left = [hit for hit in self._hits if hit.id not in done]
        if left:
            hit = browser.rng.choice(left)
            done.add(hit.id)
            with contextlib.suppress(NotAllowed):
                return self.market.accept(hit, worker)
        return None


def in_frame(board: Board, submit_to: str, over: threading.Event) -> Work:
    """Do HIT after HIT in the frame of the stand-in for MTurk, until the campaign is over."""

    def work(browser: Browser) -> None:
        name = f"A{browser.rng.randrange(10**12):012d}"
        market = http.client.HTTPConnection(urlsplit(submit_to).netloc, timeout=60)
        done: set[str] = set()
        while not over.is_set():
            if (assignment := board.accept(browser, name, done)) is None:
                time.sleep(1)
                continue
            hit = assignment.hit
            ids = {"assignmentId": assignment.id, "hitId": hit.id, "workerId": name}
            query = urlencode(ids | {"turkSubmitTo": submit_to})
            status, _, page = browser.do(f"{urlsplit(board.market.external_url(hit)).path}?{query}")
            action = browser.ACTION.search(page)
            if status != 200 or action is None or not action[1].startswith(submit_to):
                raise RuntimeError(f"POST in the frame: {status}")
            fields = [(name, unescape(value)) for name, value in browser.HIDDEN.findall(page)]
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            market.request("POST", urlsplit(action[1]).path, urlencode(fields), kind)
            answer = market.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"handing in: {answer.status}")

    return work


@dataclass
class Times:
    """What a crowd measured: the seconds of each page, draft and submit, sorted, and its errors."""

    name: str
    pages: list[float]
    drafts: list[float]
    submits: list[float]
    rate: float  # HITs a second
    errors: int

    def say(self) -> None:
        print(
            f"{self.name:>26}: page p50 {at(0.5, self.pages):6.1f} ms"
            f" p95 {at(0.95, self.pages):6.1f} ms,"
            f" {len(self.drafts)} drafts p95 {at(0.95, self.drafts):6.1f} ms,"
            f" submit + next p50 {at(0.5, self.submits):6.1f} ms"
            f" p95 {at(0.95, self.submits):6.1f} ms,"
            f" {self.rate:5.1f} HITs/s, {self.errors} errors",
            flush=True,
        )


def at(share: float, times: list[float]) -> float:
    """A percentile, in milliseconds."""
    return 1000 * times[min(len(times) - 1, int(share * len(times)))] if times else float("nan")


def crowd(
    name: str,
    address: str,
    workers: int,
    think: float,
    work: Work,
    meanwhile: Callable[[], None] = lambda: None,
) -> Times:
    """Let `workers` work at once, each in a thread, arriving and thinking as load.py says."""
    browsers = [
        Browser(address, think, random.Random(number), f"127.1.{number // 200}.{number % 200 + 1}")
        for number in range(workers)
    ]
    errors: list[BaseException] = []

    def live(browser: Browser) -> None:
        try:
            time.sleep(think * browser.rng.random())
            work(browser)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=live, args=(browser,), daemon=True) for browser in browsers]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    meanwhile()
    for thread in threads:
        thread.join()
    spent = time.monotonic() - started
    for error in errors[:3]:
        print(f"  error: {error!r}")
    pages = sorted(t for browser in browsers for t in browser.pages)
    drafts = sorted(t for browser in browsers for t in browser.drafts)
    submits = sorted(t for browser in browsers for t in browser.submits)
    times = Times(name, pages, drafts, submits, len(submits) / spent, len(errors))
    times.say()
    return times
