"""The machine's own browsers, for tests and for the programs that measure and picture pages."""

import shutil

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
QUIET += ("--disable-background-networking", "--disable-component-update")

# The two windows in which pages are looked at, by name.
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def chromium() -> str | None:
    """The installed Chromium or Chrome."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)
