"""A simulated worker's browser, without a window: what goes over the wire is the same."""

import functools
from typing import Any

import httpx

PATIENCE = 60.0  # seconds for one page
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
