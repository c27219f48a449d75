"""Makes the pictures of the workers' pages in docs/images/ (`make screenshots`).

Every page in two windows and two colour schemes, from a site of its own with the demo's pictures
(free photographs that come inside packages). Ids, orders and times are the same in each run, and a
picture that looks as before is not written again.
"""

import argparse
import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from PIL import Image, ImageChops, ImageStat

from benchmarks.studies.pictured import door, open_classify, open_contains, site
from tests.studies.browsers import SIZES, opened

IMAGES = Path(__file__).parent / "images"
SCHEMES = ("light", "dark")
QUALITY = 60  # of WebP: words stay legible
LOOKS_THE_SAME = 0.5  # mean difference of a pixel's channels, of 255
KEPT_UNTIL = time(14, 32)

CUP, ESPRESSO, CAT = "n07930864", "n07920052", "n02124075"
TRIPOD, PALACE, UNIFORM, BENCH, LAKE = (
    "n04485082",
    "n03877845",
    "n03763968",
    "n03891251",
    "n09332890",
)
TABBY, MUG, CLOCK, ROOF, MISSILE = "n02123045", "n03063599", "n04548280", "n04435653", "n03773504"
CARDS = (1, 1, 1, 2, 1, 1, 1, 1)
OFFERED = (4, 3, 3)  # labels of the form's pictures
ASKED = (UNIFORM, TABBY, BENCH, CUP, CAT, TABBY, TRIPOD, CLOCK, BENCH, MISSILE)
# In place of a personal link, which differs in each run.
SHOWN_LINK = """document.querySelectorAll("input[value*='?me=']").forEach((input) => {
    input.value = "https://look.example.org/tasks/birds/?me=your-own-secret";
})"""


@dataclass
class Visitor:
    """Somebody who walks through all pages with one window and one colour scheme."""

    page: Any
    address: str
    look: str  # "1440-light"
    keep: Callable[[str, bytes], None]

    def picture(self, name: str) -> None:
        """Keep the window as the picture of that name."""
        self.page.wait_for_load_state("networkidle")
        self.page.evaluate(SHOWN_LINK)
        self.page.mouse.move(0, 0)
        self.keep(f"{name}-{self.look}", self.page.screenshot(animations="disabled", caret="hide"))

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def begin(self, campaign: Any) -> str:
        """Begin, and come to a page that is the same in each run: its path."""
        from tasks.models import Assignment
        from tasks.pages.addresses import hit_address

        self.page.goto(door(self.address, campaign))
        self.page.get_by_role("button", name="Begin").click()
        self.page.wait_for_url("**/hit/**")
        assignment = Assignment.objects.get(token=self.page.url.split("assignmentId=")[1])
        assignment.token = f"{campaign.pk}-{self.look}"
        assignment.shown = sorted(assignment.shown)
        now = datetime.now(UTC)
        end = datetime.combine(now.date(), KEPT_UNTIL, UTC)
        assignment.expires_at = end if end > now else end + timedelta(days=1)
        assignment.save()
        path = hit_address(assignment)
        self.go(path)
        self.page.wait_for_selector("form.work[data-ready]")
        return path

    def section(self, number: int) -> Any:
        return self.page.locator("fieldset").nth(number)

    def submit(self) -> None:
        self.page.locator(".bar button.main").click()


