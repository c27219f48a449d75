"""A process that is killed at its n-th call to a marketplace."""

from collections import Counter


class Killed(BaseException):
    """As kill -9: nothing in the program can catch it."""


def kill_at(monkeypatch, client: type, method: str, number: int, after_effect: bool) -> Counter:
    """Kill the process at the n-th call of a method, by which its client asks a marketplace.

    `after_effect`: the marketplace has carried that call out.
    """
    real = getattr(client, method)
    calls: Counter = Counter()

    def call(self, *args, **parameters):
        calls["all"] += 1
        if calls["all"] < number:
            return real(self, *args, **parameters)
        if after_effect or calls["all"] > number:
            real(self, *args, **parameters)
        raise Killed

    monkeypatch.setattr(client, method, call)
    return calls
