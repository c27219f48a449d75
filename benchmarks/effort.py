"""A worker's effort: key presses, clicks, pixels scrolled and seconds for three pieces of work.

Chromium opens HITs of the demo's pictures, from the site as `up` serves it, in a window of
1440 x 900, and a program answers them as a worker would who knows the page's keys:

- grids: `--grids` HITs of `--tiles` tiles under one label, each with three positives at random;
- cards: a HIT of 9 tiles in 8 sections, half of which show the label;
- forms: a HIT of five pictures that offer 12 labels in all; two of each picture's are checked, and
  one of the two is the main object.

By keyboard the program takes the shortest way that it finds: it learns where each key leads from
each place by trying it on a page of its own, and plans its way through what it has to choose. By
mouse it clicks, and turns the wheel (100 px a notch) where the next target is not in sight. A
press with Shift or Ctrl held counts once. Cards and the form are done twice, and the second time
counts: a page that follows one answered by keyboard begins with the focus in the work. Every
answer is sent, and compared in the database.

Seconds are an estimate of the hands' work alone, without looking and deciding (keystroke-level
model of Card, Moran and Newell, 1980: 0.28 s a press, 1.1 s to point, 0.2 s a click; 0.1 s a notch
of the wheel).

The last line is the mean number of presses for a grid.
"""

import argparse
import random
import re
import statistics
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.studies.pictured import door, open_classify, open_contains, site
from tests.studies.browsers import SIZES, opened

CARDS = (1, 1, 1, 2, 1, 1, 1, 1)  # tiles in each section
OFFERED = (3, 2, 3, 2, 2)  # labels of each picture
MOVES = ("Tab", "Shift+Tab", "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End")
MOVES += ("n", "p")
NOWHERE = "body"
FIRST = ("Tab", "Control+End")  # from nowhere, at each of which the page is loaded anew
PRESS, POINT, CLICK, NOTCH = 0.28, 1.1, 0.2, 0.1  # seconds

# A name for what has the focus that is the same on every page: "selected 7 @2" is the eighth
# checkbox of that name in the third question. Ids would differ from HIT to HIT.
NAMES = """
    window.kindOf = (e) => (e.name || e.tagName).toLowerCase().split("-")[0];
    window.questions = () => [...document.querySelectorAll("[data-section], [data-item]")];
    window.stops = () => [...document.querySelectorAll(
        "input:not([type=hidden]), a, button, summary, textarea, fieldset, [tabindex]")];
    window.alike = (kind, question) => stops().filter((e) => kindOf(e) === kind)
        .filter((e) => questions().findIndex((q) => q.contains(e)) === question);
    window.focused = () => {
      const e = document.activeElement;
      if (!e || e === document.body) return "body";
      const question = questions().findIndex((question) => question.contains(e));
      return `${kindOf(e)} ${alike(kindOf(e), question).indexOf(e)} @${question}`;
    };
    window.shape = () => stops().map((e) =>
        `${kindOf(e)} @${questions().findIndex((q) => q.contains(e))}`).join();
    window.named = (name) => {
      const [, kind, number, question] = /(\\w+) (\\d+) @(.+)/.exec(name);
      return alike(kind, Number(question))[Number(number)];
    };
    window.put = (name) => {
      named(name)?.focus();
      return focused();
    };
    window.sizes = (name) => questions().map((question) =>
        question.querySelectorAll(`input[name^=${name}]`).length);
"""

SETTLED = """(before) => new Promise((done) => {
    let last = before;
    const look = () => {
      if (scrollY !== before && scrollY === last) return done(true);
      last = scrollY;
      setTimeout(look, 100);
    };
    look();
})"""


@dataclass
class Effort:
    """What one piece of work took."""

    presses: int = 0
    clicks: int = 0
    notches: int = 0
    pixels: float = 0
    screens: float = 0  # the page's height in windows

    @property
    def seconds(self) -> float:
        return self.presses * PRESS + self.clicks * (POINT + CLICK) + self.notches * NOTCH


@dataclass
class Choice:
    """Something to choose: `key` chooses it where `place` matches; a mouse clicks `click`."""

    place: str  # a regular expression
    key: str
    click: list[str]


