"""A process that is killed at its n-th call to MTurk."""

from collections import Counter

from tasks.crowds.mturk.client import Client


class Killed(BaseException):
    """The process ends here."""


def kill_at(monkeypatch, number: int, after_effect: bool) -> Counter:
    """Kill the process at the n-th Client.call; `after_effect`: MTurk has carried that call out."""
    real = Client.call
    calls: Counter = Counter()

    def call(self, operation, **parameters):
        calls["all"] += 1
        if calls["all"] < number:
            return real(self, operation, **parameters)
        if after_effect or calls["all"] > number:
            real(self, operation, **parameters)
        raise Killed

    monkeypatch.setattr(Client, "call", call)
    return calls
