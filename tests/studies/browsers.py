"""The machine's own browsers, for tests and for the programs that measure and picture pages."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The same browser built without windows, tabs and toolbars: a page costs a quarter of the time.
SHELL = "chromium-headless-shell"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
QUIET += ("--disable-background-networking", "--disable-component-update")

# The two windows in which pages are looked at, by name.
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def chromium(whole: bool = False) -> str | None:
    """The installed Chromium or Chrome, its headless shell first unless the `whole` is wanted."""
    programs = CHROMIUM if whole else (SHELL, *CHROMIUM)
    return next(filter(None, map(shutil.which, programs)), None)


@contextmanager
def opened() -> Iterator[Any]:
    """Playwright's browser over it, for a program; ends the program where none is installed."""
    from playwright.sync_api import sync_playwright

    program = chromium(whole=True)
    if program is None:
        sys.exit("Error: no Chromium or Chrome is installed, in which to open the pages.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield browser
        browser.close()


def tab_to(page: Any, selector: str) -> None:
    """Press Tab until the focus is on such an element."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def follow(page: Any, link: Any) -> None:
    """Click `link`, and wait for the page that it leads to: a click alone does not."""
    with page.expect_navigation():
        link.click()