class Map:
    """Where each key leads from each place, found out on a page that nobody answers."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.known: dict[tuple[str, str], str] = {}
        self.seen: dict[tuple[str, str], str] = {}  # on the page that is answered, if it differs

    def next(self, place: str, key: str) -> str:
        if (place, key) not in self.known:
            if place == NOWHERE:
                self.page.reload()
                ready(self.page)
            elif self.page.evaluate("(name) => put(name)", place) != place:
                return place  # only there while something else is chosen
            self.page.keyboard.press(key)
            self.known[place, key] = self.page.evaluate("focused()")
        return self.known[place, key]

    def way(self, start: str, wanted: str) -> tuple[list[str], str]:
        """The fewest keys from a place to one that matches, and which that is."""
        seen, queue = {start}, deque([(start, [])])
        while queue:
            place, keys = queue.popleft()
            if re.fullmatch(wanted, place):
                return keys, place
            for key in FIRST if place == NOWHERE else MOVES:
                there = self.seen.get((place, key)) or self.next(place, key)
                if there not in seen:
                    seen.add(there)
                    queue.append((there, [*keys, key]))
        raise RuntimeError(f"no key leads from {start} to {wanted}")


def ready(page: Any) -> None:
    page.wait_for_selector("form.work[data-ready]")


def in_best_order(known: Map, start: str, choices: list[Choice]) -> list[Choice]:
    """The order of few choices that takes the fewest keys; many stay in the page's order."""
    if len(choices) > 4:
        return choices

    def length(order: tuple[Choice, ...]) -> int:
        place, keys = start, 0
        for choice in order:
            way, place = known.way(place, choice.place)
            keys += len(way)
        return keys

    return list(min(permutations(choices), key=length))


def by_keyboard(page: Any, known: Map, choices: list[Choice]) -> Effort:
    """Answer the HIT that the page shows, and send it."""
    effort = Effort(screens=screens(page))

    def press(key: str) -> None:
        page.keyboard.press(key)
        effort.presses += 1

    for choice in in_best_order(known, page.evaluate("focused()"), choices):
        while not re.fullmatch(choice.place, place := page.evaluate("focused()")):
            (key, *_), _ = known.way(place, choice.place)
            press(key)
            known.seen[place, key] = page.evaluate("focused()")  # may differ: much is chosen
        press(choice.key)
    sent(page, lambda: press("Control+Enter"))
    return effort


def by_mouse(page: Any, choices: list[Choice]) -> Effort:
    """Answer the HIT that the page shows, and send it."""
    effort = Effort(screens=screens(page))

    def in_sight(element: Any) -> int:
        """0, or whether to turn the wheel down (1) or up (-1)."""
        return element.evaluate(
            """(e) => {
                const box = e.getBoundingClientRect();
                const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
                const top = document.elementFromPoint(x, y);
                if (top && (top === e || e.contains(top) || e.labels?.[0]?.contains(top))) return 0;
                return y > innerHeight / 2 ? 1 : -1;
            }"""
        )

    def click(element: Any) -> None:
        while way := in_sight(element):
            before = page.evaluate("scrollY")
            page.mouse.wheel(0, 100 * way)
            page.wait_for_function(SETTLED, arg=before)
            effort.notches += 1
            effort.pixels += abs(page.evaluate("scrollY") - before)
        box = element.bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        effort.clicks += 1

    page.mouse.move(*(side / 2 for side in SIZES["desk"].values()))
    for choice in choices:
        for name in choice.click:
            click(page.evaluate_handle("(name) => named(name)", name))
    submit = page.query_selector(".bar button.main")
    sent(page, lambda: click(submit))
    return effort


def screens(page: Any) -> float:
    return page.evaluate("document.documentElement.scrollHeight / innerHeight")


def sent(page: Any, send: Callable[[], None]) -> None:
    """Send the answer and wait until the next page is there. Raises RuntimeError if it stays."""
    here = page.url
    send()
    page.wait_for_url(lambda url: url != here)
    if "problems" in page.url:
        raise RuntimeError(page.inner_text("#problems"))


def select(tile: int, section: int = 0) -> Choice:
    name = f"selected {tile} @{section}"
    return Choice(name, "Space", [name])


def grid_of(positives: list[int]) -> Callable[[Any], tuple[list[Choice], list[int]]]:
    """The positives of a page of one section; the answer."""
    return lambda page: ([select(tile) for tile in positives], positives)


def cards(page: Any) -> tuple[list[Choice], list[int]]:
    """Every second section's first tile shows the label, the others nothing does; the answer."""
    choices, answer, tile = [], [], 0
    for section, size in enumerate(page.evaluate("sizes('selected')")):
        if section % 2:
            choices.append(Choice(rf"\w+ \d+ @{section}", "0", [f"none 0 @{section}"]))
        else:
            choices.append(select(0, section))
            answer.append(tile)
        tile += size
    return choices, answer