def walk(visitor: Visitor, grid: Any, cards: Any, form: Any) -> Iterator[None]:
    """Make all pictures; waits once, until all others have come as far and the studies end."""
    page = visitor.page
    page.goto(door(visitor.address, grid))
    visitor.picture("begin")
    visitor.begin(grid)
    page.locator("details.instructions").evaluate("(details) => { details.open = false; }")
    for tile in (2, 5, 13):
        visitor.section(0).locator("input[name=selected]").nth(tile).check()
    page.evaluate("scrollTo(0, 0)")
    visitor.picture("contains")
    visitor.section(0).locator("input[name=selected]").nth(2).focus()
    for key, name in (("z", "zoom"), ("?", "keys")):
        page.keyboard.press(key)
        page.wait_for_selector("dialog[open]")
        visitor.picture(name)
        page.keyboard.press("Escape")
    visitor.submit()
    page.get_by_role("heading", name="Thank you").wait_for()
    visitor.picture("thanks")
    visitor.go("/tasks/")
    visitor.picture("list")

    where = visitor.begin(cards)
    page.locator("details.instructions").evaluate("(details) => { details.open = false; }")
    visitor.section(0).locator("input[name=selected]").check()
    visitor.section(1).locator("input[name=none]").check()
    visitor.section(3).locator("input[name=selected]").first.check()
    page.evaluate("scrollTo(0, 0)")
    visitor.picture("cards")
    # As a page without scripts would come back: the site itself says what is missing.
    with page.expect_navigation():
        page.evaluate("HTMLFormElement.prototype.submit.call(document.querySelector('form.work'))")
    page.wait_for_selector("form.work[data-ready]")
    visitor.picture("problems")

    expired = visitor.begin(form)
    visitor.picture("instructions")
    page.locator("details.instructions").evaluate("(details) => { details.open = false; }")
    visitor.section(0).locator("input[name^=labels-]").nth(0).check()
    visitor.section(0).locator("input[name^=labels-]").nth(2).check()
    visitor.section(0).locator("input[name^=main-]").nth(0).check()
    visitor.section(0).evaluate("(section) => section.scrollIntoView()")
    visitor.picture("classify")
    _expire(expired)
    visitor.go(expired)
    page.evaluate("scrollTo(0, 0)")
    visitor.picture("expired")
    visitor.go("/hit/nothing/")
    visitor.picture("refused")
    _show_hand_in(page, visitor.address)
    visitor.picture("hand-in")
    yield
    visitor.go(where)
    visitor.picture("ended")


def _expire(path: str) -> None:
    from tasks.models import Assignment

    past = datetime.now(UTC) - timedelta(minutes=1)
    Assignment.objects.filter(token=path.split("assignmentId=")[1]).update(expires_at=past)


def _show_hand_in(page: Any, address: str) -> None:
    """The page on which a marketplace's worker hands in; the script that goes on is kept away."""
    from django.template.loader import render_to_string

    context = {"hand_in": {"action": "/", "fields": {"answer": "{}"}}, "late": False}
    body = render_to_string("tasks/hand_in.html", context)
    page.route("**/hand-in.js", lambda route: route.abort())
    page.route("**/hand-in/", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.goto(f"{address}/hand-in/")


def keeper(folder: Path, same: float = LOOKS_THE_SAME) -> Callable[[str, bytes], None]:
    """A function that keeps a screenshot (PNG) as a small WebP, unless it shows nothing new."""

    def keep(name: str, png: bytes) -> None:
        file = folder / f"{name}.webp"
        out = io.BytesIO()
        Image.open(io.BytesIO(png)).convert("RGB").save(out, "WEBP", quality=QUALITY, method=6)
        if file.exists():
            old, new = (Image.open(f).convert("RGB") for f in (file, io.BytesIO(out.getvalue())))
            if old.size == new.size:
                apart = ImageStat.Stat(ImageChops.difference(old, new)).mean
                if max(apart) < same:
                    return
        file.write_bytes(out.getvalue())
        print(f"{file.name}: {len(out.getvalue()) / 1024:.0f} KB")

    return keep


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=IMAGES, help="a folder (docs/images)")
    folder = parser.parse_args().out
    os.environ["SECRET_KEY"] = "ids that are the same whenever the pictures are made"
    folder.mkdir(parents=True, exist_ok=True)
    with site() as address, opened() as browser:
        from tasks.campaigns.publish import close

        titles = {"title": "Find what is in pictures", "description": "Look at photographs."}
        grid = open_contains([[48]], [ESPRESSO], **titles)
        cards = open_contains(
            [CARDS], [CUP, CAT, TRIPOD, PALACE, UNIFORM, ESPRESSO, LAKE, BENCH], title="Yes or no?"
        )
        form = open_classify(1, OFFERED, ASKED, title="Say what is in pictures")
        walks = []
        for size in SIZES:
            for scheme in SCHEMES:
                context = browser.new_context(
                    viewport=SIZES[size],
                    color_scheme=scheme,
                    has_touch=size == "phone",
                    is_mobile=size == "phone",
                    locale="en-GB",
                    timezone_id="UTC",
                )
                look = f"{SIZES[size]['width']}-{scheme}"
                visitor = Visitor(context.new_page(), address, look, keeper(folder))
                walks.append(walk(visitor, grid, cards, form))
                next(walks[-1])
        for campaign in (grid, cards, form):
            close(campaign, who="the screenshots")
        for last in walks:
            next(last, None)
    size = sum(file.stat().st_size for file in folder.glob("*.webp"))
    print(f"{len(list(folder.glob('*.webp')))} pictures, {size / 2**20:.1f} MB")


if __name__ == "__main__":
    main()
