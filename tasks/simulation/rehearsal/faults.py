"""Faults on request: throttling, errors of the server, lost connections, slowness."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

from tasks.simulation.rehearsal.protocol import Fault


class Dropped(Exception):
    """The connection ends without an answer."""


class WebPage(Exception):
    """Something in between answers with a page, for a person to read."""

    status = 200
    body = b"<!DOCTYPE html><title>Maintenance</title><p>We will be back soon."


def throttled() -> Exception:
    """MTurk's answer to too many requests."""
    return Fault(400, "ThrottlingException", "Rate exceeded")


def failed() -> Exception:
    """MTurk's answer when it is out of order."""
    return Fault(500, "ServiceFault", "Try your call again.", "ServiceFault")


@dataclass
class Faults:
    """How often a request goes wrong, from 0 to 1 each, and how many a second are accepted."""

    throttled: float = 0.0  # refused before it does anything
    failed: float = 0.0  # 500, before it does anything
    page: float = 0.0  # a web page, before it does anything
    lost: float = 0.0  # the connection ends before it does anything
    dropped: float = 0.0  # the connection ends after its effect
    unclear: float = 0.0  # 500 after its effect
    slow: float = 0.0  # answers late
    slow_seconds: float = 0.2
    rate: float = 0.0  # requests a second; 0: as they come

    def __post_init__(self) -> None:
        for fault in fields(self):
            value = getattr(self, fault.name)
            if value < 0 or (fault.name not in ("slow_seconds", "rate") and value > 1):
                raise ValueError(f"{fault.name}: {value} is not a share")


EVERYTHING = Faults(throttled=0.02, failed=0.02, lost=0.01, dropped=0.03, unclear=0.02, slow=0.02)


class Troublemaker:
    """Makes requests go wrong as often as `faults` says, by a seed."""

    def __init__(
        self,
        faults: Faults,
        seed: int = 0,
        throttled: Callable[[], Exception] = throttled,
        failed: Callable[[], Exception] = failed,
    ) -> None:
        """`throttled`, `failed`: what a marketplace answers then."""
        self.faults = faults
        self._throttled, self._failed = throttled, failed
        self.next: list[str] = []  # faults of the coming requests, by name; "": none
        self.taken = 0  # requests within the rate, whether or not they went wrong
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._tokens, self._filled = 1.0, time.monotonic()

    def around(self, effect: Callable[[], bytes]) -> bytes:
        """The answer to a request, unless it goes wrong (raises a fault, Dropped, WebPage)."""
        before, after = self._choose()
        if before == "throttled":
            raise self._throttled()
        if before == "failed":
            raise self._failed()
        if before == "page":
            raise WebPage
        if before == "lost":
            raise Dropped
        answer = effect()
        if after == "slow":
            time.sleep(self.faults.slow_seconds)
        if after == "dropped":
            raise Dropped
        if after == "unclear":
            raise self._failed()
        return answer

    def _choose(self) -> tuple[str, str]:
        with self._lock:
            if self.next:
                name = self.next.pop(0)
                return name, name
            if self.faults.rate and not self._take():
                return "throttled", ""
            self.taken += 1
            before = self._one_of("throttled", "failed", "lost", "page")
            return before, "" if before else self._one_of("dropped", "unclear", "slow")

    def _one_of(self, *names: str) -> str:
        at = self._random.random()
        for name in names:
            at -= getattr(self.faults, name)
            if at < 0:
                return name
        return ""

    def _take(self) -> bool:
        now = time.monotonic()
        burst = max(1.0, self.faults.rate / 4)
        self._tokens = min(burst, self._tokens + (now - self._filled) * self.faults.rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
