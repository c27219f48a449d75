"""A simulated worker's browser, without a window: what goes over the wire is the same."""

import functools
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpx

PATIENCE = 60.0  # seconds for one page
AGAIN = 0.3  # seconds until somebody tries again
# Shorter than gunicorn keeps a connection open (2 s): a request sent just as the site closes it
# would fail, where a person's browser asks again by itself.
IDLE = 1.0

# Reading the certificates takes longer than loading a page.
_tls = functools.cache(httpx.create_ssl_context)


def new_browser(**options: Any) -> httpx.Client:
    """A browser with cookies of its own; the options are httpx.Client's."""
    return httpx.Client(
        timeout=PATIENCE,
        trust_env=False,
        verify=_tls(),
        limits=httpx.Limits(keepalive_expiry=IDLE),
        **options,
    )


def form_data(fields: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """A form's fields, as httpx takes them."""
    data: dict[str, list[str]] = {}
    for name, value in fields:
        data.setdefault(name, []).append(value)
    return data


def ask_patiently(
    browser: httpx.Client,
    method: str,
    address: str,
    data: dict[str, Any] | None = None,
    stopped: Callable[[], bool] = lambda: False,
    noted: Callable[[], None] = lambda: None,
) -> httpx.Response:
    """A page; like anybody, whoever asks tries again (`noted`) while the site is away.

    Raises RuntimeError if it does not come back in PATIENCE seconds, and once `stopped`.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            page = browser.request(method, address, data=data or None)
            if page.status_code < 500:
                return page
            trouble = f"status {page.status_code}"
        except httpx.HTTPError as error:
            trouble = type(error).__name__
        if stopped() or time.monotonic() > deadline:
            raise RuntimeError(f"{httpx.URL(address).path}: {trouble}, again and again")
        noted()
        time.sleep(AGAIN)