def form(page: Any) -> tuple[list[Choice], list[Any]]:
    """The first two labels of each picture, of which the second is the main object; the answer."""
    choices = []
    for number in range(len(page.evaluate("questions()"))):
        anywhere = rf"\w+ \d+ @{number}"
        second = [f"labels 1 @{number}", f"main 1 @{number}"]
        choices.append(Choice(anywhere, "1", [f"labels 0 @{number}"]))
        choices.append(Choice(anywhere, "Shift+2", second))
    return choices, [(2, True)] * (len(choices) // 2)


def chosen(campaign: Any) -> list[Any]:
    """The answers in the database, the newest last, their tiles in the order of the page."""
    from tasks.models import Assignment

    answers = []
    for done in Assignment.objects.filter(campaign=campaign, state="submitted").order_by(
        "submitted_at"
    ):
        if campaign.kind == "contains":
            answers.append(sorted(done.shown.index(position) for position in done.selected))
        else:
            answers.append([(len(a["selected"]), a["main"] in a["selected"]) for a in done.answers])
    return answers


@dataclass
class Work:
    """A campaign, a worker who answers it, and a map of each shape that its pages have."""

    campaign: Any
    page: Any
    other: Any  # a second window, to learn the keys in
    maps: dict[str, Map] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)

    def map(self) -> Map:
        """The map of the page to answer: what can have the focus there differs by HIT."""
        self.other.context.clear_cookies()  # it comes as the same worker
        self.other.goto(self.page.url)
        ready(self.other)
        shape = self.page.evaluate("shape()")
        known = self.maps.setdefault(shape, Map(self.other))
        known.seen = {}
        return known

    def check(self) -> None:
        """Raises RuntimeError unless every answer in the database is what was chosen."""
        if (stored := chosen(self.campaign)) != self.asked:
            raise RuntimeError(f"{self.campaign.slug}: stored {stored}, chosen {self.asked}")


def begun(browser: Any, address: str, campaign: Any) -> Work:
    page, other = (browser.new_context(viewport=SIZES["desk"]).new_page() for _ in range(2))
    for window in (page, other):
        window.add_init_script(NAMES)
    page.goto(door(address, campaign))
    page.get_by_role("button", name="Begin").click()
    return Work(campaign, page, other)


def measure(work: Work, choose: Callable[[Any], tuple[list[Choice], Any]], mouse: bool) -> Effort:
    """Do the next HIT of the work."""
    ready(work.page)
    choices, answer = choose(work.page)
    effort = by_mouse(work.page, choices) if mouse else by_keyboard(work.page, work.map(), choices)
    work.asked.append(answer)
    return effort


def said(name: str, keyboard: list[Effort], mouse: list[Effort], goal: int) -> str:
    def mean(efforts: list[Effort], what: str) -> float:
        return statistics.mean(getattr(effort, what) for effort in efforts)

    return (
        f"{name}: {mean(keyboard, 'presses'):.1f} presses (goal: {goal}),"
        f" {mean(keyboard, 'seconds'):.1f} s; by mouse {mean(mouse, 'clicks'):.1f} clicks,"
        f" {mean(mouse, 'pixels'):.0f} px scrolled, {mean(mouse, 'seconds'):.1f} s;"
        f" {mean(mouse, 'screens'):.1f} screens"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grids", type=int, default=100, help="by keyboard (100)")
    parser.add_argument("--clicked", type=int, default=10, help="grids by mouse (10)")
    parser.add_argument("--tiles", type=int, default=48, help="of a grid (48)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with site() as address, opened() as browser:
        number = options.grids + options.clicked
        work = begun(browser, address, open_contains([[options.tiles]] * (number + 1)))
        grids: dict[bool, list[Effort]] = {False: [], True: []}
        for n in range(number):
            positives = sorted(rng.sample(range(options.tiles), min(3, options.tiles)))
            mouse = n >= options.grids
            grids[mouse].append(measure(work, grid_of(positives), mouse))
        work.check()
        others = {}
        for name, campaign, choose in (
            ("9 tiles in 8 sections", open_contains([CARDS] * 4), cards),
            ("5 pictures, 12 labels", open_classify(4, OFFERED), form),
        ):
            work = begun(browser, address, campaign)
            first, *others[name] = (measure(work, choose, mouse) for mouse in (False, False, True))
            work.check()
            print(f"{name}: {first.presses} presses for a worker's first")
    for (name, efforts), goal in zip(others.items(), (10, 15), strict=True):
        print(said(name, *([effort] for effort in efforts), goal))
    print(said(f"{options.tiles} tiles with three positives", grids[False], grids[True], 16))


if __name__ == "__main__":
    main()
